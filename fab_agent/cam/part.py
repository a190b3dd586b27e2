"""Contours become what is cut: profiles, holes and pockets, by their layer or their nesting."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from commons.errors import InvalidInput
from fab_agent.cam.contours import Contour, at
from fab_agent.cam.dogbones import relieved
from fab_agent.cam.drawing import Drawing
from fab_agent.cam.operations import Operation, depth_of, has_dogbones, operation_of

# A hole within this share of the cutter's diameter is drilled, not milled.
DRILL_FIT = 0.05
# A circle has a diameter that was named when it differs no more than a drawing's chords do.
_SAME_MM = 0.05


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing to cut. `level` counts the contours around it; `depth_mm` None goes through.

    A pocket's holes are islands that stay; the area of all others has none.
    """

    operation: Operation
    layer: str
    area: Polygon
    level: int
    depth_mm: float | None = None

    @property
    def centre(self) -> tuple[float, float]:
        """Where to drill."""
        return self.area.centroid.x, self.area.centroid.y

    @property
    def width_mm(self) -> float:
        """Of a round hole, its diameter."""
        left, bottom, right, top = self.area.bounds
        return float(right - left + top - bottom) / 2


def features_of(
    contours: Sequence[Contour],
    *,
    cutter_mm: float,
    more_mm: Sequence[float] = (),
    drill_mm: Sequence[float] = (),
) -> list[Feature]:
    """What each contour asks for; a contour on a layer without an operation goes by nesting.

    Nesting is even-odd: the outermost is an outside, the next an opening, a small round one as
    wide as the cutter is drilled, and what lies inside an opening is a part of its own.

    Args:
        cutter_mm: the smallest cutter.
        more_mm: the others that there are.
        drill_mm: circles of these diameters are holes, whatever nesting says.

    Raises:
        InvalidInput: there is no outside, a drill layer holds something else than holes, or a
            pocket does not say how deep.
    """
    pockets = [c for c in contours if operation_of(c.layer) is Operation.POCKET]
    through = [c for c in contours if operation_of(c.layer) is not Operation.POCKET]
    levels = _levels(through)
    tools = (cutter_mm, *more_mm)
    found = [
        _feature(contour, level, tools, drill_mm)
        for contour, level in zip(through, levels, strict=True)
    ]
    if not any(feature.operation is Operation.OUTSIDE for feature in found):
        raise InvalidInput("the drawing has no closed outside contour: nothing would be cut out")
    return found + _pockets(pockets, cutter_mm)


def pockets_of(drawing: Drawing, *, cutter_mm: float) -> list[Feature]:
    """The pockets that no layer names, opened as far as the cutter reaches over their edge."""
    return [
        Feature(Operation.POCKET, "pocket", area, 0, pocket.depth_mm)
        for pocket in drawing.pockets
        for area in pocket.opened(cutter_mm / 2)
    ]


def kept_area(features: Sequence[Feature]) -> BaseGeometry:
    """What stays when all that goes through is cut: the finished parts seen from above, mm²."""
    kept: BaseGeometry = MultiPolygon()
    through = [f for f in features if f.operation is not Operation.POCKET]
    for level in sorted({feature.level for feature in through}):
        here = [f for f in through if f.level == level]
        # Contours do not meet, so that what is around equally many of them lies side by side.
        parts = [f.area for f in here if f.operation is Operation.OUTSIDE]
        gone = [f.area for f in here if f.operation is not Operation.OUTSIDE]
        kept = MultiPolygon([*shapely.get_parts(kept), *parts]).difference(MultiPolygon(gone))
    return kept


def _levels(contours: Sequence[Contour]) -> list[int]:
    """How many of the contours lie around each."""
    areas = np.array([contour.area for contour in contours], dtype=object)
    inner, _ = shapely.STRtree(areas).query(areas, predicate="within")
    return [int(count) - 1 for count in np.bincount(inner, minlength=len(areas))]


def _feature(
    contour: Contour, level: int, tools: Sequence[float], drill_mm: Sequence[float]
) -> Feature:
    named, cutter_mm = operation_of(contour.layer), tools[0]
    circle = contour.circle
    fits = circle is not None and any(abs(circle[2] / d - 1) <= DRILL_FIT for d in tools)
    if named is None and circle and any(abs(circle[2] - d) <= _SAME_MM for d in drill_mm):
        named = Operation.DRILL
    operation = named or (Operation.INSIDE if level % 2 else Operation.OUTSIDE)
    if named is Operation.DRILL:
        _require_hole(contour, cutter_mm)
        operation = Operation.DRILL if fits else Operation.INSIDE
    elif operation is Operation.INSIDE and fits:
        operation = Operation.DRILL
    return Feature(operation, contour.layer, _area(contour, cutter_mm, operation), level)


def _area(contour: Contour, cutter_mm: float, operation: Operation) -> Polygon:
    if not has_dogbones(contour.layer) or contour.circle is not None:
        return contour.area
    outside = operation is Operation.OUTSIDE
    return relieved(contour.area, cutter_mm=cutter_mm, outside=outside)


def _require_hole(contour: Contour, cutter_mm: float) -> None:
    where = at(contour.area.centroid)
    circle = contour.circle
    if circle is None:
        what = f"something that is no circle {where} on layer '{contour.layer}' cannot be drilled"
        raise InvalidInput(f"{what}: put it on layer 'inside'")
    if circle[2] < cutter_mm * (1 - DRILL_FIT):
        what = f"the hole of {circle[2]:.2f} mm {where} is smaller than the cutter"
        raise InvalidInput(f"{what} of {cutter_mm:g} mm: use a thinner cutter")


def _pockets(contours: Sequence[Contour], cutter_mm: float) -> list[Feature]:
    """Pockets with their islands, even-odd again."""
    found = []
    for contour, level in zip(contours, _levels(contours), strict=True):
        if level % 2:
            continue
        depth = depth_of(contour.layer)
        if depth is None:
            what = f"layer '{contour.layer}' does not say how deep its pockets are"
            raise InvalidInput(f"{what}: name it like 'pocket-4mm'")
        inside = [c.area for c in contours if c is not contour and contour.area.contains(c.area)]
        whole = _area(contour, cutter_mm, Operation.POCKET)
        area = whole.difference(shapely.union_all(inside)) if inside else whole
        found.append(Feature(Operation.POCKET, contour.layer, area, level, depth))
    return found
