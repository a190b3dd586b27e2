"""The one loop between a stream, which knows a protocol, and a port, which knows the wire."""

import time
from collections.abc import Callable
from typing import Protocol

from commons.errors import TransportLost
from fab_agent.machines.driver import (
    Control,
    Controls,
    MachineEvent,
    Outcome,
    Progress,
    Report,
    RunEnd,
    Temperatures,
)
from fab_agent.machines.transport import Transport

# How long one read waits, and so how late a person's wish is noticed at most: from the tap to the
# byte on the wire may pass 50 ms, of which a full window needs 11 ms at 115200 baud.
LOOK_S = 0.01
# State is asked and progress told at most five times a second.
POLL_S = 0.2
# A machine that says nothing about what it was sent for this long is lost. Marlin says `busy`
# every 2 s, GRBL answers every poll.
SILENCE_S = 60.0


class Stream(Protocol):
    """The pure half: what to send and what the answers mean. It has no clock and no port."""

    @property
    def finished(self) -> bool:
        """Every line is executed and the machine stands still."""
        ...

    @property
    def expects_answer(self) -> bool:
        """Something was sent that the machine has not answered yet."""
        ...

    @property
    def answers(self) -> int:
        """Grows whenever the machine shows that it works on what it was sent."""
        ...

    @property
    def lines_sent(self) -> int:
        """Lines of the program that were sent."""
        ...

    @property
    def lines_done(self) -> int:
        """Lines of the program that were acknowledged."""
        ...

    def bytes_to_send(self) -> bytes:
        """What may be sent now; it counts as sent."""
        ...

    def receive(self, data: bytes) -> list[MachineEvent]:
        """Understand answers; raises MachineFault or ProtocolViolation."""
        ...

    def quiet(self, silent_s: float) -> None:
        """Take note that nothing was answered for so long."""
        ...

    def poll(self) -> bytes:
        """A question about the machine's state to be sent at once, if it has such a thing."""
        ...

    def control(self, control: Control) -> bytes:
        """Obey HOLD or RESUME; what is returned goes to the machine before all else."""
        ...


def nobody() -> Control | None:
    """Controls when no person can ask for anything."""
    return None


def stream(
    program: Stream,
    port: Transport,
    report: Report,
    *,
    line_count: int,
    make_safe: Callable[[], None],
    controls: Controls = nobody,
    silence_s: float = SILENCE_S,
    clock: Callable[[], float] = time.monotonic,
) -> RunEnd:
    """Send `program` and return when the machine has ended or a person has stopped it.

    Unless every line was executed, what still lies in the port's queue is dropped and `make_safe`
    called on the way out, whatever the way; then progress is told once more.

    Raises:
        TransportLost: nothing was answered for `silence_s`, or the port broke.
        ProtocolViolation, MachineFault: as the stream judges.
    """
    loop = _Loop(program, port, report, line_count, controls, clock)
    outcome = Outcome.ABORTED
    try:
        outcome = loop.run(silence_s)
    finally:
        if outcome is not Outcome.FINISHED:
            port.discard()  # nothing of the program is sent after this, nor stands before a stop
            make_safe()
        loop.tell_progress()  # however it ended: what was sent and done is the attempt's record
    return RunEnd(outcome, program.lines_sent, program.lines_done)


class _Loop:
    """What the loop remembers between two turns: when it last polled and what it last told."""

    def __init__(
        self,
        program: Stream,
        port: Transport,
        report: Report,
        line_count: int,
        controls: Controls,
        clock: Callable[[], float],
    ) -> None:
        self._program, self._port, self._report = program, port, report
        self._line_count, self._controls, self._clock = line_count, controls, clock
        self._poll_at = self._look_at = clock()
        self._told = Progress(0, 0, line_count)
        self._temperatures: Temperatures | None = None

    def run(self, silence_s: float) -> Outcome:
        program, port, clock = self._program, self._port, self._clock
        heard, answers = clock(), program.answers
        while not program.finished:
            if clock() >= self._look_at and self._obey() is Control.ABORT:
                return Outcome.ABORTED
            if out := program.bytes_to_send():
                port.write(out)
            for event in program.receive(port.read(LOOK_S)):
                self._hear(event)
            if program.answers != answers or not program.expects_answer:
                heard, answers = clock(), program.answers
                continue
            silent_s = clock() - heard
            program.quiet(silent_s)
            if silent_s > silence_s:
                raise TransportLost(
                    f"no answer for {silence_s:.0f} s on port {port.name} after line "
                    f"{program.lines_done}: is the machine switched on and connected?"
                )
        return Outcome.FINISHED

    def tell_progress(self) -> None:
        """Report what has changed since it was last told."""
        if self._temperatures is not None:
            self._report(self._temperatures)
            self._temperatures = None
        now = Progress(self._program.lines_sent, self._program.lines_done, self._line_count)
        if now != self._told:
            self._told = now
            self._report(now)

    def _hear(self, event: MachineEvent) -> None:
        """Pass on what happens; temperatures only as often as progress."""
        if isinstance(event, Temperatures):
            self._temperatures = event
        else:
            self._report(event)

    def _obey(self) -> Control | None:
        """What is done a hundred times a second: a person's wish, and now and then a poll."""
        now = self._clock()
        self._look_at = now + LOOK_S
        if (control := self._controls()) is not None and control is not Control.ABORT:
            self._port.write(self._program.control(control))
        if now >= self._poll_at:
            self._poll_at = now + POLL_S
            self._port.write(self._program.poll())
            self.tell_progress()
        return control
