"""The shapes that a Gerber file draws with: circles, rectangles, obrounds, polygons, and macros
made of these. Numbers are in the file's unit; a shape lies around (0, 0)."""

import ast
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import numpy as np
import shapely
from shapely import Geometry
from shapely.affinity import rotate, translate

from commons.errors import InvalidInput

_MOST_NUMBERS = 2000
_MOST_LETTERS = 200
_FARTHEST = 1e6  # of mm a kilometre
_SUM = re.compile(r"[\d.+\-*/() ]+")
_SUMS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
Macros = dict[str, list[str]]  # the primitives of each, as they are written


@dataclass(frozen=True, slots=True)
class Aperture:
    """`shape` is what it leaves where it is flashed, `width` that of a line drawn with it."""

    shape: Geometry
    width: float


def standard(kind: str, numbers: list[float]) -> Aperture:
    """C, R, O or P with its sizes; InvalidInput when one is missing or below zero."""
    needed = {"C": 1, "R": 2, "O": 2, "P": 2}.get(kind)
    if needed is None or len(numbers) < needed or min(numbers[:needed]) < 0:
        raise InvalidInput(f"this Gerber file has an aperture that is none: {kind[:20]!r}")
    if kind in "CP":
        corners = int(min(numbers[1], 64)) if kind == "P" else 0
        turned = numbers[2] if kind == "P" and len(numbers) > 2 else 0.0
        shape = _regular(corners, numbers[0], turned) if corners > 2 else _circle(numbers[0])
        return Aperture(shape, numbers[0])
    wide, high = numbers[:2]
    edge = min(wide, high)
    if kind == "R":
        return Aperture(shapely.box(-wide / 2, -high / 2, wide / 2, high / 2), edge)
    half_x, half_y = (wide - edge) / 2, (high - edge) / 2
    spine = shapely.LineString([(-half_x, -half_y), (half_x, half_y)])
    return Aperture(spine.buffer(edge / 2, quad_segs=8) if edge else spine, edge)


def of_macro(primitives: list[str], given: list[float]) -> Aperture:
    """What a macro makes of the numbers that it is given; what is erased is taken off again."""
    known = {f"{at}": value for at, value in enumerate(given, 1)}
    parts: list[tuple[bool, list[Geometry]]] = []
    for text in primitives:
        if named := re.fullmatch(r"\$(\d{1,4})=(.+)", text):
            known[named[1]] = _value(named[2], known)
            continue
        code, *numbers = text.split(",")
        if code.strip().startswith("0") or not numbers:
            continue
        part, is_dark = _primitive(code.strip(), [_value(it, known) for it in numbers])
        parts.append((is_dark, [part]))
    shape = left_of(parts)
    left, low, right, high = shape.bounds if not shape.is_empty else (0, 0, 0, 0)
    return Aperture(shape, min(right - left, high - low))


def left_of(parts: Iterable[tuple[bool, list[Geometry]]]) -> Geometry:
    """What is left when all is drawn and erased in this order; InvalidInput where that cannot be
    reckoned. What is drawn together is put together at once: one by one takes the square of it."""
    left: Geometry = shapely.Polygon()
    try:
        for is_dark, several in groupby(parts, key=itemgetter(0)):
            together = shapely.union_all([shape for _, shapes in several for shape in shapes])
            left = left.union(together) if is_dark else left.difference(together)
    except shapely.GEOSException as error:
        raise InvalidInput("this Gerber file draws what cannot be put together") from error
    return left


def _value(text: str, known: dict[str, float]) -> float:
    """A sum of numbers and variables, as macros have them: + - x / and brackets."""
    plain = re.sub(r"\$(\d{1,4})", lambda it: f"({known.get(it[1], 0.0):f})", text)
    plain = re.sub("[xX]", "*", plain)
    if len(text) > _MOST_LETTERS or not _SUM.fullmatch(plain):
        raise InvalidInput(f"this Gerber file has a sum that is none: {text[:40]!r}")
    try:
        value = _reckoned(ast.parse(plain.strip(), mode="eval").body)
    except (SyntaxError, ZeroDivisionError, OverflowError) as error:
        raise InvalidInput(f"this Gerber file has a sum that is none: {text[:40]!r}") from error
    if not abs(value) <= _FARTHEST:  # nor what is no number
        raise InvalidInput("this Gerber file reckons with numbers that are too large")
    return value


def _reckoned(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_reckoned(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _reckoned(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _SUMS:
            return _SUMS[type(op)](_reckoned(left), _reckoned(right))
    raise InvalidInput("this Gerber file has a sum that is none")


def _primitive(code: str, numbers: list[float]) -> tuple[Geometry, bool]:
    """One shape of a macro, turned around the macro's origin, and whether it is drawn or erased."""
    if len(numbers) > _MOST_NUMBERS:
        raise InvalidInput("this Gerber file has an aperture of too many corners")
    try:
        return _PRIMITIVES[code](numbers)
    except (KeyError, IndexError, ValueError, shapely.GEOSException) as error:
        raise InvalidInput(
            f"this Gerber file has a macro that is not read here: {code[:8]!r}"
        ) from error


def _disc(n: list[float]) -> tuple[Geometry, bool]:
    turned = n[4] if len(n) > 4 else 0.0
    return rotate(translate(_circle(n[1]), n[2], n[3]), turned, origin=(0, 0)), n[0] != 0


def _outline(n: list[float]) -> tuple[Geometry, bool]:
    corners = np.array(n[2 : 4 + 2 * int(n[1])]).reshape(-1, 2)
    return rotate(shapely.Polygon(corners).buffer(0), n[4 + 2 * int(n[1])], origin=(0, 0)), n[
        0
    ] != 0


def _polygon(n: list[float]) -> tuple[Geometry, bool]:
    shape = translate(_regular(int(np.clip(n[1], 3, 64)), n[4], 0.0), n[2], n[3])
    return rotate(shape, n[5], origin=(0, 0)), n[0] != 0


def _vector(n: list[float]) -> tuple[Geometry, bool]:
    line = shapely.LineString([n[2:4], n[4:6]]).buffer(n[1] / 2, cap_style="flat")
    return rotate(line, n[6], origin=(0, 0)), n[0] != 0


def _centred(n: list[float]) -> tuple[Geometry, bool]:
    wide, high, x, y = n[1:5]
    shape = shapely.box(x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
    return rotate(shape, n[5], origin=(0, 0)), n[0] != 0


_PRIMITIVES: dict[str, Callable[[list[float]], tuple[Geometry, bool]]] = {
    "1": _disc,
    "4": _outline,
    "5": _polygon,
    "20": _vector,
    "21": _centred,
}


def _circle(diameter: float) -> Geometry:
    return shapely.Point(0, 0).buffer(diameter / 2, quad_segs=8)


def _regular(corners: int, diameter: float, turned: float) -> Geometry:
    angles = np.radians(turned) + np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return shapely.Polygon(np.column_stack([np.cos(angles), np.sin(angles)]) * diameter / 2)
