"""Each feature's ways of the cutter, in the order that keeps every part held to the end."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

from commons.errors import ProgramRefused
from fab_agent.cam.contours import at
from fab_agent.cam.cutter import Cutter, Stock
from fab_agent.cam.drawing import Points
from fab_agent.cam.operations import Operation, depth_of
from fab_agent.cam.part import Feature
from fab_agent.cam.passes import (
    Depths,
    Path3,
    depths_to,
    inside_path,
    loose_area,
    outside_path,
    pecked,
    pocket_paths,
    ramped,
    tab_top_mm,
    tabs_on,
)
from fab_agent.cam.toolpath import CLEAR_MM, DECIMALS

# Below the sheet, into the board under it: plywood varies by 0.2 mm and must be cut through.
OVERCUT_MM = 0.3
_ENGRAVE_MM = 0.5
# What falls out of an opening and is smaller than this would be thrown: it is milled away.
_SMALL_MM2 = 150.0
# What rounding to the machine's grid and chords for curves may take from a part.
_GOUGE_MM = 0.02
_PIECE = 8  # points of a way that are widened at once


@dataclass(frozen=True, slots=True)
class Cut:
    """The ways that make one feature, each entered and left from above, in order.

    What has the lower `rank` is cut earlier.
    """

    rank: tuple[int, int]
    paths: tuple[Path3, ...]
    through: bool


def through_mm(stock: Stock) -> float:
    """How deep the cutter goes to cut through, on the grid of the program."""
    return round(stock.thickness_mm + OVERCUT_MM, DECIMALS)


def cut_of(feature: Feature, cutter: Cutter, stock: Stock) -> Cut:
    """How to make one feature.

    Raises:
        ProgramRefused: the cutter does not fit, or a pocket is deeper than the sheet.
    """
    if feature.operation is Operation.POCKET:
        return Cut((0, 0), _pocket_paths(feature, cutter, stock), through=False)
    down = depths_to(through_mm(stock), cutter)
    if feature.operation is Operation.DRILL:
        return Cut((0, 0), (pecked(feature.centre, down, clear_mm=CLEAR_MM),), through=True)
    rank = (1, -feature.level)
    if feature.operation is Operation.OUTSIDE:
        way = outside_path(feature.area, cutter)
        return Cut(rank, (_held(way, down, cutter, stock),), through=True)
    loose = loose_area(feature.area, cutter)
    if loose.area < _SMALL_MM2:
        rings = pocket_paths(feature.area, cutter)
        return Cut(rank, tuple(ramped(ring, down) for ring in rings), through=True)
    way = inside_path(feature.area, cutter)
    return Cut(rank, (_held(way, down, cutter, stock),), through=True)


def engraving(layer: str, points: Points, stock: Stock) -> Cut:
    """One line scratched into the top, as deep as its layer says or 0.5 mm."""
    depth = min(depth_of(layer) or _ENGRAVE_MM, stock.thickness_mm / 2)
    z = np.full((len(points), 1), -depth)
    return Cut((0, 0), (np.hstack([points, z]),), through=False)


def in_order(cuts: Sequence[Cut]) -> list[Cut]:
    """By rank, so that what frees a part comes last; within one, from each to the nearest."""
    ordered: list[Cut] = []
    here = np.zeros(2)
    for rank in sorted({cut.rank for cut in cuts}):
        left = [cut for cut in cuts if cut.rank == rank]
        while left:
            starts = np.array([cut.paths[0][0, :2] for cut in left])
            nearest = int(np.argmin(np.hypot(*(starts - here).T)))
            ordered.append(left.pop(nearest))
            here = ordered[-1].paths[-1][-1, :2]
    return ordered


def swept(cuts: Sequence[Cut], cutter: Cutter) -> BaseGeometry:
    """The area that the cutter covers, seen from above.

    A way that goes round several times overlaps itself, and GEOS may then fill what it encloses:
    each way is widened in short open pieces.
    """
    ways = [
        LineString(path[start : start + _PIECE, :2])
        for cut in cuts
        for path in cut.paths
        for start in range(0, max(1, len(path) - 1), _PIECE - 1)
    ]
    flat = [way if way.length else Point(way.coords[0]) for way in ways]
    return shapely.union_all(shapely.buffer(flat, cutter.radius_mm, quad_segs=32))


def refuse_gouges(cuts: Sequence[Cut], kept: BaseGeometry, cutter: Cutter) -> None:
    """Refuse when a cut that goes through takes something of a part that is to stay."""
    area = swept([cut for cut in cuts if cut.through], cutter)
    gouged = area.intersection(kept.buffer(-_GOUGE_MM))
    if not gouged.is_empty:
        where = at(gouged.representative_point())
        message = f"the cutter of {cutter.diameter_mm:g} mm would cut into a part {where}"
        raise ProgramRefused(f"{message}: move the contours apart", rule="gouge")


def _pocket_paths(feature: Feature, cutter: Cutter, stock: Stock) -> tuple[Path3, ...]:
    depth = feature.depth_mm or 0.0
    if not 0 < depth < stock.thickness_mm:
        where = f"the pocket {at(feature.area.representative_point())}"
        message = f"{where} is {depth:g} mm deep in a sheet of {stock.thickness_mm:g} mm"
        raise ProgramRefused(f"{message}: make it shallower or an opening", rule="pocket-depth")
    rings = pocket_paths(feature.area, cutter)
    return tuple(ramped(ring, depths_to(depth, cutter)) for ring in rings)


def _held(path: Points, down: Depths, cutter: Cutter, stock: Stock) -> Path3:
    """Round `path` with tabs that hold what is inside of it."""
    tabs = tabs_on(path, cutter)
    return ramped(path, down, tabs=tabs, tab_top=tab_top_mm(stock.thickness_mm))
