"""What Marlin may be asked for: heat, filament, homing first, cold at the end.

Commands that Marlin lets through but that make a proof worthless (overrides, offsets, settings)
are refused like the dangerous ones. Sources: marlinfw.org/meta/gcode, Marlin 2.1 Configuration.h.
"""

from collections.abc import Iterator, Mapping
from math import hypot, inf, isinf, isnan, nan
from typing import ClassVar, NoReturn

from commons.machine import MachineProfile, Material, PrintLimits
from fab_agent.gcode.motion import DUST, XYZ, Action, Walk, changes_nothing
from fab_agent.gcode.parser import MAX_LINE, Args, E, Z, plain_stroke

# Marlin skips a longer single push without an error (EXTRUDE_MAXLENGTH).
MAX_PUSH_MM = 200.0
_FAN_MAX = 255.0

_SETTINGS = ("settings-write", "changes settings that outlive this program")
_WAITS = ("unbounded-wait", "waits for a person, and nobody may be there")
_CARD = ("forbidden-command", "reads or writes the machine's own card")
_FIRMWARE = ("forbidden-command", "acts on the firmware itself")

_NAMES_BY_REASON: tuple[tuple[tuple[str, str], str], ...] = (
    (_SETTINGS, "M92 M145 M149 M200 M201 M202 M203 M204 M205 M206 M207 M208 M209 M211 M217 M218"),
    (_SETTINGS, "M301 M303 M304 M305 M306 M309 M413 M420 M421 M425 M428 M500 M501 M502 M503 M504"),
    (_SETTINGS, "M540 M569 M572 M592 M593 M603 M665 M666 M851 M852 M871 M900 M906 M913 M914 G10"),
    (_WAITS, "M0 M1 M25 M76 M125 M226 M600 M601 M701 M702"),
    (_CARD, "M20 M21 M22 M23 M24 M26 M27 M28 M29 M30 M32 M33 M808 M928"),
    (_FIRMWARE, "M80 M81 M108 M110 M112 M410 M511 M524 M575 M995 M997 M999"),
    (("forbidden-command", "switches a pin or servo that the profile does not know"), "M42 M280"),
    (("cold-extrusion", "lifts the guard against cold extrusion"), "M302"),
    (("units", "exists in few Marlin builds; write the program in millimetres"), "G20"),
    (("plane", "turns arcs out of the XY plane"), "G18 G19"),
    (("forbidden-command", "hands text to the print host, which may take it for an order"), "M118"),
)


class PrinterWalk(Walk):
    """A Marlin printer. Invariant: `hot` only while a nozzle target that was waited for holds."""

    forbidden: ClassVar = {name: why for why, names in _NAMES_BY_REASON for name in names.split()}

    def __init__(
        self, profile: MachineProfile, limits: PrintLimits, material: Material | None
    ) -> None:
        super().__init__(profile)
        self._scale = 1.0  # G20 is refused
        self.extruded_mm = 0.0
        self.hotend_max_c = 0.0
        self.bed_max_c = 0.0
        self._limits = limits
        ceiling = material.nozzle_max_c if material else None
        self._hotend_limit_c = min(limits.hotend_max_c, ceiling or limits.hotend_max_c)
        self._homed = False
        self._hot = False
        self._targets_c = {"hotend": 0.0, "bed": 0.0}
        self._e_mm = nan
        self._e_relative: bool | None = None

    @property
    def worked(self) -> float:
        """Filament pushed so far, mm."""
        return self.extruded_mm

    def follow(self, words: Mapping[int, float], start: XYZ, length: float) -> None:
        """Judge a move: filament only when hot, nothing faster than its limit."""
        feed = self._feed_mm_s or self._need_feed()
        if Z in words:
            self._check_vertical(self.here[2] - start[2], length, self.profile.max_feed_z_mm_s)
        push = 0.0
        if E in words:
            push = self._push(words[E], length)
            length = length or abs(push)
        if length > 0:
            self.duration_s += length / feed
            if self.watch is not None:
                self.watch((*self.here, push, length / feed))

    def next_line(self, lines: Iterator[bytes]) -> bytes | None:
        """Strokes like `G1 X1.5 Y2 E.03` are followed at once: most lines of a print are such.

        They must lie in the box that was reached before, and the printer be in its commonest
        state. Nothing passes here that `plain_move` and `straight` would refuse.
        """
        feed = self._feed_mm_s
        if not (self._ready and self._plain and self._e_relative and self._hot and feed):
            return super().next_line(lines)
        (x0, y0, _), (x1, y1, _) = self.low, self.high
        (x, y, z), watch, limits = self.here, self.watch, self._limits
        number, most = self.line + 1, limits.max_extrude_mm_s / feed
        way_mm = pushed_mm = 0.0
        try:
            for self.line, line in enumerate(lines, number):
                if (stroke := plain_stroke(line)) is None or len(line) > MAX_LINE:
                    return line
                x_text, y_text, e_text = stroke.groups()
                to_x, to_y, push = float(x_text), float(y_text), float(e_text)
                length = hypot(to_x - x, to_y - y)
                fits = x0 <= to_x <= x1 and y0 <= to_y <= y1 and 0 <= push <= MAX_PUSH_MM
                if not (fits and push <= most * length) or self._zones:
                    return line
                x, y, way_mm, pushed_mm = to_x, to_y, way_mm + length, pushed_mm + push
                if watch is not None:
                    watch((x, y, z, push, length / feed))
        finally:
            self.here = (x, y, z)
            self._e_mm += pushed_mm
            self.extruded_mm += pushed_mm
            self.duration_s += way_mm / feed
        return None

    def finish(self) -> None:
        """Refuse a program that prints nothing or leaves a heater on."""
        for heater, target in self._targets_c.items():
            if target > 0:
                asked = "an unknown heat" if isinf(target) else f"{target:g} °C"
                why = f"the {heater} is still set to {asked} at the end; add M104 S0, M140 S0"
                self.refuse("heater-left-on", why, f"{heater} {asked}", "0 °C")
        if not self.extruded_mm > 0:
            self.refuse("does-nothing", "the program extrudes nothing", "0 mm of filament")

    def _missing(self) -> tuple[str, str] | None:
        if not self._homed:
            return "not-homed", "G28: home all axes first"
        return self._modes_missing()

    def _push(self, value: float, length: float) -> float:
        """Move filament as this E asks; return by how many mm, negative when it pulls back."""
        if not self._hot or self._e_relative is None:
            self._refuse_push()
        push = value if self._e_relative else value - self._e_mm
        speed = self._feed_mm_s * (abs(push) / length if length else 1.0)
        if not (speed <= self._limits.max_extrude_mm_s + DUST and abs(push) <= MAX_PUSH_MM):
            self._refuse_amount(push, speed)
        self._e_mm += push
        self.extruded_mm += push
        return push

    def _refuse_push(self) -> NoReturn:
        if not self._hot:
            least = self._limits.extrude_min_c
            why = f"filament moves before M109 has waited for at least {least:g} °C"
            self.refuse("cold-extrusion", why)
        self.refuse("mode-unset", "E before M82 or M83; G90 and G91 undo an earlier one")

    def _refuse_amount(self, push: float, speed: float) -> NoReturn:
        if isnan(push):
            self.refuse("position-unknown", "E is absolute and was never set; add G92 E0")
        if isnan(speed):
            self.refuse("position-unknown", "filament on the way from a place that is not known")
        if abs(push) > MAX_PUSH_MM:
            asked, most = f"{push:.1f} mm", f"{MAX_PUSH_MM:g} mm"
            why = f"{asked} of filament in one move, the limit is {most}"
            self.refuse("extrude-length", why, asked, most)
        asked, most = f"{speed:.2f} mm/s", f"{self._limits.max_extrude_mm_s:g} mm/s"
        self.refuse("extrude-rate", f"filament at {asked}, the limit is {most}", asked, most)

    def _home(self, args: Args) -> None:
        """Where an axis stands after homing depends on the build: unknown until it is told."""
        self.check_homing()
        axes = args or "XYZ"
        x, y, z = (nan if axis in axes else at for axis, at in zip("XYZ", self.here, strict=True))
        self.here = (x, y, z)
        self._homed = self._homed or not args or set(args) == set("XYZ")
        self.modes_changed()

    def _probe(self, args: Args) -> None:
        """The firmware feels the bed at places of its own: where it ends is not known."""
        if not self._homed:
            self.refuse("not-homed", "probing the bed before G28")
        self._go_unseen("probing the bed")

    def _go_unseen(self, what: str) -> None:
        """The head goes where the program does not say; nothing may stand in its way."""
        for zone in self._zones:
            why = f"{what} may come over '{zone.name}': its way is not in the program"
            self.refuse("keep-out", why, what, "ways that the program shows")
        self.here = (nan, nan, nan)
        self.modes_changed()

    def _forget(self) -> None:
        """Nothing is known any more but that the axes are homed; heaters count as on."""
        self._relative = self._e_relative = None
        self._feed_mm_s, self._e_mm, self._hot = 0.0, nan, False
        self._targets_c = {"hotend": inf, "bed": inf if self._limits.bed_max_c else 0.0}
        self.modes_changed()

    def _release(self, args: Args) -> None:
        self._homed = False
        self.here = (nan, nan, nan)
        self.modes_changed()

    def _absolute(self, args: Args) -> None:
        # Marlin 2 sets E's mode too, older builds do not: it must be said again.
        self._e_relative = None
        super()._absolute(args)

    def _incremental(self, args: Args) -> None:
        self._e_relative = None
        super()._incremental(args)

    def _e_absolute(self, args: Args) -> None:
        self._e_relative = False

    def _e_incremental(self, args: Args) -> None:
        self._e_relative = True

    def _set_e(self, args: Args) -> None:
        self._e_mm = self.number(args, "E", "G92")

    def _heat(self, heater: str, args: Args, limit: float) -> float:
        target = self.number(args, "S", f"a {heater} temperature")
        if not 0 <= target <= limit:
            asked, most = f"{target:g} °C", f"0 … {limit:g} °C"
            why = f"the {heater} at {asked}; this machine and material allow {most}"
            self.refuse(f"{heater}-temperature", why, asked, most)
        self._targets_c[heater] = target
        return target

    def _set_hotend(self, args: Args) -> None:
        target = self._heat("hotend", args, self._hotend_limit_c)
        self.hotend_max_c = max(self.hotend_max_c, target)
        self._hot = self._hot and target >= self._limits.extrude_min_c

    def _await_hotend(self, args: Args) -> None:
        self._set_hotend(args)
        self._hot = self._targets_c["hotend"] >= self._limits.extrude_min_c

    def _set_bed(self, args: Args) -> None:
        target = self._heat("bed", args, self._limits.bed_max_c)
        self.bed_max_c = max(self.bed_max_c, target)

    def _fan(self, args: Args) -> None:
        if not 0 <= self.number(args, "S", "M106") <= _FAN_MAX:
            self.refuse("fan", f"a fan speed goes from 0 to {_FAN_MAX:g}")

    def _wait(self, args: Args) -> None:
        self.dwell((args.get("S") or 0.0) + (args.get("P") or 0.0) / 1000)

    def _first_tool(self, args: Args) -> None:
        if (args.get("T") or 0.0) != 0:
            self.refuse("tool", "the profile knows one tool, T0")

    def _full_percentage(self, args: Args) -> None:
        if self.number(args, "S", "an override") != 100:
            self.refuse("override", "an override other than 100 % would void this proof")

    commands: ClassVar[Mapping[str, tuple[str, Action]]] = {
        "G0": ("XYZEF", Walk._rapid),
        "G1": ("XYZEF", Walk._feed),
        "G2": ("XYZEFIJR", Walk._arc_clockwise),
        "G3": ("XYZEFIJR", Walk._arc_counter),
        "G4": ("SP", _wait),
        "G17": ("", Walk._xy_plane),
        "G21": ("", Walk._millimetres),
        "G28": ("XYZ", _home),
        "G90": ("", _absolute),
        "G91": ("", _incremental),
        "G92": ("E", _set_e),
        "M17": ("", changes_nothing),
        "M18": ("XYZE", _release),
        "M73": ("PRQSCD", changes_nothing),
        "M82": ("", _e_absolute),
        "M83": ("", _e_incremental),
        "M84": ("XYZE", _release),
        "M104": ("S", _set_hotend),
        "M105": ("", changes_nothing),
        "M106": ("SP", _fan),
        "M107": ("P", changes_nothing),
        "M109": ("S", _await_hotend),
        "M114": ("", changes_nothing),
        "M140": ("S", _set_bed),
        "M190": ("S", _set_bed),
        "M220": ("S", _full_percentage),
        "M221": ("S", _full_percentage),
        "M400": ("", changes_nothing),
        "T0": ("", changes_nothing),
    }
