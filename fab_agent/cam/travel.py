"""The order in which places are visited, so that little time goes into lifted ways."""

import numpy as np
from numpy.typing import NDArray

from fab_agent.cam.drawing import Points

_DUST_MM = 1e-9
# Rounds of exchanges over the whole tour; most of what can be gained is found in the first few.
_ROUNDS = 5

Order = NDArray[np.intp]


def short_tour(places: Points, here: Points) -> Order:
    """The order of all `places` (n, 2) that starts near `here`: nearest first, then 2-opt.

    The same places in the same order give the same tour. It does not come back.
    """
    order = _nearest_first(places, here)
    way = np.vstack([here[None], places[order]])
    for _ in range(_ROUNDS):
        if not _uncrossed(way, order):
            break
    return order


def length_mm(places: Points, here: Points) -> float:
    """How long the way from `here` through the places is."""
    return float(np.hypot(*np.diff(np.vstack([here[None], places]), axis=0).T).sum())


def _nearest_first(places: Points, here: Points) -> Order:
    order = np.empty(len(places), dtype=np.intp)
    left = np.arange(len(places))
    for step in range(len(places)):
        nearest = int(np.argmin(np.hypot(*(places[left] - here).T)))
        order[step] = left[nearest]
        here = places[order[step]]
        left = np.delete(left, nearest)
    return order


def _uncrossed(way: Points, order: Order) -> bool:
    """Turn round every stretch by whose turning the way gets shorter; whether there was one.

    `way` is the start and the places in `order`; both are changed in place.
    """
    shorter = False
    for first in range(1, len(way) - 1):
        before, start = way[first - 1], way[first]
        ends = way[first + 1 :]
        # The stretch first…last is turned: two ways fall away, two others take their place. After
        # the very last place there is none.
        gain = np.hypot(*(start - before)) - np.hypot(*(ends - before).T)
        gain[:-1] += np.hypot(*(ends[:-1] - ends[1:]).T) - np.hypot(*(ends[1:] - start).T)
        best = int(np.argmax(gain))
        if gain[best] > _DUST_MM:
            last = first + 1 + best
            way[first : last + 1] = way[first : last + 1][::-1].copy()
            order[first - 1 : last] = order[first - 1 : last][::-1].copy()
            shorter = True
    return shorter
