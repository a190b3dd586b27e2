"""The earth as a picture: where a place is on it, and the land around it. No tiles, no network.

Land is Natural Earth's at 1:110 million, as world-atlas packs it (TopoJSON). The projection is
Equal Earth: what covers as much ground covers as much paper. Units are those of a picture
`WIDTH` wide, y downwards.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from math import asin, ceil, cos, radians, sin, sqrt
from pathlib import Path
from typing import Any

WIDTH = 1000.0
# Šavrič, Patterson & Jenny: The Equal Earth map projection, IJGIS 33 (2019), table 1.
_A = (1.340264, -0.081106, 0.000893, 0.003796)
_LAND = Path(__file__).parent / "static" / "vendor" / "land-110m.json"
_STEP_DEG = 5.0  # a longer edge gets points in between, so that it bends with the earth
_SMALLEST = 60.0  # of a window's width: closer, coasts of this scale are made up
_MARGIN = 0.12
_CORNERS = 3  # of a piece of land, its first told twice: fewer have no area

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the picture that is shown: twice as wide as high."""

    left: float
    top: float
    width: float

    @property
    def view_box(self) -> str:
        """As SVG writes it."""
        return f"{self.left:.1f} {self.top:.1f} {self.width:.1f} {self.width / 2:.1f}"


def place(latitude: float, longitude: float) -> Point:
    """Where a place (degrees) is on the picture."""
    x, y = _equal_earth(latitude, longitude)
    return WIDTH / 2 + x * _SCALE, (_TOP - y) * _SCALE


def _equal_earth(latitude: float, longitude: float) -> Point:
    angle = asin(sqrt(3) / 2 * sin(radians(latitude)))
    a2, a6 = angle**2, angle**6
    slope = 9 * _A[3] * a6 * a2 + 7 * _A[2] * a6 + 3 * _A[1] * a2 + _A[0]
    x = 2 * sqrt(3) * radians(longitude) * cos(angle) / (3 * slope)
    return x, angle * (_A[3] * a6 * a2 + _A[2] * a6 + _A[1] * a2 + _A[0])


_TOP = _equal_earth(90, 0)[1]
_SCALE = WIDTH / 2 / _equal_earth(0, 180)[0]
HEIGHT = 2 * _TOP * _SCALE


def window_around(points: Iterable[Point]) -> Window:
    """A window with all the points well inside, no closer than coasts allow; the whole earth
    where there are none."""
    all_ = list(points)
    if not all_:
        return Window(0.0, (HEIGHT - WIDTH / 2) / 2, WIDTH)
    xs, ys = [x for x, _ in all_], [y for _, y in all_]
    wide, high = max(xs) - min(xs), max(ys) - min(ys)
    width = min(WIDTH, max(_SMALLEST, (1 + 2 * _MARGIN) * max(wide, 2 * high)))
    middle_x, middle_y = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2
    return Window(middle_x - width / 2, middle_y - width / 4, width)


@cache
def land() -> str:
    """All land as one path (`d` of SVG); filled by the even-odd rule, lakes stay open."""
    topology = json.loads(_LAND.read_text())
    arcs = list(_arcs(topology))
    rings = (
        _ring(ring, arcs)
        for shape in topology["objects"]["land"]["geometries"]
        for polygon in shape["arcs"]
        for ring in polygon
    )
    return "".join(_closed(ring) for ring in rings)


def _arcs(topology: Any) -> Iterator[list[Point]]:
    """Each arc's points in degrees, longitude first: TopoJSON keeps whole steps from the last."""
    (scale_x, scale_y), (left, bottom) = (
        topology["transform"]["scale"],
        topology["transform"]["translate"],
    )
    for arc in topology["arcs"]:
        xs = accumulate(step[0] for step in arc)
        ys = accumulate(step[1] for step in arc)
        yield [(left + x * scale_x, bottom + y * scale_y) for x, y in zip(xs, ys, strict=True)]


def _ring(numbers: Sequence[int], arcs: Sequence[list[Point]]) -> list[Point]:
    """Arcs end to end; one that is numbered ~n is walked backwards."""
    points: list[Point] = []
    for number in numbers:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        points.extend(arc[1:] if points else arc)
    return points


def _closed(ring: Sequence[Point]) -> str:
    return "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in map(_on_picture, _bending(piece))) + "Z"
        for piece in _cut(ring)
        if len(piece) > _CORNERS
    )


def _on_picture(point: Point) -> Point:
    longitude, latitude = point
    return place(latitude, longitude)


def _cut(ring: Sequence[Point]) -> list[list[Point]]:
    """The ring cut where it crosses the 180th meridian, which is both edges of the picture.

    What goes around the pole crosses it once: it is closed along the pole.
    """
    pieces: list[list[Point]] = [[ring[0]]]
    for before, after in pairwise(ring):
        if abs(after[0] - before[0]) > 180:
            pieces.append([])
        pieces[-1].append(after)
    if len(pieces) == 1:
        return pieces
    last = pieces.pop()
    pieces[0] = last + pieces[0][1:]
    if len(pieces) == 1:
        (whole,) = pieces
        pole = -90.0 if whole[0][1] < 0 else 90.0
        return [[*whole, (whole[-1][0], pole), (whole[0][0], pole), whole[0]]]
    return [[*piece, piece[0]] for piece in pieces]


def _bending(ring: Sequence[Point]) -> Iterator[Point]:
    for (a_x, a_y), (b_x, b_y) in pairwise(ring):
        pieces = max(1, ceil(max(abs(b_x - a_x), abs(b_y - a_y)) / _STEP_DEG))
        for piece in range(pieces):
            share = piece / pieces
            yield a_x + share * (b_x - a_x), a_y + share * (b_y - a_y)
