"""Ways of the cutter that take off what is above a body, level by level."""

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion
from shapely.geometry.base import BaseGeometry

from fab_agent.cam.cutter import STEPOVER, Cutter
from fab_agent.cam.drawing import Points, Triangles
from fab_agent.cam.ground import Ground, coarse_ground, shape_of
from fab_agent.cam.heights import Grid, Shape, reach
from fab_agent.cam.passes import Path3, depths_to, raised, ramped

LEAVE_MM = 0.3  # what roughing leaves for the last pass
_SMOOTH_MM = 0.01
_FEW_CHAINS = 12


def roughed(triangles: Triangles, cutter: Cutter) -> tuple[list[Path3], Ground]:
    """The ways of all levels over a body whose top is Z0, each entered and left from above; and
    how high the wood stands after them.

    Raises:
        InvalidInput: the body is too large for the cutter.
    """
    shape, depth = shape_of(cutter), -float(triangles[..., 2].min())
    ground = coarse_ground(triangles, shape)
    swept = np.zeros_like(ground.z)
    paths: list[Path3] = []
    above = 0.0
    for level in depths_to(max(depth - LEAVE_MM, LEAVE_MM), cutter).tolist():
        # One square off on every side, so that smoothing may take half a square back.
        free = binary_erosion(ground.z + LEAVE_MM <= level + 1e-4, np.ones((3, 3)))
        region = shapely.simplify(_region(free, ground.grid), ground.grid.cell_mm / 2)
        paths += _chains(region, shape, above, level)
        swept[free] = level
        above = level
    cell = ground.grid.cell_mm
    inner = Shape(max(shape.diameter_mm - 6 * cell, cell))  # surely swept about each square
    return paths, Ground(ground.grid, ground.rows, -reach(-swept, cell, inner))


def _region(free: NDArray[np.bool_], grid: Grid) -> BaseGeometry:
    """The middles of all free squares and what lies between neighbours."""
    edges = np.diff(np.pad(free, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, start = np.nonzero(edges == 1)
    _, stop = np.nonzero(edges == -1)
    x = grid.x_mm + np.stack([start, stop]) * grid.cell_mm
    y = grid.y_mm + np.stack([row, row + 1]) * grid.cell_mm
    return shapely.union_all(shapely.box(x[0], y[0], x[1], y[1]))


def _chains(region: BaseGeometry, shape: Shape, above: float, level: float) -> list[Path3]:
    """Rings that clear the region from its inside out, at `level`. Each way ramps down to it from
    `above` along its first ring and does not leave the region between the others.
    """
    shapely.prepare(region)
    chains: list[list[Path3]] = []
    for ring in _rings(region, STEPOVER * shape.diameter_mm):
        for chain in chains[: -_FEW_CHAINS - 1 : -1]:
            end = chain[-1][-1, :2]
            away = np.hypot(*(ring - end).T)
            nearest = int(away.argmin())
            link = shapely.linestrings([end, ring[nearest]])
            if away[nearest] <= shape.diameter_mm and region.covers(link):
                turned = np.roll(ring[:-1], -nearest, axis=0)
                chain.append(_at(np.vstack([turned, turned[:1]]), level))
                break
        else:
            chains.append([raised(ramped(ring, np.array([level - above])), above)])
    return [np.concatenate(chain) for chain in chains]


def _at(ring: Points, level: float) -> Path3:
    return np.column_stack([ring, np.full(len(ring), level)])


def _rings(region: BaseGeometry, stepover: float) -> list[Points]:
    rings = []
    while not region.is_empty:
        for part in shapely.get_parts(region):
            rings += [shapely.get_coordinates(r) for r in (part.exterior, *part.interiors)]
        region = shapely.simplify(region.buffer(-stepover, quad_segs=8), _SMOOTH_MM)
    return rings[::-1]
