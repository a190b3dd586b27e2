"""What GRBL may be asked for: a person has homed it and set work zero on the sheet's top.

Z0 is the top of the sheet. A program lifts the cutter before it crosses the sheet, cuts only
with the spindle turning, and ends lifted and still. Source of the command list: GRBL 1.1 wiki.
Where it was told how many cutters it has, it stops (`M0`) lifted and still between each two: a
person changes the cutter and sets its Z zero there, so nothing is known of the place afterwards.
"""

from collections.abc import Mapping
from math import isfinite, isnan, nan
from typing import ClassVar, NoReturn

from commons.machine import MachineProfile, MillLimits
from fab_agent.gcode.motion import XYZ, Action, Walk, changes_nothing
from fab_agent.gcode.parser import Args, E, G, X, Y, refusal

_OFFSET = ("offset", "moves the zero that a person has set on the sheet")
_STORED = ("forbidden-command", "goes to a stored place that the program does not show")

_NAMES_BY_REASON: tuple[tuple[tuple[str, str], str], ...] = (
    (_OFFSET, "G10 G43 G43.1 G49 G53 G55 G56 G57 G58 G59 G92 G92.1 G92.2 G92.3"),
    (_STORED, "G28 G28.1 G30 G30.1"),
    (("forbidden-command", "probes: it moves until something is hit"), "G38.2 G38.3 G38.4 G38.5"),
    (("units", "turns feeds into times"), "G93"),
    (("plane", "turns arcs out of the XY plane"), "G18 G19"),
    (("unbounded-wait", "waits for a person, and nobody may be there"), "M0 M1 M25 M600"),
    (("tool", "changes the cutter; one program uses one cutter"), "M6"),
    (("spindle-backwards", "turns the cutter against its edges"), "M4"),
    (("coolant", "switches a relay that the profile does not know"), "M7 M8"),
)

# What a lifted cutter keeps from the sheet: boards are not quite flat, heads of clamps lie flush.
SAFE_MM = 5.0


class MillWalk(Walk):
    """A GRBL router. Invariant: below Z0 it was never moved without a turning spindle.

    After a stop for another cutter nothing but lifting may happen before M3, and nothing below
    `_safe_mm` before the spindle has come to speed.
    """

    packed = True
    forbidden: ClassVar = {name: why for why, names in _NAMES_BY_REASON for name in names.split()}
    sharing = frozenset({"G17", "G20", "G21", "G40", "G54", "G80", "G90", "G91", "G94"})

    def __init__(
        self,
        profile: MachineProfile,
        limits: MillLimits,
        floor_mm: float,
        cutters_mm: tuple[float, ...] = (),
    ) -> None:
        first, *self._cutters_left = _believable(cutters_mm) or (limits.cutter_mm,)
        super().__init__(profile, floor_mm=floor_mm, tool_mm=first)
        self._safe_mm = profile.envelope.lift_mm(SAFE_MM)
        self._changed = False  # a new cutter, which has not come to speed yet
        self.cut_length_mm = 0.0
        self.spindle_max_rpm = 0.0
        self._limits = limits
        self._spindle_rpm = 0.0
        self._ended = False

    @property
    def worked(self) -> float:
        """Path below Z0 so far, mm."""
        return self.cut_length_mm

    def follow(self, words: Mapping[int, float], start: XYZ, length: float) -> None:
        """Judge a move: lifted before crossing, spindle on below Z0, feeds within limits."""
        if E in words:
            self.refuse("unknown-word", "a router has no E")
        if self._changed or isnan(start[2]):
            self._check_way_in(words, start)
        rise = self.here[2] - start[2]
        below = min(start[2], self.here[2]) < 0
        if below:
            self._check_cut()
        if words[G] == 0:
            if below and not (rise > 0 and length == rise):
                self.refuse("rapid-in-stock", "G0 below Z0 may only lift straight up")
            feed = self.profile.max_feed_mm_s
        else:
            feed = self._need_feed()
            down = below and rise < 0
            limit = self._limits.max_plunge_mm_s if down else self.profile.max_feed_z_mm_s
            self._check_vertical(rise, length, limit)
            if below:
                self.cut_length_mm += length
        if length > 0:
            self.duration_s += length / feed

    def stops(self) -> bool:
        """Whether another cutter was told; refuses a stop that no person could work at."""
        if not self._cutters_left:
            return False
        if not self._ready:
            self._refuse_unready()
        if self._spindle_rpm:
            asked = f"{self._spindle_rpm:g} rpm"
            why = "the spindle turns while a person changes the cutter; add M5"
            self.refuse("cutter-change", why, asked, "0 rpm")
        if not self._plain:
            why = "a stop for another cutter in inches or relative distances; say G21 and G90"
            self.refuse("cutter-change", why, limit="G21 and G90")
        if not self.here[2] >= self._safe_mm:
            self._refuse_low("a person cannot change the cutter there")
        self._take_tool(self._cutters_left.pop(0))
        self.here = (nan, nan, nan)
        self._changed = True
        return True

    def finish(self) -> None:
        """Refuse a program that cuts nothing or ends with a turning or lowered cutter."""
        if left := len(self._cutters_left):
            asked = f"{left} stops less than its cutters need"
            self.refuse("cutter-change", f"{asked}: make the program again", asked)
        if self._spindle_rpm:
            asked = f"{self._spindle_rpm:g} rpm"
            why = "the spindle still turns at the end; add M5"
            self.refuse("spindle-left-on", why, asked, "0 rpm")
        if not self.cut_length_mm > 0:
            self.refuse("does-nothing", "the program cuts nothing", "0 mm cut")
        if not self.here[2] > 0:
            asked = f"Z{self.here[2]:.3f}"
            self.refuse("not-lifted", f"the cutter ends at {asked}; lift it above Z0", asked)

    def _missing(self) -> tuple[str, str] | None:
        return (
            ("after-end", "nothing: M2 or M30 was its end")
            if self._ended
            else (self._modes_missing())
        )

    def _check_way_in(self, words: Mapping[int, float], start: XYZ) -> None:
        """Until Z is known the cutter may stand in the sheet: it can only be lifted."""
        if isnan(start[2]) and (X in words or Y in words or not self.here[2] > 0):
            why = "the first move must lift the cutter above Z0 (absolute), and nothing else"
            self.refuse("start-retract", why)
        if self._changed and self.here[2] < self._safe_mm:
            self._refuse_low("lower down a new cutter may move once it turns (M3 and G4)")

    def _refuse_low(self, why: str) -> NoReturn:
        asked = "an unknown Z" if isnan(self.here[2]) else f"Z{self.here[2]:.3f}"
        least = f"at least Z{self._safe_mm:g}"
        self.refuse("cutter-change", f"{asked}, it must be {least}: {why}", asked, least)

    def _check_cut(self) -> None:
        if not self._spindle_rpm:
            self.refuse("spindle-off", "a move below Z0 while the spindle stands; add M3 S…")
        if isnan(self.here[0] + self.here[1]):
            self.refuse("position-unknown", "a cut before both X and Y are given")

    def _spindle_on(self, args: Args) -> None:
        rpm = self.number(args, "S", "M3")
        if self._changed and isnan(self.here[2]):
            why = "M3 where the new cutter was left, maybe on the sheet; lift it (G0 Z) before"
            self.refuse("cutter-change", why)
        least, most = self._limits.spindle_min_rpm, self._limits.spindle_max_rpm
        if not least <= rpm <= most or rpm == 0:
            asked, limit = f"S{rpm:g} rpm", f"{least:g} … {most:g} rpm"
            self.refuse("spindle-speed", f"{asked}; this spindle turns {limit}", asked, limit)
        self._spindle_rpm = rpm
        self.spindle_max_rpm = max(self.spindle_max_rpm, rpm)

    def _spindle_off(self, args: Args) -> None:
        if self.here[2] < 0:
            self.refuse("spindle-off", "M5 while the cutter is below Z0")
        self._spindle_rpm = 0.0

    def _wait(self, args: Args) -> None:
        seconds = self.number(args, "P", "G4")
        self.dwell(seconds)
        self._changed = self._changed and not (self._spindle_rpm and seconds > 0)

    def _end(self, args: Args) -> None:
        self._ended = True
        self._spindle_rpm = 0.0
        self.modes_changed()

    commands: ClassVar[Mapping[str, tuple[str, Action]]] = {
        "G0": ("XYZF", Walk._rapid),
        "G1": ("XYZF", Walk._feed),
        "G2": ("XYZFIJR", Walk._arc_clockwise),
        "G3": ("XYZFIJR", Walk._arc_counter),
        "G4": ("P", _wait),
        "G17": ("", Walk._xy_plane),
        "G20": ("", Walk._inches),
        "G21": ("", Walk._millimetres),
        "G40": ("", changes_nothing),
        "G54": ("", changes_nothing),
        "G80": ("", changes_nothing),
        "G90": ("", Walk._absolute),
        "G91": ("", Walk._incremental),
        "G94": ("", changes_nothing),
        "M2": ("", _end),
        "M3": ("S", _spindle_on),
        "M5": ("", _spindle_off),
        "M9": ("", changes_nothing),
        "M30": ("", _end),
    }


def _believable(cutters_mm: tuple[float, ...]) -> tuple[float, ...]:
    """The cutters that were told, unless one of them is none."""
    for diameter in cutters_mm:
        if not (isfinite(diameter) and diameter > 0):
            asked = f"a cutter of {diameter:g} mm"
            raise refusal("cutter-change", 0, f"{asked}: say its diameter", value=asked)
    return cutters_mm
