"""Where the cutter's centre goes: profiles beside the line, rings in pockets, pecks in holes."""

from collections.abc import Iterator, Sequence
from math import ceil

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from commons.errors import ProgramRefused
from fab_agent.cam.contours import at
from fab_agent.cam.cutter import STEPOVER, Cutter
from fab_agent.cam.drawing import Points

# Chords to a quarter turn: at a cutter of 6 mm they stay within 1 µm of the round corner.
_QUARTER = 32
# Points nearer than this to a straight way are left out; a tenth of what plywood needs.
_SMOOTH_MM = 0.002
# A corner may keep wood this many diameters deep: one sharper than 39° keeps more and is
# refused, as is a slot that the cutter does not enter.
_CORNER_DIAMETERS = 1.0
# Of the radius: a ring that reaches less deep than this over the middle leaves a pin there.
_COVERED = 0.15
RAMP = 10.0  # mm forward for each mm down
TAB_MM = 5.0
# A tab holds a thin part and can still be cut through with a knife or a saw under a thick one.
_TAB_HEIGHT_SHARE = 0.3
_TAB_HEIGHT_MM = 3.0
_TAB_SPACING_MM = 120.0
_TABS_AT_MOST = 0.4  # share of the way round
_TAB_SHIFT = 0.25  # of the way between two tabs: so they never meet

_SAME_MM = 1e-6
# Of an allowance: as far as a corner of 35° lies from the same corner beside it.
_SHARPEST = 3.5
# Down a screw that is so narrow that it would turn more often, the cutter all but plunges.
_ROUNDS_AT_MOST = 4

Path3 = NDArray[np.float64]  # (n, 3) mm
Tabs = Sequence[tuple[float, float]]  # start and end, mm along a way
Depths = NDArray[np.float64]  # (n,) Z in mm, falling


def outside_path(area: Polygon, cutter: Cutter, *, smallest: Cutter | None = None) -> Points:
    """The closed way round `area`, half a cutter outside of it, clockwise (climb milling).

    What it cannot reach is refused unless a cutter that comes later, the `smallest`, can.

    Raises:
        ProgramRefused: a bay of the outline is narrower than the cutter; says where.
    """
    judge = smallest or cutter
    round_ = Polygon(_grown(area, judge.radius_mm).exterior)
    reached = _grown(round_, -judge.radius_mm)
    if reached.is_empty:
        raise _too_narrow(area, judge)
    _refuse_unreached(reached.difference(area), reached, judge)
    grown = round_ if judge is cutter else Polygon(_grown(area, cutter.radius_mm).exterior)
    return _ring(grown, clockwise=True)


def inside_path(area: Polygon, cutter: Cutter, *, smallest: Cutter | None = None) -> Points:
    """The closed way along `area`, half a cutter inside of it, against the clock (climb milling).

    What it cannot reach is refused unless the `smallest` cutter can.

    Raises:
        ProgramRefused: some part of the opening is narrower than the cutter; says where.
    """
    return _ring(_centres(area, cutter, smallest), clockwise=False)


def rough_way(way: Points, allowance_mm: float, *, outside: bool) -> Points | None:
    """The closed climbing way beside `way` that leaves an allowance on the part's side.

    None where a cutter that follows `way` afterwards would find more than that.
    """
    middle = Polygon(way)
    ring = _grown(middle, allowance_mm if outside else -allowance_mm)
    if ring.geom_type != "Polygon" or ring.is_empty:
        return None
    if not _follows(shapely.points(way), ring.exterior, allowance_mm):
        return None
    return _ring(ring, clockwise=outside)


def wall_paths(area: Polygon, cutter: Cutter, smallest: Cutter | None = None) -> list[Points]:
    """The closed climbing ways along the walls of `area` and of the islands in it."""
    centres = _centres(area, cutter, smallest)
    islands = [_ring(Polygon(hole), clockwise=True) for hole in centres.interiors]
    return [_ring(centres, clockwise=False), *islands]


def _follows(points: NDArray[np.object_], rough: BaseGeometry, allowance_mm: float) -> bool:
    """Whether what was roughed lies no farther away than a sharp corner makes it."""
    shapely.prepare(rough)
    return bool(shapely.dwithin(rough, points, _SHARPEST * allowance_mm).all())


def pocket_paths(
    area: Polygon,
    cutter: Cutter,
    *,
    stepover: float = STEPOVER,
    allowance_mm: float = 0.0,
    smallest: Cutter | None = None,
) -> list[Points]:
    """Clear `area`, whose holes are islands that stay, with a cutter that never leaves it.

    Args:
        stepover: share of the diameter between neighbouring ways, 0 < stepover <= 0.5.
        allowance_mm: what stays at the walls for a finishing pass.

    Returns:
        Closed climbing ways of the cutter's centre, the outermost last, so that the wall is cut
        once the middle is gone; none where an allowance leaves necks or nothing to clear.

    Raises:
        ProgramRefused: some part of the area is narrower than the cutter; says where.
    """
    centres = _centres(area, cutter, smallest)
    region = _grown(centres, -allowance_mm) if allowance_mm else centres
    if allowance_mm:
        corners = shapely.points(shapely.get_coordinates(centres))
        if region.is_empty or not _follows(corners, region.boundary, allowance_mm):
            return []
    return rings_in(region, cutter, stepover=stepover)


def rings_in(region: BaseGeometry, cutter: Cutter, *, stepover: float = STEPOVER) -> list[Points]:
    """Closed climbing ways that clear all within a cutter's radius of `region`, inner ones first,
    for a middle of the cutter that never leaves it.
    """
    rings: list[Points] = []
    while not region.is_empty:
        for piece in shapely.get_parts(region):
            rings.append(_ring(piece, clockwise=False))
            rings += [_ring(Polygon(hole), clockwise=True) for hole in piece.interiors]
        inner = _grown(region, -stepover * cutter.diameter_mm)
        # What the ring around it has covered needs none of its own.
        core = _grown(inner, -_COVERED * cutter.radius_mm)
        region = shapely.union_all([p for p in _pieces(inner) if p.intersects(core)])
    return rings[::-1]


def loose_area(area: Polygon, cutter: Cutter) -> BaseGeometry:
    """What falls out when the cutter has gone along the inside of `area`."""
    return _grown(area, -cutter.diameter_mm)


def tabs_on(path: Points, cutter: Cutter) -> list[tuple[float, float]]:
    """Start and end (mm along `path`) of the bridges that hold the part, evenly spread.

    Where a straight stretch is near, the bridge stands on it: there it is easily cleaned off.
    """
    at_vertex = _stations(path)
    length = float(at_vertex[-1])
    width = TAB_MM + cutter.diameter_mm
    count = max(3, ceil(length / _TAB_SPACING_MM))
    width = min(width, _TABS_AT_MOST * length / count)
    middles = (np.arange(count) + 0.5) * length / count
    straight = np.diff(at_vertex) > width
    if straight.any():
        low, high = at_vertex[:-1][straight] + width / 2, at_vertex[1:][straight] - width / 2
        places = np.clip(middles[:, None], low, high)
        nearest = np.abs(places - middles[:, None]).argmin(axis=1)
        moved = places[np.arange(count), nearest]
        near = np.abs(moved - middles) <= _TAB_SHIFT * length / count
        middles = np.where(near, moved, middles)
    return [(float(middle - width / 2), float(middle + width / 2)) for middle in middles]


def tab_top_mm(thickness_mm: float) -> float:
    """Z of the upper side of a tab."""
    return min(_TAB_HEIGHT_SHARE * thickness_mm, _TAB_HEIGHT_MM) - thickness_mm


def depths_to(depth_mm: float, cutter: Cutter) -> Depths:
    """Z of each pass down to `depth_mm` below the top, evenly stepped."""
    count = ceil(depth_mm / cutter.pass_depth_mm - 1e-9)
    return -depth_mm * np.arange(1, count + 1) / count


def raised(path: Path3, by_mm: float) -> Path3:
    """The path so much higher."""
    higher: Path3 = path + np.array((0.0, 0.0, by_mm))
    return higher


def ramped(
    path: Points,
    depths: Depths,
    *,
    tabs: Tabs = (),
    tab_top: float = 0.0,
) -> Path3:
    """Go round the closed `path` once for each depth, ramping down at its start from Z0.

    The last depth is followed again over the length of its ramp, so that the floor is even.
    Within `tabs` the cutter never goes below `tab_top`.
    """
    at_vertex = _stations(path)
    length = float(at_vertex[-1])
    depths = _gentle(depths, length)
    steps = np.diff(depths, prepend=0.0)
    ramp = min(length, float(np.max(-steps)) * RAMP)
    nodes, xy, held = _nodes(path, at_vertex, tabs, [ramp])
    above, below = (depths - steps)[:, None], depths[:, None]
    laps = _laps(xy, np.maximum(above + steps[:, None] * nodes / ramp, below), held, tab_top)
    again = int((nodes <= ramp).sum())
    level = np.full((1, again), depths[-1])
    whole = np.concatenate([laps, _laps(xy[:again], level, held[: again - 1], tab_top)])
    moved = np.ones(len(whole), dtype=bool)
    moved[1:] = np.any(np.diff(whole, axis=0) != 0, axis=1)
    return whole[moved]


def lap(path: Points, depth: float, tabs: Tabs, tab_top: float) -> Path3:
    """Once round the closed `path`, level but for its tabs."""
    nodes, xy, held = _nodes(path, _stations(path), tabs, [])
    whole = _laps(xy, np.full((1, len(nodes)), depth), held, tab_top)
    moved = np.ones(len(whole), dtype=bool)
    moved[1:] = np.any(np.diff(whole, axis=0) != 0, axis=1)
    return whole[moved]


def started_at(path: Points, place: tuple[float, float]) -> Points:
    """The same closed way, beginning at the nearest point on it."""
    line = shapely.linestrings(path)
    station = float(shapely.line_locate_point(line, shapely.Point(place)))
    at_vertex = _stations(path)
    x, y = shapely.get_coordinates(shapely.line_interpolate_point(line, station))[0]
    later, earlier = at_vertex > station + _SAME_MM, at_vertex < station - _SAME_MM
    start = np.array([(x, y)])
    # The last point is the first again.
    later[-1] &= not earlier[0]
    return np.concatenate([start, path[later], path[earlier], start])


def pecked(centre: tuple[float, float], depths: Depths, *, clear_mm: float) -> Path3:
    """Drill in steps, lifting clear of the hole after each so that the chips come out."""
    heights = np.column_stack([depths, np.full(len(depths), clear_mm)]).ravel()
    return np.column_stack([np.tile(centre, (len(heights), 1)), heights])


def _nodes(
    path: Points, at_vertex: NDArray[np.float64], tabs: Tabs, more: list[float]
) -> tuple[NDArray[np.float64], Points, NDArray[np.bool_]]:
    """Where along the way something changes, these places, and what lies within tabs."""
    nodes = np.unique(np.concatenate([at_vertex, more, np.ravel(tabs)]))
    xy = np.column_stack([np.interp(nodes, at_vertex, path[:, i]) for i in (0, 1)])
    middles = (nodes[:-1] + nodes[1:]) / 2
    held = np.zeros(len(middles), dtype=bool)
    for start, end in tabs:
        held |= (start < middles) & (middles < end)
    return nodes, xy, held


def _gentle(depths: Depths, length: float) -> Depths:
    """More depths where a ring is too short to ramp down a step in one round: a screw."""
    step = float(np.max(-np.diff(depths, prepend=0.0)))
    rounds = min(ceil(step * RAMP / length - _SAME_MM), _ROUNDS_AT_MOST) if length else 1
    if rounds < 2:
        return depths
    count = rounds * len(depths)
    return float(depths[-1]) * np.arange(1, count + 1) / count


def _laps(xy: Points, z: NDArray[np.float64], held: NDArray[np.bool_], tab_top: float) -> Path3:
    """Both ends of each piece of every round (a row of `z`), so that a tab has upright sides."""
    ends = np.stack([z[:, :-1], z[:, 1:]], axis=2)
    ends[:, held] = np.maximum(ends[:, held], tab_top)
    pieces = np.broadcast_to(np.stack([xy[:-1], xy[1:]], axis=1), (*ends.shape, 2))
    return np.concatenate([pieces, ends[..., None]], axis=3).reshape(-1, 3)


def _stations(path: Points) -> NDArray[np.float64]:
    """Length of the way from the start to each point."""
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])


def _centres(area: Polygon, cutter: Cutter, smallest: Cutter | None = None) -> Polygon:
    """Where the centre of the cutter may be, one piece; the smallest leaves only corners."""
    centres, judge = _grown(area, -cutter.radius_mm), smallest or cutter
    if centres.is_empty:
        raise _too_narrow(area, cutter)
    reached = _grown(_grown(area, -judge.radius_mm), judge.radius_mm)
    if not _all_near(area, reached, _CORNER_DIAMETERS * judge.diameter_mm):
        _refuse_unreached(area.difference(reached), reached, judge)
    if centres.geom_type != "Polygon":
        necks = _pieces(area.difference(_grown(centres, cutter.radius_mm)))
        raise _too_narrow(max(necks, key=_size, default=area), cutter)
    return centres


def _all_near(area: Polygon, reached: BaseGeometry, depth: float) -> bool:
    """Whether the edge is nowhere farther than `depth` from what is reached: most are not.

    It is looked at every half `depth`, so that between two looks it leads a quarter farther.
    """
    looks = shapely.points(shapely.get_coordinates(shapely.segmentize(area.boundary, depth / 2)))
    shapely.prepare(reached)
    return bool(shapely.distance(looks, reached).max() <= 0.75 * depth)


def _refuse_unreached(rest: BaseGeometry, reached: BaseGeometry, cutter: Cutter) -> None:
    """Refuse when wood stays that is no mere corner."""
    edge, depth = reached.boundary, _CORNER_DIAMETERS * cutter.diameter_mm
    pieces = shapely.get_parts(rest)
    left, bottom, right, top = shapely.bounds(pieces).T
    # Each touches what is reached: a small one cannot lead far away from it.
    for piece in _pieces(pieces[np.hypot(right - left, top - bottom) > depth]):
        corners = shapely.points(shapely.get_coordinates(piece))
        if shapely.distance(corners, edge).max() > depth:
            raise _too_narrow(piece, cutter)


def _too_narrow(where: BaseGeometry, cutter: Cutter) -> ProgramRefused:
    place = at(where.representative_point())
    message = f"the cutter of {cutter.diameter_mm:g} mm does not fit {place}: widen the drawing"
    return ProgramRefused(message, rule="cutter-too-wide")


def _size(shape: BaseGeometry) -> float:
    return float(shape.area)


def _pieces(shapes: BaseGeometry | NDArray[np.object_]) -> Iterator[Polygon]:
    parts = shapely.get_parts(shapes)
    return (part for part in parts if isinstance(part, Polygon) and not part.is_empty)


def _grown(shape: BaseGeometry, distance: float) -> BaseGeometry:
    return shape.buffer(distance, quad_segs=_QUARTER)


def _ring(area: Polygon, *, clockwise: bool) -> Points:
    simple = shapely.simplify(shapely.get_exterior_ring(area), _SMOOTH_MM)
    points: Points = shapely.get_coordinates(simple)
    return points[::-1] if shapely.is_ccw(simple) == clockwise else points
