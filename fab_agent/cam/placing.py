"""Where on the sheet the parts lie."""

from collections.abc import Sequence
from math import floor

import numpy as np

from commons.errors import ProgramRefused
from commons.machine import Envelope
from fab_agent.cam.cutter import Stock
from fab_agent.cam.passes import Path3

# Between any cut and the edge of the sheet, where the clamps are; and between two copies.
MARGIN_MM = 10.0
SPACING_MM = 3.0
_DUST = 1e-6

Corner = tuple[float, float]


def placed(
    paths: Sequence[Path3], *, radius_mm: float, stock: Stock, envelope: Envelope, copies: int
) -> tuple[list[Path3], Corner]:
    """The paths of all copies on the sheet, and the corner (x, y) mm of it that they use up.

    Copies stand in rows from the lower left; all are turned by 90° if they only fit so.

    Raises:
        ProgramRefused: they fit neither way; says what there is and what is needed.
    """
    start = (max(MARGIN_MM, envelope.x_min_mm), max(MARGIN_MM, envelope.y_min_mm))
    room = (
        min(stock.size_mm[0] - MARGIN_MM, envelope.x_max_mm) - start[0],
        min(stock.size_mm[1] - MARGIN_MM, envelope.y_max_mm) - start[1],
    )
    for ways in (paths, [_turned(path) for path in paths]):
        low, size = _box(ways, radius_mm)
        columns, rows = (_count(room[axis], size[axis]) for axis in (0, 1))
        if columns * rows >= copies:
            places = [(i % columns, i // columns) for i in range(copies)]
            moves = [
                tuple(start[a] - low[a] + place[a] * (size[a] + SPACING_MM) for a in (0, 1))
                for place in places
            ]
            ends = [max(p[a] for p in places) for a in (0, 1)]
            used = [start[a] + ends[a] * (size[a] + SPACING_MM) + size[a] for a in (0, 1)]
            corner = (used[0] + MARGIN_MM, used[1] + MARGIN_MM)
            return [path + np.array((*move, 0.0)) for move in moves for path in ways], corner
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
