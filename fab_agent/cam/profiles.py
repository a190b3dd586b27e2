"""Roughing and finishing of one contour or one hollow: ways of the cutter with their heights."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import shapely
from shapely import MultiLineString, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import nearest_points, substring

from commons.errors import ProgramRefused
from fab_agent.cam.cutter import Cutter
from fab_agent.cam.drawing import Points
from fab_agent.cam.leads import Lead, Walls, finished, lead_to, led, same_tabs
from fab_agent.cam.options import CutOptions
from fab_agent.cam.passes import (
    Depths,
    Path3,
    depths_to,
    pocket_paths,
    ramped,
    rings_in,
    rough_way,
    started_at,
    tab_top_mm,
    tabs_on,
    wall_paths,
)
from fab_agent.cam.stock import Stock, through_mm

_ALIKE_DECIMALS = 6

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Setting:
    """What cuts what, and how it was chosen."""

    cutter: Cutter
    stock: Stock
    options: CutOptions
    # What the cutter leaves in corners and slots, another one of this size clears.
    smallest: Cutter | None = None
    # Hollows by their shape: those that are alike are reckoned once.
    known: dict[tuple[bytes, ...], "Ways"] = field(default_factory=dict, compare=False)

    def down(self, depth_mm: float | None = None) -> Depths:
        """Z of each pass, by default through the sheet."""
        return depths_to(depth_mm or through_mm(self.stock), self.cutter)

    @property
    def side(self) -> int:
        """Where the waste lies beside the way of a climbing cutter: left; else right."""
        return -1 if self.options.conventional else 1

    def sensed(self, way: Points) -> Points:
        """A climbing way in the sense that was chosen."""
        return way[::-1] if self.options.conventional else way


@dataclass(frozen=True, slots=True)
class Ways:
    """Paths in order, and what of them goes at full depth, seen from above."""

    paths: tuple[Path3, ...]
    flat: tuple[Points, ...]
    tabs: BaseGeometry = field(default_factory=MultiLineString)  # where bridges stay


def profile(climbing: Points, walls: Walls, setting: Setting, *, outside: bool) -> Ways:
    """Through the sheet along a contour, on tabs; with an allowance first where one is wanted.

    An allowance is left only where the cutter can follow the contour at its distance.
    """
    way, cutter = setting.sensed(climbing), setting.cutter
    allowance = setting.options.finish_mm
    rough = rough_way(way, allowance, outside=outside) if allowance else None
    wide = way if rough is None else setting.sensed(rough)
    wished = setting.options.leads
    lead = lead_to(wide, walls, cutter, side=setting.side) if wished else None
    if lead is not None:
        wide = started_at(wide, lead.start)
    tabs, top = tabs_on(wide, cutter), tab_top_mm(setting.stock.thickness_mm)
    last = _last(way, wide, lead, tabs) if rough is not None else None
    if rough is not None and last is None:  # a tab would not stand where it was left
        without = setting.options.model_copy(update={"finish_mm": 0.0})
        return profile(climbing, walls, replace(setting, options=without), outside=outside)
    down = setting.down()
    out = 0.5 if last is None else 1.5
    first = (
        ramped(wide, down, tabs=tabs, tab_top=top)
        if lead is None
        else led(wide, lead, down, tabs=tabs, tab_top=top, out=out)
    )
    paths, flat = [first], [wide, *_circle(lead)]
    if last is not None:
        there, touch, kept = last
        beside = (float(wide[0, 0]), float(wide[0, 1]))
        paths.append(finished(there, down[-1], lead=touch, beside=beside, tabs=kept, tab_top=top))
        flat += [there, *_circle(touch)]
    line = shapely.linestrings(wide)
    bridges = shapely.union_all([substring(line, *tab) for tab in tabs])
    return Ways(tuple(paths), tuple(flat), bridges)


def hollow(area: Polygon, depth_mm: float | None, setting: Setting) -> Ways:
    """Clear `area` (its holes stay) down to a depth or through the sheet; then along its walls."""
    corner = np.array(area.bounds[:2])
    here = shapely.transform(area, lambda points: np.round(points - corner, _ALIKE_DECIMALS))
    widths = (setting.cutter.diameter_mm, setting.smallest and setting.smallest.diameter_mm)
    key = (here.wkb, repr((depth_mm, widths)).encode())
    if key not in setting.known:
        try:
            setting.known[key] = _hollow(here, depth_mm, setting)
        except ProgramRefused:
            _hollow(area, depth_mm, setting)  # refused again, and says where in the drawing
            raise
    ways = setting.known[key]
    up = np.array((*corner, 0.0))
    paths = tuple(path + up for path in ways.paths)
    return Ways(paths, tuple(way + corner for way in ways.flat))


def _hollow(area: Polygon, depth_mm: float | None, setting: Setting) -> Ways:
    cutter, down = setting.cutter, setting.down(depth_mm)
    allowance, last = setting.options.finish_mm, setting.smallest
    rings = pocket_paths(area, cutter, allowance_mm=allowance, smallest=last) if allowance else []
    walls = [setting.sensed(ring) for ring in wall_paths(area, cutter, last)] if rings else []
    rings = rings or pocket_paths(area, cutter, smallest=last)
    paths = [ramped(setting.sensed(ring), down) for ring in rings]
    flat = list(rings)
    for way, lead, place in _along(walls, area, rings, setting):
        paths.append(finished(way, down[-1], lead=lead, beside=place))
        flat += [way, *_circle(lead)]
    return Ways(tuple(paths), tuple(flat))


def remainder(middles: BaseGeometry, depth_mm: float | None, setting: Setting) -> Ways:
    """Clear what a larger cutter could not reach; `middles` is where this one's may go."""
    rings = [setting.sensed(ring) for ring in rings_in(middles, setting.cutter)]
    down = setting.down(depth_mm)
    return Ways(tuple(ramped(ring, down) for ring in rings), tuple(rings))


def _along(
    walls: Sequence[Points], area: Polygon, rings: Sequence[Points], setting: Setting
) -> Iterator[tuple[Points, Lead | None, Place]]:
    """Each way along a wall of a cleared area, how to come to it, and a cleared place beside."""
    if not walls:
        return
    cutter = setting.cutter
    around = shapely.box(*area.buffer(cutter.diameter_mm).bounds).difference(area)
    edges = Walls(around)
    cleared = shapely.multilinestrings([shapely.linestrings(ring) for ring in rings])
    for wall in walls:
        lead = lead_to(wall, edges, cutter, side=setting.side) if setting.options.leads else None
        start = lead.start if lead else (float(wall[0, 0]), float(wall[0, 1]))
        place = nearest_points(cleared, shapely.Point(start))[0]
        yield started_at(wall, start), lead, (place.x, place.y)


def _last(
    way: Points, wide: Points, lead: Lead | None, tabs: Sequence[tuple[float, float]]
) -> tuple[Points, Lead | None, Sequence[tuple[float, float]]] | None:
    """The finishing way beside the roughing one: the way, its circle and its tabs."""
    there = started_at(way, (float(wide[0, 0]), float(wide[0, 1])))
    kept = same_tabs(tabs, wide, there)
    if len(kept) != len(tabs):
        return None
    if lead is None:
        return there, None, kept
    start = (float(there[0, 0]), float(there[0, 1]))
    shift = np.subtract(start, lead.start)
    centre = np.add(lead.centre, shift)
    return there, Lead(start, (float(centre[0]), float(centre[1])), lead.side), kept


def _circle(lead: Lead | None) -> list[Points]:
    return [] if lead is None else [lead.turned(1.0, arriving=True)]
