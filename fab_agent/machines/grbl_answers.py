"""GRBL's reports as values: state, settings, offsets, modes, build. Lengths are mm.

Facts: gnea/grbl, doc/markdown/interface.md and settings.md; grblHAL/core, report.c: it adds
`[FIRMWARE:grblHAL]` to the build, `H:` (homed) to the complete report that 0x87 asks for.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MM_PER_INCH = 25.4
XYZ = tuple[float, float, float]
NOWHERE: XYZ = (0.0, 0.0, 0.0)
STATES = frozenset(
    {"Idle", "Run", "Hold", "Jog", "Alarm", "Door", "Check", "Home", "Sleep", "Tool"}
)

_REPORT = re.compile(r"<([A-Za-z]+)(?::(\d+))?((?:\|[^|<>]*)*)>?$")
_VERSION = re.compile(r"\[VER:v?(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Status:
    """One status report: `<Hold:0|MPos:1.000,2.000,0.000|FS:0,0>`."""

    state: str
    substate: int | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


def status_of(line: str) -> Status | None:
    """The report in this line; None for any other line, and for one that is damaged."""
    match = _REPORT.match(line)
    if match is None or match[1] not in STATES:
        return None
    pairs = (part.partition(":") for part in match[3].split("|")[1:])
    fields = {name: value for name, _, value in pairs}
    return Status(match[1], int(match[2]) if match[2] else None, fields)


@dataclass(frozen=True, slots=True)
class Build:
    """What `$I` says. `rx_buffer` is None where the firmware does not tell it."""

    version: str
    details: tuple[str, ...]
    number: tuple[int, int]
    options: str
    rx_buffer: int | None
    is_hal: bool


def build_of(lines: Iterable[str]) -> Build | None:
    """The build that these lines describe; None when they are no answer of GRBL to `$I`."""
    details = tuple(line for line in lines if line.startswith("["))
    version = next((line for line in details if _VERSION.match(line)), None)
    if version is None:
        return None
    number = _VERSION.match(version)
    options = next((x[5:-1].split(",") for x in details if x.startswith("[OPT:")), [""])
    told = options[2] if len(options) > 2 else ""
    return Build(
        version=version[5:-1].strip(":"),
        details=details,
        number=(int(number[1]), int(number[2])) if number else (0, 0),
        options=options[0],
        rx_buffer=int(told) if told.isdigit() else None,
        is_hal=any("grblHAL" in line for line in details),
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """What `$$` says, by number."""

    values: Mapping[int, float]

    @property
    def homing(self) -> bool:
        """The homing cycle is switched on ($22; grblHAL keeps more in its higher bits)."""
        return bool(self._flags(22) & 1)

    @property
    def soft_limits(self) -> bool:
        """It refuses moves out of its travel ($20)."""
        return bool(self._flags(20))

    @property
    def laser(self) -> bool:
        """Laser mode ($32=1): the spindle stands in every rapid move."""
        return self._flags(32) == 1

    @property
    def unit_mm(self) -> float:
        """How many mm one unit in its reports is ($13)."""
        return MM_PER_INCH if self._flags(13) else 1.0

    def travel(self, build: Build) -> tuple[XYZ, XYZ] | None:
        """The two corners of its travel in machine coordinates; None where it is not told.

        GRBL's machine space is negative, from -$130 to 0, unless homing sets the origin (OPT `Z`;
        grblHAL: bit 3 of $22): then axes that home towards negative ($23) reach from 0 to $130.
        """
        sizes = [self.values.get(number, 0.0) for number in (130, 131, 132)]
        if min(sizes) <= 0:
            return None
        origin = bool(self._flags(22) & 8) if build.is_hal else "Z" in build.options
        upward = [origin and bool(self._flags(23) >> axis & 1) for axis in range(3)]
        low = [0.0 if up else -size for up, size in zip(upward, sizes, strict=True)]
        high = [size if up else 0.0 for up, size in zip(upward, sizes, strict=True)]
        return (low[0], low[1], low[2]), (high[0], high[1], high[2])

    def _flags(self, number: int) -> int:
        return int(self.values.get(number, 0.0))


def settings_of(lines: Iterable[str]) -> Settings:
    """The settings in an answer to `$$`; what is no number is left out."""
    values: dict[int, float] = {}
    for line in lines:
        name, _, value = line.removeprefix("$").partition("=")
        if line.startswith("$") and name.isdigit() and (found := _number(value)) is not None:
            values[int(name)] = found
    return Settings(values)


@dataclass(frozen=True, slots=True)
class Offsets:
    """What `$#` says, in mm: `work` are G54 to G59, the others are forgotten at a reset."""

    work: Mapping[str, XYZ]
    g92: XYZ
    tool_mm: XYZ

    @property
    def volatile(self) -> bool:
        """There is an offset that the next reset will forget."""
        return any(self.g92) or any(self.tool_mm)

    def total(self, chosen: str = "G54") -> XYZ:
        """Work position plus this is machine position, while `chosen` is chosen."""
        x, y, z = map(sum, zip(self.work[chosen], self.g92, self.tool_mm, strict=True))
        return (x, y, z)


def offsets_of(lines: Iterable[str], *, unit_mm: float) -> Offsets | None:
    """The offsets in an answer to `$#`; None when G54 is not among them."""
    found = {
        name: point
        for line in lines
        if line.startswith("[")
        for name, _, value in [line.strip("[]").partition(":")]
        if (point := point_of(value, unit_mm=unit_mm, alone=name == "TLO")) is not None
    }
    work = {name: found[name] for name in found if re.fullmatch(r"G5[4-9]", name)}
    if "G54" not in work:
        return None
    return Offsets(work, found.get("G92", NOWHERE), found.get("TLO", NOWHERE))


def point_of(text: str, *, unit_mm: float = 1.0, alone: bool = False) -> XYZ | None:
    """`1.000,2.000,3.000` in mm; `alone` also takes one number, for Z. None if it is neither."""
    numbers = [_number(part) for part in text.split(",")]
    known = [number * unit_mm for number in numbers if number is not None]
    if len(known) < len(numbers):
        return None
    if alone and len(known) == 1:
        return (0.0, 0.0, known[0])
    return (known[0], known[1], known[2]) if len(known) >= 3 else None


def modes_of(lines: Iterable[str]) -> frozenset[str] | None:
    """The words of `[GC:G0 G54 …]`; None when there is no such line."""
    for line in lines:
        if line.startswith("[GC:"):
            return frozenset(line[4:].rstrip("]").split())
    return None


def startup_lines(lines: Iterable[str]) -> tuple[str, ...]:
    """The lines that `$N` shows and that are not empty: GRBL runs them after each reset."""
    shown = (line.partition("=")[2].strip() for line in lines if line.startswith("$N"))
    return tuple(line for line in shown if line)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
