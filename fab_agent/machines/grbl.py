"""The protocol of GRBL 1.1's serial line while a program runs: character counting.

Facts: gnea/grbl, doc/markdown/interface.md. Every line is answered by `ok` or `error:n` once it
has left the receive buffer, so that counting characters keeps the buffer full, not too full.
"""

import re
from bisect import bisect_right
from itertools import accumulate

from commons.errors import MachineError, MachineFault, ProgramRefused, ProtocolViolation
from fab_agent.machines.driver import Control, Held, MachineEvent, Message, Resumed
from fab_agent.machines.grbl_answers import Status, status_of
from fab_agent.machines.grbl_texts import DOORS, alarm_text, error_text
from fab_agent.machines.lines import LONGEST_ANSWER, LineSource

# The receive buffer of an Arduino Uno's GRBL; others say theirs in the answer to $I.
RX_BUFFER = 128
# However much it can hold: a hold waits behind what the wire has not carried yet, and 35 ms at
# 115200 baud is all that it may wait there. The wire stays full all the same.
MOST_IN_FLIGHT = 400
# LINE_BUFFER_SIZE is 80 bytes with the closing NUL.
LONGEST_LINE = 79
STATUS, HOLD, RESUME, RESET, JOG_CANCEL = b"?", b"!", b"~", b"\x18", b"\x85"
# GRBL may call itself idle once between `ok` and the start of the move; twice it means it.
IDLE_REPORTS = 2
# Idle, yet lines are unanswered: one was lost on the way.
LOST_LINE_S = 20.0
# It calls itself idle in a dwell, too: 60 s, the longest that a proof allows, at 5 reports a
# second, and some more.
DWELL_REPORTS = 350
# Lines made ready at once.
BLOCK = 512

_OK = b"ok\r\n"
_DWELL = re.compile(rb"G0?4(?![0-9.])")
_HELD = frozenset({"Hold", "Door"})
_AT_WORK = frozenset({"Idle", "Run", *_HELD})
# What GRBL says besides `ok`, `error:` and `ALARM:` begins so; all else is noise.
_SPEECH = ("[", "<", ">", "$", "Grbl")


class GrblStream:
    """A program, or its lines from `first` to before `end`, on their way to a GRBL controller.

    No port, no clock, no thread. Lines are counted from the program's beginning.

    Invariant: fewer bytes than `rx_buffer` are in flight, and never more than MOST_IN_FLIGHT,
    whatever the controller answers and however the answers are cut into reads. What room is left
    takes the beginning of the next line: it is counted as sent with its end. After an error, an
    alarm, a restart or noise nothing more is sent. GRBL's lines have neither number nor checksum:
    what is lost cannot be sent again, and nobody sees one that was garbled into another valid one.
    """

    def __init__(
        self,
        lines: LineSource,
        *,
        rx_buffer: int = RX_BUFFER,
        first: int = 0,
        end: int | None = None,
    ) -> None:
        self.answers = 0  # grows whenever the controller shows that it goes on
        self.lines_sent = self.lines_done = first
        self._end = lines.count if end is None else end
        self.lost = False  # the controller was locked or restarted: it may not know its place
        self._lines = lines
        self._limit = min(rx_buffer - 1, MOST_IN_FLIGHT)
        self._partial = b""
        # Lines from `_first` on, ready to be sent: their bytes, where each of them ends, and how
        # many bytes were sent.
        self._first, self._bytes, self._ends, self._at = first, b"", [0], 0
        self._status = Status("Idle")
        self._idle_reports = 0
        self._why_held: str | None = None
        self._failed = False

    @property
    def expects_answer(self) -> bool:
        """Every poll is answered, whatever the state."""
        return True

    @property
    def finished(self) -> bool:
        """Every line is acknowledged and the machine stands still."""
        return self.lines_done == self._end and self._idle_reports >= IDLE_REPORTS

    def bytes_to_send(self) -> bytes:
        """What may be sent now; it counts as sent."""
        if self._failed or self.lines_sent == self._end:
            return b""
        if self._at == len(self._bytes):
            self._prepare()
        ends, at = self._ends, self._at
        stop = min(ends[self.lines_done - self._first] + self._limit, len(self._bytes))
        self._at = stop
        self.lines_sent = self._first + bisect_right(ends, stop) - 1
        return self._bytes[at:stop]

    def receive(self, data: bytes) -> list[MachineEvent]:
        """Understand what the controller says; what others need to know is returned.

        Raises MachineFault or ProtocolViolation when it cannot be trusted to go on.
        """
        if self._partial:
            data = self._partial + data
            self._partial = b""
        # Nine of ten answers are nothing but `ok`: they are counted, not read.
        count = data.count(_OK)
        try:
            if count * len(_OK) == len(data):
                if count:
                    self._acknowledged(count)
                return []
            return self._read(data)
        except MachineError:
            self._failed = True
            raise

    def quiet(self, silent_s: float) -> None:
        """Raise ProtocolViolation when a line or its answer was lost on the way."""
        unanswered = self.lines_sent - self.lines_done
        if unanswered and self._idle_reports >= IDLE_REPORTS and silent_s > LOST_LINE_S:
            self._failed = True
            raise ProtocolViolation(
                f"the machine stands still after line {self.lines_done}, but {unanswered} lines "
                "are unanswered: something was lost on the cable; look for electrical noise"
            )

    def poll(self) -> bytes:
        """The question for its state, which GRBL answers past all that waits."""
        return STATUS

    def control(self, control: Control) -> bytes:
        """Feed hold or resume; both take effect at once, past all that waits."""
        return {Control.HOLD: HOLD, Control.RESUME: RESUME}.get(control, b"")

    def _prepare(self) -> None:
        """Make the next lines ready; those that are not acknowledged stay, for the counting."""
        done, sent = self.lines_done, self.lines_sent
        end = min(sent + BLOCK, self._end)
        lines = [self._lines.line(n) + b"\n" for n in range(done, end)]
        self._first, self._bytes = done, b"".join(lines)
        self._ends = [0, *accumulate(map(len, lines))]
        self._at = self._ends[sent - done]
        if (longest := max(map(len, lines))) > self._limit:
            raise self._too_long(done + list(map(len, lines)).index(longest) + 1, longest)

    def _too_long(self, line: int, size: int) -> ProgramRefused:
        return ProgramRefused(
            f"line {line} has {size} bytes, the controller's buffer takes {self._limit}",
            rule="line-too-long",
            line=line,
        )

    def _acknowledged(self, count: int) -> None:
        self.lines_done += count
        if self.lines_done > self.lines_sent:
            self.lines_done = self.lines_sent
            raise ProtocolViolation(
                f"the machine acknowledged a line after {self.lines_sent} that it was not sent: "
                "is another program using this port?"
            )
        self.answers += count
        self._idle_reports = 0

    def _read(self, data: bytes) -> list[MachineEvent]:
        *lines, partial = data.split(b"\n")
        self._partial = partial[:LONGEST_ANSWER]  # noise at a wrong speed has no newlines
        events: list[MachineEvent] = []
        for line in lines:
            said = line.strip()
            if said == b"ok":
                self._acknowledged(1)
            elif said:
                events += self._understand(said)
        return events

    def _understand(self, line: bytes) -> list[MachineEvent]:
        text = line.decode("ascii", "backslashreplace")
        if text.startswith("error:"):
            raise self._refused(text)
        if text.startswith("ALARM:"):
            self.lost = True
            raise self._alarm(text[6:])
        if text.startswith("Grbl") or text.endswith("to unlock]"):
            self.lost = True
            raise MachineFault(
                f"the machine restarted after line {self.lines_done}: its position is lost; look "
                "at the work and at the power supply; the rest is not sent"
            )
        status = status_of(text)
        if (
            not text.startswith(_SPEECH)
            or not text.isprintable()
            or "\\x" in text
            or (text.startswith("<") and status is None)
        ):
            raise self._garbled(text)
        return [Message(text)] if status is None else self._reported(status)

    def _reported(self, status: Status) -> list[MachineEvent]:
        self._status = status
        idle = status.state == "Idle"
        self._idle_reports = self._idle_reports + 1 if idle else 0
        self.answers += not idle or self._may_be_idle()
        if status.state not in _AT_WORK:
            self.lost = True
            raise self._astray(status.state)
        return self._held()

    def _may_be_idle(self) -> bool:
        """All is done, or it waits in a dwell: then `Idle` is no sign of a lost line."""
        if self.lines_done == self.lines_sent:
            return True
        dwells = _DWELL.match(self._lines.line(self.lines_done)) is not None
        return dwells and self._idle_reports <= DWELL_REPORTS

    def _held(self) -> list[MachineEvent]:
        """Tell when it begins to stand still, why, and when it moves on."""
        status, before = self._status, self._why_held
        if status.state == "Door":
            self._why_held = DOORS.get(status.substate, DOORS[1])
        else:
            self._why_held = "feed hold" if status.state == "Hold" else None
        if self._why_held == before:
            return []
        return [Held(self._why_held)] if self._why_held else [Resumed()]

    def _refused(self, text: str) -> MachineError | ProgramRefused:
        """What to raise for `error:n`."""
        return MachineFault(f"the machine refused {self._where(text)}")

    def _alarm(self, number: str) -> MachineError | ProgramRefused:
        """What to raise for `ALARM:n`."""
        return MachineFault(f"after line {self.lines_done}, {alarm_text(number)}")

    def _astray(self, state: str) -> MachineError:
        """What to raise when it is in a state in which it cannot work on the program."""
        why = {
            "Alarm": "in alarm: look at it, then home or unlock it",
            "Sleep": "asleep: reset and home it",
            "Check": "in check mode and moves nothing: reset it",
        }.get(state, f"in the state '{state}', which the program did not ask for")
        return MachineFault(f"after line {self.lines_done} the machine is {why}")

    def _garbled(self, text: str) -> MachineError:
        return ProtocolViolation(
            f"the machine's answer after line {self.lines_done} is garbled ('{text[:40]}'): GRBL "
            "checks no line, so what it gets may be garbled, too; look for electrical noise"
        )

    def _where(self, text: str) -> str:
        """The line that an error answers, and what the error means."""
        if self.lines_done == self.lines_sent:
            return f"something after line {self.lines_done}: {error_text(text)}"
        line = self._lines.line(self.lines_done).decode("ascii", "replace")
        return f"line {self.lines_done + 1} ({line}): {error_text(text)}"
