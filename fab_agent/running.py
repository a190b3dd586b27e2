"""What is seen of a run while it lasts, and what people ask of it."""

import logging
from collections.abc import Callable
from typing import Self

from commons.errors import Conflict
from commons.wire import ControlOrder, MachineState, Phase, ProgressReport, RunFacts, Wish
from fab_agent.bench import Bench
from fab_agent.gcode.program import GcodeProgram
from fab_agent.journal import Start
from fab_agent.machines.driver import (
    Control,
    Held,
    MachineEvent,
    Message,
    Progress,
    Resumed,
    RunEnd,
    Temperatures,
)
from fab_agent.orders import LocalOrder, Stop, stopped_at_the_machine

log = logging.getLogger(__name__)
# Before this share of the lines is done, how fast they go says nothing about the rest.
TELLING_SHARE = 0.02
_CONTROLS = {Wish.HOLD: Control.HOLD, Wish.RESUME: Control.RESUME, Wish.CANCEL: Control.ABORT}
_SAID = {Wish.HOLD: "hold", Wish.RESUME: "go on", Wish.CANCEL: "stop"}


class RunWatch:
    """Report and controls of one run, called by the driver from the machine thread.

    Nothing in here waits, or asks the server, or fails: a machine is moving.
    """

    def __init__(self, start: Start, program: GcodeProgram, bench: Bench) -> None:
        self._start, self._program, self._bench = start, program, bench
        self._began_at = bench.clock()
        self._first_byte_left: Callable[[], None] = lambda: None
        self._state, self._sentence = MachineState.RUNNING, ""
        self.progress = Progress(0, 0, program.line_count)
        self.why_aborted = "the machine stopped before the end"

    def began(self, first_byte_left: Callable[[], None]) -> Self:
        """INTENT is written: the run begins now. `first_byte_left` is called once it has."""
        self._began_at, self._first_byte_left = self._bench.clock(), first_byte_left
        self._show()
        return self

    def report(self, event: MachineEvent) -> None:
        """Take note of what the machine does."""
        match event:
            case Progress():
                self.progress = event
                if event.lines_sent:
                    self._first_byte_left()
            case Temperatures():
                self._bench.display.warm(event)
            case Held(why):
                self._state, self._sentence = MachineState.HELD, why
            case Resumed():
                self._state, self._sentence = MachineState.RUNNING, ""
            case Message(text):
                log.info("attempt %s: the machine says: %s", self._start.attempt_id, text)
                return
        self._show()

    def controls(self) -> Control | None:
        """The next thing that somebody asks of this run, or None."""
        while (order := self._bench.inbox.take()) is not None:
            match order:
                case Stop():
                    self.why_aborted = "stopped because the agent was stopped"
                    return Control.ABORT
                case ControlOrder(attempt_id=self._start.attempt_id, wish=wish):
                    log.info("attempt %s: %s was asked for", self._start.attempt_id, wish)
                    if wish is Wish.CANCEL:
                        self.why_aborted = "stopped because it was cancelled"
                    return _CONTROLS[wish]
                case LocalOrder() if control := self._local(order):
                    return control
        return None

    def _local(self, order: LocalOrder) -> Control | None:
        """What a person beside the machine asks of this run; None when it is no wish for a run."""
        if not isinstance(order.wants, Wish):
            order.refuse(Conflict("a program is running: hold or stop it first"))
            return None
        wish = order.wants
        if not order.carry_out(lambda: f"it is told to {_SAID[wish]}"):
            return None
        log.info("attempt %s: %s at the machine by %s", self._start.attempt_id, wish, order.by)
        if wish is Wish.CANCEL:
            self.why_aborted = stopped_at_the_machine(order.by)
        return _CONTROLS[wish]

    def ended(self, end: RunEnd) -> None:
        """The driver's own count of lines is the last word."""
        self.progress = Progress(end.lines_sent, end.lines_done, self._program.line_count)

    def facts(self) -> RunFacts:
        """What the server is told of the run, finished or not."""
        return RunFacts(
            lines_sent=self.progress.lines_sent,
            lines_done=self.progress.lines_done,
            line_count=self._program.line_count,
            ran_s=self._bench.clock() - self._began_at,
        )

    def _show(self) -> None:
        now = self.progress
        ran_s = self._bench.clock() - self._began_at
        report = ProgressReport(
            attempt_id=self._start.attempt_id,
            phase=Phase.STREAM,
            done=now.lines_done,
            total=now.line_count,
            sent=now.lines_sent,
            remaining_s=remaining_s(now, ran_s, self._program.estimate.duration_s),
        )
        self._bench.display.show(self._state, self._sentence, report)


def remaining_s(now: Progress, ran_s: float, estimate_s: float) -> float:
    """Seconds that the rest of the lines will take: as they did so far, or as estimated."""
    share = now.lines_done / now.line_count if now.line_count else 1.0
    whole_s = ran_s / share if share > TELLING_SHARE else estimate_s
    return whole_s * (1.0 - share)
