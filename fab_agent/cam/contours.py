"""Strokes become closed contours: gaps snapped, chains joined, doubles dropped."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import shapely
from shapely import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import polygonize_full
from shapely.validation import explain_validity

from commons.errors import InvalidInput
from commons.wire import Axis
from fab_agent.cam.drawing import Drawing, Points, Stroke
from fab_agent.cam.operations import Operation, is_grain, operation_of

# Ends nearer than this are meant to meet. 0.02 mm left real drawings open, 0.1 mm closes them.
SNAP_MM = 0.1
# So many places of open lines are named at once.
NAMED = 5
# A ring whose points are this equally far from its middle is a circle.
_ROUND_MM = 0.02
_CIRCLE_POINTS = 12
_CIRCLE_AREA_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Contour:
    """A closed line in mm. `area` is what it encloses, holes are contours of their own."""

    layer: str
    area: Polygon

    @property
    def circle(self) -> tuple[float, float, float] | None:
        """(x, y, diameter) in mm when this is a circle."""
        points = shapely.get_coordinates(self.area.exterior)[:-1]
        x, y = (points.min(axis=0) + points.max(axis=0)) / 2
        radii = np.hypot(points[:, 0] - x, points[:, 1] - y)
        radius = float(radii.mean())
        round_ = len(points) >= _CIRCLE_POINTS and float(np.ptp(radii)) <= _ROUND_MM
        whole = self.area.area > _CIRCLE_AREA_SHARE * np.pi * radius**2
        return (float(x), float(y), 2 * radius) if round_ and whole else None


def contours_of(drawing: Drawing) -> tuple[list[Contour], list[str]]:
    """Every closed contour of a drawing, and what was put right on the way.

    Raises:
        InvalidInput: open lines, a line that crosses itself or another; says where and on
            which layer.
    """
    wanted = [
        s
        for s in drawing.strokes
        if operation_of(s.layer) is not Operation.ENGRAVE and not is_grain(s.layer)
    ]
    found: list[Contour] = []
    open_: list[tuple[str, Point]] = []
    for layer, group in groupby(sorted(wanted, key=_by_layer), key=_by_layer):
        strokes = list(group)
        found += [_closed(stroke) for stroke in strokes if _nearly_closed(stroke)]
        closed, ends = _joined(layer, [s for s in strokes if not _nearly_closed(s)])
        found += closed
        open_ += [(layer, end) for end in ends]
    if open_:
        raise InvalidInput(_open_in_words(open_))
    if not found:
        raise InvalidInput("the drawing has no closed contour: there is nothing to cut out")
    kept = _without_doubles(found)
    _refuse_crossings(kept)
    doubles = len(found) - len(kept)
    return kept, [f"{doubles} contours were drawn twice; each is cut once"] if doubles else []


def engravings_of(drawing: Drawing) -> list[tuple[str, Points]]:
    """Layer and points (n, 2) mm of the lines that are only scratched, open or closed."""
    strokes = drawing.strokes
    return [(s.layer, s.points) for s in strokes if operation_of(s.layer) is Operation.ENGRAVE]


def grain_of(drawing: Drawing) -> Axis | None:
    """Along which axis the drawing's grain runs: as the longest line on a layer `grain` does.

    Raises:
        InvalidInput: it runs along neither.
    """
    ways = [s.points[-1] - s.points[0] for s in drawing.strokes if is_grain(s.layer)]
    if not ways:
        return None
    along, across = np.abs(max(ways, key=lambda way: float(np.hypot(*way))))
    if max(along, across) < 5 * min(along, across) or not max(along, across):
        raise InvalidInput("the line on layer 'grain' is neither level nor upright: draw it so")
    return "x" if along > across else "y"


def at(point: Point) -> str:
    """Where something is, in words."""
    return f"at ({point.x:.2f}, {point.y:.2f}) mm"


def _by_layer(stroke: Stroke) -> str:
    return stroke.layer


def _nearly_closed(stroke: Stroke) -> bool:
    """Whether this stroke alone is a contour."""
    gap = float(np.hypot(*(stroke.points[0] - stroke.points[-1])))
    return len(stroke.points) > 3 and gap <= SNAP_MM


def _closed(stroke: Stroke) -> Contour:
    points = stroke.points if stroke.closed else np.vstack([stroke.points[:-1], stroke.points[:1]])
    area = Polygon(points)
    if not area.is_valid or not area.area:
        raise InvalidInput(
            f"a contour on layer '{stroke.layer}' crosses itself or has no area: "
            f"{explain_validity(area)} mm; redraw it there"
        )
    return Contour(stroke.layer, area)


def _joined(layer: str, strokes: Sequence[Stroke]) -> tuple[list[Contour], list[Point]]:
    """The rings that these strokes form end to end (doubled strokes count once), and where those
    that form none end.
    """
    if not strokes:
        return [], []
    lines = shapely.unary_union([LineString(points) for points in _snapped(strokes)])
    areas, cuts, dangles, _ = polygonize_full(lines)
    return (
        [Contour(layer, Polygon(area.exterior)) for area in areas.geoms],
        _free_ends([*dangles.geoms, *cuts.geoms], lines),
    )


def _free_ends(loose: Sequence[LineString], lines: BaseGeometry) -> list[Point]:
    """The ends of loose lines where no other line goes on; of a line between others, its first."""
    if not loose:
        return []
    every = [end for line in shapely.get_parts(lines) for end in (line.coords[0], line.coords[-1])]
    meeting = Counter(every)
    ends = {end for line in loose for end in (line.coords[0], line.coords[-1])}
    free = [end for end in ends if meeting[end] == 1] or [loose[0].coords[0]]
    return [Point(end) for end in sorted(free)]


def _open_in_words(ends: Sequence[tuple[str, Point]]) -> str:
    """Where lines end that should go on, NAMED places at most."""
    named = [f"on layer '{layer}' {at(end)}" for layer, end in ends[:NAMED]]
    more = len(ends) - len(named)
    rest = f" and at {more} more places" if more else ""
    if len(ends) == 1:
        return f"an open line ends {named[0]}: close the contour"
    return f"open lines end {', '.join(named)}{rest}: close the contours"


def _snapped(strokes: Sequence[Stroke]) -> list[Points]:
    """The points of the strokes, with ends that nearly meet moved onto one place."""
    ends = np.array([p for s in strokes for p in (s.points[0], s.points[-1])])
    tree = shapely.STRtree([Point(p) for p in ends])
    near = tree.query(shapely.points(ends), predicate="dwithin", distance=SNAP_MM)
    first = np.arange(len(ends))
    np.minimum.at(first, near[0], near[1])
    first = first[first]
    snapped = []
    for index, stroke in enumerate(strokes):
        points = stroke.points.copy()
        points[0], points[-1] = ends[first[2 * index]], ends[first[2 * index + 1]]
        if len(points) > 2 or not np.array_equal(points[0], points[1]):
            snapped.append(points)
    return snapped


def _without_doubles(contours: Sequence[Contour]) -> list[Contour]:
    areas = [contour.area for contour in contours]
    boxes = shapely.STRtree(areas).query(areas)
    doubles = {j for i, j in boxes.T if i < j and _same(areas[i], areas[j])}
    return [contour for index, contour in enumerate(contours) if index not in doubles]


def _same(one: Polygon, other: Polygon) -> bool:
    """Whether two contours are one line drawn twice."""
    apart = max(abs(a - b) for a, b in zip(one.bounds, other.bounds, strict=True))
    if apart > SNAP_MM or abs(one.area - other.area) > SNAP_MM * one.length:
        return False
    return bool(one.exterior.hausdorff_distance(other.exterior) <= SNAP_MM)


def _refuse_crossings(contours: Sequence[Contour]) -> None:
    lines = [contour.area.exterior for contour in contours]
    pairs = shapely.STRtree(lines).query(lines, predicate="intersects")
    for one, other in pairs.T:
        if one < other:
            where = lines[one].intersection(lines[other]).representative_point()
            layers = f"'{contours[one].layer}' and '{contours[other].layer}'"
            raise InvalidInput(f"contours on {layers} meet {at(where)}: part them")
