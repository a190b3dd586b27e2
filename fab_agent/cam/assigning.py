"""Which cutter makes what, when a job has several: the largest that fits.

The program goes from the smallest cutter to the largest, so nothing in a part (or in an opening)
is cut by a larger cutter than its outline: a part comes loose only when all in it is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from fab_agent.cam.cutter import Cutter
from fab_agent.cam.operations import Operation
from fab_agent.cam.part import DRILL_FIT, Feature

# A larger cutter takes on a hollow when it clears at least this much of it.
_WORTH_SHARE = 0.5
_QUARTER = 32
_PLAY_MM = 0.005
# What a smaller cutter would add is looked at when it is more than a scratch.
_SCRATCH_MM = 0.02
_SCRATCH_MM2 = 0.05


@dataclass(frozen=True, slots=True)
class Task:
    """A feature and its cutter; `rest` is what smaller cutters then clear of it, each with its
    area (where that cutter's middle may go).
    """

    feature: Feature
    cutter: Cutter
    rest: tuple[tuple[Cutter, BaseGeometry], ...] = ()


def tasks_of(
    features: Sequence[Feature], kept: BaseGeometry, cutters: Sequence[Cutter]
) -> list[Task]:
    """Each feature with its cutter.

    Args:
        kept: what stays of all of them, seen from above.
        cutters: from the smallest to the largest, at least one.
    """
    if len(cutters) == 1:
        return [Task(feature, cutters[0]) for feature in features]
    order = sorted(range(len(features)), key=lambda i: -features[i].area.area)
    outlines = [i for i in order if features[i].depth_mm is None]
    found: dict[int, Task] = {}
    for index in order:
        feature = features[index]
        inner = feature.area.representative_point()
        around = [
            found[i].cutter.diameter_mm
            for i in outlines
            if i in found and features[i].area.contains(inner)
        ]
        most = min(around, default=cutters[-1].diameter_mm)
        found[index] = _task(feature, kept, [c for c in cutters if c.diameter_mm <= most])
    return [found[index] for index in range(len(features))]


def _task(feature: Feature, kept: BaseGeometry, cutters: Sequence[Cutter]) -> Task:
    if feature.operation is Operation.DRILL:
        fits = [c for c in cutters if abs(feature.width_mm / c.diameter_mm - 1) <= DRILL_FIT]
        if fits:
            return Task(feature, min(fits, key=lambda c: abs(feature.width_mm - c.diameter_mm)))
        feature = replace(feature, operation=Operation.INSIDE)
    outside = feature.operation is Operation.OUTSIDE
    suits = _goes_round if outside else _clears
    number = max((n for n, c in enumerate(cutters) if suits(feature.area, kept, c)), default=0)
    rest = _rest(feature, kept, cutters[: number + 1])
    return Task(feature, cutters[number], rest)


def _goes_round(area: Polygon, kept: BaseGeometry, cutter: Cutter) -> bool:
    """Whether the cutter can go round without touching any part."""
    way = Polygon(_grown(area, cutter.radius_mm).exterior).exterior
    return not shapely.dwithin(way, kept, cutter.radius_mm - _PLAY_MM)


def _clears(area: Polygon, kept: BaseGeometry, cutter: Cutter) -> bool:
    """Whether the cutter enters in one piece and reaches most of it."""
    centres = _grown(area, -cutter.radius_mm)
    if centres.is_empty or centres.geom_type != "Polygon":
        return False
    return float(_grown(centres, cutter.radius_mm).area) >= _WORTH_SHARE * float(area.area)


def _rest(
    feature: Feature, kept: BaseGeometry, cutters: Sequence[Cutter]
) -> tuple[tuple[Cutter, BaseGeometry], ...]:
    """Where the middles of the smaller cutters go, the next smaller first, each as it helps."""
    area, largest = feature.area, cutters[-1]
    if feature.operation is Operation.OUTSIDE:
        left = _grown(_grown(area, largest.radius_mm), -largest.radius_mm).difference(area)
        left = left.difference(kept)
    else:
        left = area.difference(_grown(_grown(area, -largest.radius_mm), largest.radius_mm))
    found: list[tuple[Cutter, BaseGeometry]] = []
    for cutter in reversed(cutters[:-1]):
        left = _grown(_grown(left, -_SCRATCH_MM), _SCRATCH_MM)
        if left.is_empty:
            break
        if feature.operation is Operation.OUTSIDE:
            allowed = _grown(left, 2 * cutter.diameter_mm).difference(kept)
        elif feature.operation is Operation.POCKET:
            allowed = area
        else:
            allowed = area.difference(kept)
        centres = _grown(allowed, -cutter.radius_mm)
        near = centres.intersection(_grown(left, cutter.radius_mm - _SCRATCH_MM))
        pieces = [
            piece
            for piece in shapely.get_parts(near)
            if isinstance(piece, Polygon)
            and _grown(piece, cutter.radius_mm).intersection(left).area > _SCRATCH_MM2
        ]
        if pieces:
            middles = shapely.union_all(pieces)
            found.append((cutter, middles))
            left = left.difference(_grown(middles, cutter.radius_mm))
    return tuple(found)


def _grown(shape: BaseGeometry, distance: float) -> BaseGeometry:
    return shape.buffer(distance, quad_segs=_QUARTER)
