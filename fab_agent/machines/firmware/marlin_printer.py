"""The printer behind a simulated Marlin: what each command does to motion, heat and waiting.

Commands as https://marlinfw.org/docs/gcode/ describes them; texts of answers as in Marlin's
source (2.1), named at each.
"""

import re
from collections.abc import Callable

from fab_agent.machines.firmware import marlin_reports
from fab_agent.machines.firmware.heat import BED, HOTEND, Heater
from fab_agent.machines.firmware.marlin_knobs import MarlinKnobs
from fab_agent.machines.firmware.motion import (
    Planner,
    Position,
    arc_centre,
    arc_mm,
    straight_mm,
)

AXES = "XYZE"
FIRST_FEED_MM_S = 25.0  # until a program says otherwise
HOMING_S = 8.0
_HOME_MM = (0.0, 0.0, 0.0)

_CODE = re.compile(r"\s*([GMT])\s*0*(\d+)(?:\.(\d+))?(.*)", re.DOTALL)
_WORD = re.compile(r"([A-Z])\s*([-+]?(?:\d+\.?\d*|\.\d+))?")
# Known to every Marlin and without effect on anything that is modelled here.
_NO_EFFECT = {
    *("T0", "G17", "G29", "M17", "M18", "M73", "M75", "M76", "M77", "M84", "M85", "M92", "M106"),
    *("M107", "M117", "M201", "M203", "M204", "M205", "M206", "M220", "M221", "M300"),
    *("M420", "M500", "M501", "M502", "M851", "M900"),
}

Words = dict[str, float]
Done = Callable[[], bool]


def at_once() -> bool:
    """A command that is done as soon as it is begun."""
    return True


class Printer:
    """Heaters, planner and modes. `say` gets every line of answer but `ok` itself."""

    def __init__(self, knobs: MarlinKnobs, say: Callable[[str], None]) -> None:
        self.knobs, self._say = knobs, say
        self.planner = Planner(
            max(knobs.planner_blocks - 1, 1),  # a ring buffer leaves one free
            timed=knobs.moves_take_time,
            acceleration_mm_s2=knobs.acceleration_mm_s2,
        )
        guarded = knobs.thermal_protection
        self.hotend = Heater(
            HOTEND, guarded, fails=knobs.heater_fails, runs_away=knobs.heater_runs_away
        )
        self.bed = Heater(BED, guarded)
        self.autoreport_s = 0.0
        self.busy_every_s = knobs.busy_every_s
        self.waits_for_user = False
        self.heating: Heater | None = None  # what M109 or M190 waits for
        self.killed_by: str | None = None  # what the machine died of
        self._warm_s = 0.0
        self._left_s = 0.0  # of a wait for a person that ends by itself
        self._relative = self._relative_e = False
        self._keeps_within = False  # software endstops (M211)
        self._unit_mm = 1.0
        self._feed_mm_s = FIRST_FEED_MM_S
        self._commands = self._table()

    @property
    def off(self) -> bool:
        """No heater is told to heat."""
        return not (self.hotend.target_c or self.bed.target_c)

    def begin(self, text: str) -> Done | None:
        """Begin a command; how to see that it is done, or None when the planner is full."""
        if text.startswith(("G1 ", "G0 ")):
            return self._plain_move(text)
        match = _CODE.match(text)
        code = f"{match[1]}{match[2]}" + (f".{match[3]}" if match[3] else "") if match else ""
        handler = self._commands.get(code)
        if handler is None or match is None:
            if code not in _NO_EFFECT:  # GcodeSuite::process_parsed_command
                self._say(f'echo:Unknown command: "{text}"')
            return at_once
        if code == "M118":
            self._echo(match[4].strip())
            return at_once
        words = {k: float(v) if v else 0.0 for k, v in _WORD.findall(match[4].upper())}
        return handler(words)

    def inherit(self, before: "Printer") -> None:
        """The same machine after a reset: as hot as it was, and what has burnt out stays so."""
        self.hotend.inherit(before.hotend)
        self.bed.inherit(before.bed)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.planner.advance(seconds)
        for heater in (self.hotend, self.bed):
            why = heater.advance(seconds)
            if why and not self.killed_by:
                # Temperature::_temp_error
                self.killed_by = f"{why}, system stopped! Heater_ID: {heater.kind.heater_id}"
        if self.heating:
            self._warm_s = self._warm_s + seconds if self.heating.warm else 0.0
        if self._left_s:
            self._left_s = max(self._left_s - seconds, 0.0)
            self.waits_for_user = self.waits_for_user and self._left_s > 0

    def quickstop(self) -> None:
        """M410: moves that were planned do not happen; heaters stay as they are."""
        self.planner.clear()

    def break_waits(self) -> None:
        """M108: whatever waits for heat or for a person goes on; heaters stay as they are."""
        self.heating, self.waits_for_user = None, False

    def switch_off(self) -> None:
        """Heaters and motors get no power any more."""
        self.hotend.heat(0.0)
        self.bed.heat(0.0)
        self.planner.clear()

    def temperatures(self) -> str:
        """As Temperature::print_heater_states says it."""
        hotend, bed = self.hotend, self.bed
        return (
            f"T:{hotend.actual_c:.2f} /{hotend.target_c:.2f} B:{bed.actual_c:.2f} "
            f"/{bed.target_c:.2f} @:{127 * hotend.on} B@:{127 * bed.on}"
        )

    def wait_shown(self) -> str:
        """What M109 and M190 add to the temperatures: seconds left to stay warm, `?` before."""
        if self.heating is None or not self.knobs.settles_s:
            return ""
        return f" W:{self.knobs.settles_s - self._warm_s:.0f}" if self._warm_s else " W:?"

    def capabilities(self) -> str:
        """The answer to M115 (gcode/host/M115.cpp)."""
        knobs = self.knobs
        caps = {
            "SERIAL_XON_XOFF": 0,
            "EEPROM": 0,
            "AUTOREPORT_POS": 0,
            "AUTOREPORT_TEMP": knobs.autoreport,
            "PROGRESS": 0,
            "PRINT_JOB": 1,
            "AUTOLEVEL": 0,
            "EMERGENCY_PARSER": knobs.emergency_parser,
            "HOST_ACTION_COMMANDS": 0,
            "THERMAL_PROTECTION": knobs.thermal_protection,
            "BUSY_PROTOCOL": 1,
            "ARCS": 1,
        }
        return (
            "FIRMWARE_NAME:Marlin 2.1.2 (simulated) SOURCE_CODE_URL:github.com/MarlinFirmware/"
            "Marlin PROTOCOL_VERSION:1.0 MACHINE_TYPE:Memory EXTRUDER_COUNT:1\n"
            + "\n".join(f"Cap:{name}:{value:d}" for name, value in caps.items())
        )

    def _table(self) -> dict[str, Callable[[Words], Done | None]]:
        """Which command does what."""
        return {
            "G0": self._move, "G1": self._move,
            "G2": lambda w: self._arc(w, clockwise=True),
            "G3": lambda w: self._arc(w, clockwise=False),
            "G4": self._dwell, "G20": lambda _: self._units(25.4), "G21": lambda _: self._units(1),
            "G28": self._home,
            "G90": lambda _: self._modes(moves=False, e=False),
            "G91": lambda _: self._modes(moves=True, e=True),
            "G92": self._set_position,
            "M0": self._pause, "M1": self._pause, "M600": self._pause,
            "M82": lambda _: self._modes(e=False), "M83": lambda _: self._modes(e=True),
            "M104": lambda w: self._heat(self.hotend, w),
            "M109": lambda w: self._heat(self.hotend, w, wait=True),
            "M140": lambda w: self._heat(self.bed, w),
            "M190": lambda w: self._heat(self.bed, w, wait=True),
            "M105": lambda _: at_once,
            "M108": lambda _: self._done(self.break_waits),
            "M110": lambda _: at_once,
            "M112": lambda _: self._done(self._killed),
            "M113": self._keepalive, "M114": self._where,
            "M115": lambda _: self._tell(self.capabilities()),
            "M118": lambda _: at_once, "M155": self._autoreport,
            "M211": self._endstops,
            "M503": lambda _: self._tell(marlin_reports.settings(self.knobs.acceleration_mm_s2)),
            "M400": lambda _: lambda: self.planner.empty,
            "M410": lambda _: self._done(self.quickstop),
        }  # fmt: skip

    def _done(self, effect: Callable[[], None]) -> Done:
        effect()
        return at_once

    def _tell(self, text: str) -> Done:
        self._say(text)
        return at_once

    def _killed(self) -> None:
        self.killed_by = self.killed_by or ""

    def _plain_move(self, text: str) -> Done | None:
        """The commonest command on the shortest way."""
        if self.planner.full:
            return None
        try:
            words = {word[0]: float(word[1:]) for word in text[3:].split()}
        except ValueError:
            match = _CODE.match(text)
            rest = match[4] if match else ""
            words = {k: float(v) if v else 0.0 for k, v in _WORD.findall(rest.upper())}
        return self._move(words)

    def _move(self, words: Words) -> Done | None:
        if self.planner.full:
            return None
        start = self.planner.position
        end = self._target(start, words)
        self.planner.move(end, straight_mm(start, end), self._feed_mm_s)
        return at_once

    def _arc(self, words: Words, *, clockwise: bool) -> Done | None:
        """G2 and G3 in the XY plane; about I J, or of radius R."""
        if self.planner.full:
            return None
        start = self.planner.position
        end = self._target(start, words)
        centre: tuple[float, float] | None
        if "R" in words:
            radius = words["R"] * self._unit_mm
            centre = arc_centre(start[:2], end[:2], radius, clockwise=clockwise)
        else:
            centre = (
                start[0] + words.get("I", 0.0) * self._unit_mm,
                start[1] + words.get("J", 0.0) * self._unit_mm,
            )
        if centre is None or centre == start[:2]:
            self.planner.position = start
            self._say("echo:G2/G3 bad parameters")  # gcode/motion/G2_G3.cpp
            return at_once
        flat = arc_mm(start[:2], end[:2], centre, clockwise=clockwise)
        rise = end[2] - start[2]
        self.planner.move(end, (flat * flat + rise * rise) ** 0.5, self._feed_mm_s)
        return at_once

    def _target(self, start: Position, words: Words) -> Position:
        unit, relative = self._unit_mm, self._relative
        if words.get("F", 0.0) > 0:
            self._feed_mm_s = words["F"] * unit / 60
        x, y, z, e = start
        if "X" in words:
            x = words["X"] * unit + (x if relative else 0.0)
        if "Y" in words:
            y = words["Y"] * unit + (y if relative else 0.0)
        if "Z" in words:
            z = words["Z"] * unit + (z if relative else 0.0)
        if "E" in words:
            e = words["E"] * unit + (e if self._relative_e else 0.0)
        if self._keeps_within:
            x, y, z = marlin_reports.within((x, y, z))
        return x, y, z, e

    def _dwell(self, words: Words) -> Done | None:
        """G4 waits for motion to end, then for P ms or S s."""
        if self.planner.full:
            return None
        self.planner.pause(words["S"] if "S" in words else words.get("P", 0.0) / 1000)
        return lambda: self.planner.empty

    def _home(self, words: Words) -> Done | None:
        if self.planner.full:
            return None
        chosen = [axis for axis in "XYZ" if axis in words] or list("XYZ")
        end = list(self.planner.position)
        for axis in chosen:
            end[AXES.index(axis)] = _HOME_MM[AXES.index(axis)]
        self.planner.pause(HOMING_S, (end[0], end[1], end[2], end[3]))
        if not self.knobs.homing_fails:
            return lambda: self.planner.empty
        return self._homing_has_failed

    def _homing_has_failed(self) -> bool:
        """Endstops::validate_homing_move finds no switch triggered and kills."""
        if self.planner.empty:
            self._killed()
        return False

    def _set_position(self, words: Words) -> Done:
        old = self.planner.position
        x, y, z, e = (
            words[axis] * self._unit_mm if axis in words else value
            for axis, value in zip(AXES, old, strict=True)
        )
        self.planner.renumber((x, y, z, e))
        return at_once

    def _units(self, unit_mm: float) -> Done:
        self._unit_mm = unit_mm
        return at_once

    def _modes(self, *, e: bool, moves: bool | None = None) -> Done:
        self._relative = self._relative if moves is None else moves
        self._relative_e = e
        return at_once

    def _heat(self, heater: Heater, words: Words, *, wait: bool = False) -> Done:
        """S waits only to get warmer, R also to get colder."""
        target = words.get("S", words.get("R"))
        if target is None:
            return at_once
        heater.heat(target)
        if not wait or (target < heater.actual_c and "S" in words):
            return at_once
        self.heating, self._warm_s = heater, 0.0
        return self._is_warm

    def _is_warm(self) -> bool:
        heater = self.heating
        if heater is None:
            return True  # M108
        if not (heater.warm and abs(heater.actual_c - heater.target_c) <= 1.0):
            return False
        if self._warm_s < self.knobs.settles_s:
            return False
        self.heating = None
        return True

    def _pause(self, words: Words) -> Done:
        """M0, M1 and M600 wait for a person (M108), M0 and M1 at most S s or P ms."""
        self._left_s = words["S"] if "S" in words else words.get("P", 0.0) / 1000
        self.waits_for_user = True
        return lambda: not self.waits_for_user

    def _keepalive(self, words: Words) -> Done:
        if "S" not in words:
            return self._tell(f"echo:M113 S{self.busy_every_s:g}")
        self.busy_every_s = min(words["S"], 60.0)
        return at_once

    def _endstops(self, words: Words) -> Done:
        if "S" not in words:
            return self._tell(marlin_reports.endstops(on=self._keeps_within))
        self._keeps_within = words["S"] != 0
        return at_once

    def _where(self, _: Words) -> Done:
        """As report_current_position says it: planned position, and steps done."""
        planned = " ".join(
            f"{axis}:{value:.2f}" for axis, value in zip(AXES, self.planner.position, strict=True)
        )
        steps = " ".join(
            f"{axis}:{round(value * per_mm)}"
            for axis, value, per_mm in zip(
                "XYZ", self.planner.where, marlin_reports.STEPS_PER_MM, strict=False
            )
        )
        return self._tell(f"{planned} Count {steps}")

    def _autoreport(self, words: Words) -> Done:
        if self.knobs.autoreport and "S" in words:
            self.autoreport_s = min(words["S"], 60.0)
        return at_once

    def _echo(self, text: str) -> None:
        """M118 (gcode/host/M118.cpp): E1 puts `echo:` before it, A1 `//`."""
        chosen = set()
        while option := re.match(r"([AE]1|P\d)\s*", text):
            chosen.add(option[1])
            text = text[option.end() :]
        self._say("echo:" * ("E1" in chosen) + "//" * ("A1" in chosen) + text)
