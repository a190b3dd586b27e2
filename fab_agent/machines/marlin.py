"""The protocol of Marlin's serial line: numbers, checksums, resends, busy, temperatures.

Facts: docs of Marlin (M110, host keepalive, M155) and Marlin/src/gcode/queue.cpp. Firmware
answers every accepted line with `ok` and a damaged one with `Error:`, `Resend: n`, `ok`; it
empties its receive buffer with each resend.
"""

import re
from collections import deque
from functools import reduce
from operator import xor

from commons.errors import MachineError, MachineFault, ProtocolViolation
from fab_agent.machines.driver import (
    Control,
    Held,
    MachineEvent,
    Message,
    Resumed,
    Temperatures,
)
from fab_agent.machines.lines import AnswerLines, LineSource

# Marlin's RX_BUFFER_SIZE is 128 bytes, one of which a ring buffer leaves free.
WINDOW = 127
# MAX_CMD_SIZE is 96 bytes: number, checksum and the closing NUL take up to 16 of them.
LONGEST_LINE = 80
# After a resend request the rest of the window still arrives and is answered; 127 bytes take
# 11 ms at 115200 baud. Only when this is over does the last request count.
DRAIN_S = 0.06
# Marlin says `busy` every 2 s while it works: longer silence means that something was lost.
PROBE_S = 5.0
# Commands that may last; some firmware says nothing meanwhile.
PROBE_BLOCKING_S = 30.0
# Polls come five times a second; temperatures are asked for every two seconds.
POLLS_PER_QUESTION = 10
# Noise can make the printer acknowledge a few lines that it has not got. One that asks for a
# line further back has been reset and counts from 1: giving it the start again would print into
# the part.
REWIND_LIMIT = 16
# A line that fails this often in a row will not pass: the cable or the line is bad.
REFUSALS_LIMIT = 10

# Acknowledged when motion has ended. Firmware ignores the S0; it tells our own command from a
# program's M400.
SYNC = b"M400 S0"
# Marlin answers this in its turn with the position: proof that all before it is done, even if
# an `ok` was counted twice on a bad line.
_WHERE, _POSITION = b"M114\n", b"X:"
_BLOCKING = re.compile(rb"(?:G28|G29|M109|M190|M191|M400|M600)(?!\d)")
_LINE_ERROR = re.compile(rb"error:.*(?:last line|checksum|line number)", re.IGNORECASE)
_FATAL = re.compile(rb"(error:|fatal:|!!)", re.IGNORECASE)
_RESEND = re.compile(rb"(?:resend:|rs)\s*N?:?\s*(\d+)", re.IGNORECASE)
_HOTEND = re.compile(rb"\bT:\s*(-?[\d.]+)(?:\s*/\s*(-?[\d.]+))?")
_BED = re.compile(rb"\bB:\s*(-?[\d.]+)(?:\s*/\s*(-?[\d.]+))?")


def numbered(number: int, line: bytes) -> bytes:
    """`line` as Marlin checks it: number, text, and the XOR of both."""
    body = b"N%d %s" % (number, line)
    return b"%s*%d\n" % (body, reduce(xor, body))


def temperatures(line: bytes) -> Temperatures | None:
    """What a report such as `T:209.9 /210.0 B:60.1 /60.0` says, in °C; None if it is none."""
    hotend, bed = _HOTEND.search(line), _BED.search(line)
    if hotend is None and bed is None:
        return None
    try:
        return Temperatures(*_pair(hotend), *_pair(bed))
    except ValueError:  # a damaged report such as T:2.1.5
        return None


def _pair(match: re.Match[bytes] | None) -> tuple[float | None, float | None]:
    if match is None:
        return None, None
    return float(match[1]), None if match[2] is None else float(match[2])


class _Window:
    """What was sent and not acknowledged: (line number or None, bytes), oldest first."""

    def __init__(self) -> None:
        self.entries: deque[tuple[int | None, int]] = deque()
        self.size = 0

    def put(self, number: int | None, line: bytes) -> bytes:
        self.entries.append((number, len(line)))
        self.size += len(line)
        return line

    def take(self) -> int | None:
        number, size = self.entries.popleft()
        self.size -= size
        return number

    def keep_before(self, number: int) -> None:
        kept = [(n, size) for n, size in self.entries if n is not None and n < number]
        self.entries, self.size = deque(kept), sum(size for _, size in kept)


class MarlinStream:
    """One program on its way to a Marlin printer. No port, no clock, no thread.

    Line 0 is `M110 N0`, lines 1 to n are the program's, line n + 1 is `SYNC`, which Marlin
    acknowledges when motion has ended. Invariants: at most `window` bytes are unacknowledged
    (or one line alone); a number always stands for the same text, so that the printer executes
    every line once; after an error nothing more is sent.
    """

    def __init__(
        self,
        lines: LineSource,
        *,
        window: int = WINDOW,
        probe_s: float = PROBE_S,
        asks_temperatures: bool = False,
    ) -> None:
        self.answers = 0  # grows whenever the printer shows that it works on what it was sent
        self.finished = False  # every line is executed and motion has ended
        self._lines = lines
        self._last = lines.count + 1
        self._limit, self._probe_s = window, probe_s
        self._asks_temperatures, self._polls = asks_temperatures, 0
        self._partial = AnswerLines()
        self._next, self._done = 0, -1
        self._ready = self._prepare(0)
        self._queries: deque[bytes] = deque()  # lines of our own, without a number
        self._window = _Window()
        self._blocking = False
        self._resend_from: int | None = None
        self._resend_just_seen = False
        self._refused, self._refusals = -1, 0
        self._probes, self._probe_due, self._probing = 0, False, False
        self._held = self._hold_reported = False
        self._failed = False
        self._events: list[MachineEvent] = []

    @property
    def expects_answer(self) -> bool:
        """Something was sent that the printer has not answered yet."""
        return bool(self._window.entries) or self._resend_from is not None

    @property
    def lines_sent(self) -> int:
        """Lines of the program that were sent, from the first."""
        return min(max(self._next - 1, 0), self._lines.count)

    @property
    def lines_done(self) -> int:
        """Lines of the program that were acknowledged, from the first."""
        return min(max(self._done, 0), self._lines.count)

    def bytes_to_send(self) -> bytes:
        """What may be sent now; it counts as sent."""
        if self._failed or self._resend_from is not None:
            return b""
        out = [self._probe()] if self._probe_due else []
        if self._done == self._last and not self.expects_answer:
            self._queries.append(_WHERE)
        while self._queries and self._has_room(self._queries[0], blocking=False):
            out.append(self._window.put(None, self._queries.popleft()))
        while not self._held and self._next <= self._last:
            line, blocking = self._ready
            if not self._has_room(line, blocking=blocking):
                break
            out.append(self._window.put(self._next, line))
            self._blocking = blocking
            self._advance_to(self._next + 1)
        return b"".join(out)

    def receive(self, data: bytes) -> list[MachineEvent]:
        """Understand what the printer says, however it is cut; what others need is returned.

        Raises MachineFault or ProtocolViolation when the printer cannot be trusted to go on.
        """
        try:
            for line in self._partial.complete(data):
                if line == b"ok" and not self._resend_just_seen:
                    self._acknowledged()
                else:
                    self._understand(line)
        except MachineError:
            self._failed = True
            raise
        if self._held and not (self._hold_reported or self._queries or self.expects_answer):
            self._hold_reported = True
            self._events.append(Held("a person asked for it"))
        events, self._events = self._events, []
        return events

    def quiet(self, silent_s: float) -> None:
        """Take note that the printer has answered nothing for `silent_s` seconds."""
        if self._resend_from is not None:
            if silent_s >= DRAIN_S:
                self._rewind(self._resend_from)
        elif self._window.entries and silent_s >= self._patience_s() * (self._probes + 1):
            self._probes += 1
            self._probe_due = True

    def poll(self) -> bytes:
        """Ask for temperatures, if they do not come by themselves. Nothing jumps the queue."""
        self._polls += 1
        if self._asks_temperatures and self._polls % POLLS_PER_QUESTION == 0:
            self._queries.append(b"M105\n")
        return b""

    def control(self, control: Control) -> bytes:
        """Hold before the next line, or go on. What was sent already is still executed."""
        if control is Control.HOLD and not self._held:
            self._held, self._hold_reported = True, False
            self._queries.append(SYNC + b"\n")
        elif control is Control.RESUME and self._held:
            self._held = False
            self._events.append(Resumed())
        return b""

    def _prepare(self, number: int) -> tuple[bytes, bool]:
        """The line as it is sent, and whether it must be alone on its way."""
        if number == 0:
            return numbered(0, b"M110 N0"), True
        text = self._lines.line(number - 1) if number < self._last else SYNC
        return numbered(number, text), _BLOCKING.match(text) is not None

    def _advance_to(self, number: int) -> None:
        self._next = number
        if number <= self._last:
            self._ready = self._prepare(number)

    def _has_room(self, line: bytes, *, blocking: bool) -> bool:
        if not self._window.entries:
            return True
        fits = self._window.size + len(line) <= self._limit
        return fits and not blocking and not self._blocking

    def _probe(self) -> bytes:
        """The newest line once more: Marlin refuses a number it has had and names the next one."""
        self._probe_due, self._probing = False, True
        return b"\n" + self._prepare(max(self._next - 1, 0))[0]

    def _patience_s(self) -> float:
        at_work = self._blocking and self._next > 1
        return PROBE_BLOCKING_S if at_work else self._probe_s

    def _answered(self) -> None:
        self.answers += 1
        self._probes = 0

    def _acknowledged(self) -> None:
        self._answered()
        if not self._window.entries:
            return  # one `ok` too many: a doubled one, or the late answer to a probe
        number = self._window.take()
        self._blocking = self._blocking and bool(self._window.entries)
        self._probing = False
        if number is not None:
            self._done = max(self._done, number)

    def _understand(self, line: bytes) -> None:
        belongs_to_resend, self._resend_just_seen = self._resend_just_seen, False
        if (report := temperatures(line)) is not None:
            self._events.append(report)
            self.answers += self._blocking  # while it heats, Marlin says nothing else
        if line.startswith(b"ok"):
            if not belongs_to_resend:
                self._acknowledged()
        elif b"busy:" in line or _LINE_ERROR.match(line):
            self._answered()
        elif (resend := _RESEND.match(line)) is not None:
            self._resend_asked(int(resend[1]))
        elif self._done == self._last and line.startswith(_POSITION):
            self.finished = True
        elif report is None:
            self._fault_or_message(line)

    def _fault_or_message(self, line: bytes) -> None:
        text = line.decode("ascii", "replace")
        if line == b"start" or line.startswith(b"Marlin "):
            raise MachineFault(
                f"the printer restarted after line {self.lines_done}: look at the part and at "
                "the power supply; the rest is not sent"
            )
        if _FATAL.match(line):
            raise MachineFault(f"the printer stopped after line {self.lines_done}: {text}")
        if line != b"wait":
            self._events.append(Message(text))

    def _resend_asked(self, number: int) -> None:
        self._answered()
        self._resend_just_seen = True
        if number > self._next:
            raise ProtocolViolation(
                f"the printer asks for line {number}, but {self._next - 1} is the last it was "
                "sent: is another program using this port?"
            )
        if number < self._done - REWIND_LIMIT:
            raise MachineFault(
                f"the printer asks for line {number} again after acknowledging {self._done}: it "
                "must have been reset; look at the part"
            )
        self._resend_from = number

    def _rewind(self, number: int) -> None:
        """Go on from line `number`: the printer has every line before it and none after it."""
        self._resend_from = None
        self._count_refusal(number)
        self._window.keep_before(0 if self._probing else number)
        self._blocking = self._blocking and bool(self._window.entries)
        self._done = number - 1 if self._probing else min(self._done, number - 1)
        self._probing = False
        self._advance_to(number)

    def _count_refusal(self, number: int) -> None:
        again = number == self._refused and number < self._next
        self._refused, self._refusals = number, self._refusals + 1 if again else 0
        if self._refusals >= REFUSALS_LIMIT:
            self._failed = True
            raise MachineFault(
                f"the printer refused line {number} {REFUSALS_LIMIT} times in a row: check the "
                "USB cable, its length and what runs beside it"
            )
