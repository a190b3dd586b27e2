"""The edges of faces: how many are open or turned, and which faces hang together by them.

Each face has three half-edges. As numbers of 64 bits, the lesser vertex in the high bits and
their own place in the low ones, they are sorted, and then read in stretches that stay in a
processor's cache: faces with a vertex in common are near each other in most files, so what is
looked up is near, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Pairs = list[tuple[Array, Array]]

_AT_ONCE = 1 << 15  # half-edges
_FACES_AT_ONCE = _AT_ONCE // 4
_ROOM = (1 << 64) - 1  # which bits of the greater vertex may be in a key


@dataclass(frozen=True, slots=True)
class Edges:
    """`open` are walked an odd number of times, `turned` are the others that are walked more
    often in one direction; `bodies` hang together by edges of exactly two faces."""

    open: int
    turned: int
    bodies: int


def count(faces: Array, vertices: int) -> Edges:
    """The edges of at least one face (n, 3) int32 of so many vertices; no face may use one
    vertex twice."""
    low = np.uint64((1 << (3 * len(faces) - 1).bit_length()) - 1)
    keys, far = _half_edges(faces, vertices, low)
    keys.sort()
    opened = turned = 0
    pairs: Pairs = []
    for stretch in _stretches(keys, low):
        place, way, alike = _together(stretch, far, low)
        new = np.concatenate([[True], ~alike, [True]])
        pair = np.flatnonzero(new[:-2] & alike & new[2:])
        turned += int(np.count_nonzero(way.take(pair) == way.take(pair + 1)))
        if 2 * len(pair) < len(place):
            starts = np.flatnonzero(new)
            uses = np.diff(starts)
            odd = (uses & 1).astype(bool)
            balance = np.add.reduceat(2 * way - 1, starts[:-1])
            opened += int(np.count_nonzero(odd))
            turned += int(np.count_nonzero((balance != 0) & ~odd & (uses > 2)))
        face = (place // 3).astype(np.int32)
        pairs.append((face.take(pair), face.take(pair + 1)))
    return Edges(opened, turned, _pieces(pairs, len(faces)))


def _half_edges(faces: Array, vertices: int, low: np.uint64) -> tuple[Array, Array]:
    """For each half-edge (3 n,) its key: the lesser vertex, as many low bits of the greater one
    as there is room for, its place; and twice the greater one, plus one if it is walked to it."""
    bits, near_bits = int(low).bit_length(), max(1, (vertices - 1).bit_length())
    near_at, far_at = np.uint64(64 - near_bits), np.uint64(bits)
    room = np.uint64(_ROOM & ((1 << (64 - near_bits - bits)) - 1))
    keys = np.empty((len(faces), 3), dtype=np.uint64)
    far = np.empty((len(faces), 3), dtype=np.int32)
    places = np.arange(3 * _FACES_AT_ONCE, dtype=np.uint64).reshape(-1, 3)
    for at in range(0, len(faces), _FACES_AT_ONCE):
        some = slice(at, at + _FACES_AT_ONCE)
        start = faces[some]
        end = np.concatenate([start[:, 1:], start[:, :1]], axis=1)
        high = np.maximum(start, end)
        far[some] = 2 * high + (start < end)
        key = keys[some]
        key[:] = high
        key &= room
        key <<= far_at
        key |= np.minimum(start, end).astype(np.uint64) << near_at
        key |= places[: len(key)] + np.uint64(3 * at)
    return keys.ravel(), far.ravel()


def _stretches(keys: Array, low: np.uint64) -> Iterator[Array]:
    """The sorted keys in pieces; those that only their places tell apart are in the same."""
    at = 0
    while at < len(keys):
        end = at + _AT_ONCE
        if end < len(keys):
            end = int(np.searchsorted(keys, keys[end - 1] | low, side="right"))
        yield keys[at:end]
        at = end


def _together(keys: Array, far: Array, low: np.uint64) -> tuple[Array, Array, Array]:
    """The places (m,) of the half-edges, those of one edge together; the way (m,) in which each is
    walked, 0 or 1; and whether each but the first is of the edge of the one before it."""
    place = (keys & low).view(np.int64)
    ends = far.take(place)
    alike = (keys[1:] ^ keys[:-1]) <= low
    if (alike & ((ends[1:] ^ ends[:-1]) > 1)).any():  # two edges have one key
        order = np.lexsort((ends >> 1, keys | low))
        keys, place, ends = keys[order], place[order], ends[order]
        alike = ((keys[1:] ^ keys[:-1]) <= low) & ((ends[1:] ^ ends[:-1]) <= 1)
    return place, ends & 1, alike


def _pieces(pairs: Pairs, faces: int) -> int:
    """How many pieces so many faces are, of which the pairs hang together.

    Most faces hang on the one before them in the file, so runs of faces are few, and only what
    joins these is left to be searched.
    """
    joined = np.zeros(faces, dtype=bool)
    others: Pairs = []
    for one, other in pairs:
        apart = np.abs(one - other) != 1
        joined[np.maximum(one, other)[~apart]] = True
        others.append((one[apart], other[apart]))
    run = np.cumsum(~joined, dtype=np.int32) - np.int32(1)
    links = []
    for one, other in others:
        link = np.stack([run.take(one), run.take(other)])
        news = link[0] != link[1]
        news[1:] &= (link[:, 1:] != link[:, :-1]).any(axis=0)
        links.append(link.compress(news, axis=1))
    return pieces(int(run[-1]) + 1, np.concatenate(links, axis=1))


def pieces(nodes: int, links: Array) -> int:
    """How many pieces so many nodes are, of which the links (2, m) join two each.

    In each turn everything comes under the least of its neighbours that is below itself. To what
    got nobody that way, all neighbours went elsewhere, below it, so that it goes in the next turn:
    two turns leave at most half. (scipy tells the same, and takes longer to be loaded than most
    files to be read.)
    """
    top = np.arange(nodes, dtype=np.int32)
    while links.shape[1]:
        np.minimum.at(top, np.maximum(*links), np.minimum(*links))
        while ((above := top.take(top)) != top).any():
            top = above
        links = top.take(links)
        links = links.compress(links[0] != links[1], axis=1)
    return int(np.count_nonzero(top == np.arange(nodes)))
