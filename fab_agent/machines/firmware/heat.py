"""Heaters, their sensors, and the guards that Marlin's thermal protection sets over them.

Guards and their figures as in Marlin/src/module/temperature.cpp and Configuration_adv.h (2.1).
"""

from dataclasses import dataclass, field

AMBIENT_C = 21.0
COOLING_C_PER_S = 1.0
# What a burnt-out transistor heats to when nothing stops it: about what a cartridge reaches.
HOTTEST_C = 500.0


@dataclass(frozen=True, slots=True)
class HeaterKind:
    """What is heated, and when its guard stops the printer."""

    heater_id: str
    rate_c_per_s: float
    max_c: float  # HEATER_0_MAXTEMP, BED_MAXTEMP
    watch_s: float  # WATCH_TEMP_PERIOD: warmer by `watch_c` within this time after it is set
    runaway_s: float  # THERMAL_PROTECTION_PERIOD: not for so long below …
    hysteresis_c: float  # … the target by more than this, once it was reached
    watch_c: float = 2.0


# A 40 W cartridge and a 250 W bed, about.
HOTEND = HeaterKind("0", 3.0, max_c=275.0, watch_s=40.0, runaway_s=40.0, hysteresis_c=4.0)
BED = HeaterKind("bed", 0.7, max_c=150.0, watch_s=60.0, runaway_s=20.0, hysteresis_c=2.0)


@dataclass(slots=True)
class Heater:
    """One heater and its sensor, °C.

    `fails` heats nothing however long it is on. `runs_away` cannot be switched off any more once
    it was on: its transistor has burnt out. `guarded` is Marlin's thermal protection.
    """

    kind: HeaterKind
    guarded: bool = True
    fails: bool = False
    runs_away: bool = False
    actual_c: float = AMBIENT_C
    target_c: float = 0.0
    _stuck: bool = False
    _watch: tuple[float, float] | None = None  # (°C to reach, seconds left)
    _reached: bool = False
    _cold_s: float = field(default=0.0)

    @property
    def on(self) -> bool:
        """It is heating at this moment."""
        return self._stuck or self.target_c > self.actual_c

    @property
    def warm(self) -> bool:
        """As hot as it should be, within Marlin's one degree."""
        return self.actual_c >= self.target_c - 1

    def heat(self, target_c: float) -> None:
        """Set the target; 0 is off."""
        if target_c != self.target_c:
            self._reached, self._cold_s = False, 0.0
        self.target_c = target_c
        self._stuck = self.runs_away and (self._stuck or target_c > 0)
        self._start_watch()

    def inherit(self, before: "Heater") -> None:
        """The same heater after a reset of its board."""
        self.actual_c, self._stuck = before.actual_c, before._stuck

    def advance(self, seconds: float) -> str | None:
        """Let time pass; why the guard stops the printer, or None."""
        self._warm(seconds)
        return self._judge(seconds) if self.guarded else None

    def _warm(self, seconds: float) -> None:
        goal = HOTTEST_C if self._stuck else max(self.target_c, AMBIENT_C)
        if self.fails:
            goal = AMBIENT_C
        rate = self.kind.rate_c_per_s if goal > self.actual_c else COOLING_C_PER_S
        step = seconds * rate
        self.actual_c += max(-step, min(step, goal - self.actual_c))

    def _judge(self, seconds: float) -> str | None:
        if self.actual_c > self.kind.max_c:
            return "MAXTEMP triggered"
        if self._watch:
            to_reach, left_s = self._watch
            self._watch = to_reach, left_s - seconds
            if left_s <= seconds:
                if self.actual_c < to_reach:
                    return "Heating failed"
                self._start_watch()
        return "Thermal Runaway" if self._too_cold(seconds) else None

    def _start_watch(self) -> None:
        """Temperature::start_watching_hotend: far from its target, it must get warmer in time."""
        far = self.actual_c < self.target_c - (self.kind.watch_c + 4.0)  # TEMP_HYSTERESIS 3, and 1
        self._watch = (self.actual_c + self.kind.watch_c, self.kind.watch_s) if far else None

    def _too_cold(self, seconds: float) -> bool:
        if self.target_c <= 0:
            return False
        self._reached = self._reached or self.actual_c >= self.target_c
        cold = self._reached and self.actual_c < self.target_c - self.kind.hysteresis_c
        self._cold_s = self._cold_s + seconds if cold else 0.0
        return self._cold_s > self.kind.runaway_s
