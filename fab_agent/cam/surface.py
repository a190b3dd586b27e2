"""Ways of the cutter over a body from above: level by level, then line by line.

The tip never goes below a conservative height map (`heights`). Nothing comes loose: the body stays
on what is left of the sheet under it, and only a trench is cut around it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, maximum_filter
from shapely.geometry.base import BaseGeometry

from commons.errors import InvalidInput
from fab_agent.cam.cutter import STEPOVER, Cutter
from fab_agent.cam.drawing import Points, Triangles
from fab_agent.cam.heights import MAX_CELLS, Grid, Heights, Shape, grid_over, reach, top_of
from fab_agent.cam.passes import Path3, depths_to, ramped

LEAVE_MM = 0.3  # what roughing leaves for the last pass
SCALLOP_MM = 0.03  # between two lines of a ball
FLAT_STEPOVER = 0.1  # share of the diameter: steps of a tenth of a millimetre at 1:3 with 3 mm
TRENCH = 0.75  # of the diameter: how much wider than the cutter the way round the body is
_COARSE = 1 / 12  # of the diameter: squares for roughing
_FINE = 1 / 60  # and for the last pass, where there are not too many of them,
_COARSEST = 1 / 8  # but never larger
_SMOOTH_MM = 0.01
_LIFT_MM = 0.001  # the program's numbers are rounded by half of it
_FEW_CHAINS = 12

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Ground:
    """How low the tip may go in the squares of these `rows`, mm; +inf where it has no business."""

    grid: Grid
    rows: Rows
    z: Heights


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


def stepover_mm(cutter: Shape) -> float:
    """Between two lines: a ball leaves SCALLOP_MM there on level ground."""
    if not cutter.corner_mm:
        return FLAT_STEPOVER * cutter.diameter_mm
    return 2 * sqrt(2 * cutter.corner_mm * SCALLOP_MM - SCALLOP_MM**2)


def ground_of(triangles: Triangles, cutter: Shape, *, cell_mm: float, apart_mm: float) -> Ground:
    """The height map of a body whose underside is the floor, on rows `apart_mm` or less apart."""
    grid = grid_over(triangles, cell_mm=cell_mm, margin_mm=_margin_mm(cutter))
    top = top_of(triangles, grid)
    rows = np.arange(0, grid.rows, max(1, int(apart_mm / cell_mm)))
    z = np.maximum(reach(top, cell_mm, cutter, rows), np.float32(triangles[..., 2].min()))
    beside = Shape(cutter.diameter_mm * (1 + 2 * TRENCH))
    z[np.isneginf(reach(top, cell_mm, beside, rows))] = np.inf
    return Ground(grid, rows, z)


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


def surface_paths(triangles: Triangles, cutter: Cutter, shape: Shape) -> list[Path3]:
    """Every way that carves the body, whose top is Z0, each entered and left from above.

    Raises:
        InvalidInput: it is too large for the cutter.
    """
    low, high = triangles.min(axis=(0, 1)), triangles.max(axis=(0, 1))
    cell = fine_cell_mm((float(high[0] - low[0]), float(high[1] - low[1])), shape)
    coarse_mm = max(cell, shape.diameter_mm * _COARSE)
    coarse = ground_of(triangles, shape, cell_mm=coarse_mm, apart_mm=coarse_mm)
    fine = ground_of(triangles, shape, cell_mm=cell, apart_mm=stepover_mm(shape))
    paths, stands = _roughing(coarse, cutter, shape, float(-low[2]))
    lines = list(_lines(fine))
    rest = [way for line in lines for way in _deepened(line, coarse.grid, stands, cutter)]
    return paths + rest + _joined(lines, coarse, shape)


def _margin_mm(cutter: Shape) -> float:
    return cutter.diameter_mm * (1 + TRENCH)


def _roughing(
    ground: Ground, cutter: Cutter, shape: Shape, depth_mm: float
) -> tuple[list[Path3], Heights]:
    """The ways of all levels, and how high the wood stands in each square after them."""
    swept = np.zeros_like(ground.z)
    paths: list[Path3] = []
    above = 0.0
    for level in depths_to(max(depth_mm - LEAVE_MM, LEAVE_MM), cutter).tolist():
        # One square off on every side, so that smoothing may take half a square back.
        free = binary_erosion(ground.z + LEAVE_MM <= level + 1e-4, np.ones((3, 3)))
        region = shapely.simplify(_region(free, ground.grid), ground.grid.cell_mm / 2)
        paths += _chains(region, shape, above, level)
        swept[free] = level
        above = level
    cell = ground.grid.cell_mm
    inner = Shape(max(shape.diameter_mm - 6 * cell, cell))  # surely swept about each square
    return paths, -reach(-swept, cell, inner)


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
            chains.append([_raised(ramped(ring, np.array([level - above])), above)])
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


def _lines(ground: Ground) -> Iterator[Path3]:
    """Every stretch of every row, along x, at the map's height: safe at each point between, too."""
    x, y = ground.grid.middles()
    for row, z in zip(ground.rows.tolist(), ground.z, strict=True):
        edges = np.flatnonzero(np.diff(np.pad(np.isfinite(z), 1).astype(np.int8)))
        for start, stop in edges.reshape(-1, 2).tolist():
            here = z[start:stop].astype(np.float64)
            # On the border between two squares the tip stands as high as the higher one asks.
            heights = np.concatenate([here[:1], np.maximum(here[1:], here[:-1]), here[-1:]])
            middles = x[start:stop]
            borders = (middles[1:] + middles[:-1]) / 2
            along = np.concatenate([middles[:1], borders, middles[-1:]])
            yield np.column_stack([along, np.full(len(along), y[row]), heights])


def _smoothed(line: Path3) -> Path3:
    """Fewer points, nowhere lower than `line` (along x) and hardly higher."""
    x, z = line[:, 0], line[:, 2]
    if len(line) < 3:
        return _raised(line, _LIFT_MM)
    flat = shapely.simplify(shapely.linestrings(np.column_stack([x, z])), _SMOOTH_MM)
    kept_x, kept_z = shapely.get_coordinates(flat).T
    lacking = np.maximum(z - np.interp(x, kept_x, kept_z), 0.0)
    lifts = np.maximum.reduceat(lacking, np.searchsorted(x, kept_x)[:-1])
    kept_z = kept_z + np.maximum(np.append(lifts, 0.0), np.insert(lifts, 0, 0.0)) + _LIFT_MM
    return np.column_stack([kept_x, np.full(len(kept_x), line[0, 1]), kept_z])


def _raised(path: Path3, by_mm: float) -> Path3:
    raised: Path3 = path + np.array((0.0, 0.0, by_mm))
    return raised


def _deepened(line: Path3, grid: Grid, stands: Heights, cutter: Cutter) -> Iterator[Path3]:
    """Where roughing left more than one pass: to and fro, ramping down, until one pass is left."""
    wood = stands[grid.square_of(line[:, 0], line[:, 1])].astype(np.float64)
    deep = wood - cutter.pass_depth_mm - LEAVE_MM > line[:, 2]
    edges = np.flatnonzero(np.diff(np.pad(deep, 1).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2).tolist():
        if stop - start < 2:
            start, stop = max(start - 1, 0), min(stop + 1, len(line))
        part, high = line[start:stop], wood[start:stop].max()
        levels = high + depths_to(high - float(part[:, 2].min()), cutter)
        ways, above = [], high
        for level in levels[:-1].tolist():
            slope = np.linspace(above, level, len(part))
            for z, order in (
                (slope, slice(None)),
                (np.full(len(part), level), slice(None, None, -1)),
            ):
                lowered = np.column_stack([part[:, :2], np.maximum(part[:, 2], z)])
                ways.append(_smoothed(lowered)[order])
            above = level
        if ways:
            yield np.concatenate(ways)


def _joined(lines: list[Path3], coarse: Ground, shape: Shape) -> list[Path3]:
    """The lines to and fro, linked without lifting off where the map shows a way."""
    height = maximum_filter(coarse.z, size=3)
    paths: list[list[Path3]] = []
    for line in map(_smoothed, lines):
        if paths:
            here = paths[-1][-1][-1]
            way = line if _near(here, line[0]) <= _near(here, line[-1]) else line[::-1]
            link = _link(here, way[0], height, coarse.grid, shape)
            if link is not None:
                paths[-1] += [link, way]
                continue
            line = way
        paths.append([line])
    return [np.concatenate(path) for path in paths]


def _near(one: Path3, other: Path3) -> float:
    return float(np.hypot(*(other - one)[:2]))


def _link(start: Path3, end: Path3, height: Heights, grid: Grid, shape: Shape) -> Path3 | None:
    """Up, across and down to `end`, above all that the map knows on the way; None: too far."""
    far = _near(start, end)
    if far > 2 * shape.diameter_mm:
        return None
    shares = np.linspace(0, 1, 2 + int(2 * far / grid.cell_mm))[:, None]
    x, y = (start[:2] + shares * (end - start)[:2]).T
    z = max(float(height[grid.square_of(x, y)].max()) + _LIFT_MM, start[2], end[2])
    if not np.isfinite(z):
        return None
    return np.array([(*start[:2], z), (*end[:2], z)])
