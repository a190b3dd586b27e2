"""Excellon: where a circuit board is drilled, and how wide."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from commons.errors import InvalidInput
from repo_server.parsing import strokes

_MAX_BYTES = 4 * 1024**2
_MOST_HOLES = 50_000
_MOST_LETTERS = 60
_IN_MM = {"mm": 1.0, "in": 25.4}
_UNIT = re.compile(r"(METRIC|INCH)(?:,(LZ|TZ))?(?:,(0{1,9})\.(0{1,9}))?")
_TOOL = re.compile(r"T(\d{1,6})(?:[FSBHZ][\d.+-]+)*C([\d.]{1,12})(?:[FSBHZ][\d.+-]+)*")
_CHOICE = re.compile(r"T(\d{1,6})(?:[FS]\d+)*")
_PLACE = re.compile(
    r"(?:G0?[015])?((?:[XY][-+]?[\d.]{1,14}){1,2})(?:G85((?:[XY][-+]?[\d.]{1,14}){1,2}))?"
)
_AXIS = re.compile(r"([XY])([-+]?[\d.]+)")
_REPEAT = re.compile(r"R(\d{1,6})((?:[XY][-+]?[\d.]{1,14}){0,2})")
_DOT_MM = 0.5  # drawn where no width is named
_CORNERS = 24


@dataclass(slots=True)
class _Drilling:
    """What was read so far; places are (x, y) in the file's unit."""

    unit: str | None = None
    keeps_leading: bool = False
    whole: int = 3
    digits: int = 3
    function: str | None = None
    widths: dict[int, float] = field(default_factory=dict)
    tool: int = 0
    at: tuple[float, float] = (0.0, 0.0)
    holes: list[tuple[int, float, float]] = field(default_factory=list)
    slots: int = 0
    is_routing: bool = False
    ended: bool = False


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """Holes by their width, slots, the size of the field of holes; an SVG and a PNG of it.

    Raises InvalidInput for what is no drill file, names no unit, or drills nothing or too much.
    """
    data = path.read_bytes()
    if len(data) > _MAX_BYTES:
        raise InvalidInput(f"this drill file has more than {_MAX_BYTES >> 20} MB")
    drilling = _Drilling()
    for line in data.decode("utf-8", errors="replace").splitlines():
        if not drilling.ended:
            _read(drilling, line.strip())
    if drilling.unit is None:
        raise InvalidInput("this is no drill file, or it names no unit (METRIC or INCH)")
    if not drilling.ended:
        raise InvalidInput("this drill file has no end (M30); is it all there?")
    if not drilling.holes:
        raise InvalidInput("this drill file drills nothing")
    scale = _IN_MM[drilling.unit]
    rings = [_ring(x * scale, y * scale, _width(drilling, tool)) for tool, x, y in drilling.holes]
    strokes.show(rings, out)
    return {"facts": _facts(drilling, rings)}


def _facts(drilling: _Drilling, rings: list[strokes.Stroke]) -> dict[str, object]:
    tools = Counter(_width(drilling, tool) for tool, _, _ in drilling.holes)
    return {
        "function": drilling.function,
        "box_mm": [round(float(edge), 3) for edge in np.ptp(np.concatenate(rings), axis=0)],
        "holes": len(drilling.holes) - drilling.slots,
        "slots": drilling.slots,
        "drills": [{"width_mm": width, "holes": tools[width]} for width in sorted(tools, key=str)][
            :100
        ],
        "unit": drilling.unit,
    }


def _read(drilling: _Drilling, line: str) -> None:
    if line.startswith(";"):
        _comment(drilling, line)
    elif line.upper() in ("M30", "M00"):
        drilling.ended = True
    elif not _defined(drilling, line.upper()):
        _drill(drilling, line.upper())


def _defined(drilling: _Drilling, line: str) -> bool:
    """Whether the line says how to read the others, or which drill they mean."""
    if found := _UNIT.fullmatch(line):
        drilling.unit = "mm" if found[1] == "METRIC" else "in"
        drilling.keeps_leading = found[2] == "LZ"
        drilling.whole, drilling.digits = (3, 3) if drilling.unit == "mm" else (2, 4)
        if found[3]:
            drilling.whole, drilling.digits = len(found[3]), len(found[4])
    elif line in ("M71", "M72"):
        drilling.unit = "mm" if line == "M71" else "in"
    elif line.startswith(("ICI,ON", "G91")):
        raise InvalidInput("this drill file counts from hole to hole, which is not read here")
    elif found := _TOOL.fullmatch(line):
        drilling.widths[int(found[1])] = _finite(found[2])
    elif found := _CHOICE.fullmatch(line):
        drilling.tool = int(found[1])
    else:
        return False
    return True


def _comment(drilling: _Drilling, line: str) -> None:
    _, found, said = line.partition("TF.FileFunction,")
    if found:
        drilling.function = "".join(filter(str.isprintable, said))[:_MOST_LETTERS] or None
    elif sizes := re.fullmatch(r";FILE_FORMAT=(\d):(\d)", line):
        drilling.whole, drilling.digits = int(sizes[1]), int(sizes[2])


def _drill(drilling: _Drilling, line: str) -> None:
    if line.startswith(("G00", "G01", "G02", "G03")):
        _rout(drilling, line)
    elif found := _PLACE.fullmatch(line):
        drilling.at = _moved(drilling, found[1], drilling.at)
        _hole(drilling)
        if found[2]:
            drilling.slots += 1
            drilling.at = _moved(drilling, found[2], drilling.at)
    elif found := _REPEAT.fullmatch(line):
        step = _moved(drilling, found[2], (0.0, 0.0))
        for _ in range(int(found[1])):
            drilling.at = (drilling.at[0] + step[0], drilling.at[1] + step[1])
            _hole(drilling)


def _rout(drilling: _Drilling, line: str) -> None:
    """G00 goes to where a slot begins, the moves after it mill it: one slot each."""
    places = "".join(name + value for name, value in _AXIS.findall(line))
    drilling.at = _moved(drilling, places, drilling.at)
    if line.startswith("G00"):
        drilling.is_routing = False
    elif not drilling.is_routing:
        drilling.is_routing = True
        drilling.slots += 1
        _hole(drilling)


def _hole(drilling: _Drilling) -> None:
    drilling.holes.append((drilling.tool, *drilling.at))
    if len(drilling.holes) > _MOST_HOLES:
        raise InvalidInput(f"this drill file drills more than {_MOST_HOLES} holes")


def _moved(drilling: _Drilling, places: str, at: tuple[float, float]) -> tuple[float, float]:
    found = {name: _number(drilling, value) for name, value in _AXIS.findall(places)}
    return found.get("X", at[0]), found.get("Y", at[1])


def _number(drilling: _Drilling, text: str) -> float:
    if "." in text:
        return _finite(text)
    sign = -1 if text.startswith("-") else 1
    figures = text.lstrip("+-")
    if drilling.keeps_leading:
        figures = figures.ljust(drilling.whole + drilling.digits, "0")
    return float(sign * int(figures)) / float(10**drilling.digits)


def _finite(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InvalidInput(f"this drill file has a number that is none: {text[:20]!r}") from error


def _width(drilling: _Drilling, tool: int) -> float | None:
    """In mm; None when the file does not name it."""
    width = drilling.widths.get(tool, 0.0) * _IN_MM[drilling.unit or "mm"]
    return round(width, 4) or None


def _ring(x: float, y: float, width: float | None) -> strokes.Stroke:
    angles = np.linspace(0, 2 * np.pi, _CORNERS + 1)
    ring = np.column_stack([np.cos(angles), np.sin(angles)]) * (width or _DOT_MM) / 2 + (x, y)
    ring[-1] = ring[0]
    return ring
