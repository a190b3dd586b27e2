"""The time of many moves in a row: speeds at every corner, with an acceleration.

A corner is passed as fast as a circle that leaves it by the junction deviation could be at that
acceleration, and the machine could always stop within the blocks that it knows. After gnea/grbl
1.1, planner.c; Klipper's docs/Kinematics.md ("Look-ahead") plans in the same way. This module
needs numpy: only children that end with their work load it.
"""

import numpy as np
from numpy.typing import NDArray

_STRAIGHT = 1 - 1e-6

Floats = NDArray[np.float64]


def corner_squared(unit: Floats, acceleration: Floats | float, junction_mm: float) -> Floats:
    """Speed between each block and the next, mm²/s²; infinite where the way goes straight on.

    Args:
        unit: directions of the blocks (n, 3).
        acceleration: at each of the n - 1 corners, mm/s².
        junction_mm: how far the circle may leave the corner.
    """
    back = -(unit[:-1] * unit[1:]).sum(axis=1)  # the cosine of the corner: 1 is a turn back
    half = np.sqrt((1 - np.clip(back, -1, 1)) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        squared: Floats = acceleration * junction_mm * half / (1 - half)
    squared[back < -_STRAIGHT] = np.inf
    squared[back > _STRAIGHT] = 0.0
    return squared


def planned_s(
    length: Floats, speed: Floats, acceleration: Floats, corner: Floats, *, blocks_ahead: int
) -> Floats:
    """Seconds of each block (n,), from standstill before the first to standstill after the last.

    Args:
        length: of the blocks (n,), mm, above 0.
        speed: that each is asked for (n,), mm/s, above 0.
        acceleration: along each (n,), mm/s².
        corner: squared speed from each into the next (n - 1,), mm²/s².
        blocks_ahead: how many blocks the machine knows.
    """
    if not len(length):
        return length
    corner = np.minimum(corner, np.minimum(speed[1:], speed[:-1]) ** 2)
    limit = np.concatenate([[0.0], corner, [0.0]])
    reached = np.concatenate([[0.0], np.cumsum(2 * acceleration * length)])
    known = np.minimum(np.arange(len(limit)) + blocks_ahead, len(limit) - 1)
    limit = np.minimum(limit, reached[known] - reached)
    # No faster than what can be lost until any later corner, nor gained since any earlier one.
    limit = np.minimum.accumulate((limit + reached)[::-1])[::-1] - reached
    limit = np.minimum.accumulate(limit - reached) + reached
    return _seconds(np.maximum(limit, 0.0), speed, length, acceleration)


def _seconds(squared: Floats, speed: Floats, length: Floats, acceleration: Floats) -> Floats:
    """Of each block, from and to the given squared speeds, at most at `speed`: trapezoids."""
    first, last = squared[:-1], squared[1:]
    top = np.minimum(speed**2, (first + last) / 2 + acceleration * length)
    ramps = (2 * top - first - last) / (2 * acceleration)
    gained = (2 * np.sqrt(top) - np.sqrt(first) - np.sqrt(last)) / acceleration
    seconds: Floats = gained + np.maximum(length - ramps, 0.0) / np.sqrt(top)
    return seconds
