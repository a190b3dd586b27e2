"""Each feature's ways of the cutter, in the order that keeps every part held to the end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely import MultiLineString
from shapely.geometry.base import BaseGeometry
from shapely.ops import nearest_points

from commons.errors import ProgramRefused
from fab_agent.cam.assigning import Task
from fab_agent.cam.contours import at
from fab_agent.cam.cutter import Cutter
from fab_agent.cam.drawing import Points
from fab_agent.cam.leads import Walls
from fab_agent.cam.operations import Operation, depth_of
from fab_agent.cam.part import Feature
from fab_agent.cam.passes import (
    Path3,
    inside_path,
    loose_area,
    outside_path,
    pecked,
    tab_top_mm,
)
from fab_agent.cam.profiles import Setting, hollow, profile, remainder
from fab_agent.cam.stock import Stock
from fab_agent.cam.toolpath import CLEAR_MM
from fab_agent.cam.travel import short_tour

_ENGRAVE_MM = 0.5
# What falls out of an opening and is smaller than this would be thrown: it is milled away.
SMALL_MM2 = 150.0
# What rounding to the machine's grid and smoothing may take from a part; arcs come on top.
_GOUGE_MM = 0.01


@dataclass(frozen=True, slots=True)
class Cut:
    """The ways that make one feature, each entered and left from above, in order.

    What has the lower `rank` is cut earlier. `flat` are those ways that go through, seen from
    above; there are none when nothing does.
    """

    rank: tuple[int, int]
    cutter: Cutter
    paths: tuple[Path3, ...]
    flat: tuple[Points, ...] = ()

    @property
    def radius_mm(self) -> float:
        """Half the cutter's width."""
        return self.cutter.radius_mm


def cuts_of(task: Task, setting: Setting, walls: Walls) -> list[Cut]:
    """How to make one feature of a part that keeps `walls`, what smaller cutters clear included.

    Raises:
        ProgramRefused: the cutter does not fit, or a pocket is deeper than the sheet.
    """
    smaller = task.rest[-1][0] if task.rest else None
    whole, bridges = _cut_of(task.feature, replace(setting, smallest=smaller), walls)
    found = [whole]
    for cutter, middles in task.rest:
        its = replace(setting, cutter=cutter)
        for piece in shapely.get_parts(middles):
            depth = task.feature.depth_mm
            if depth is None and bridges.dwithin(piece, setting.cutter.diameter_mm):
                depth = -tab_top_mm(setting.stock.thickness_mm)  # or a tab would hold nothing
            ways = remainder(piece, depth, its)
            flat = ways.flat if task.feature.depth_mm is None else ()
            found.append(Cut(whole.rank, cutter, ways.paths, flat=flat))
    return found


def _cut_of(feature: Feature, setting: Setting, walls: Walls) -> tuple[Cut, BaseGeometry]:
    """The cut with the feature's own cutter, and where its tabs stay."""
    cutter, area, smaller = setting.cutter, feature.area, setting.smallest
    if feature.operation is Operation.POCKET:
        _refuse_depth(feature, setting.stock)
        ways = hollow(area, feature.depth_mm, setting)
        return Cut((0, 0), cutter, ways.paths), ways.tabs
    if feature.operation is Operation.DRILL:
        pecks = pecked(feature.centre, setting.down(), clear_mm=CLEAR_MM)
        return Cut((0, 0), cutter, (pecks,)), MultiLineString()
    if feature.operation is Operation.OUTSIDE:
        ways = profile(outside_path(area, cutter, smallest=smaller), walls, setting, outside=True)
    elif loose_area(area, cutter).area < SMALL_MM2:
        ways = hollow(area, None, setting)
    else:
        ways = profile(inside_path(area, cutter, smallest=smaller), walls, setting, outside=False)
    return Cut((1, -feature.level), cutter, ways.paths, flat=ways.flat), ways.tabs


def engraving(layer: str, points: Points, setting: Setting) -> Cut:
    """One line scratched into the top, as deep as its layer says or 0.5 mm."""
    depth = min(depth_of(layer) or _ENGRAVE_MM, setting.stock.thickness_mm / 2)
    z = np.full((len(points), 1), -depth)
    return Cut((0, 0), setting.cutter, (np.hstack([points, z]),))


def in_order(cuts: Sequence[Cut]) -> list[Cut]:
    """By rank, so that what frees a part comes last; within one, on a short tour."""
    ordered: list[Cut] = []
    here = np.zeros(2)
    for rank in sorted({cut.rank for cut in cuts}):
        equal = [cut for cut in cuts if cut.rank == rank]
        starts = np.array([cut.paths[0][0, :2] for cut in equal])
        ordered += [equal[index] for index in short_tour(starts, here)]
        here = ordered[-1].paths[-1][-1, :2]
    return ordered


def refuse_gouges(cuts: Sequence[Cut], kept: BaseGeometry) -> None:
    """Refuse when a way that goes through takes something of a part that is to stay."""
    by_cutter: dict[float, list[Cut]] = {}
    for cut in cuts:
        by_cutter.setdefault(cut.cutter.diameter_mm, []).append(cut)
    for some in by_cutter.values():
        _refuse_gouges(some, kept, some[0].cutter)


def _refuse_gouges(cuts: Sequence[Cut], kept: BaseGeometry, cutter: Cutter) -> None:
    """Refuse a way that gouges.

    None does when its middle is outside of every part and half a cutter away from every edge.
    A drilled hole may be wider than it was drawn; by how much, `part` says.
    """
    ways = np.array([shapely.linestrings(way) for cut in cuts for way in cut.flat], dtype=object)
    shapely.prepare(kept)
    reach = cutter.radius_mm - _GOUGE_MM
    edges = shapely.get_parts(kept.boundary)
    near, edge = shapely.STRtree(edges).query(ways, predicate="dwithin", distance=reach)
    inside = np.flatnonzero(shapely.intersects(kept, shapely.get_point(ways, 0)))
    if near.size or inside.size:
        start = shapely.get_point(ways[inside[0]], 0) if inside.size else None
        where = at(start or nearest_points(ways[near[0]], edges[edge[0]])[1])
        message = f"the cutter of {cutter.diameter_mm:g} mm would cut into a part {where}"
        raise ProgramRefused(f"{message}: move the contours apart", rule="gouge")


def _refuse_depth(feature: Feature, stock: Stock) -> None:
    depth = feature.depth_mm or 0.0
    if not 0 < depth < stock.thickness_mm:
        where = f"the pocket {at(feature.area.representative_point())}"
        message = f"{where} is {depth:g} mm deep in a sheet of {stock.thickness_mm:g} mm"
        raise ProgramRefused(f"{message}: make it shallower or an opening", rule="pocket-depth")
