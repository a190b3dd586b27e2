"""The stop between two cutters: the run stands until a person has changed it and says go on.

The program's own M0 is never sent: GRBL would take any cycle start, also that of a button, for
leave to go on. Everything before it was executed, nothing behind it was sent.
"""

from collections.abc import Callable
from typing import TypeVar

from commons.errors import Conflict, MachineError, MachineFault, NotAllowed, TransportLost
from fab_agent.machines.driver import Control, Controls, Held, Jog, Report, Resumed, SetZero, Step
from fab_agent.machines.grbl_answers import XYZ, Status
from fab_agent.machines.grbl_console import READ_S, Console, Stopped
from fab_agent.machines.grbl_rules import Situation, busy, differ
from fab_agent.machines.grbl_texts import alarm_text

Answer = TypeVar("Answer")
POLL_S = 0.2
# Idle, jogged from a pendant, held by a button or a door: none of it ends the stop.
_PATIENT = frozenset({"Idle", "Jog", "Hold", "Door"})
# The proof holds that these are the program's modes at a stop; what follows relies on them.
_MODES = frozenset({"G17", "G21", "G54", "G90", "G94", "M5"})


class CutterChange:
    """One stop. It asks the machine for its state and does what people ask for, nothing else.

    Invariant: `wait` returns True only after a person has asked to go on since it began, with the
    zero of Z set since or not needed by that person's word, the work's X and Y zero as it was,
    and no alarm and no restart heard.
    """

    def __init__(
        self,
        name: str,
        zero: XYZ,
        *,
        console: Console,
        look: Callable[[], Situation],
        lacking: Callable[[Situation], str | None],
        operate: Callable[[Step, Callable[[], bool]], str],
        resume: Callable[[], None],
        report: Report,
    ) -> None:
        """`name` is the cutter's, as people call it.

        `zero` is the work's zero at the start of the run, in machine coordinates (mm).
        `lacking` says why a start would be refused now, `operate` is the driver's own, `resume`
        lets the machine go from a hold of its own.
        """
        self._name, self._zero = name, zero
        self._console, self._look, self._lacking = console, look, lacking
        self._operate, self._let_go, self._report = operate, resume, report
        self._upsets = console.upsets
        self._told = self._zeroed = self._resumed = self._given_up = False
        self._failure: MachineError | None = None

    @property
    def lost(self) -> bool:
        """It was locked or restarted: it may not know its place."""
        return not self._given_up and self._console.upsets != self._upsets

    def wait(self, controls: Controls, *, silence_s: float, clock: Callable[[], float]) -> bool:
        """True once a person has resumed; False when the run was given up.

        Raises:
            MachineFault: an alarm, a restart, a spindle that is on, a state nobody asked for.
            TransportLost: it says nothing for `silence_s`, or the port broke.
        """
        heard = poll_at = clock()
        while not self._resumed:
            if clock() < poll_at:
                self._console.listen(READ_S)
            elif self._stands():
                heard = clock()
                poll_at = heard + POLL_S
            elif clock() - heard > silence_s:
                raise TransportLost(
                    f"the machine has said nothing for {silence_s:.0f} s while it waits for "
                    "another cutter: is it switched on and connected?"
                )
            self._require_whole()
            if self._is_given_up(controls()):
                return False
        self._console.settle()
        self._require_whole()
        self._report(Resumed())
        return True

    def operate(self, step: Step, *, wants_stop: Callable[[], bool]) -> str:
        """As CutterStop: a jog, or the zero of Z."""
        if not isinstance(step, Jog) and step != SetZero("Z"):
            raise NotAllowed(
                "a program waits for another cutter: it can be jogged, and its zero of Z (alone) "
                "be set; stop the program for anything else"
            )
        self._require_waiting()
        try:
            said = self._noting(lambda: self._step(step, wants_stop))
        except Stopped:
            self._given_up = True
            raise
        if isinstance(step, SetZero):
            self._zeroed = True
            self._hold(f"the {self._name} cutter has its zero: resume when nobody is in the way")
        return said

    def resume(self, *, same_length: bool) -> str:
        """As CutterStop."""
        self._require_waiting()
        if why := self._noting(lambda: self._why_not(same_length=same_length)):
            raise Conflict(why)
        self._resumed = True
        return f"it goes on with the {self._name} cutter"

    def _is_given_up(self, control: Control | None) -> bool:
        """What a person far away, or at the machine, has asked for was done or told."""
        if control is Control.ABORT or self._given_up:
            return True
        self._require_whole()
        if control is Control.RESUME and not self._resumed:
            try:
                self.resume(same_length=False)
            except Conflict as not_yet:
                self._hold(str(not_yet))
        return False

    def _stands(self) -> bool:
        """Whether it answers; once it is idle, with its spindle off, the person is asked."""
        status = self._console.status(tries=1, within_s=POLL_S)
        if status is None:
            return False
        self._require_patient(status)
        if status.state == "Idle" and not self._told:
            if "M5" not in self._look().modes:
                raise MachineFault("the spindle is on where the program stops for another cutter")
            self._told = True
            self._hold(f"change the cutter to {self._name}, set its Z zero, then resume")
        return True

    def _step(self, step: Step, wants_stop: Callable[[], bool]) -> str:
        self._require_idle()
        return self._operate(step, wants_stop)

    def _why_not(self, *, same_length: bool) -> str | None:
        if (now := self._state()).state in ("Hold", "Door"):
            if now.substate in (None, 0):
                self._let_go()
                return "it was held by its button or door, and is let go: resume once more"
            return busy(now, None)
        if not (self._zeroed or same_length):
            return (
                f"set the zero of the {self._name} cutter (Z) at the machine first, then resume; "
                "if it is exactly as long as the one before, say so there (--same-length)"
            )
        self._require_idle()
        seen = self._look()
        if differ((*seen.offset[:2], 0.0), (*self._zero[:2], 0.0)):
            return "the work's zero in X and Y is not where it was at the start: stop the program"
        if gone := _MODES - seen.modes:
            return f"the machine has left the program's modes ({' '.join(sorted(gone))}): stop it"
        return self._lacking(seen)

    def _require_idle(self) -> None:
        """Raise Conflict unless it would answer more than the question for its state."""
        if why := busy(self._state(), self._console.alarm):
            raise Conflict(why)
        if not self._told:
            raise Conflict("it has not come to its stop yet: try again")

    def _state(self) -> Status:
        status = self._console.status(tries=1)
        if status is None:
            raise Conflict("the machine does not answer now: try again")
        self._require_patient(status)
        return status

    def _require_patient(self, status: Status) -> None:
        self._require_whole()
        if status.state not in _PATIENT:
            raise MachineFault(
                f"while it waited for another cutter the machine came into the state "
                f"'{status.state}': the rest is not sent"
            )

    def _require_waiting(self) -> None:
        if self._resumed or self._given_up or self._failure:
            raise Conflict("it no longer waits for another cutter")

    def _require_whole(self) -> None:
        """Raise what has ended the run: a failure in a step, an alarm, a restart."""
        if self._failure is not None:
            raise self._failure
        if self.lost:
            alarm = self._console.alarm
            why = alarm_text(alarm) if alarm else "it restarted, its position may be lost"
            raise MachineFault(f"while it waited for another cutter, {why}; the rest is not sent")

    def _noting(self, do: Callable[[], Answer]) -> Answer:
        """A MachineError in it ends the run, whoever is told of it first."""
        try:
            return do()
        except MachineError as problem:
            self._failure = problem
            raise

    def _hold(self, why: str) -> None:
        self._report(Held(why, self))
