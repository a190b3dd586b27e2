"""Gerber (RS-274X): one layer of a circuit board, drawn as what is left of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely import Geometry
from shapely.affinity import translate

from commons.errors import InvalidInput
from repo_server.parsing import strokes
from repo_server.parsing.aperture import Aperture, Macros, left_of, of_macro, standard

_MAX_BYTES = 16 * 1024**2
_MOST_OBJECTS = 50_000
_MACRO_TAKES = 10  # times as long to reckon one shape of a macro as to draw one object
_MOST_LETTERS = 60
_COMMAND = re.compile(r"%([^%]*)%|([^*%]*)\*")
_FORMAT = re.compile(r"FS([LTD]?)([AI])X(\d)(\d)Y\d\d")
_APERTURE = re.compile(r"ADD(\d{1,9})([A-Za-z_.$][\w.$]*)(?:,(.*))?", re.DOTALL)
_REPEAT = re.compile(r"SRX([1-9]\d{0,5})Y([1-9]\d{0,5})I(\d{1,9}\.?\d{0,9})J(\d{1,9}\.?\d{0,9})")
_WORD = re.compile(r"([GDMXYIJ])([-+]?\d{1,12})")
_IN_MM = {"mm": 1.0, "in": 25.4}
_STEP_RAD = 0.1
_OUTLINES = ("gko", "gm1")


@dataclass(slots=True)
class _Layer:
    """What was read so far. `dark` and `clear` alternate in `shapes`, in the order of the file."""

    unit: str | None = None
    digits: int | None = None  # of a number, behind the point
    whole: int | None = None  # all digits, where zeros at its end are left out
    function: str | None = None
    apertures: dict[int, Aperture] = field(default_factory=dict)
    macros: Macros = field(default_factory=dict)
    is_dark: bool = True
    shapes: list[tuple[bool, list[Geometry]]] = field(default_factory=list)
    paths: list[list[complex]] = field(default_factory=list)  # middles of lines, for outlines
    at: complex = 0j
    turn: int = 0  # 0 straight, -1 clockwise, 1 against the clock
    quadrant: bool = False
    operation: int = 2
    aperture: Aperture | None = None
    region: list[complex] | None = None
    repeat: tuple[int, int, float, float] | None = None
    flashes: int = 0
    lines: int = 0
    regions: int = 0
    objects: int = 0


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """What the layer is, its size, flashes, lines and regions; an SVG and a PNG of it.

    Raises InvalidInput for what is no Gerber file, draws nothing, or too much.
    """
    data = path.read_bytes()
    if len(data) > _MAX_BYTES:
        raise InvalidInput(f"this Gerber file has more than {_MAX_BYTES >> 20} MB")
    layer = _read(data.decode("utf-8", errors="replace"))
    scale = _IN_MM[layer.unit or "mm"]
    is_outline = not layer.flashes + layer.regions and (
        (layer.function or "").startswith("Profile") or kind in _OUTLINES
    )
    lines = [line * scale for line in (_middles(layer) if is_outline else _edges(layer))]
    if not lines:
        raise InvalidInput("this layer is empty: nothing is drawn on it")
    strokes.show(lines, out)
    facts = strokes.facts_of(lines)
    return {
        "facts": {
            "function": layer.function,
            "box_mm": facts["box_mm"],
            "area_mm2": None if is_outline else facts["area_mm2"],
            "unit": layer.unit,
            **{name: getattr(layer, name) for name in ("flashes", "lines", "regions")},
        }
    }


def _read(text: str) -> _Layer:
    layer, ended = _Layer(), False
    for command in _COMMAND.finditer(text.replace("\n", "").replace("\r", "")):
        extended, word = command.groups()
        if extended is not None:
            _extended(layer, [it.strip() for it in extended.split("*") if it.strip()])
        elif word.strip() in ("M02", "M00", "M2"):
            ended = True
            break
        elif word.startswith("G04"):
            _attribute(layer, word.removeprefix("G04").strip().removeprefix("#@!").strip())
        else:
            _draw(layer, word.strip())
    if layer.digits is None or layer.unit is None:
        raise InvalidInput("this is no Gerber file: it names no format (%FS) or no unit (%MO)")
    if not ended:
        raise InvalidInput("this Gerber file has no end (M02); is it all there?")
    return layer


def _extended(layer: _Layer, blocks: list[str]) -> None:
    first = blocks[0] if blocks else ""
    if first.startswith("AM"):
        layer.macros[first[2:]] = blocks[1:]
    elif found := _APERTURE.fullmatch(first):
        layer.apertures[int(found[1])] = _aperture(layer, found[2], found[3] or "")
    elif first.startswith("AB"):
        raise InvalidInput("this Gerber file draws with blocks (%AB), which are not read here")
    elif first.startswith("SR"):
        _repeat(layer, first)
    elif first in ("LPD", "LPC"):
        layer.is_dark = first == "LPD"
    else:
        _header(layer, first)


def _header(layer: _Layer, text: str) -> None:
    if text in ("MOMM", "MOIN"):
        layer.unit = text[2:].lower()
    elif found := _FORMAT.match(text):
        if found[2] == "I":
            raise InvalidInput("this Gerber file counts from place to place; that is not read here")
        layer.digits = int(found[4])
        layer.whole = int(found[3]) + int(found[4]) if found[1] == "T" else None
    else:
        _attribute(layer, text)


def _attribute(layer: _Layer, text: str) -> None:
    if text.startswith("TF.FileFunction,"):
        said = text.partition(",")[2]
        layer.function = "".join(filter(str.isprintable, said))[:_MOST_LETTERS] or None


def _aperture(layer: _Layer, name: str, sizes: str) -> Aperture:
    try:
        numbers = [float(it) for it in sizes.upper().split("X") if it]
    except ValueError:
        numbers = [np.nan]
    if not all(abs(number) <= strokes.FARTHEST_MM for number in numbers):  # nor what is no number
        raise InvalidInput("this Gerber file has an aperture without a size, or of a kilometre")
    if name in layer.macros:
        _count(layer, _MACRO_TAKES * len(layer.macros[name]))
        return of_macro(layer.macros[name], numbers)
    return standard(name, numbers)


def _repeat(layer: _Layer, text: str) -> None:
    found = _REPEAT.fullmatch(text)
    layer.repeat = (
        (int(found[1]), int(found[2]), float(found[3]), float(found[4])) if found else None
    )


def _draw(layer: _Layer, text: str) -> None:
    words = _WORD.findall(text)
    if "".join(name + value for name, value in words) != text:
        raise InvalidInput(f"this Gerber file has a command that is none: {text[:40]!r}")
    places = {name: value for name, value in words if name in "XYIJ"}
    for name, value in words:
        if name == "G":
            _mode(layer, int(value))
        elif name == "D" and int(value) >= 10:
            if int(value) not in layer.apertures:
                raise InvalidInput(f"this Gerber file draws with aperture {value}, which it lacks")
            layer.aperture = layer.apertures[int(value)]
        elif name == "D":
            layer.operation = int(value)
    if places or any(name == "D" and int(value) < 10 for name, value in words):
        _move(layer, places)


def _mode(layer: _Layer, code: int) -> None:
    if code in (1, 2, 3):
        layer.turn = {1: 0, 2: -1, 3: 1}[code]
    elif code in (36, 37):
        _close_region(layer)
        layer.region = [] if code == 36 else None
    elif code in (70, 71):
        layer.unit = "in" if code == 70 else "mm"
    elif code in (74, 75):
        layer.quadrant = code == 74


def _number(layer: _Layer, text: str) -> float:
    if layer.digits is None:
        raise InvalidInput("this is no Gerber file: it draws before it names its format (%FS)")
    if layer.whole is not None:
        sign, figures = (text[0], text[1:]) if text[0] in "+-" else ("", text)
        text = sign + figures.ljust(layer.whole, "0")
    return int(text) / float(10**layer.digits)


def _move(layer: _Layer, places: dict[str, str]) -> None:
    number = {name: _number(layer, value) for name, value in places.items()}
    to = complex(number.get("X", layer.at.real), number.get("Y", layer.at.imag))
    offset = complex(number.get("I", 0.0), number.get("J", 0.0))
    if layer.operation == 1:
        _line(layer, _way(layer, to, offset))
    elif layer.operation == 2:
        _close_region(layer)
    elif layer.operation == 3 and layer.aperture is not None:
        layer.flashes += 1
        _keep(layer, translate(layer.aperture.shape, to.real, to.imag))
    layer.at = to


def _line(layer: _Layer, way: list[complex]) -> None:
    if layer.region is not None:
        layer.region += way if not layer.region else way[1:]
        return
    layer.lines += 1
    layer.paths.append(way)
    width = layer.aperture.width if layer.aperture else 0.0
    middle = shapely.LineString([(it.real, it.imag) for it in way])
    _keep(layer, middle.buffer(width / 2, quad_segs=4))


def _close_region(layer: _Layer) -> None:
    if layer.region:
        layer.regions += 1
        if len(layer.region) > 2:
            corners = [(it.real, it.imag) for it in layer.region]
            _keep(layer, shapely.Polygon(corners).buffer(0))
        layer.region = []


def _keep(layer: _Layer, shape: Geometry) -> None:
    times_x, times_y, step_x, step_y = layer.repeat or (1, 1, 0.0, 0.0)
    _count(layer, times_x * times_y)
    if not layer.shapes or layer.shapes[-1][0] != layer.is_dark:
        layer.shapes.append((layer.is_dark, []))
    for across in range(times_x):
        for up in range(times_y):
            moved = translate(shape, across * step_x, up * step_y) if across or up else shape
            layer.shapes[-1][1].append(moved)


def _count(layer: _Layer, objects: int) -> None:
    layer.objects += objects
    if layer.objects > _MOST_OBJECTS:
        raise InvalidInput(
            f"this Gerber file draws more than {_MOST_OBJECTS} things, counting what it repeats"
        )


def _way(layer: _Layer, to: complex, offset: complex) -> list[complex]:
    """From where the pen is to `to`: straight, or around the middle that is so far off."""
    start = layer.at
    if not layer.turn or not offset:
        return [start, to]
    middle = start + offset
    if layer.quadrant:  # the signs of the offset are left out; it is the arc of a quarter at most
        choices = (
            start + complex(x * offset.real, y * offset.imag) for x in (1, -1) for y in (1, -1)
        )
        middle = min(choices, key=lambda it: _misfit(it, start, to, layer.turn))
    angle = _angle(middle, start, to, layer.turn)
    turns = np.exp(1j * np.linspace(0, angle, max(2, int(abs(angle) / _STEP_RAD) + 1)))
    places = middle + (start - middle) * turns
    return [*(complex(it) for it in places[:-1]), to]


def _angle(middle: complex, start: complex, to: complex, turn: int) -> float:
    """How far it is around, with its sign; a whole turn when it ends where it starts."""
    if start == middle:
        return 0.0
    angle = float(np.angle((to - middle) / (start - middle)))
    if start == to or angle * turn <= 1e-9:
        angle += turn * 2 * np.pi
    return angle


def _misfit(middle: complex, start: complex, to: complex, turn: int) -> float:
    too_far = abs(_angle(middle, start, to, turn)) > np.pi / 2 + 1e-3
    return abs(abs(start - middle) - abs(to - middle)) + (1e9 if too_far else 0.0)


def _middles(layer: _Layer) -> list[strokes.Stroke]:
    ways = [np.array([(it.real, it.imag) for it in way]) for way in layer.paths]
    return strokes.joined(ways)


def _edges(layer: _Layer) -> Iterator[strokes.Stroke]:
    """The edges of what is left when all is drawn and cleared in the order of the file."""
    left = left_of(layer.shapes)
    for part in shapely.get_parts(left):
        if isinstance(part, shapely.Polygon) and not part.is_empty:
            yield from (np.array(ring.coords) for ring in (part.exterior, *part.interiors))
