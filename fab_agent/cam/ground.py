"""How low a cutter may go over a body that is carved from above, and what it cannot reach.

Nothing comes loose: the body stays on what is left of the sheet under it, and only a trench is cut
around it.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from commons.errors import InvalidInput
from fab_agent.cam.cutter import Cutter
from fab_agent.cam.drawing import Triangles
from fab_agent.cam.heights import MAX_CELLS, Grid, Heights, Shape, grid_over, reach, top_of

TRENCH = 0.75  # of the diameter: how much wider than the cutter the way round the body is
_COARSE = 1 / 12  # of the diameter: squares for roughing and for ways above the body
_FINE = 1 / 120  # and for the last pass, where there are not too many of them,
_COARSEST = 1 / 8  # but never larger

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Ground:
    """How low the tip may go in the squares of these `rows`, mm; +inf where it has no business."""

    grid: Grid
    rows: Rows
    z: Heights


def shape_of(cutter: Cutter) -> Shape:
    """The end of this cutter."""
    return Shape(cutter.diameter_mm, cutter.radius_mm if cutter.shape == "ball" else 0.0)


def coarse_ground(triangles: Triangles, cutter: Shape) -> Ground:
    """All rows, in squares that suit roughing and ways above the body. Raises as fine_cell_mm."""
    cell = max(fine_cell_mm(_size_mm(triangles), cutter), cutter.diameter_mm * _COARSE)
    return _ground_of(triangles, cutter, cell_mm=cell, apart_mm=cell)


def fine_ground(triangles: Triangles, cutter: Shape, *, apart_mm: float) -> Ground:
    """Rows `apart_mm` or less apart, for the last pass, which runs along their middles.

    Raises as fine_cell_mm.
    """
    cell = fine_cell_mm(_size_mm(triangles), cutter)
    return _ground_of(triangles, cutter, cell_mm=cell, apart_mm=apart_mm, on_line=True)


def fine_cell_mm(size_mm: tuple[float, float], cutter: Shape) -> float:
    """The squares of the last pass.

    Raises:
        InvalidInput: the body is so large that they would be coarser than a cutter can follow.
    """
    margin = _margin_mm(cutter)
    area = (size_mm[0] + 2 * margin) * (size_mm[1] + 2 * margin)
    cell = max(cutter.diameter_mm * _FINE, 1.01 * sqrt(area / MAX_CELLS))
    if cell > cutter.diameter_mm * _COARSEST:
        raise InvalidInput(
            f"a surface of {size_mm[0]:.0f} x {size_mm[1]:.0f} mm is too large for a cutter of "
            f"{cutter.diameter_mm:g} mm: take a larger cutter or cut the design into parts"
        )
    return cell


def _ground_of(
    triangles: Triangles,
    cutter: Shape,
    *,
    cell_mm: float,
    apart_mm: float,
    on_line: bool = False,
) -> Ground:
    """The height map of a body whose underside is the floor, on rows `apart_mm` or less apart."""
    grid = grid_over(triangles, cell_mm=cell_mm, margin_mm=_margin_mm(cutter))
    top = top_of(triangles, grid)
    rows = np.arange(0, grid.rows, max(1, int(apart_mm / cell_mm)))
    z = reach(top, cell_mm, cutter, rows, on_line=on_line)
    np.maximum(z, np.float32(triangles[..., 2].min()), out=z)
    beside = Shape(cutter.diameter_mm * (1 + 2 * TRENCH))
    z[np.isneginf(reach(top, cell_mm, beside, rows))] = np.inf
    return Ground(grid, rows, z)


def _size_mm(triangles: Triangles) -> tuple[float, float]:
    size = np.ptp(triangles[..., :2].reshape(-1, 2), axis=0)
    return float(size[0]), float(size[1])


def _margin_mm(cutter: Shape) -> float:
    return cutter.diameter_mm * (1 + TRENCH)


def hidden_share(triangles: Triangles, grid: Grid) -> float:
    """Share of the body's surface, its underside left out, that nothing from above can touch."""
    cross = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    area = np.linalg.norm(cross, axis=1)
    up = np.divide(cross[:, 2], area, out=np.zeros(len(area)), where=area > 0)
    middle = triangles.mean(axis=1)
    base = (up < -0.99) & (triangles[..., 2].max(axis=1) < triangles[..., 2].min() + 0.02)
    above = top_of(triangles, grid)[grid.square_of(middle[:, 0], middle[:, 1])]
    # Within a square a slope of 1:0.3 rises by three of its sides and a half.
    covered = (up > 0.3) & (middle[:, 2] < above - 5 * grid.cell_mm - 0.05)
    hidden = ~base & ((up < -0.02) | covered)
    return float(area[hidden].sum() / max(area[~base].sum(), 1e-9))
