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
    CutterStop,
    Held,
    MachineEvent,
    Message,
    Progress,
    Resumed,
    RunEnd,
    Step,
    Temperatures,
)
from fab_agent.orders import (
    ClearBed,
    LocalOrder,
    Make,
    Order,
    StartNow,
    Stop,
    stopped_at_the_machine,
)

log = logging.getLogger(__name__)
# Before this share of the lines is done, how fast they go says nothing about the rest.
TELLING_SHARE = 0.02
_CONTROLS = {Wish.HOLD: Control.HOLD, Wish.RESUME: Control.RESUME, Wish.CANCEL: Control.ABORT}
_RUNS = "a program is running: hold or stop it first"
_SAID = {Wish.HOLD: "hold", Wish.RESUME: "go on", Wish.CANCEL: "stop"}


class RunWatch:
    """Report and controls of one run, called by the driver from the machine thread.

    Nothing in here waits, or asks the server, or fails: a machine is moving. Where it stops for
    another cutter, steps by hand are carried out in between.
    """

    def __init__(self, start: Start, program: GcodeProgram, bench: Bench) -> None:
        self._start, self._program, self._bench = start, program, bench
        self._began_at = bench.clock()
        self._first_byte_left: Callable[[], None] = lambda: None
        self._state, self._sentence = MachineState.RUNNING, ""
        self._at_stop: CutterStop | None = None
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
            case Held(why, at_stop):
                self._state, self._sentence, self._at_stop = MachineState.HELD, why, at_stop
            case Resumed():
                self._state, self._sentence, self._at_stop = MachineState.RUNNING, "", None
            case Message(text):
                log.info("attempt %s: the machine says: %s", self._start.attempt_id, text)
                return
        self._show()

    def controls(self) -> Control | None:
        """The next thing that somebody asks of this run, or None."""
        while (order := self._bench.inbox.take()) is not None:
            if control := self._control_of(order):
                return control
        return None

    def _control_of(self, order: Order) -> Control | None:
        """What this order means for the run; one that means nothing for it was answered."""
        match order:
            case Stop():
                self.why_aborted = "stopped because the agent was stopped"
                return Control.ABORT
            case ControlOrder(attempt_id=self._start.attempt_id, wish=wish):
                log.info("attempt %s: %s was asked for", self._start.attempt_id, wish)
                if wish is Wish.CANCEL:
                    self.why_aborted = "stopped because it was cancelled"
                return _CONTROLS[wish]
            case LocalOrder() if self._at_stop and order.wants not in (Wish.HOLD, Wish.CANCEL):
                self._change(order, self._at_stop)
            case LocalOrder():
                return self._local(order)
        return None

    def _local(self, order: LocalOrder) -> Control | None:
        """What a person beside the machine asks of this run; None when it is no wish for a run."""
        if not isinstance(order.wants, Wish):
            order.refuse(Conflict(_RUNS))
            return None
        wish = order.wants
        if order.same_length:
            order.refuse(Conflict("it does not wait for another cutter: resume it without that"))
            return None
        if not order.carry_out(lambda: f"it is told to {_SAID[wish]}"):
            return None
        log.info("attempt %s: %s at the machine by %s", self._start.attempt_id, wish, order.by)
        if wish is Wish.CANCEL:
            self.why_aborted = stopped_at_the_machine(order.by)
        return _CONTROLS[wish]

    def _change(self, order: LocalOrder, at_stop: CutterStop) -> None:
        """What a person does by hand while it waits for another cutter, and that it may go on."""
        wants = order.wants
        log.info("attempt %s: %s at the machine by %s", self._start.attempt_id, wants, order.by)
        if isinstance(wants, ClearBed | Make | StartNow):
            order.refuse(Conflict(_RUNS))
        elif isinstance(wants, Wish):
            order.carry_out(lambda: at_stop.resume(same_length=order.same_length))
        else:
            order.carry_out(lambda: self._by_hand(wants, at_stop))

    def _by_hand(self, step: Step, at_stop: CutterStop) -> str:
        """Whoever said that the machine is clear said it for this start, not for the next."""
        self._bench.display.touch()
        try:
            return at_stop.operate(step, wants_stop=self._stop_is_wanted)
        finally:
            self._bench.display.touch()

    def _stop_is_wanted(self) -> bool:
        """Whether the step under way, and the run with it, shall end. Other wishes are refused."""
        while (order := self._bench.inbox.take()) is not None:
            if isinstance(order, LocalOrder) and order.wants is not Wish.CANCEL:
                order.refuse(Conflict("somebody works at it by hand: wait, or stop it"))
            elif self._control_of(order) is Control.ABORT:
                return True
        return False

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
