"""When a router may start: what its state, settings and offsets must be. Pure judgement.

Sources: gnea/grbl, doc/markdown (interface.md, settings.md, laser_mode.md), system.c.
"""

import re
from dataclasses import dataclass

from commons.machine import MillLimits
from fab_agent.machines.grbl_answers import XYZ, Build, Offsets, Settings, Status, point_of
from fab_agent.machines.grbl_texts import DOORS, alarm_text

# No place is known better than this: reports have three digits, in inches four.
DUST_MM = 0.006
_AXES = "XYZ"
# What a start-up line may hold: modes that move and switch nothing.
_HARMLESS = re.compile(
    r"(?:\s*(?:G(?:17|18|19|20|21|40|49|5[4-9]|61|80|90|91(?:\.1)?|94)|M[59]|[FST][\d.]+))*\s*"
)


@dataclass(frozen=True, slots=True)
class Situation:
    """All that an idle or locked machine says of itself, at one moment; lengths in mm.

    `homed`: grblHAL says so itself, others do not (None).
    """

    status: Status
    build: Build
    settings: Settings
    offsets: Offsets
    modes: frozenset[str]
    startup: tuple[str, ...]

    @property
    def homed(self) -> bool | None:
        """Whether it says that it is homed; None when it does not say."""
        told = self.status.fields.get("H")
        return None if told is None else told.startswith("1")

    @property
    def offset(self) -> XYZ:
        """Work position plus this is machine position, in the work offset that is chosen."""
        chosen = next((mode for mode in self.modes if mode in self.offsets.work), "G54")
        return self.offsets.total(chosen)

    @property
    def position(self) -> XYZ | None:
        """Where it stands, in machine coordinates."""
        fields, unit_mm = self.status.fields, self.settings.unit_mm
        if (machine := point_of(fields.get("MPos", ""), unit_mm=unit_mm)) is not None:
            return machine
        work = point_of(fields.get("WPos", ""), unit_mm=unit_mm)
        return work and add(work, self.offset)

    def where(self) -> str:
        """Where it stands, in words."""
        machine = self.position
        if machine is None:
            return "does not say where it stands"
        work = add(machine, self.offset, sign=-1)
        return f"stands at {_show(work)} of the work, {_show(machine)} of the machine"


def busy(status: Status, alarm: str | None) -> str | None:
    """Why a machine in this state cannot start; None when it is idle."""
    state = status.state
    if state == "Idle":
        return None
    if state == "Alarm":
        why = alarm_text(alarm) if alarm else "look at it, then home or unlock it"
        return f"the machine is in alarm: {why}"
    if state == "Door":
        return f"the machine stands still: {DOORS.get(status.substate, DOORS[1])}"
    return {
        "Hold": "the machine is held: resume it there, or unlock it to give up what it holds",
        "Sleep": "the machine is asleep: unlock it, then home it",
        "Check": "the machine was left in check mode: unlock it to leave that",
    }.get(state, f"the machine is busy, its state is '{state}': wait or stop it there")


def lacking(now: Situation, limits: MillLimits, *, lost: bool) -> str | None:
    """Why an idle machine must not start; None when it may.

    `lost`: since it was last homed (without switches: zeroed) it was locked or restarted.
    """
    if now.settings.laser:
        return (
            "the machine is in laser mode ($32=1), in which the spindle stands in every rapid "
            "move: switch it off ($32=0)"
        )
    for line in now.startup:
        if not _HARMLESS.fullmatch(line):
            return f"the machine's start-up line '{line}' acts at every reset: empty it ($N0=)"
    return _not_homed(now, limits, lost=lost) or _wrong_modes(now)


def _not_homed(now: Situation, limits: MillLimits, *, lost: bool) -> str | None:
    """GRBL locks itself at power-up while $22=1, so an idle one that was never seen locked was
    homed, or unlocked by somebody before the port was opened; grblHAL says which."""
    if not limits.homing:
        return (
            "the machine has restarted or was in alarm, so its zero is no longer where it was: "
            "set X, Y and Z to zero again"
            if lost
            else None
        )
    if not now.settings.homing:
        return "homing is switched off ($22=0), but the profile says that it has limit switches"
    if not now.settings.soft_limits:
        return "the machine does not guard its travel ($20=0): switch its soft limits on ($20=1)"
    if lost or now.homed is False:
        return "the machine does not know where it is: home it"
    return None


def _wrong_modes(now: Situation) -> str | None:
    if "G54" not in now.modes:
        chosen = next((mode for mode in now.modes if mode in now.offsets.work), "another offset")
        return f"the machine works in {chosen}, programs run in G54: choose G54 and set its zero"
    if "G93" in now.modes:
        return "the machine takes feeds for times (G93): reset it, or choose G94"
    if "M5" not in now.modes:
        return "the spindle is switched on: switch it off (M5)"
    if now.offsets.volatile:
        return (
            "the machine has an offset that a reset forgets (G92 or a tool length): cancel it "
            "(G92.1, G49) and set zero again"
        )
    return None


def beyond_travel(low: XYZ, high: XYZ, offset: XYZ, travel: tuple[XYZ, XYZ]) -> str | None:
    """Why a program in this box, with its zero at `offset`, would leave the machine's travel."""
    for axis, ends, zero, least, most in zip(
        _AXES, zip(low, high, strict=True), offset, *travel, strict=True
    ):
        for reach in (end + zero for end in ends):
            if not least - DUST_MM <= reach <= most + DUST_MM:
                return (
                    f"{axis} would go to {reach:.3f} mm of the machine, whose travel is "
                    f"{least:g} … {most:g} mm: move the work's zero"
                )
    return None


def add(one: XYZ, other: XYZ, *, sign: int = 1) -> XYZ:
    """one + other, or one - other."""
    (x, y, z), (u, v, w) = one, other
    return (x + sign * u, y + sign * v, z + sign * w)


def differ(one: XYZ | None, other: XYZ | None) -> bool:
    """Two places that are not the same; a place that is not known is no place."""
    if one is None or other is None:
        return True
    return any(abs(a - b) > DUST_MM for a, b in zip(one, other, strict=True))


def _show(point: XYZ) -> str:
    return " ".join(f"{axis} {value:.3f}" for axis, value in zip(_AXES, point, strict=True))
