"""How the cutter comes to a contour: on a circle beside it that touches it where the way begins.

It goes down that circle as on a screw, so that no mark is left on the part, and leaves on it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from fab_agent.cam.cutter import Cutter
from fab_agent.cam.drawing import Points
from fab_agent.cam.passes import RAMP, Depths, Path3, Tabs, lap

# Of the cutter's diameter: the middle of the circle is cut away, too.
_RADIUS_SHARE = 0.5
_CHORDS = 48
# What the circle may come nearer to a wall than the contour does: chords and rounding.
_PLAY_MM = 0.004
_LOOKS = 60  # places along a way where a circle is tried

Floats = NDArray[np.float64]


class Walls:
    """What must stay, by its edges."""

    def __init__(self, kept: BaseGeometry) -> None:
        self._kept = kept
        self._edges = shapely.STRtree(shapely.get_parts(kept.boundary))
        self.bounds = kept.bounds

    def clear(self, places: Points, distance: float) -> NDArray[np.bool_]:
        """Which places lie beside all that stays, at least so far from it."""
        points = shapely.points(places)
        free = ~np.isin(
            np.arange(len(points)),
            self._edges.query(points, predicate="dwithin", distance=distance)[0],
        )
        if free.any():
            shapely.prepare(self._kept)
            free &= ~shapely.intersects(self._kept, points)
        return free


@dataclass(frozen=True, slots=True)
class Lead:
    """A circle that touches the way at `start`, on its left (`side` 1) or right (-1); mm."""

    start: tuple[float, float]
    centre: tuple[float, float]
    side: int

    def turned(self, turns: float, *, arriving: bool) -> Points:
        """Points on the circle, `turns` round, in the way's sense; they end or begin at `start`."""
        count = max(2, ceil(abs(turns) * _CHORDS)) + 1
        angles = self.side * 2 * np.pi * np.linspace(0, turns, count)
        angles = angles - angles[-1] if arriving else angles
        spoke = np.subtract(self.start, self.centre)
        cos, sin = np.cos(angles), np.sin(angles)
        x, y = spoke[0] * cos - spoke[1] * sin, spoke[0] * sin + spoke[1] * cos
        points: Points = np.column_stack([x, y]) + self.centre
        points[-1 if arriving else 0] = self.start
        return points


def lead_to(way: Points, walls: Walls, cutter: Cutter, *, side: int) -> Lead | None:
    """A circle beside the closed `way`, on its waste side, where there is room; else None.

    Best is one that needs no more of the sheet than the way does; then one above or to the right.
    """
    steps = np.diff(way, axis=0)
    lengths = np.hypot(*steps.T)
    longest = np.sort(np.argsort(-lengths, kind="stable")[:_LOOKS])
    radius = _RADIUS_SHARE * cutter.diameter_mm
    starts = (way[longest] + way[longest + 1]) / 2
    along = steps[longest] / lengths[longest][:, None]
    centres = starts + side * radius * np.column_stack([-along[:, 1], along[:, 0]])
    reach = radius + cutter.radius_mm
    clear = walls.clear(centres, reach - _PLAY_MM)
    if not clear.any():
        return None
    low, high = way.min(axis=0), way.max(axis=0)
    below = np.maximum(low - (centres - radius), 0).sum(axis=1)
    above = np.maximum((centres + radius) - high, 0).sum(axis=1)
    order = np.lexsort((-lengths[longest], np.round(above, 2), np.round(below, 2), ~clear))
    best = int(order[0])
    start, centre = starts[best].tolist(), centres[best].tolist()
    return Lead((start[0], start[1]), (centre[0], centre[1]), side)


def led(
    way: Points, lead: Lead, depths: Depths, *, tabs: Tabs = (), tab_top: float = 0.0, out: float
) -> Path3:
    """Round the closed `way`, which begins where `lead` touches it, once for each depth.

    Args:
        out: turns on the circle at the end, at full depth.
    """
    around = 2 * np.pi * float(np.hypot(*np.subtract(lead.start, lead.centre)))
    pieces: list[Path3] = []
    above = 0.0
    for depth in depths.tolist():
        turns = ceil((above - depth) * RAMP / around) + (0 if pieces else 0.5)
        circle = lead.turned(turns, arriving=True)
        z = np.linspace(above, depth, len(circle))
        pieces += [np.column_stack([circle, z]), lap(way, depth, tabs, tab_top)]
        above = depth
    return np.concatenate([*pieces, _level(lead.turned(out, arriving=False), above)])


def finished(
    way: Points,
    depth: float,
    *,
    lead: Lead | None,
    beside: tuple[float, float],
    tabs: Tabs = (),
    tab_top: float = 0.0,
) -> Path3:
    """Once round the closed `way` at full depth, where all but an allowance is gone.

    It comes down on the circle of `lead`; without one at `beside`, straight to the way.
    """
    if lead is not None:
        ways = [lead.turned(0.5, arriving=True), lead.turned(0.5, arriving=False)]
        come, leave = (_level(points, depth) for points in ways)
    else:
        come = leave = np.array([(*beside, depth)])
    return np.concatenate([come, lap(way, depth, tabs, tab_top), leave])


def same_tabs(tabs: Sequence[tuple[float, float]], rough: Points, way: Points) -> Tabs:
    """Where on `way` the tabs of the way beside it stand; both begin side by side."""
    line, other = shapely.linestrings(rough), shapely.linestrings(way)
    ends = shapely.line_interpolate_point(line, np.ravel(tabs))
    there = shapely.line_locate_point(other, ends).reshape(-1, 2)
    return tuple((float(one), float(two)) for one, two in there if one < two)


def _level(points: Points, depth: float) -> Path3:
    return np.column_stack([points, np.full(len(points), depth)])
