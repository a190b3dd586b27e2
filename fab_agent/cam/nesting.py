"""Parts of any shape on a sheet: each as low (or as far left) as it fits, in bays and openings.

The sheet and the parts are laid on a raster. For each pair of shapes the raster shows once at
which places they would meet (their no-fit raster, by Fourier transform); it is stamped out of the
places that are left whenever one is laid. Then the part slides to its neighbours, exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, floor

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

# A raster of so many squares over the sheet: fine enough for parts that a router can cut.
_SQUARES = 120_000
_FINEST_MM = 1.0
_HALVINGS = 12
_DUST_MM = 1e-6

Flags = NDArray[np.bool_]
Corner = tuple[float, float]
ROWS, COLUMNS = (1, 0), (0, 1)  # which axis is filled up last


@dataclass(frozen=True, slots=True)
class Shape:
    """What a part needs for itself, and by how many quarter turns it may lie."""

    solid: BaseGeometry
    turns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A shape lies on the sheet turned by `turns` quarters against the clock, then moved (mm)."""

    shape: int
    turns: int
    move: Corner


def quarter_turned(area: BaseGeometry, turns: int) -> BaseGeometry:
    """Turned about the origin against the clock."""
    if turns % 4 == 0:
        return area
    turn = quarter_matrix(turns)
    return shapely.transform(area, lambda points: points @ turn.T)


def quarter_matrix(turns: int) -> NDArray[np.float64]:
    """The turn by so many quarters, exactly."""
    cos, sin = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[turns % 4]
    return np.array(((cos, -sin), (sin, cos)))


def nested(
    shapes: Sequence[Shape],
    wanted: Sequence[int],
    room: BaseGeometry,
    *,
    clearance_mm: float,
    axes: tuple[int, int] = ROWS,
) -> list[Place]:
    """Lay the shapes `wanted` (indices, in this order) into `room`, `clearance_mm` apart.

    Returns:
        The places of the first of them, in the same order; fewer than wanted when room ran out.
    """
    return _Sheet(shapes, room, clearance_mm, axes).laid(wanted)


@dataclass(slots=True)
class _Variant:
    """One shape in one turn: its outline with the box's middle at (0, 0), its squares, and the
    places (row, column) where its middle may be, the first of them at `first`."""

    shape: int
    turns: int
    outline: BaseGeometry
    middle: NDArray[np.float64]
    size: NDArray[np.float64]
    mask: Flags
    first: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    free: Flags = field(default_factory=lambda: np.zeros((0, 0), dtype=bool))


class _Sheet:
    """Invariant: what lies on it keeps within the room and its clearance."""

    def __init__(
        self, shapes: Sequence[Shape], room: BaseGeometry, clearance: float, axes: tuple[int, int]
    ) -> None:
        self._room, self._clearance, self._axes = room, clearance, list(axes)
        low_x, low_y, high_x, high_y = room.bounds
        self._low = np.array((low_x, low_y))[self._axes]
        self._high = np.array((high_x, high_y))[self._axes]
        area = (high_x - low_x) * (high_y - low_y)
        self._cell = max(_FINEST_MM, (area / _SQUARES) ** 0.5)
        self._variants = [self._variants_of(index, shape) for index, shape in enumerate(shapes)]
        self._no_fit: dict[tuple[int, int], Flags] = {}
        self._lying: list[BaseGeometry] = []
        self._boxes = np.zeros((0, 4))
        self._used = self._low.copy()
        blocked = shapely.box(*room.bounds).difference(room)
        if not blocked.is_empty:
            corner = np.array((low_x + high_x, low_y + high_y)) / 2
            solid = self._variant(-1, 0, translate(blocked, *-corner), corner, grown=0.0)
            for variant in self._all():
                self._stamp(solid, corner[self._axes], variant)

    @cached_property
    def _walls(self) -> BaseGeometry:
        return shapely.box(*self._room.bounds).difference(self._room)

    def laid(self, wanted: Sequence[int]) -> list[Place]:
        """As many of the wanted as find a place."""
        places = []
        for number, shape in enumerate(wanted):
            place = self._lay(shape, later=set(wanted[number + 1 :]))
            if place is None:
                break
            places.append(place)
        return places

    def _lay(self, shape: int, later: set[int]) -> Place | None:
        """Where it needs no more of the sheet if it can, else low and left; then slid together."""
        best: tuple[tuple[float, ...], _Variant, NDArray[np.float64]] | None = None
        for used in (self._used, self._high):
            for variant in self._variants[shape]:
                found = self._first_free(variant, used)
                if found is None:
                    continue
                top = np.round(found + variant.size[self._axes] / 2, 3)
                key = (*top.tolist(), float(variant.turns))
                if best is None or key < best[0]:
                    best = (key, variant, found)
            if best is not None:
                break
        if best is None:
            return None
        _, variant, found = best
        middle = self._slid(variant, found[self._axes])
        lying = translate(variant.outline, *middle)
        self._lying.append(lying)
        self._boxes = np.vstack([self._boxes, lying.bounds])
        self._used = np.maximum(self._used, np.array(lying.bounds[2:])[self._axes])
        for other in self._all(later):
            self._stamp(variant, middle[self._axes], other)
        move = middle - variant.middle
        return Place(shape, variant.turns, (float(move[0]), float(move[1])))

    def _first_free(
        self, variant: _Variant, used: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        """The first place of the middle (major, minor), all below `used`, where it really fits."""
        reach = (used - variant.size[self._axes] / 2 - variant.first + _DUST_MM) / self._cell
        rows, columns = np.maximum(np.floor(reach) + 1, 0).astype(int)
        free = variant.free[:rows, :columns]
        while free.any():
            index = np.unravel_index(int(free.argmax()), free.shape)
            place: NDArray[np.float64] = variant.first + np.array(index) * self._cell
            if self._fits(variant, place[self._axes]):
                return place
            free[index] = False
        return None

    def _slid(self, variant: _Variant, middle: NDArray[np.float64]) -> NDArray[np.float64]:
        """Down and to the left as far as it goes within a few squares."""
        for axis in (*self._axes, self._axes[0]):
            low = self._room.bounds[axis] + variant.size[axis] / 2
            way = min(3 * self._cell, middle[axis] - low)
            step = np.zeros(2)
            step[axis] = way
            if way <= _DUST_MM:
                continue
            if self._fits(variant, middle - step):
                middle = middle - step
                continue
            good, bad = 0.0, 1.0
            for _ in range(_HALVINGS):
                tried = (good + bad) / 2
                good, bad = (
                    (tried, bad)
                    if self._fits(variant, middle - tried * step)
                    else (
                        good,
                        tried,
                    )
                )
            middle = middle - good * step
        return middle

    def _fits(self, variant: _Variant, middle: NDArray[np.float64]) -> bool:
        moved = translate(variant.outline, *middle)
        left, bottom, right, top = moved.bounds
        low_x, low_y, high_x, high_y = self._room.bounds
        inside = min(left - low_x, bottom - low_y, high_x - right, high_y - top) >= -_DUST_MM
        if not inside or (not self._walls.is_empty and shapely.intersects(self._walls, moved)):
            return False
        gap, boxes = self._clearance, self._boxes
        near = np.flatnonzero(
            (boxes[:, 0] < right + gap)
            & (boxes[:, 2] > left - gap)
            & (boxes[:, 1] < top + gap)
            & (boxes[:, 3] > bottom - gap)
        )
        others = [self._lying[i] for i in near]
        if gap <= _DUST_MM:
            return not any(_overlap(other, moved) for other in others)
        return not shapely.dwithin(others, moved, gap - _DUST_MM).any()

    def _all(self, shapes: set[int] | None = None) -> list[_Variant]:
        chosen = range(len(self._variants)) if shapes is None else sorted(shapes)
        return [variant for shape in chosen for variant in self._variants[shape]]

    def _variants_of(self, index: int, shape: Shape) -> list[_Variant]:
        found: list[_Variant] = []
        for turns in shape.turns:
            outline = quarter_turned(shape.solid, turns)
            left, bottom, right, top = outline.bounds
            middle = np.array(((left + right) / 2, (bottom + top) / 2))
            outline = translate(outline, *-middle)
            if any(_same(outline, other.outline) for other in found):
                continue
            grown = self._clearance / 2
            variant = self._variant(index, turns, outline, middle, grown=grown)
            size = variant.size[self._axes]
            count = np.floor((self._high - self._low - size + _DUST_MM) / self._cell) + 1
            variant.first = self._low + size / 2
            variant.free = np.ones(np.maximum(count, 0).astype(int), dtype=bool)
            found.append(variant)
        return found

    def _variant(
        self,
        shape: int,
        turns: int,
        outline: BaseGeometry,
        middle: NDArray[np.float64],
        *,
        grown: float,
    ) -> _Variant:
        left, bottom, right, top = outline.bounds
        size = np.array((right - left, top - bottom))
        pad = grown + self._cell * 0.5**0.5  # a square whose middle is outside is outside
        count = np.ceil((size + 2 * pad) / self._cell).astype(int)
        x, y = ((np.arange(n) - (n - 1) / 2) * self._cell for n in count)
        area = outline.buffer(pad, quad_segs=4)
        shapely.prepare(area)
        mask = shapely.contains_xy(area, *np.meshgrid(x, y))
        mask = mask if self._axes == list(ROWS) else mask.T
        return _Variant(shape, turns, outline, middle, size, mask)

    def _stamp(self, lying: _Variant, at: NDArray[np.float64], other: _Variant) -> None:
        """Take away every place where `other` would meet what lies with its middle `at`."""
        if not other.free.size:
            return
        key = (id(lying), id(other))
        if key not in self._no_fit:
            self._no_fit[key] = _meeting(lying.mask, other.mask)
        meets = self._no_fit[key]
        shift = (other.first - at) / self._cell
        shift = shift + (np.array(lying.mask.shape) - other.mask.shape) / 2
        shift = shift + other.mask.shape - 1
        for rows in {floor(shift[0] + _DUST_MM), ceil(shift[0] - _DUST_MM)}:
            for columns in {floor(shift[1] + _DUST_MM), ceil(shift[1] - _DUST_MM)}:
                _clear(other.free, meets, rows, columns)


def _meeting(lying: Flags, other: Flags) -> Flags:
    """For each shift of `other` from `lying` (the first: one square in common) if they overlap."""
    shape = tuple(a + b - 1 for a, b in zip(lying.shape, other.shape, strict=True))
    whole = tuple(1 << (n - 1).bit_length() if n < 64 else 32 * ceil(n / 32) for n in shape)
    one = np.fft.rfft2(lying.astype(np.float32), whole)
    two = np.fft.rfft2(other[::-1, ::-1].astype(np.float32), whole)
    common: Flags = np.fft.irfft2(one * two, whole)[: shape[0], : shape[1]] > 0.5
    return common


def _clear(free: Flags, meets: Flags, rows: int, columns: int) -> None:
    """free[i, j] is lost where meets[i + rows, j + columns]."""
    spans = []
    for shift, have, mask in zip((rows, columns), free.shape, meets.shape, strict=True):
        spans.append((max(0, -shift), min(have, mask - shift)))
    (top, bottom), (left, right) = spans
    if top < bottom and left < right:
        taken = meets[top + rows : bottom + rows, left + columns : right + columns]
        free[top:bottom, left:right] &= ~taken


def _overlap(one: BaseGeometry, other: BaseGeometry) -> bool:
    return bool(one.intersects(other)) and float(one.intersection(other).area) > _DUST_MM


def _same(one: BaseGeometry, other: BaseGeometry) -> bool:
    """Whether a turn changes nothing."""
    if max(abs(a - b) for a, b in zip(one.bounds, other.bounds, strict=True)) > 0.01:
        return False
    return float(one.symmetric_difference(other).area) < 1e-4 * float(one.area)


def filled(area: BaseGeometry) -> BaseGeometry:
    """Without its openings."""
    parts = [Polygon(part.exterior) for part in shapely.get_parts(area)]
    return shapely.union_all(parts)
