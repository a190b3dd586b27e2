"""A program that a person brings: what its commands and its slicer's words tell of it.

Enough to show it, to estimate it, and to keep it from a machine that it was not made for. Whether
it is safe is another matter: the agent proves every line of it before anything moves.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import pi

from commons.errors import InvalidInput
from commons.machine import MATERIALS, Process
from commons.units import grams
from commons.wire import Id, Told

MAX_PROGRAM_BYTES = 64 * 1024 * 1024
SUFFIXES = (".gcode", ".gco", ".g", ".nc", ".ngc", ".tap", ".cnc")
_FILAMENT_MM = 1.75
_MOST_LINE = 64 * 1024
_BLOCK = 1 << 20

Corner = tuple[float, float, float]

_COMMENT = re.compile(rb";[^\n]*|\([^()\n]*\)")
_NUMBER = rb"(-?\d*\.?\d+)"
_MOVE = re.compile(rb"(?m)^ *(?:N\d+ *)?G0*[0-3]\b[^\n]*")
_AXES = tuple(re.compile(axis + _NUMBER) for axis in (rb"X", rb"Y", rb"Z"))
_PUSH = re.compile(rb"(?m)^ *(?:N\d+ *)?G0*[0-3]\b[^\n]*E-?\d*\.?\d")
_MODE = re.compile(rb"(?m)^ *(?:N\d+ *)?(G90|G91|G20|G92[^\n]*[XYZ]-?[\d.])(?![\d.])")
_HOTEND = re.compile(rb"(?m)^ *(?:N\d+ *)?M10[49]\b[^\n]*?[SR]" + _NUMBER)
_BED = re.compile(rb"(?m)^ *(?:N\d+ *)?M1[49]0\b[^\n]*?[SR]" + _NUMBER)
_SPINDLE = re.compile(rb"(?m)^[^\n]*\bM0?[34]\b")
_SAID = re.compile(r"^; *([^=:]{2,60}?) *[=:] *(.*?) *$")
_MADE_WITH = re.compile(r"^; *generated (?:by|with) (.*?)(?: on .*)?$", re.IGNORECASE)
_TIME = re.compile(r"(\d+(?:\.\d+)?) *([dhms])")
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
# What slicers call the same thing, the likeliest first.
_MATERIAL = ("filament_type", "filament type")
_PRINTER = ("printer_model", "printer model", "target_machine.name", "machine name")
_DIALECT = ("gcode_flavor", "flavor")
_DURATION = ("estimated printing time (normal mode)", "total estimated time", "time")
_MASS = ("total filament used [g]", "filament used [g]", "total filament weight [g]")
_LENGTH = ("filament used", "filament used [mm]")


@dataclass(frozen=True, slots=True)
class ProgramTraits:
    """What is known of a program from its text. Units: mm, °C, s, g; None and "" are not known.

    `low` and `high` are the corners of the box of its moves where all of them are told in machine
    coordinates. `dialect`, `printer` and `made_with` are its slicer's own words.
    """

    process: Process
    low: Corner | None = None
    high: Corner | None = None
    hotend_c: float | None = None
    bed_c: float | None = None
    dialect: str = ""
    printer: str = ""
    material: str = ""
    made_with: str = ""
    duration_s: float | None = None
    mass_g: float | None = None


class BroughtProgram(Told):
    """The order of a program that somebody brought to an agent's panel."""

    order_id: Id


@dataclass(slots=True)
class _Reading:
    """What was read so far. `absolute` is None once the places of moves cannot be known."""

    absolute: bool | None = True
    moves: bool = False
    pushes: bool = False
    spins: bool = False
    hotend_c: float | None = None
    bed_c: float | None = None
    low: list[float | None] = field(default_factory=lambda: [None] * 3)
    high: list[float | None] = field(default_factory=lambda: [None] * 3)
    said: dict[str, str] = field(default_factory=dict)
    made_with: str = ""

    def take(self, block: bytes) -> None:
        """These whole lines were read."""
        for comment in re.findall(rb"(?m)^;[^\n]{3,200}$", block):
            self._listen(comment.decode("utf-8", "replace"))
        text = _COMMENT.sub(b"", block)
        self.hotend_c = _most(self.hotend_c, _HOTEND.findall(text))
        self.bed_c = _most(self.bed_c, _BED.findall(text))
        self.pushes = self.pushes or _PUSH.search(text) is not None
        self.spins = self.spins or _SPINDLE.search(text) is not None
        at = 0
        for mode in _MODE.finditer(text):
            self._follow(text[at : mode.start()])
            at = mode.end()
            if mode[1] in (b"G90", b"G91"):
                self.absolute = None if self.absolute is None else mode[1] == b"G90"
            else:  # inches, or a zero of its own
                self.absolute = None
        self._follow(text[at:])

    def _listen(self, comment: str) -> None:
        if made := _MADE_WITH.match(comment):
            self.made_with = self.made_with or made[1].strip()[:80]
            return
        for part in comment.split("; "):
            if said := _SAID.match(part if part.startswith(";") else f";{part}"):
                self.said[said[1].strip().lower()] = said[2].strip("\"' ")

    def _follow(self, text: bytes) -> None:
        moves = b"\n".join(_MOVE.findall(text))
        self.moves = self.moves or bool(moves)
        if not self.absolute:
            return
        for axis, pattern in enumerate(_AXES):
            places = [float(it) for it in pattern.findall(moves)]
            if places:
                low, high = self.low[axis], self.high[axis]
                self.low[axis] = min(places) if low is None else min(low, *places)
                self.high[axis] = max(places) if high is None else max(high, *places)

    def first(self, names: Iterable[str]) -> str:
        """What the slicer said under the first of these names that it used."""
        return next((said for name in names if (said := self.said.get(name))), "")


def read_traits(chunks: Iterable[bytes]) -> ProgramTraits:
    """What this program, cut anywhere into pieces, tells of itself.

    Raises:
        InvalidInput: it is no program that a printer or a mill could run; says what to do.
    """
    reading = _Reading()
    for block in _blocks(chunks):
        reading.take(block)
    if not reading.moves:
        raise InvalidInput(
            "this is no program: it holds no G-code move (G0 or G1); send what a slicer exports"
        )
    prints = reading.hotend_c is not None or reading.pushes
    if prints == reading.spins:
        raise InvalidInput(
            "nobody can tell whether this program is for a printer or a mill: it "
            + ("heats a nozzle and turns a spindle" if prints else "does neither")
        )
    return _traits(reading, Process.FDM if prints else Process.CNC)


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same in pieces of whole lines; InvalidInput for what is no text."""
    rest = b""
    for piece in chunks:
        if piece.startswith(b"GCDE"):
            raise InvalidInput(
                "this is binary G-code: switch that off in the slicer's printer settings and "
                "export the program again"
            )
        if b"\0" in piece:
            raise InvalidInput("this is no program: it is no text; send what a slicer exports")
        lines, newline, rest = (rest + piece).rpartition(b"\n")
        if len(rest) > _MOST_LINE:
            raise InvalidInput("this is no program: one of its lines is longer than any command")
        if newline:
            yield lines.replace(b"\r", b"") + newline
    if rest:
        yield rest.replace(b"\r", b"")


def _traits(reading: _Reading, process: Process) -> ProgramTraits:
    printed = process is Process.FDM
    material = _material(reading.first(_MATERIAL)) if printed else ""
    placed = printed and reading.absolute is not None
    return ProgramTraits(
        process=process,
        low=_corner(reading.low) if placed else None,
        high=_corner(reading.high) if placed else None,
        hotend_c=reading.hotend_c,
        bed_c=reading.bed_c,
        dialect=reading.first(_DIALECT).lower()[:40],
        printer=reading.first(_PRINTER)[:80],
        material=material,
        made_with=reading.made_with,
        duration_s=_duration_s(reading.first(_DURATION)),
        mass_g=_mass_g(reading, material) if printed else None,
    )


def _corner(places: list[float | None]) -> Corner | None:
    x, y, z = places
    return None if x is None or y is None or z is None else (x, y, z)


def _most(known: float | None, found: Iterable[bytes]) -> float | None:
    return max((*(float(it) for it in found), *(() if known is None else (known,))), default=None)


def _material(said: str) -> str:
    """The key of the first material that the slicer names; "" where it is not known here."""
    key = re.split(r"[;,]", said)[0].strip("\"' ").lower()
    return key if key in MATERIALS else ""


def _duration_s(said: str) -> float | None:
    """`1h 2m 3s`, or seconds."""
    if re.fullmatch(r"\d+(\.\d+)?", said):
        return float(said)
    parts = _TIME.findall(said)
    return sum(float(count) * _SECONDS[unit] for count, unit in parts) if parts else None


def _mass_g(reading: _Reading, material: str) -> float | None:
    """As its slicer says, or from the length of filament that it says."""
    if (total := _sum(reading.first(_MASS))) is not None:
        return total
    said = reading.first(_LENGTH)
    length = _sum(said.removesuffix("m").removesuffix("m"))
    if length is None or material not in MATERIALS:
        return None
    length_mm = length * (1000.0 if said.endswith("m") and not said.endswith("mm") else 1.0)
    volume_mm3 = length_mm * pi * (_FILAMENT_MM / 2) ** 2
    return grams(volume_mm3, MATERIALS[material].density_g_cm3)


def _sum(said: str) -> float | None:
    """Numbers with commas between them, one for each extruder; None where there is nothing."""
    parts = [it.strip() for it in said.split(",")]
    if not all(re.fullmatch(r"\d+(\.\d+)?", it) for it in parts):
        return None
    return sum(map(float, parts)) or None
