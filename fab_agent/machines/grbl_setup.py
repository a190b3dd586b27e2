"""What a trained person does by hand before a start: home, unlock, jog, set zero.

Facts: gnea/grbl, doc/markdown/jogging.md and commands.md. A jog changes no mode of the parser and
is given up by 0x85; `G10 L20 P1` makes the place where the machine stands a point of G54.
"""

import math
from collections.abc import Callable

from commons.errors import FabError, InvalidInput, MachineFault, TransportLost, Unavailable
from commons.machine import MachineProfile
from fab_agent.machines import grbl
from fab_agent.machines.driver import Home, Jog, SetZero, Step, Unlock
from fab_agent.machines.grbl_answers import XYZ
from fab_agent.machines.grbl_bearings import Bearings
from fab_agent.machines.grbl_console import Console, Refused
from fab_agent.machines.grbl_rules import DUST_MM, Situation, add, busy
from fab_agent.machines.grbl_texts import alarm_text

# Three axes, one after the other, at a slow seek over a metre; GRBL says nothing meanwhile.
HOMING_S = 180.0
POLL_S = 0.2
# A jog takes distance over feed; this much more for starting, stopping and answering.
JOG_SLACK_S = 10.0
# In these states only a reset helps.
_STUCK = frozenset({"Hold", "Check", "Sleep"})
_AXES = "XYZ"


class HandSetup:
    """Carries out one step at a time; `look` asks the machine for all that it says of itself."""

    def __init__(
        self,
        console: Console,
        bearings: Bearings,
        profile: MachineProfile,
        look: Callable[[], Situation],
        clock: Callable[[], float],
    ) -> None:
        self._console, self._bearings, self._profile = console, bearings, profile
        self._look, self._clock = look, clock

    def operate(self, step: Step) -> str:
        """Where the machine is after this step, in words; raises as MachineDriver.operate."""
        if isinstance(step, Unlock):
            self._unlock()
        elif isinstance(step, Home):
            self._home()
        elif isinstance(step, Jog):
            self._jog(step)
        else:
            self._set_zero(step)
        return f"the machine {self._look().where()}"

    def _unlock(self) -> None:
        status = self._console.status(tries=1)
        if status is None or status.state in _STUCK:
            # After a limit switch was hit GRBL hears nothing but a reset.
            if not self._console.reset():
                raise TransportLost("the machine does not answer a reset: is it switched on?")
            status = self._console.status()
        if status is not None and status.state == "Alarm":
            self._bearings.lose()
            self._obeyed("$X")
        elif status is not None and (why := busy(status, self._console.alarm)):
            raise Unavailable(why)
        self._console.alarm = None

    def _home(self) -> None:
        now = self._look()
        if not now.settings.homing:
            raise Unavailable("homing is switched off ($22=0): switch it on, or set zero by hand")
        self._bearings.lose()
        try:
            self._obeyed("$H", within_s=HOMING_S)
        except TransportLost:
            self._console.reset()
            raise
        self._console.alarm = None
        self._bearings.home()

    def _jog(self, jog: Jog) -> None:
        self._check_jog(jog)
        now = self._look()
        if why := busy(now.status, self._console.alarm):
            raise Unavailable(why)
        steps = (jog.x_mm, jog.y_mm, jog.z_mm)
        self._check_target(steps, now)
        words = "".join(f"{a}{step:.3f}" for a, step in zip(_AXES, steps, strict=True) if step)
        try:
            self._obeyed(f"$J=G91G21{words}F{jog.feed_mm_s * 60:.0f}")
            self._wait_until_idle(math.hypot(*steps) / jog.feed_mm_s + JOG_SLACK_S)
        except Unavailable:
            raise
        except FabError:
            self._console.ask(grbl.JOG_CANCEL, until=lambda _: True, within_s=POLL_S)
            raise
        there = self._look().position
        if now.position and there and (off := _farthest(add(now.position, steps), there)):
            raise MachineFault(f"the jog ended {off:.3f} mm from where it should: look at it")

    def _check_jog(self, jog: Jog) -> None:
        """Refuse what is no jog of this machine."""
        profile, steps = self._profile, (jog.x_mm, jog.y_mm, jog.z_mm)
        length = math.hypot(*steps)
        if not math.isfinite(length) or length < DUST_MM:
            raise InvalidInput("say how far to jog, in mm, for at least one axis")
        if not 0 < jog.feed_mm_s <= profile.max_feed_mm_s:
            raise InvalidInput(
                f"a jog at {jog.feed_mm_s:g} mm/s: it must be above 0 and at most "
                f"{profile.max_feed_mm_s:g}"
            )
        vertical = jog.feed_mm_s * abs(jog.z_mm) / length
        if vertical > profile.max_feed_z_mm_s + DUST_MM:
            raise InvalidInput(
                f"Z would move at {vertical:.1f} mm/s, its limit is {profile.max_feed_z_mm_s:g}"
            )
        for axis, step, size in zip(_AXES, steps, profile.envelope.size_mm, strict=True):
            if abs(step) > size:
                raise InvalidInput(f"{axis} by {step:g} mm: the machine has {size:g} mm of it")

    def _check_target(self, steps: XYZ, now: Situation) -> None:
        """Refuse a jog out of the machine's travel, while it knows where it is."""
        travel = now.settings.travel(now.build)
        if self._bearings.lost or not now.settings.homing or travel is None or not now.position:
            return
        target = add(now.position, steps)
        for axis, there, least, most in zip(_AXES, target, *travel, strict=True):
            if not least - DUST_MM <= there <= most + DUST_MM:
                raise InvalidInput(
                    f"{axis} would go to {there:.3f} mm of the machine, whose travel is "
                    f"{least:g} … {most:g} mm"
                )

    def _set_zero(self, step: SetZero) -> None:
        axes = step.axes.upper()
        if not axes or set(axes) - set(_AXES) or len(set(axes)) < len(axes):
            raise InvalidInput(f"zero is set for X, Y and Z or some of them, not for '{axes}'")
        if why := busy(self._look().status, self._console.alarm):
            raise Unavailable(why)
        self._obeyed("G10L20P1" + "".join(f"{axis}0" for axis in axes))
        now = self._look()
        if now.position is None:
            raise MachineFault("the machine does not say where it stands: zero is not certain")
        work = add(now.position, now.offsets.total(), sign=-1)
        if off := [a for a in axes if abs(work[_AXES.index(a)]) > DUST_MM]:
            raise MachineFault(f"zero of {' and '.join(off)} was not taken over: set it again")
        self._bearings.zero(axes)

    def _obeyed(self, command: str, *, within_s: float = 5.0) -> None:
        """Have one command carried out; what it cannot do now is Unavailable."""
        try:
            self._console.command(command, within_s=within_s)
        except Refused as refused:
            if refused.number == "15":
                raise InvalidInput(str(refused)) from refused
            raise Unavailable(str(refused)) from refused

    def _wait_until_idle(self, within_s: float) -> None:
        end = self._clock() + within_s
        while self._clock() < end:
            self._console.listen(POLL_S)
            status = self._console.status()
            if status is None:
                raise TransportLost("the machine does not say its state while it jogs")
            if status.state == "Idle":
                return
            if status.state != "Jog":
                why = alarm_text(self._console.alarm) if self._console.alarm else status.state
                raise MachineFault(f"the jog was stopped: {why}")
        raise MachineFault(f"the jog did not end within {within_s:.0f} s: look at the machine")


def _farthest(one: XYZ, other: XYZ) -> float:
    """How far two places are apart on their worst axis; 0 when they are the same."""
    off = max(abs(a - b) for a, b in zip(one, other, strict=True))
    return off if off > 10 * DUST_MM else 0.0
