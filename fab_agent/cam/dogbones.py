"""Corners that a round cutter cannot reach are cut out a little, so that square joints fit."""

from math import radians

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon
from shapely.geometry.polygon import orient

# Corners that turn less are chords of a curve.
_LEAST_TURN = radians(30)
# The relief is this much wider than the cutter: one of its very width would vanish in rounding.
_PLAY_MM = 0.1


def relieved(area: Polygon, *, cutter_mm: float, outside: bool) -> Polygon:
    """`area` with a round relief in each corner that a cutter of `cutter_mm` leaves round.

    Of an opening or a pocket these are its own corners, which grow; of a part (`outside`) its
    inward ones, which lose as much. Each relief reaches exactly to the drawn corner, along the
    line that halves it.
    """
    radius = cutter_mm / 2 + _PLAY_MM
    points = shapely.get_coordinates(orient(area).exterior)[:-1]
    into, out_of = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    before, after = _unit(into), _unit(out_of)
    turn = np.arctan2(
        before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0], (before * after).sum(axis=1)
    )
    # Against the clock a left turn is a corner of the area, a right turn one of what is around.
    corners = (turn < -_LEAST_TURN) if outside else (turn > _LEAST_TURN)
    centres = points[corners] + radius * _unit(after[corners] - before[corners])
    reliefs = shapely.union_all(shapely.buffer(shapely.points(centres), radius, quad_segs=32))
    changed = area.difference(reliefs) if outside else area.union(reliefs)
    return max(shapely.get_parts(changed), key=lambda part: part.area)


def _unit(ways: NDArray[np.float64]) -> NDArray[np.float64]:
    return ways / np.hypot(ways[:, 0], ways[:, 1])[:, None]
