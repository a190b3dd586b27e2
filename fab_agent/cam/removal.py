"""What a program leaves of a sheet: a field of heights that the cutter pushes down.

It reads the lines as they will be sent and shares nothing with what made them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import atan2, ceil, cos, floor, hypot, pi, sin

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

_WORD = re.compile(r"[A-Z][-.0-9]+")
_CHORD_RAD = 0.05
# Long slanting moves are followed in pieces, so that the boxes around them stay small.
_PIECE_MM = 10.0
# Less than this above or below a height is no difference.
_SKIN_MM = 0.02
TOLERANCE_MM = 0.02

XYZ = tuple[float, float, float]
Heights = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Field:
    """Heights (Z in mm, 0 is the sheet's top) of squares of `cell_mm`, `z[row, column]`.

    The first square's middle lies half a square right of and above work zero.
    """

    z: Heights
    cell_mm: float

    def inside(self, area: BaseGeometry) -> NDArray[np.bool_]:
        """Which squares have their middle in `area`: along each row, every edge changes sides."""
        changes = np.zeros((self.z.shape[0], self.z.shape[1] + 1), dtype=np.int32)
        for ring in _rings(area):
            ends = shapely.get_coordinates(ring) / self.cell_mm - 0.5
            (x0, y0), (x1, y1) = ends[:-1].T, ends[1:].T
            first, last = np.ceil(np.minimum(y0, y1)), np.ceil(np.maximum(y0, y1))
            count = (last - first).astype(np.intp)
            edge = np.repeat(np.arange(len(count)), count)
            row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + first[edge]
            share = (row - y0[edge]) / (y1[edge] - y0[edge])
            column = np.ceil(x0[edge] + share * (x1[edge] - x0[edge]))
            column = np.clip(column, 0, self.z.shape[1]).astype(np.intp)
            seen = (row >= 0) & (row < self.z.shape[0])
            np.add.at(changes, (row[seen].astype(np.intp), column[seen]), 1)
        odd: NDArray[np.bool_] = np.cumsum(changes[:, :-1], axis=1) % 2 == 1
        return odd


@dataclass(frozen=True, slots=True)
class Difference:
    """How what was cut differs from what was drawn: mm² of it, and the deepest cut, mm.

    `gouged` was taken from a part, `left` stands beside it although the cutter can get there,
    `held` stands there, too, but no higher than the tabs.
    """

    gouged_mm2: float
    left_mm2: float
    held_mm2: float
    part_mm2: float
    deepest_mm: float

    @property
    def area_error(self) -> float:
        """Share of the part's area that is wrong."""
        return (self.gouged_mm2 + self.left_mm2) / self.part_mm2


def field_of(
    lines: Iterable[bytes],
    *,
    cutter_mm: float | Sequence[float],
    size_mm: tuple[float, float],
    cell_mm: float = 0.1,
) -> Field:
    """The sheet of this size after the program; the cutter is flat and `cutter_mm` wide. Where
    the program stops (M0), it is changed for the next one.
    """
    shape = (ceil(size_mm[1] / cell_mm), ceil(size_mm[0] / cell_mm))
    z = np.zeros(shape, dtype=np.float32)
    wide = [cutter_mm] if isinstance(cutter_mm, int | float) else list(cutter_mm)
    for number, start, end in _strokes(lines):
        if min(start[2], end[2]) < 0:
            _push(z, start, end, wide[number] / 2, cell_mm)
    return Field(z, cell_mm)


def compare(
    field: Field,
    parts: BaseGeometry,
    *,
    cutter_mm: float,
    thickness_mm: float,
    tab_top_mm: float,
    hollows: BaseGeometry | None = None,
) -> Difference:
    """How the field differs from `parts`, of which only `hollows` (pockets) may be cut.

    Beside a part, as far as half a cutter reaches, all must be gone; of an inner corner what a
    round cutter can reach. What lies within TOLERANCE_MM of the line counts for neither side.
    """
    radius, whole = cutter_mm / 2, parts if hollows is None else parts.difference(hollows)
    part = field.inside(whole.buffer(-TOLERANCE_MM))
    round_ = parts.buffer(radius, quad_segs=64).buffer(-radius, quad_segs=64)
    beside = field.inside(parts.buffer(radius).difference(round_.buffer(TOLERANCE_MM)))
    high, low = field.z > tab_top_mm + _SKIN_MM, field.z > -thickness_mm
    cell = field.cell_mm**2
    return Difference(
        gouged_mm2=float((part & (field.z < -_SKIN_MM)).sum() * cell),
        left_mm2=float((beside & high).sum() * cell),
        held_mm2=float((beside & low & ~high).sum() * cell),
        part_mm2=float(parts.area),
        deepest_mm=-float(field.z.min()),
    )


def _rings(area: BaseGeometry) -> Iterator[BaseGeometry]:
    for part in shapely.get_parts(area):
        yield part.exterior
        yield from part.interiors


def _push(z: Heights, start: XYZ, end: XYZ, radius: float, cell: float) -> None:
    """Lower all that a straight move covers; a slanting move at the height of its nearest point."""
    low = [max(0, floor((min(a, b) - radius) / cell)) for a, b in zip(start, end, strict=True)][:2]
    high = [ceil((max(a, b) + radius) / cell) + 1 for a, b in zip(start, end, strict=True)][:2]
    box = z[low[1] : high[1], low[0] : high[0]]
    if not box.size:
        return
    x = (np.arange(low[0], low[0] + box.shape[1]) + 0.5) * cell - start[0]
    y = ((np.arange(low[1], low[1] + box.shape[0]) + 0.5) * cell - start[1])[:, None]
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = dx * dx + dy * dy
    share = np.clip((x * dx + y * dy) / length, 0, 1) if length else 1.0
    covered = (x - share * dx) ** 2 + (y - share * dy) ** 2 <= radius * radius
    tip = start[2] + share * (end[2] - start[2]) if length else min(start[2], end[2])
    np.minimum(box, np.where(covered, tip, 0.0), out=box)


def _strokes(lines: Iterable[bytes]) -> Iterator[tuple[int, XYZ, XYZ]]:
    """Every short straight piece of the way (absolute mm, as our programs are), and by which
    cutter, counted from 0."""
    here: XYZ = (0.0, 0.0, 1000.0)
    number = 0
    for line in lines:
        if line == b"M0":
            number, here = number + 1, (here[0], here[1], 1000.0)
        head, *words = _WORD.findall(line.decode())
        if head not in ("G0", "G1", "G2", "G3"):
            continue
        values = {word[0]: float(word[1:]) for word in words}
        end = (values.get("X", here[0]), values.get("Y", here[1]), values.get("Z", here[2]))
        arc = head in ("G2", "G3")
        about = (here[0] + values["I"], here[1] + values["J"]) if arc else None
        for stop in _stops(here, end, about, clockwise=head == "G2"):
            yield number, here, stop
            here = stop


def _stops(
    start: XYZ, end: XYZ, about: tuple[float, float] | None, *, clockwise: bool
) -> Iterator[XYZ]:
    rise = end[2] - start[2]
    if about is None:
        count = max(1, ceil(hypot(end[0] - start[0], end[1] - start[1]) / _PIECE_MM))
        for i in range(1, count):
            share = i / count
            x, y = (start[a] + share * (end[a] - start[a]) for a in (0, 1))
            yield x, y, start[2] + share * rise
    else:
        radius = hypot(start[0] - about[0], start[1] - about[1])
        first = atan2(start[1] - about[1], start[0] - about[0])
        last = atan2(end[1] - about[1], end[0] - about[0])
        sweep = -((first - last) % (2 * pi)) if clockwise else (last - first) % (2 * pi)
        # Chords within 0.005 mm of the arc, and never fewer than a polygon would need.
        step = min(_CHORD_RAD, (0.04 / radius) ** 0.5)
        count = ceil(abs(sweep) / step)
        for i in range(1, count):
            angle = first + sweep * i / count
            x, y = about[0] + radius * cos(angle), about[1] + radius * sin(angle)
            yield x, y, start[2] + rise * i / count
    yield end
