"""Ways of the cutter over a body from above, line by line, to its last surface.

The tip never goes below a conservative height map (`heights`).
"""

from collections.abc import Iterator, Sequence
from math import sqrt

import numpy as np
import shapely
from scipy.ndimage import maximum_filter

from commons.wire import Lines
from fab_agent.cam.cutter import Cutter
from fab_agent.cam.drawing import Triangles
from fab_agent.cam.ground import Ground, coarse_ground, fine_ground, shape_of
from fab_agent.cam.heights import Grid, Heights, Shape
from fab_agent.cam.passes import Path3, depths_to, raised
from fab_agent.cam.roughing import LEAVE_MM

FLAT_STEPOVER = 0.1  # share of the diameter: steps of a tenth of a millimetre at 1:3 with 3 mm
_SMOOTH_MM = 0.01
_LIFT_MM = 0.001  # the program's numbers are rounded by half of it


def stepover_mm(cutter: Shape, scallop_mm: float) -> float:
    """Between two lines: on level ground a ball leaves ridges of `scallop_mm` there.

    Two circles whose middles are s apart meet r - sqrt(r² - s²/4) above their lowest points: the
    height of a scallop as in Machinery's Handbook, solved for s. A slope across the lines of 45°
    has ridges twice as high.
    """
    if not cutter.corner_mm:
        return FLAT_STEPOVER * cutter.diameter_mm
    height = min(scallop_mm, cutter.corner_mm)
    return 2 * sqrt(2 * cutter.corner_mm * height - height**2)


def finished(
    triangles: Triangles, cutter: Cutter, wood: Ground, *, lines: Lines, scallop_mm: float
) -> list[Path3]:
    """Every way that brings the body, whose top is Z0, out of the `wood` that roughing has left.

    Each is entered and left from above.

    Raises:
        InvalidInput: the body is too large for the cutter.
    """
    paths: list[Path3] = []
    if lines != "y":
        paths = _along_x(triangles, cutter, wood, scallop_mm)
    if lines != "x":
        left = wood if lines == "y" else None
        across = _along_x(_mirrored(triangles), cutter, left and _mirrored_wood(left), scallop_mm)
        paths += [path[:, [1, 0, 2]] for path in across]
    return paths


def _mirrored(triangles: Triangles) -> Triangles:
    """With x and y exchanged; what faced up still does."""
    return triangles[:, ::-1][..., [1, 0, 2]]


def _mirrored_wood(wood: Ground) -> Ground:
    grid = wood.grid
    mirrored = Grid(grid.y_mm, grid.x_mm, grid.cell_mm, rows=grid.columns, columns=grid.rows)
    return Ground(mirrored, np.arange(grid.columns), wood.z.T)


def _along_x(
    triangles: Triangles, cutter: Cutter, wood: Ground | None, scallop_mm: float
) -> list[Path3]:
    """Lines along x; without `wood` there is no more than one pass left anywhere."""
    shape = shape_of(cutter)
    fine = fine_ground(triangles, shape, apart_mm=stepover_mm(shape, scallop_mm))
    lines = list(_lines(fine))
    rest = [way for line in lines for way in _deepened(line, wood, cutter)] if wood else []
    return rest + _joined(lines, coarse_ground(triangles, shape), shape)


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
        return raised(line, _LIFT_MM)
    flat = shapely.simplify(shapely.linestrings(np.column_stack([x, z])), _SMOOTH_MM)
    kept_x, kept_z = shapely.get_coordinates(flat).T
    lacking = np.maximum(z - np.interp(x, kept_x, kept_z), 0.0)
    lifts = np.maximum.reduceat(lacking, np.searchsorted(x, kept_x)[:-1])
    kept_z = kept_z + np.maximum(np.append(lifts, 0.0), np.insert(lifts, 0, 0.0)) + _LIFT_MM
    return np.column_stack([kept_x, np.full(len(kept_x), line[0, 1]), kept_z])


def _deepened(line: Path3, wood: Ground, cutter: Cutter) -> Iterator[Path3]:
    """Where roughing left more than one pass: to and fro, ramping down, until one pass is left."""
    stands = wood.z[wood.grid.square_of(line[:, 0], line[:, 1])].astype(np.float64)
    deep = stands - cutter.pass_depth_mm - LEAVE_MM > line[:, 2]
    edges = np.flatnonzero(np.diff(np.pad(deep, 1).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2).tolist():
        if stop - start < 2:
            start, stop = max(start - 1, 0), min(stop + 1, len(line))
        part, high = line[start:stop], stands[start:stop].max()
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


def _joined(lines: Sequence[Path3], coarse: Ground, shape: Shape) -> list[Path3]:
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
