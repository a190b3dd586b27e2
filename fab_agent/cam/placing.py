"""Where on the sheet the parts lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
import shapely
from shapely import MultiPolygon
from shapely.affinity import rotate, translate
from shapely.geometry.base import BaseGeometry

from commons.errors import ProgramRefused
from commons.machine import Envelope
from fab_agent.cam.passes import Path3
from fab_agent.cam.stock import Stock

# Between any cut and the edge of the sheet, where the clamps are; and between two copies.
MARGIN_MM = 10.0
SPACING_MM = 3.0
_DUST = 1e-6

Corner = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Places:
    """Where each copy lies: all `turned` by 90° against the clock or none, then moved by (x, y)
    mm. `used_mm` is the corner of the sheet that they use up, margins included.
    """

    turned: bool
    moves: tuple[Corner, ...]
    used_mm: Corner

    def paths(self, paths: Sequence[Path3]) -> list[Path3]:
        """The paths of all copies, one copy after the other."""
        ways = [_turned(path) for path in paths] if self.turned else paths
        return [path + np.array((*move, 0.0)) for move in self.moves for path in ways]

    def areas(self, area: BaseGeometry) -> BaseGeometry:
        """The same area of all copies on the sheet."""
        way = rotate(area, 90, origin=(0, 0)) if self.turned else area
        copies = [translate(way, *move) for move in self.moves]
        return MultiPolygon([part for copy in copies for part in shapely.get_parts(copy)])


def placed(
    paths: Sequence[Path3], *, radius_mm: float, stock: Stock, envelope: Envelope, copies: int
) -> Places:
    """Where on the sheet the copies of what `paths` cut out lie.

    Copies stand in rows from the lower left; all are turned by 90° if they only fit so.

    Raises:
        ProgramRefused: they fit neither way; says what there is and what is needed.
    """
    start = (max(MARGIN_MM, envelope.x_min_mm), max(MARGIN_MM, envelope.y_min_mm))
    room = (
        min(stock.size_mm[0] - MARGIN_MM, envelope.x_max_mm) - start[0],
        min(stock.size_mm[1] - MARGIN_MM, envelope.y_max_mm) - start[1],
    )
    for ways, turned in ((paths, False), ([_turned(path) for path in paths], True)):
        low, size = _box(ways, radius_mm)
        columns, rows = (_count(room[axis], size[axis]) for axis in (0, 1))
        if columns * rows >= copies:
            places = [(i % columns, i // columns) for i in range(copies)]
            step = (size[0] + SPACING_MM, size[1] + SPACING_MM)
            moves = tuple(
                (start[0] - low[0] + i * step[0], start[1] - low[1] + j * step[1])
                for i, j in places
            )
            ends = [max(p[a] for p in places) for a in (0, 1)]
            used = [start[a] + ends[a] * step[a] + size[a] + MARGIN_MM for a in (0, 1)]
            return Places(turned, moves, (used[0], used[1]))
    _, size = _box(paths, radius_mm)
    raise ProgramRefused(
        f"a sheet of {stock.size_mm[0]:g} x {stock.size_mm[1]:g} mm on this machine leaves "
        f"{max(room[0], 0):.1f} x {max(room[1], 0):.1f} mm inside the margin, needed is "
        f"{copies} × {size[0]:.1f} x {size[1]:.1f} mm: take a larger sheet or machine",
        rule="sheet-too-small",
    )


def _count(room: float, size: float) -> int:
    """How many of this size fit side by side."""
    return max(0, floor((room + SPACING_MM + _DUST) / (size + SPACING_MM)))


def _box(paths: Sequence[Path3], radius_mm: float) -> tuple[Corner, Corner]:
    """Lower left corner and size of all that the cutter sweeps."""
    low = np.min([path[:, :2].min(axis=0) for path in paths], axis=0) - radius_mm
    high = np.max([path[:, :2].max(axis=0) for path in paths], axis=0) + radius_mm
    size = high - low
    return (float(low[0]), float(low[1])), (float(size[0]), float(size[1]))


def _turned(path: Path3) -> Path3:
    """Turned by 90° against the clock."""
    turned: Path3 = path[:, [1, 0, 2]] * np.array((-1.0, 1.0, 1.0))
    return turned
