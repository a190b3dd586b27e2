"""The router behind a simulated GRBL: what each block of G-code does to axes, offsets and spindle.

After gnea/grbl: grbl/gcode.c (step 4, execution), motion_control.c, settings.c, report.c. A block
runs as a generator that yields where GRBL waits, so that bytes and time go on meanwhile.
"""

from collections.abc import Iterator
from math import inf

from fab_agent.machines.firmware.grbl_knobs import GrblKnobs
from fab_agent.machines.firmware.grbl_parser import PLANES, Block, Modes, Refused, arc, parse
from fab_agent.machines.firmware.grbl_planner import LookAhead, RouterPlanner, chords
from fab_agent.machines.firmware.motion import Planner, Position, arc_mm, straight_mm

SYSTEMS = ("G54", "G55", "G56", "G57", "G58", "G59")
RAPID_MM_MIN = 5000.0  # $110 to $112
PULL_OFF_MM = 1.0  # $27
HOMING_S = 8.0

Point = tuple[float, float, float]


class Alarm(Exception):
    """GRBL stops with `ALARM:` and this number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Router:
    """Planner, modes, offsets and spindle; all places in machine coordinates, mm."""

    def __init__(self, knobs: GrblKnobs) -> None:
        self.knobs = knobs
        self.settings = _settings(knobs)
        self._looks_ahead = knobs.moves_take_time and knobs.acceleration_mm_s2 > 0
        self.planner: RouterPlanner = (
            LookAhead(knobs.planner_blocks, self.settings)
            if self._looks_ahead
            else Planner(knobs.planner_blocks, timed=knobs.moves_take_time)
        )
        self.offsets: dict[str, Point] = dict.fromkeys((*SYSTEMS, "G28", "G30"), (0.0, 0.0, 0.0))
        self.startup = ["", ""]
        self.homed = knobs.starts_homed and not knobs.starts_locked
        if self.homed:
            x, y, z = (-travel / 2 for travel in knobs.travel_mm)
            self.planner.position = (x, y, z, 0.0)
            self.offsets["G54"] = x, y, z
        self.forget()

    @property
    def where(self) -> Point:
        """Where the tool is now."""
        return self.planner.where[:3]

    @property
    def work_offset(self) -> Point:
        """What is added to a work coordinate: work zero, G92 and tool length."""
        system = self.offsets[self.modes.system]
        x, y, z = (a + b for a, b in zip(system, self.g92, strict=True))
        return x, y, z + self.tool_length

    @property
    def travel(self) -> Point:
        """How far each axis can go from its home, which is its highest place."""
        x, y, z = (self.settings[number] for number in (130, 131, 132))
        return x, y, z

    def forget(self) -> None:
        """As after a reset: default modes, spindle off, nothing planned; offsets stay (EEPROM)."""
        self.planner.clear()
        self.modes = Modes()
        self.spindle, self.coolant = "M5", "M9"  # what really turns and flows
        self.g92: Point = (0.0, 0.0, 0.0)
        self.tool_length = 0.0
        self.dwell_s = 0.0
        self.paused = False  # by M0: it waits for a cycle start
        self.ended = False  # by M2 or M30, not told yet
        self.offsets_changed = True
        self.at: Point = self.where  # the parser's own idea of where the tool will be

    def run(self, text: str, *, check: bool, jog: bool = False) -> Iterator[None]:
        """Execute one block; `check` parses it and follows its places without moving anything.

        Raises:
            Refused: with GRBL's number; nothing has changed then.
            Alarm: a soft limit.
        """
        block = parse(text, self.modes, jog=jog)
        if block.commands.get("M8") == "M7" and not self.knobs.grblhal:
            raise Refused(20)  # ENABLE_M7 is off
        end = self._end(block) if block.moves else self.at
        if block.moves and block.modes.motion.startswith("G38") and end == self.at:
            raise Refused(33)
        path_mm = self._path_mm(block, end)
        if jog:
            if self._outside(end):
                raise Refused(15)
            yield from self._go(end, path_mm, block.modes.feed_mm_min)
            return
        yield from self._accessories(block, check=check)
        yield from self._once(block, check=check)
        if block.moves and block.modes.motion != "G80":
            yield from self._move(block, end, path_mm, check=check)
        yield from self._flow(block, check=check)

    def synchronise(self) -> Iterator[None]:
        """protocol_buffer_synchronize: until everything planned is done."""
        while not self.planner.empty:
            yield

    def home(self) -> None:
        """Every axis has found its switch and pulled off."""
        self.planner.clear()
        self.planner.position = (-PULL_OFF_MM, -PULL_OFF_MM, -PULL_OFF_MM, 0.0)
        self.at = self.where
        self.homed = True

    def stop_here(self) -> None:
        """What was planned does not happen."""
        self.planner.clear()
        self.at = self.where

    def _outside(self, end: Point) -> bool:
        """system_check_travel_limits, where soft limits are on ($20)."""
        if not self.settings[20]:
            return False
        return any(
            not -far - 1e-6 <= value <= 1e-6 for value, far in zip(end, self.travel, strict=True)
        )

    def _end(self, block: Block) -> Point:
        machine = block.commands.get("G0") == "G53"
        modes = block.modes
        system = self.offsets[modes.system]
        x, y, z = (
            self._axis(block, axis, now, zero, machine=machine)
            for axis, now, zero in zip(
                "XYZ",
                self.at,
                (system[0] + self.g92[0], system[1] + self.g92[1],
                 system[2] + self.g92[2] + self.tool_length),
                strict=True,
            )
        )  # fmt: skip
        return x, y, z

    def _axis(self, block: Block, axis: str, now: float, zero: float, *, machine: bool) -> float:
        if axis not in block.words:
            return now
        value = block.mm(axis)
        if machine:
            return value
        return now + value if block.modes.distance == "G91" else value + zero

    def _path_mm(self, block: Block, end: Point) -> float:
        start = self.at
        if block.moves and block.modes.motion in ("G2", "G3"):
            a, b, centre = arc(block, start, end)
            flat = arc_mm(a, b, centre, clockwise=block.modes.motion == "G2")
            across = {"G17": 2, "G18": 1, "G19": 0}[block.modes.plane]
            return float((flat**2 + (end[across] - start[across]) ** 2) ** 0.5)
        return straight_mm((*start, 0.0), (*end, 0.0))

    def _accessories(self, block: Block, *, check: bool) -> Iterator[None]:
        """Spindle and coolant change only when the machine stands."""
        modes = block.modes
        old = self.modes
        spins = modes.spindle != old.spindle or (modes.speed != old.speed and old.spindle != "M5")
        if not check and (spins or modes.coolant != old.coolant):
            yield from self.synchronise()
            self.spindle, self.coolant = modes.spindle, modes.coolant
        if block.commands.get("G0") == "G4" and not check:
            yield from self.synchronise()
            self.dwell_s = block.words["P"] if self.knobs.moves_take_time else 0.0
            while self.dwell_s > 0:
                yield

    def _once(self, block: Block, *, check: bool) -> Iterator[None]:
        """Offsets and what else lasts for one block; then the modes are as the block says."""
        once = block.commands.get("G0")
        if block.commands.keys() & {"G12", "G8"} or once in ("G10", "G92", "G92.1"):
            if not check:
                yield from self.synchronise()  # FORCE_BUFFER_SYNC_DURING_EEPROM_WRITE
            self.offsets_changed = True
        self.modes = block.modes
        if block.commands.get("G8"):
            self.tool_length = block.mm("Z") if block.commands["G8"] == "G43.1" else 0.0
        self._set_offsets(block, once)
        if once in ("G28", "G30"):
            yield from self._go_to_stored(block, once, check=check)

    def _set_offsets(self, block: Block, once: str | None) -> None:
        if once == "G10":
            self._set_offset(block)
        elif once == "G92":
            self._set_g92(block)
        elif once == "G92.1":
            self.g92 = (0.0, 0.0, 0.0)
        elif once in ("G28.1", "G30.1"):
            self.offsets[once[:3]] = self.at

    def _set_offset(self, block: Block) -> None:
        number = int(block.words.get("P", 0))
        name = SYSTEMS[number - 1] if number else self.modes.system
        values = list(self.offsets[name])
        for i, axis in enumerate("XYZ"):
            if axis in block.words:
                value = block.mm(axis)
                if int(block.words["L"]) == 20:
                    value = self.at[i] - self.g92[i] - value - (self.tool_length if i == 2 else 0)
                values[i] = value
        self.offsets[name] = values[0], values[1], values[2]

    def _set_g92(self, block: Block) -> None:
        system, values = self.offsets[self.modes.system], list(self.g92)
        for i, axis in enumerate("XYZ"):
            if axis in block.words:
                tool = self.tool_length if i == 2 else 0.0
                values[i] = self.at[i] - system[i] - tool - block.mm(axis)
        self.g92 = values[0], values[1], values[2]

    def _go_to_stored(self, block: Block, name: str, *, check: bool) -> Iterator[None]:
        """G28, G30: rapid by way of the place given, on the axes given."""
        axes = [axis for axis in "XYZ" if axis in block.words]
        if axes:
            way = self._end(block)
            yield from self._rapid(way, check=check)
        stored = self.offsets[name]
        x, y, z = (
            stored[i] if not axes or axis in axes else self.at[i] for i, axis in enumerate("XYZ")
        )
        yield from self._rapid((x, y, z), check=check)

    def _rapid(self, end: Point, *, check: bool) -> Iterator[None]:
        path_mm = straight_mm((*self.at, 0.0), (*end, 0.0))
        if self._outside(end):
            raise Alarm(2)
        if check:
            self.at = end
        else:
            yield from self._go(end, path_mm, inf)

    def _move(self, block: Block, end: Point, path_mm: float, *, check: bool) -> Iterator[None]:
        if self._outside(end):
            raise Alarm(2)
        feed = inf if block.modes.motion == "G0" else block.modes.feed_mm_min
        if block.modes.feed_mode == "G93" and block.modes.motion != "G0":
            feed = path_mm * feed  # G93: one over the minutes that the move lasts
        if check:
            self.at = end
        elif self._looks_ahead and block.modes.motion in ("G2", "G3"):
            yield from self._go_round(block, end, feed)
        else:
            yield from self._go(end, path_mm, feed)
        if block.modes.motion.startswith("G38"):
            yield from self._probe(check=check)

    def _probe(self, *, check: bool) -> Iterator[None]:
        """There is no probe to touch anything with."""
        if not check:
            yield from self.synchronise()
            if self.modes.motion in ("G38.2", "G38.4"):
                raise Alarm(5)

    def _go(self, end: Point, path_mm: float, feed_mm_min: float) -> Iterator[None]:
        while self.planner.full:
            yield
        self.at = end
        target: Position = (*end, 0.0)
        if not self._looks_ahead:
            feed_mm_min = min(feed_mm_min, RAPID_MM_MIN) or RAPID_MM_MIN
        self.planner.move(target, path_mm, feed_mm_min / 60)

    def _go_round(self, block: Block, end: Point, feed_mm_min: float) -> Iterator[None]:
        """mc_arc: an arc fills the planner with its chords before its line is done."""
        *_, centre = arc(block, self.at, end)
        first, second = ("XYZ".index(axis) for axis in PLANES[block.modes.plane])
        for place in chords(
            self.at, end, centre, (first, second),
            clockwise=block.modes.motion == "G2", tolerance_mm=self.settings[12],
        ):  # fmt: skip
            yield from self._go(place, straight_mm((*self.at, 0.0), (*place, 0.0)), feed_mm_min)

    def _flow(self, block: Block, *, check: bool) -> Iterator[None]:
        flow = block.commands.get("M4")
        if flow is None or flow == "M1":
            return
        if not check:
            yield from self.synchronise()
        if flow == "M0":
            self.paused = not check
        else:
            self._end_program()

    def switch_off(self) -> None:
        """Spindle and coolant stop."""
        self.spindle, self.coolant = "M5", "M9"

    def _end_program(self) -> None:
        """M2 and M30: default modes but for units, tool, feed and offsets; spindle off."""
        old = self.modes
        self.modes = Modes(
            motion="G1", units=old.units, tool=old.tool, feed_mm_min=old.feed_mm_min,
            speed=old.speed,
        )  # fmt: skip
        self.switch_off()
        self.ended = self.offsets_changed = True


def _settings(knobs: GrblKnobs) -> dict[int, float]:
    """What $$ lists; numbers as in doc/markdown/settings.md, values of a middling router."""
    x, y, z = knobs.travel_mm
    acceleration = knobs.acceleration_mm_s2 or 500.0
    return {
        0: 10, 1: 25, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0,
        10: 511 if knobs.grblhal else 1, 11: 0.01, 12: 0.002, 13: 0,
        20: int(knobs.soft_limits and knobs.homing), 21: 1, 22: int(knobs.homing), 23: 0,
        24: 25.0, 25: 500.0, 26: 250, 27: PULL_OFF_MM, 30: 24000, 31: 0, 32: 0,
        100: 250.0, 101: 250.0, 102: 250.0,
        110: RAPID_MM_MIN, 111: RAPID_MM_MIN, 112: RAPID_MM_MIN,
        120: acceleration, 121: acceleration, 122: acceleration,
        130: x, 131: y, 132: z,
    }  # fmt: skip
