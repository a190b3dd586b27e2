"""How the faces of a mesh hang together: who shares an edge with whom, and which way round."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Seams:
    """The edges of faces (n, 3), each once.

    `low` and `high` (e,) are the ends of an edge, `net` (e,) how much more often it is walked
    upwards than downwards. Its uses stand together: from `first` (e,) on, `uses` (e,) of them,
    each with its `face` (3n,) and whether that walks `up` (3n,).
    """

    low: Array
    high: Array
    net: Array
    first: Array
    uses: Array
    face: Array
    up: Array


def seams_of(faces: Array) -> Seams:
    """The edges of at least one face."""
    starts, ends = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    low, high = np.minimum(starts, ends), np.maximum(starts, ends)
    order = np.lexsort((high, low))
    low, high, up = low[order], high[order], (starts < ends)[order]
    first = np.flatnonzero(np.r_[True, (low[1:] != low[:-1]) | (high[1:] != high[:-1])])
    return Seams(
        low=low[first],
        high=high[first],
        net=np.add.reduceat(np.where(up, 1, -1), first),
        first=first,
        uses=np.diff(np.r_[first, len(low)]),
        face=order // 3,
        up=up,
    )


def patches_of(seams: Seams, faces: int) -> Array:
    """The number of the patch of each face (n,): a patch hangs together by edges of two faces."""
    pair = seams.first[seams.uses == 2]
    links = _graph(seams.face[pair], seams.face[pair + 1], np.ones(len(pair), np.int8), faces)
    return np.asarray(connected_components(links, directed=False)[1])


def turned_faces(faces: Array) -> Array:
    """Which faces (n,) to turn so that neighbours walk their edge in opposite ways.

    Of each patch the fewer are turned. Where no turning can do it, as on a surface that has one
    side alone, some neighbours still disagree.
    """
    seams = seams_of(faces)
    pair = seams.first[seams.uses == 2]
    one, other = seams.face[pair], seams.face[pair + 1]
    disagree = seams.up[pair] == seams.up[pair + 1]
    links = _graph(one, other, np.where(disagree, 2, 1).astype(np.int8), len(faces))
    patch = np.asarray(connected_components(links, directed=False)[1])
    # One face that hangs at the first of each patch lets a single walk reach them all.
    roots = np.unique(patch, return_index=True)[1]
    above = _parents(links, roots, len(faces))
    turned = np.zeros(len(faces) + 1, dtype=bool)
    has = above < len(faces)
    turned[:-1][has] = np.asarray(links[np.flatnonzero(has), above[has]]).ravel() == 2
    step = np.r_[above, len(faces)]
    while (step < len(faces)).any():  # each round looks twice as far up
        turned = turned ^ turned[step]
        step = step[step]
    many = np.bincount(patch, weights=np.where(turned[:-1], 1, -1)) > 0
    return np.asarray(turned[:-1] ^ many[patch])


def _parents(links: Any, roots: Array, faces: int) -> Array:
    """The face (n,) from which each was reached; `faces` for the roots themselves."""
    rows, columns = links.nonzero()
    whole = coo_array(
        (np.ones(len(rows) + len(roots), dtype=np.int8),
         (np.r_[rows, np.full(len(roots), faces)], np.r_[columns, roots])),
        shape=(faces + 1, faces + 1),
    ).tocsr()  # fmt: skip
    above = breadth_first_order(whole, faces, directed=True)[1][:-1]
    return np.asarray(above, dtype=np.int64)


def _graph(one: Array, other: Array, value: Array, faces: int) -> Any:
    """Faces linked both ways; of two that share several edges the first counts."""
    low, high = np.minimum(one, other), np.maximum(one, other)
    once = np.unique(low * np.int64(faces) + high, return_index=True)[1]
    once = once[low[once] != high[once]]
    low, high, value = low[once], high[once], value[once]
    both = np.r_[low, high], np.r_[high, low]
    return coo_array((np.r_[value, value], both), shape=(faces, faces)).tocsr()
