"""Chords become arcs again, so that a program is small and the machine does not stutter.

Offsets are made of chords; what lies on one circle is found in the finished toolpath, whatever
drew it: an arc of a DXF, a curve of an SVG or the round way about a sharp corner.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from fab_agent.cam.stock import DECIMALS
from fab_agent.cam.toolpath import Move, Toolpath

# No point of a chord lies farther than this from the arc that replaces it. Together with what
# `cuts.refuse_gouges` lets pass it stays below 0.02 mm.
FIT_MM = 0.01
_FEWEST = 4  # points: three lie on a circle always
# Below, rounding to the grid turns the arc; above, it is a line in any workshop.
_RADII_MM = (0.05, 2000.0)
# A longer one is written as two: start and end never coincide, which would mean a whole turn.
_WIDEST_RAD = np.pi
# Far above what a firmware's 32-bit numbers blur: it must never take a short arc for a whole turn.
_LEAST_RAD = 0.005
_SPLIT_SHARE = 0.8
_SAME_FEED = 1.05

_BATCH_POINTS = 20_000  # that are tested at once: they stay in the processor's cache

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]


def with_arcs(toolpath: Toolpath) -> Toolpath:
    """The same toolpath with arcs (helical where Z changes) for chords that lie on one.

    A new point is where an arc ends; `centre` says what it turns about. An arc goes at the
    slowest feed of its chords.
    """
    stretches = _arcs_of(toolpath)
    if not stretches:
        return toolpath
    first, last = np.array(stretches).T
    about = _centres(toolpath.xyz, first, last)
    spokes = [toolpath.xyz[ends, :2] - about for ends in (first, first + 1)]
    kind, centre, feed = (a.copy() for a in (toolpath.kind, toolpath.centre, toolpath.feed))
    kind[last] = np.where(_cross(*spokes) < 0, Move.CLOCKWISE, Move.COUNTER)
    centre[last] = np.round(about, DECIMALS)
    feed[last] = [toolpath.feed[one + 1 : other + 1].min() for one, other in stretches]
    inner = np.zeros(len(kind) + 1, dtype=np.int64)
    np.add.at(inner, first + 1, 1)
    np.add.at(inner, last, -1)
    kept = np.cumsum(inner)[:-1] == 0
    return Toolpath(toolpath.xyz[kept], kind[kept], feed[kept], centre[kept])


def _arcs_of(toolpath: Toolpath) -> list[tuple[int, int]]:
    """First and last point of each stretch that is an arc, in order."""
    xyz = toolpath.xyz
    tried = _candidates(toolpath)
    found: list[tuple[int, int]] = []
    for (first, last), good in zip(tried, _lie_on_arcs(xyz, tried), strict=True):
        here = max(first, found[-1][1]) if found else first
        if good and here == first:  # a part of it would have another circle
            found.append((here, last))
            continue
        while last - here >= _FEWEST - 1:
            reached = _reach(xyz, here, last)
            if reached > here:
                found.append((here, reached))
            here = max(reached, here + 1)
    return found


def _candidates(toolpath: Toolpath) -> list[tuple[int, int]]:
    """Stretches in which every few neighbours lie on an arc, none longer than half a turn."""
    xyz, count = toolpath.xyz, len(toolpath.xyz) - _FEWEST + 1
    if count < 1:
        return []
    first = np.arange(count)
    even = _run_ends(toolpath)[:count] >= first + _FEWEST - 1
    lies = np.zeros(count + 1, dtype=bool)
    lies[:-1][even] = _lie_on_arcs(xyz, np.column_stack([first, first + _FEWEST - 1])[even])
    edges = np.flatnonzero(np.diff(lies.astype(np.int8), prepend=0))
    turned = _turned(xyz)
    found: list[tuple[int, int]] = []
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        end = stop + _FEWEST - 2
        corners = turned[start + 1 : end]
        # An arc turns half a step more at either end than its inner corners do.
        parts = ceil((corners[-1] - turned[start]) / (_SPLIT_SHARE * _WIDEST_RAD))
        shares = turned[start] + (corners[-1] - turned[start]) * np.arange(1, parts) / parts
        stops = [start, *(start + 1 + np.searchsorted(corners, shares)).tolist(), end]
        found += pairwise(stops)
    return [(one, other) for one, other in found if other - one >= _FEWEST - 1]


def _turned(xyz: Floats) -> Floats:
    """How far the way has turned, in radians whichever way, up to the corner at each point."""
    ways = np.diff(xyz[:, :2], axis=0)
    dots = (ways[:-1] * ways[1:]).sum(axis=1)
    corners = np.abs(np.arctan2(_cross(ways[:-1], ways[1:]), dots))
    return np.concatenate([[0.0], np.cumsum(corners), [0.0]])


def _run_ends(toolpath: Toolpath) -> Indices:
    """How far one could go from each point in cuts of about the same feed, all level or none."""
    cut, feed = toolpath.kind == Move.CUT, toolpath.feed
    level = np.diff(toolpath.xyz[:, 2], prepend=np.nan) == 0
    ratio = np.divide(feed[1:], feed[:-1], out=np.zeros(len(feed) - 1), where=feed[:-1] > 0)
    follows = (
        cut[1:]
        & cut[:-1]
        & (level[1:] == level[:-1])
        & (ratio < _SAME_FEED)
        & (ratio > 1 / _SAME_FEED)
    )
    # The way to point i + 1 starts a run at i; it goes on while the next way is of its kind.
    breaks = np.append(np.flatnonzero(~follows), len(feed) - 1)
    next_way = np.minimum(np.arange(1, len(feed) + 1), len(feed) - 1)
    return np.where(cut[next_way], breaks[np.searchsorted(breaks, next_way)], 0)


def _reach(xyz: Floats, first: int, end: int) -> int:
    """The last point up to which all lies on one arc, by halves; `first` when there is none."""
    good, bad = first, end + 1
    tried = first + _FEWEST - 1
    while good < tried < bad:
        if _lie_on_arcs(xyz, [(first, tried)])[0]:
            good = tried
        else:
            bad = tried
        tried = (good + bad) // 2 if good > first else first
    return good


def _lie_on_arcs(xyz: Floats, stretches: Sequence[tuple[int, int]] | Indices) -> Flags:
    """Which stretches (first, last point) stay within FIT_MM of one arc, chords included."""
    ends = np.asarray(stretches, dtype=np.intp).reshape(-1, 2)
    good = np.zeros(len(ends), dtype=bool)
    if not len(ends):
        return good
    lengths = ends[:, 1] - ends[:, 0] + 1
    by_length = np.argsort(lengths, kind="stable")
    cuts = np.flatnonzero(np.diff(np.cumsum(lengths[by_length]) // _BATCH_POINTS)) + 1
    for batch in np.split(by_length, cuts):
        good[batch] = _batch_lies(xyz, *ends[batch].T)
    return good


def _batch_lies(xyz: Floats, first: Indices, last: Indices) -> Flags:
    """As above; shorter stretches stand at their last point until the longest has ended."""
    longest = int((last - first).max(initial=0)) + 1
    points = xyz[np.minimum(first[:, None] + np.arange(longest), last[:, None])]
    with np.errstate(all="ignore"):  # points on a line or in one place have no circle
        spokes = points[..., :2] - _centres(xyz, first, last)[:, None]
        one, other = spokes[:, :-1], spokes[:, 1:]
        radii = np.hypot(spokes[..., 0], spokes[..., 1])
        middles = np.hypot(*((one + other) / 2).transpose(2, 0, 1))
        radius = radii[:, :1]
        turns = np.arctan2(_cross(one, other), (one * other).sum(axis=2))
        swept = np.cumsum(turns, axis=1)
        whole = swept[:, -1:]
        z = points[..., 2] - points[:, :1, 2]
        even = np.abs(z[:, 1:] - z[:, -1:] * swept / whole)
        off = np.abs(np.concatenate([radii, middles], axis=1) - radius)
        lies: Flags = (
            (np.maximum(off.max(axis=1), even.max(axis=1)) <= FIT_MM)
            & (radius[:, 0] >= _RADII_MM[0])
            & (radius[:, 0] <= _RADII_MM[1])
            & (turns * np.sign(whole) >= 0).all(axis=1)
            & (np.abs(whole[:, 0]) >= _LEAST_RAD)
            & (np.abs(whole[:, 0]) <= _WIDEST_RAD)
        )
    return lies


def _cross(one: Floats, other: Floats) -> Floats:
    area: Floats = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    return area


def _centres(xyz: Floats, first: Indices, last: Indices) -> Floats:
    """The middle of the circle through the first, the middle and the last point of each."""
    start = xyz[first, :2]
    one, other = xyz[(first + last) // 2, :2] - start, xyz[last, :2] - start
    double = 2 * _cross(one, other)
    a, b = (one**2).sum(axis=1), (other**2).sum(axis=1)
    x = (other[:, 1] * a - one[:, 1] * b) / double
    y = (one[:, 0] * b - other[:, 0] * a) / double
    centres: Floats = start + np.column_stack([x, y])
    return centres
