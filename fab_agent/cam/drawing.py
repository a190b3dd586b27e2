"""Lines of a drawing in mm, whatever format it came in."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from commons.errors import InvalidInput

# Curves become chords that stay this close to them, so that offsets of them are arcs again.
CHORD_MM = 0.004
MAX_STROKES = 100_000
# Nothing that is milled is larger; a curve farther out would have too many chords to follow.
_REACH_MM = 100_000.0

Points = NDArray[np.float64]  # (n, 2) mm, y up
Triangles = NDArray[np.float64]  # (n, 3 corners, 3 coordinates) mm, of a mesh


@dataclass(frozen=True, slots=True)
class Stroke:
    """One drawn line, open or closed; `layer` is the layer or group that it lies on."""

    layer: str
    points: Points

    @property
    def closed(self) -> bool:
        """Whether it ends exactly where it starts."""
        return len(self.points) > 2 and bool(np.array_equal(self.points[0], self.points[-1]))


@dataclass(frozen=True, slots=True)
class Pocket:
    """A level floor, `depth_mm` below the top. `beside` it lies what is lower still or no part."""

    area: Polygon
    depth_mm: float
    beside: BaseGeometry

    def opened(self, reach_mm: float) -> list[Polygon]:
        """The floor and what is `beside` it within `reach_mm`, so that no corner stays there."""
        around = self.area.buffer(reach_mm, join_style="mitre").intersection(self.beside)
        whole = shapely.union_all([self.area, around])
        return [part for part in shapely.get_parts(whole) if part.intersects(self.area)]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What was drawn, and in words what was left out or assumed.

    `pockets` are those that no layer names: a mesh has them.
    """

    strokes: tuple[Stroke, ...]
    warnings: tuple[str, ...] = ()
    pockets: tuple[Pocket, ...] = ()


def require_near(points: Points) -> None:
    """InvalidInput when a coordinate is no number or lies beyond any workshop."""
    if not (np.abs(points) <= _REACH_MM).all():
        reach = f"{_REACH_MM / 1000:g} m"
        raise InvalidInput(f"a coordinate lies more than {reach} from the origin: check the unit")


def refuse_crowd(count: int) -> None:
    """InvalidInput when a drawing holds more than MAX_STROKES things."""
    if count > MAX_STROKES:
        raise InvalidInput(f"the drawing has more than {MAX_STROKES} lines: simplify it")


def skipped_warnings(skipped: Sequence[str]) -> tuple[str, ...]:
    """One sentence for each kind of thing in the drawing that is not milled."""
    return tuple(
        f"{count} × {what} skipped: only lines and curves are milled"
        for what, count in sorted(Counter(skipped).items())
    )
