"""The check run ($C): the controller reads the whole program before any of it is executed.

Facts (gnea/grbl: interface.md, system.c, motion_control.c): in check mode every line is parsed
and answered, nothing moves and no output switches, yet soft limits judge every target. Hold and
door are ignored. Leaving it is a soft reset: position, G54 to G59 and homing stay, modes become
the defaults, G92 and tool length are forgotten, start-up lines run.
"""

from commons.errors import MachineError, MachineFault, ProgramRefused, ProtocolViolation
from fab_agent.machines.driver import (
    Control,
    Held,
    MachineEvent,
    Message,
    Progress,
    Report,
    Resumed,
    Temperatures,
)
from fab_agent.machines.grbl import LOST_LINE_S, RX_BUFFER, GrblStream
from fab_agent.machines.grbl_answers import Status
from fab_agent.machines.grbl_texts import alarm_text
from fab_agent.machines.lines import LineSource

_WHY_HELD = "feed hold in the check run: nothing moves"


class CheckStream(GrblStream):
    """Lines on their way through check mode; counts characters as the real run does.

    Invariant: nothing is sent once the controller was heard in any state but Check. HOLD stops
    the sending, since a controller in check mode has nothing to hold.
    """

    def __init__(
        self,
        lines: LineSource,
        *,
        rx_buffer: int = RX_BUFFER,
        first: int = 0,
        end: int | None = None,
    ) -> None:
        super().__init__(lines, rx_buffer=rx_buffer, first=first, end=end)
        self._paused = self._told_paused = False

    @property
    def finished(self) -> bool:
        """Every line was read and found good, and nobody has asked to wait."""
        return self.lines_done == self._end and not self._paused

    @property
    def expects_answer(self) -> bool:
        """Lines are unanswered, and nobody has asked to wait."""
        return not self._paused

    def bytes_to_send(self) -> bytes:
        """What may be sent now; it counts as sent."""
        return b"" if self._paused else super().bytes_to_send()

    def control(self, control: Control) -> bytes:
        """Stop or go on; the controller need not be told."""
        self._paused = control is Control.HOLD
        return b""

    def quiet(self, silent_s: float) -> None:
        """Raise ProtocolViolation when a line or its answer was lost: reading takes no time."""
        if silent_s > LOST_LINE_S:
            self._failed = True
            raise ProtocolViolation(
                f"the check run stands still after line {self.lines_done}: something was lost on "
                "the cable; look for electrical noise; nothing has moved"
            )

    def receive(self, data: bytes) -> list[MachineEvent]:
        """As in the real run; a hold is told once the loop comes by."""
        events = super().receive(data)
        if self._paused != self._told_paused:
            self._told_paused = self._paused
            events.append(Held(_WHY_HELD) if self._paused else Resumed())
        return events

    def _reported(self, status: Status) -> list[MachineEvent]:
        if status.state != "Check":
            raise MachineFault(
                f"the machine left check mode after line {self.lines_done}, its state is "
                f"'{status.state}': look at it"
            )
        return []

    def _refused(self, text: str) -> MachineError | ProgramRefused:
        return ProgramRefused(
            f"{self._where(text)}; nothing has moved", rule="check-run", line=self.lines_done + 1
        )

    def _alarm(self, number: str) -> MachineError | ProgramRefused:
        if number != "2":
            return super()._alarm(number)
        return ProgramRefused(
            f"line {self.lines_done + 1}: {alarm_text(number)}; nothing has moved",
            rule="travel",
            line=self.lines_done + 1,
        )


def as_messages(report: Report) -> Report:
    """Pass on what happens in a check run; its progress only as words, at every tenth."""
    told = 0

    def tell(event: MachineEvent) -> None:
        nonlocal told
        if isinstance(event, Temperatures):
            return
        if not isinstance(event, Progress):
            report(event)
        elif (tenth := 10 * event.lines_done // event.line_count) > told:
            told = tenth
            report(Message(f"check run: line {event.lines_done} of {event.line_count}"))

    return tell
