"""The protocol of GRBL 1.1's serial line: character counting, answers, alarms, states.

Facts: gnea/grbl, doc/markdown/interface.md. Every line is answered by `ok` or `error:n` once it
has left the receive buffer, so that counting characters keeps the buffer full, not too full.
"""

import re
from collections import deque

from commons.errors import MachineError, MachineFault, ProgramRefused, ProtocolViolation
from fab_agent.machines.driver import Control, Held, MachineEvent, Message, Resumed
from fab_agent.machines.lines import AnswerLines, LineSource

# The receive buffer of an Arduino Uno's GRBL; others say theirs in the answer to $I.
RX_BUFFER = 128
# LINE_BUFFER_SIZE is 80 bytes with the closing NUL.
LONGEST_LINE = 79
STATUS, HOLD, RESUME, RESET = b"?", b"!", b"~", b"\x18"
# GRBL may call itself idle once between `ok` and the start of the move; twice it means it.
IDLE_REPORTS = 2
# Idle, yet lines are unanswered: one was lost on the way. Longer than any dwell (idle as well).
LOST_LINE_S = 20.0

_STATE = re.compile(rb"<([A-Za-z]+)")
_STANDS_STILL = frozenset({"Hold", "Door"})
ALARMS = {
    "1": "a limit switch was hit",
    "2": "the move would leave the machine's travel",
    "3": "it was reset while moving",
    "4": "the probe was not ready",
    "5": "the probe did not touch",
    "6": "homing was interrupted by a reset",
    "7": "the door opened while homing",
    "8": "homing did not leave the switch",
    "9": "homing did not find the switch",
}


def state_of(report: bytes) -> str | None:
    """The state in a status report (`<Run|MPos:…>` is "Run"); None for any other line."""
    match = _STATE.match(report)
    return match[1].decode() if match else None


def alarm_text(number: str) -> str:
    """What an alarm means, and what to do about it."""
    meaning = ALARMS.get(number, "see GRBL's list of alarms")
    return f"alarm {number}: {meaning}; look at the machine, then home or unlock it there"


class GrblStream:
    """One program on its way to a GRBL controller. No port, no clock, no thread.

    Invariant: fewer bytes than `rx_buffer` are in flight, whatever the controller answers and
    however the answers are cut into reads. After an error or alarm nothing more is sent. Lines
    have no numbers here: what is lost cannot be sent again, it ends the run.
    """

    expects_answer = True  # every poll is answered, whatever the state

    def __init__(self, lines: LineSource, *, rx_buffer: int = RX_BUFFER) -> None:
        self.answers = 0  # grows whenever the controller shows that it goes on
        self.lines_sent = self.lines_done = 0
        self._lines = lines
        self._limit = rx_buffer - 1
        self._partial = AnswerLines()
        self._in_flight: deque[int] = deque()
        self._bytes_in_flight = 0
        self._next: bytes | None = None
        self._state = "Idle"
        self._idle_reports = 0
        self._failed = False
        self._advance()

    @property
    def finished(self) -> bool:
        """Every line is acknowledged and the machine stands still."""
        return self.lines_done == self._lines.count and self._idle_reports >= IDLE_REPORTS

    def bytes_to_send(self) -> bytes:
        """What may be sent now; it counts as sent."""
        out = []
        while self._next is not None and not self._failed:
            size = len(self._next)
            if self._bytes_in_flight + size > self._limit:
                self._check_that_it_ever_fits(size)
                break
            out.append(self._next)
            self._in_flight.append(size)
            self._bytes_in_flight += size
            self.lines_sent += 1
            self._advance()
        return b"".join(out)

    def receive(self, data: bytes) -> list[MachineEvent]:
        """Understand what the controller says; what others need to know is returned.

        Raises MachineFault or ProtocolViolation when it cannot be trusted to go on.
        """
        events: list[MachineEvent] = []
        try:
            for line in self._partial.complete(data):
                if line == b"ok":
                    self._acknowledged()
                else:
                    events += self._understand(line)
        except MachineError:
            self._failed = True
            raise
        return events

    def quiet(self, silent_s: float) -> None:
        """Raise ProtocolViolation when a line or its answer was lost on the way."""
        if self._in_flight and self._idle_reports >= IDLE_REPORTS and silent_s > LOST_LINE_S:
            self._failed = True
            raise ProtocolViolation(
                f"the machine stands still after line {self.lines_done}, but "
                f"{len(self._in_flight)} lines are unanswered: something was lost on the cable; "
                "look for electrical noise"
            )

    def poll(self) -> bytes:
        """The question for its state, which GRBL answers past all that waits."""
        return STATUS

    def control(self, control: Control) -> bytes:
        """Feed hold or resume; both take effect at once, past all that waits."""
        return {Control.HOLD: HOLD, Control.RESUME: RESUME}.get(control, b"")

    def _advance(self) -> None:
        more = self.lines_sent < self._lines.count
        self._next = self._lines.line(self.lines_sent) + b"\n" if more else None

    def _check_that_it_ever_fits(self, size: int) -> None:
        if not self._in_flight:
            raise ProgramRefused(
                f"line {self.lines_sent + 1} has {size} bytes, the controller's buffer takes "
                f"{self._limit}",
                rule="line-too-long",
                line=self.lines_sent + 1,
            )

    def _acknowledged(self) -> None:
        if not self._in_flight:
            raise ProtocolViolation(
                f"the machine acknowledged a line after {self.lines_done} that it was not sent: "
                "is another program using this port?"
            )
        self._bytes_in_flight -= self._in_flight.popleft()
        self.lines_done += 1
        self.answers += 1
        self._idle_reports = 0

    def _understand(self, line: bytes) -> list[MachineEvent]:
        text = line.decode("ascii", "replace")
        if (state := state_of(line)) is not None:
            return self._status(state)
        if text.startswith("error:"):
            raise MachineFault(self._refusal(text))
        if text.startswith("ALARM:"):
            raise MachineFault(f"after line {self.lines_done}, {alarm_text(text[6:])}")
        if text.startswith("Grbl"):
            raise MachineFault(
                f"the machine restarted after line {self.lines_done}: its position is lost; look "
                "at the work and at the power supply; the rest is not sent"
            )
        return [Message(text)]

    def _refusal(self, text: str) -> str:
        if not self._in_flight:
            return f"the machine says {text} after line {self.lines_done}"
        refused = self._lines.line(self.lines_done).decode("ascii", "replace")
        return f"the machine refused line {self.lines_done + 1} ({refused}): {text}"

    def _status(self, state: str) -> list[MachineEvent]:
        before, self._state = self._state, state
        idle = state == "Idle"
        self._idle_reports = self._idle_reports + 1 if idle else 0
        self.answers += not (idle and self._in_flight)
        if state == "Alarm":
            raise MachineFault(
                f"the machine is in alarm after line {self.lines_done}: look at it, then home or "
                "unlock it there"
            )
        stands, stood = state in _STANDS_STILL, before in _STANDS_STILL
        if stands and not stood:
            return [Held("the door is open" if state == "Door" else "feed hold")]
        return [Resumed()] if stood and not stands else []
