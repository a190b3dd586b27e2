"""How low a cutter's tip may go over a body without ever entering it: a conservative height map.

The body's upper side is kept as the greatest height in each square of a grid, exactly; a cutter
then stands, for every place in a square, on the highest that any square within its reach could
hold, at the least distance that there could be between the two. So with `exact(p)` the height at
which the cutter's tip at p would touch the body (a drop cutter), and d = OFF_CELLS x the cell:

    exact(p)  <=  map(square of p)  <=  max of exact(q) for |q - p| <= d, + GUARD_MM

It is never below the true height anywhere in the square, and above it by no more than what the
true height itself reaches within d: nothing on level ground, slope x d on a slope.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from commons.errors import InvalidInput
from fab_agent.cam.drawing import Triangles

# Two squares' diagonals: one for where the body may be in its square, one for the cutter in its.
OFF_CELLS = 2 * 2**0.5
# On a row's middle the cutter is half a square nearer to what it could touch above and below.
LINE_CELLS = 5**0.5
OFF_LINE_MM = 0.001  # to which a program's numbers are rounded
GUARD_MM = 2e-5  # what single precision may lose, and does not
MAX_CELLS = 24_000_000  # 96 MB for each map
_ON_LINE_MM = 1e-6
_CROWD = 1_000_000  # points that are held at once
_BLOCK_CELLS = 64_000  # that are worked on at once: they stay in the processor's cache
_FACES_UP = -1e-9

Heights = NDArray[np.float32]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shape:
    """The end of a cutter: flat (`corner_mm` 0), a ball (half the diameter), or between them."""

    diameter_mm: float
    corner_mm: float = 0.0

    @property
    def radius_mm(self) -> float:
        """Half the diameter."""
        return self.diameter_mm / 2

    def rise_mm(self, distance: Floats) -> Floats:
        """How far above the tip the cutter's underside is, `distance` (mm) from its axis."""
        out = np.clip(distance - (self.radius_mm - self.corner_mm), 0.0, self.corner_mm)
        rise: Floats = self.corner_mm - np.sqrt(self.corner_mm**2 - out**2)
        return rise


@dataclass(frozen=True, slots=True)
class Grid:
    """Squares of `cell_mm`; the lower left corner of the first is at (x, y) mm."""

    x_mm: float
    y_mm: float
    cell_mm: float
    rows: int
    columns: int

    def middles(self) -> tuple[Floats, Floats]:
        """x of the columns' and y of the rows' middles, mm."""
        x: Floats = self.x_mm + (np.arange(self.columns, dtype=np.float64) + 0.5) * self.cell_mm
        y: Floats = self.y_mm + (np.arange(self.rows, dtype=np.float64) + 0.5) * self.cell_mm
        return x, y

    def square_of(self, x: Floats, y: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of the squares that hold these places; the nearest at the edge."""
        row = np.floor((y - self.y_mm) / self.cell_mm).astype(np.intp)
        column = np.floor((x - self.x_mm) / self.cell_mm).astype(np.intp)
        return np.clip(row, 0, self.rows - 1), np.clip(column, 0, self.columns - 1)


def grid_over(triangles: Triangles, *, cell_mm: float, margin_mm: float) -> Grid:
    """A grid over the body and `margin_mm` around it.

    Raises:
        InvalidInput: it would have more than MAX_CELLS squares.
    """
    low = triangles[..., :2].min(axis=(0, 1)) - margin_mm
    size = triangles[..., :2].max(axis=(0, 1)) + margin_mm - low
    columns, rows = (int(n) for n in np.ceil(size / cell_mm))
    if rows * columns > MAX_CELLS:
        raise InvalidInput(
            f"a surface of {size[0]:.0f} x {size[1]:.0f} mm is too large for squares of "
            f"{cell_mm:g} mm: mill it with a larger cutter or in parts"
        )
    return Grid(float(low[0]), float(low[1]), cell_mm, rows, columns)


def top_of(triangles: Triangles, grid: Grid) -> Heights:
    """The greatest height of the body in each square, edges included; -inf where there is none.

    Within a square the greatest height of a triangle lies on a corner of it, on the square's
    border, or on a corner of the square: all of these are looked at.
    """
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    one, other = b[:, :2] - a[:, :2], c[:, :2] - a[:, :2]
    up = triangles[one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0] > _FACES_UP]
    scaled = (up - (grid.x_mm, grid.y_mm, 0.0)) / (grid.cell_mm, grid.cell_mm, 1.0)
    top = np.full((grid.rows, grid.columns), -np.inf, dtype=np.float32)
    if len(scaled):
        _raise_to(top, scaled.reshape(-1, 3), grid.cell_mm)
        starts, ends = scaled.reshape(-1, 3), np.roll(scaled, -1, axis=1).reshape(-1, 3)
        for axis in (0, 1):
            for points in _crossings(starts, ends, axis):
                _raise_to(top, points, grid.cell_mm)
        for points in _nodes(scaled):
            _raise_to(top, points, grid.cell_mm)
    return top


def reach(
    top: Heights,
    cell_mm: float,
    cutter: Shape,
    rows: NDArray[np.intp] | None = None,
    *,
    on_line: bool = False,
) -> Heights:
    """For each square (of these `rows`), how low the tip may be anywhere in it; -inf: no body near.

    The promise that this module's head states. With `on_line` it holds on the line through the
    middles of a row alone, give or take OFF_LINE_MM, and d is only LINE_CELLS x the cell there.
    """
    far = floor(cutter.radius_mm / cell_mm) + 1
    rows = np.arange(top.shape[0]) if rows is None else rows
    padded = np.pad(top, far, constant_values=-np.inf)
    found = np.full((len(rows), top.shape[1]), -np.inf, dtype=np.float32)
    squares = np.arange(far + 1)
    steps = np.maximum(squares - 1, 0) * cell_mm
    away_mm = np.maximum((squares - 0.5) * cell_mm - OFF_LINE_MM, 0) if on_line else steps
    count = max(1, _BLOCK_CELLS // padded.shape[1])
    for first in range(0, len(rows), count):
        here = rows[first : first + count] + far
        block = found[first : first + count]
        for away, step in enumerate(away_mm):
            strip = np.maximum(padded[here + away], padded[here - away])
            distance = np.hypot(step, steps)
            rises = cutter.rise_mm(distance[distance <= cutter.radius_mm]).astype(np.float32)
            _stand_on(block, strip, rises, far)
    return found


def _stand_on(block: Heights, strip: Heights, rises: NDArray[np.float32], far: int) -> None:
    """Raise `block` to what stands on `strip`, which is `far` wider on either side."""
    columns = block.shape[1]
    level = int(np.count_nonzero(rises == 0))  # squares on either side that its flat end covers
    if level:
        widest = maximum_filter1d(strip, 2 * level - 1, axis=1, mode="constant", cval=-np.inf)
        np.maximum(block, widest[:, far : far + columns], out=block)
    held = np.empty_like(block)
    for side in range(level, len(rises)):
        left, right = strip[:, far - side :], strip[:, far + side :]
        np.maximum(left[:, :columns], right[:, :columns], out=held)
        held -= rises[side]
        np.maximum(block, held, out=block)


def _raise_to(top: Heights, points: Floats, cell_mm: float) -> None:
    """Raise the squares that touch each point (x and y in squares) to its height."""
    near = _ON_LINE_MM / cell_mm
    z = (points[:, 2] + GUARD_MM).astype(np.float32)
    flat = top.reshape(-1)
    for dx in (-near, near):
        column = np.clip(np.floor(points[:, 0] + dx).astype(np.intp), 0, top.shape[1] - 1)
        for dy in (-near, near):
            row = np.clip(np.floor(points[:, 1] + dy).astype(np.intp), 0, top.shape[0] - 1)
            np.maximum.at(flat, row * top.shape[1] + column, z)


def _crossings(starts: Floats, ends: Floats, axis: int) -> Iterator[Floats]:
    """Where edges cross the lines between columns (axis 0) or rows (axis 1)."""
    low, high = np.minimum(starts, ends)[:, axis], np.maximum(starts, ends)[:, axis]
    first = np.ceil(low)
    for edge, step in _expanded(np.floor(high) - first + 1):
        line = first[edge] + step
        length = ends[edge, axis] - starts[edge, axis]
        share = (line - starts[edge, axis]) / np.where(length == 0, 1.0, length)
        share = np.clip(share, 0, 1)[:, None]
        points = starts[edge] + share * (ends[edge] - starts[edge])
        points[:, axis] = line
        yield points


def _nodes(triangles: Floats) -> Iterator[Floats]:
    """The corners of squares that lie within each triangle's shadow, at its height there."""
    y = triangles[..., 1]
    first = np.ceil(y.min(axis=1))
    for face, step in _expanded(np.floor(y.max(axis=1)) - first + 1):
        line = first[face] + step
        left, right = _chord(triangles[face], line)
        start = np.ceil(left[:, 0])
        for row, along in _expanded(np.floor(right[:, 0]) - start + 1):
            x = start[row] + along
            width = right[row, 0] - left[row, 0]
            share = np.clip((x - left[row, 0]) / np.where(width == 0, 1.0, width), 0, 1)
            z = left[row, 1] + share * (right[row, 1] - left[row, 1])
            yield np.column_stack([x, line[row], z])


def _chord(triangles: Floats, line: Floats) -> tuple[Floats, Floats]:
    """(x, z) of the left and the right end of what a line y = const cuts out of each triangle."""
    ends = np.roll(triangles, -1, axis=1)
    y0, y1 = triangles[..., 1], ends[..., 1]
    meets = (np.minimum(y0, y1) <= line[:, None]) & (line[:, None] <= np.maximum(y0, y1))
    meets &= y0 != y1
    share = np.clip((line[:, None] - y0) / np.where(y0 == y1, 1.0, y1 - y0), 0, 1)
    x = triangles[..., 0] + share * (ends[..., 0] - triangles[..., 0])
    z = triangles[..., 2] + share * (ends[..., 2] - triangles[..., 2])
    every = np.arange(len(line))
    left = np.where(meets, x, np.inf).argmin(axis=1)
    right = np.where(meets, x, -np.inf).argmax(axis=1)
    none = ~meets.any(axis=1)  # a level edge on the line: its ends are corners already
    lone = np.column_stack([np.where(none, np.inf, x[every, left]), z[every, left]])
    return lone, np.column_stack([np.where(none, -np.inf, x[every, right]), z[every, right]])


def _expanded(counts: Floats) -> Iterator[tuple[NDArray[np.intp], Floats]]:
    """Each index as often as `counts` says, with 0, 1, 2 … beside it, a crowd at a time."""
    whole = np.where(np.isfinite(counts), np.maximum(counts, 0), 0).astype(np.intp)
    groups = np.cumsum(whole) // _CROWD
    for part in np.split(np.arange(len(whole)), np.flatnonzero(np.diff(groups)) + 1):
        times = whole[part]
        index = np.repeat(part, times)
        starts = np.repeat(np.cumsum(times) - times, times)
        yield index, (np.arange(len(index)) - starts).astype(np.float64)
