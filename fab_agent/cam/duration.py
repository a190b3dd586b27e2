"""How long GRBL takes: its planner's speeds at every corner, with accelerations.

After gnea/grbl 1.1, doc/markdown/settings.md ($11, $12, $12x) and planner.c: a corner is passed
as fast as a circle that leaves it by the junction deviation could be at the machine's
acceleration, and the machine could always stop within the blocks that it knows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fab_agent.cam.toolpath import Move, Toolpath

# GRBL's planner holds 16 blocks, one of which stays free; $12 is 0.002 mm.
_BLOCKS_AHEAD = 15
_ARC_TOLERANCE_MM = 0.002
_STRAIGHT = 1 - 1e-6

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Dynamics:
    """How quick a router is: the same acceleration on each axis ($120…$122), $11, $110 and $112."""

    acceleration_mm_s2: float
    junction_mm: float
    rapid_mm_s: float
    rapid_z_mm_s: float


def duration_s(toolpath: Toolpath, dynamics: Dynamics) -> float:
    """Seconds from standstill at the first point to standstill at the last."""
    ways, speed = _blocks(toolpath, dynamics)
    length = np.linalg.norm(ways, axis=1)
    ways, speed, length = ways[length > 0], speed[length > 0], length[length > 0]
    if not len(length):
        return 0.0
    unit = ways / length[:, None]
    # The axis that has most to do says how fast the whole block may gain speed.
    acceleration = dynamics.acceleration_mm_s2 / np.abs(unit).max(axis=1)
    corner = np.minimum(
        _corner_speed_squared(unit, dynamics), np.minimum(speed[1:], speed[:-1]) ** 2
    )
    limit = np.concatenate([[0.0], corner, [0.0]])
    reached = np.concatenate([[0.0], np.cumsum(2 * acceleration * length)])
    known = np.minimum(np.arange(len(limit)) + _BLOCKS_AHEAD, len(limit) - 1)
    limit = np.minimum(limit, reached[known] - reached)
    # No faster than what can be lost until any later corner, nor gained since any earlier one.
    limit = np.minimum.accumulate((limit + reached)[::-1])[::-1] - reached
    limit = np.minimum.accumulate(limit - reached) + reached
    return float(_seconds(np.maximum(limit, 0.0), speed, length, acceleration).sum())


def _seconds(squared: Floats, speed: Floats, length: Floats, acceleration: Floats) -> Floats:
    """Of each block, from and to the given squared speeds, at most at `speed`: trapezoids."""
    first, last = squared[:-1], squared[1:]
    top = np.minimum(speed**2, (first + last) / 2 + acceleration * length)
    ramps = (2 * top - first - last) / (2 * acceleration)
    gained = (2 * np.sqrt(top) - np.sqrt(first) - np.sqrt(last)) / acceleration
    seconds: Floats = gained + np.maximum(length - ramps, 0.0) / np.sqrt(top)
    return seconds


def _corner_speed_squared(unit: Floats, dynamics: Dynamics) -> Floats:
    """Between each block and the next, mm²/s²; infinite where the way goes straight on."""
    back = -(unit[:-1] * unit[1:]).sum(axis=1)  # the cosine of the corner: 1 is a turn back
    half = np.sqrt((1 - np.clip(back, -1, 1)) / 2)
    turn = unit[1:] - unit[:-1]
    most = np.abs(turn).max(axis=1)
    across = np.divide(np.linalg.norm(turn, axis=1), most, out=np.ones_like(most), where=most > 0)
    acceleration = dynamics.acceleration_mm_s2 * across
    with np.errstate(divide="ignore", invalid="ignore"):
        squared: Floats = acceleration * dynamics.junction_mm * half / (1 - half)
    squared[back < -_STRAIGHT] = np.inf
    squared[back > _STRAIGHT] = 0.0
    return squared


def _blocks(toolpath: Toolpath, dynamics: Dynamics) -> tuple[Floats, Floats]:
    """Every straight block (n, 3) mm as GRBL plans it, arcs in chords, and its speed, mm/s."""
    xyz, kind = toolpath.xyz, toolpath.kind[1:]
    ways = np.diff(xyz, axis=0)
    speed = np.where(kind == Move.RAPID, _rapid_speed(ways, dynamics), toolpath.feed[1:])
    start = xyz[:-1, :2] - toolpath.centre[1:]
    end = xyz[1:, :2] - toolpath.centre[1:]
    curved = (kind == Move.CLOCKWISE) | (kind == Move.COUNTER)
    sign = np.where(kind == Move.CLOCKWISE, -1.0, 1.0)
    first = np.arctan2(start[:, 1], start[:, 0])
    sweep = sign * (sign * (np.arctan2(end[:, 1], end[:, 0]) - first) % (2 * np.pi))
    radius = np.hypot(start[:, 0], start[:, 1])
    chord = np.sqrt(_ARC_TOLERANCE_MM * np.maximum(2 * radius - _ARC_TOLERANCE_MM, 1e-6))
    count = np.where(curved, np.maximum(np.abs(sweep) * radius / 2 // chord, 1), 1).astype(np.intp)
    move = np.repeat(np.arange(len(count)), count)
    share = np.arange(len(move)) - np.repeat(np.cumsum(count) - count, count)
    one, other = share / count[move], (share + 1) / count[move]
    pieces = ways[move] / count[move][:, None]
    arc = curved[move]
    angles = [first[move][arc] + sweep[move][arc] * part[arc] for part in (one, other)]
    x, y = (radius[move][arc] * (f(angles[1]) - f(angles[0])) for f in (np.cos, np.sin))
    pieces[arc, 0], pieces[arc, 1] = x, y
    return pieces, speed[move]


def _rapid_speed(ways: Floats, dynamics: Dynamics) -> Floats:
    """GRBL's G0: as fast as the first axis that is at its maximum lets it."""
    length = np.maximum(np.linalg.norm(ways, axis=1), 1e-12)
    fastest = np.array([dynamics.rapid_mm_s, dynamics.rapid_mm_s, dynamics.rapid_z_mm_s])
    with np.errstate(divide="ignore"):
        speeds: Floats = (fastest * length[:, None] / np.abs(ways)).min(axis=1)
    return speeds
