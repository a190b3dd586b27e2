"""The moves of a cutter as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from commons.machine import MachineProfile
from fab_agent.cam.cutter import Cutter
from fab_agent.cam.passes import Path3
from fab_agent.cam.stock import DECIMALS

RESOLUTION_MM = 0.001
CLEAR_MM = 0.5


class Move(IntEnum):
    """G0, G1, G2 or G3."""

    RAPID = 0
    CUT = 1
    CLOCKWISE = 2
    COUNTER = 3


@dataclass(frozen=True, slots=True)
class Toolpath:
    """Points that the cutter's tip goes to, one after the other, on a grid of RESOLUTION_MM.

    `xyz` (n, 3) mm, `kind` (n,) Move of the way to each point, `feed` (n,) mm/s (0 for rapids),
    `centre` (n, 2) mm what an arc to the point turns about, NaN for all that is straight.
    """

    xyz: NDArray[np.float64]
    kind: NDArray[np.int8]
    feed: NDArray[np.float64]
    centre: NDArray[np.float64]


def toolpath_of(
    cuts: Sequence[Path3], cutter: Cutter, *, profile: MachineProfile, safe_mm: float
) -> Toolpath:
    """The cuts in order, with lifted ways between them.

    Each is entered from above: across at `safe_mm`, down to CLEAR_MM, then at feed. Feeds are
    lowered where the cutter goes down faster than it may plunge or up faster than Z can move.
    """
    points, kinds = [], []
    for cut in cuts:
        (x, y), (last_x, last_y) = cut[0, :2], cut[-1, :2]
        clear = min(CLEAR_MM, safe_mm)
        entry = [(x, y, safe_mm), (x, y, clear)]
        points += [np.array(entry), cut, np.array([(last_x, last_y, safe_mm)])]
        kinds += [Move.RAPID] * len(entry) + [Move.CUT] * len(cut) + [Move.RAPID]
    xyz = np.round(np.concatenate(points), DECIMALS) + 0.0
    kind = np.array(kinds, dtype=np.int8)
    moved = np.ones(len(xyz), dtype=bool)
    moved[1:] = np.any(np.diff(xyz, axis=0) != 0, axis=1)
    xyz, kind = xyz[moved], kind[moved]
    feed = _feeds(xyz, kind, cutter, profile.max_feed_z_mm_s)
    return Toolpath(xyz, kind, feed, np.full((len(xyz), 2), np.nan))


def _feeds(
    xyz: NDArray[np.float64], kind: NDArray[np.int8], cutter: Cutter, max_feed_z_mm_s: float
) -> NDArray[np.float64]:
    steps = np.diff(xyz, axis=0, prepend=xyz[:1])
    rise = steps[:, 2]
    length = np.linalg.norm(steps, axis=1)
    limit = np.where(rise < 0, cutter.plunge_mm_s, max_feed_z_mm_s)
    steep = np.divide(np.abs(rise), length, out=np.zeros_like(length), where=length > 0)
    upright = np.divide(limit, steep, out=np.full_like(length, np.inf), where=steep > 0)
    return np.where(kind == Move.CUT, np.minimum(cutter.feed_mm_s, upright), 0.0)
