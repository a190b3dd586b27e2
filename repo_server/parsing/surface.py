"""Triangles as arrays: corners that meet become one, edges and bodies are counted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Array = NDArray[Any]

_AT_ONCE = 1 << 14  # faces that stay in a processor's cache
_ODD = np.uint64(0x9E3779B97F4A7C15)
_STIR = (np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0xBF58476D1CE4E5B9))


@dataclass(frozen=True, slots=True)
class Surface:
    """What is true of the faces of one mesh, in the unit of its vertices.

    A surface bounds a body exactly if each edge is walked as often in one direction as in the
    other. So bodies that touch along an edge are sound, though four faces meet there. Faces
    that use one vertex twice have no area and count nowhere here.
    """

    open_edges: int  # walked an odd number of times
    turned_edges: int  # walked more often in one direction: a face there is inside out
    bodies: int  # pieces whose faces hang together by edges of exactly two faces
    volume: float  # below zero when the whole is inside out; no meaning unless closed
    area: float
    box: tuple[float, float, float]


def weld(corners: Array, *, decimals: int | None = None) -> tuple[Array, Array]:
    """Vertices (v, 3) float64 and faces (n, 3) int32 of corners (n, 3, 3) float32 or float64.

    Corners become one vertex when they are equal to the last bit, or else when they are once
    rounded to so many decimals; minus zero equals zero. Vertices stand in the order in which
    the corners first name them.
    """
    points = np.ascontiguousarray(corners.reshape(-1, 3))
    sought = points if decimals is None else points.round(decimals)
    sought = sought + sought.dtype.type(0)  # minus zero plus zero is zero
    keys = _stirred(sought)
    order = _together(keys)
    found, keys = sought.take(order, axis=0), keys[order]
    starts = np.r_[True, _differ(found)]
    if (starts[1:] & (keys[1:] == keys[:-1])).any():  # two points were stirred to one number
        order = np.lexsort(sought.T)
        starts = np.r_[True, _differ(sought[order])]
    del found, keys
    firsts = order[starts]
    is_first = np.zeros(len(points), dtype=bool)
    is_first[firsts] = True
    number = np.cumsum(is_first, dtype=np.int32) - np.int32(1)
    index = np.empty(len(points), dtype=np.int32)
    index[order] = np.repeat(number[firsts], np.diff(np.r_[np.flatnonzero(starts), len(points)]))
    return points[is_first].astype(np.float64), index.reshape(-1, 3)


def _stirred(points: Array) -> Array:
    """A number for each point (n, 3) that hangs on every bit of it."""
    bits = points.view(np.uint32 if points.dtype == np.float32 else np.uint64)
    mixed: Array = bits[:, 0].astype(np.uint64)
    for axis in (1, 2):
        mixed *= _STIR[0]
        mixed ^= mixed >> np.uint64(29)
        mixed += bits[:, axis]
    mixed *= _STIR[1]
    mixed ^= mixed >> np.uint64(32)
    return mixed


def _together(keys: Array) -> Array:
    """An order (n,) of the keys (n,) uint64 in which equal ones stand together.

    Their high bits, stirred, are sorted with their places in the low ones: plain numbers sort
    several times faster than places by numbers. The few that differ and still share their high
    bits are put in order afterwards.
    """
    bits = np.uint64(max(1, (len(keys) - 1).bit_length()))
    low = (np.uint64(1) << bits) - np.uint64(1)
    packed = keys * _ODD
    packed &= ~low
    packed |= np.arange(len(keys), dtype=np.uint64)
    packed.sort()
    order = (packed & low).view(np.int64)
    packed >>= bits
    found = keys[order]
    same = packed[1:] == packed[:-1]
    same &= found[1:] != found[:-1]
    if same.any():
        among = np.flatnonzero(np.isin(packed, packed[1:][same]))
        order[among] = order[among][np.lexsort((found[among], packed[among]))]
    return order


def _differ(rows: Array) -> Array:
    """Whether each row (n, 3) but the first differs from the one before it."""
    before, after = rows[:-1], rows[1:]
    differ: Array = before[:, 0] != after[:, 0]
    differ |= before[:, 1] != after[:, 1]
    differ |= before[:, 2] != after[:, 2]
    return differ


def survey(vertices: Array, faces: Array) -> Surface:
    """The surface of vertices (v, 3) and at least one face (n, 3)."""
    used = np.zeros(len(vertices), dtype=bool)
    used[faces.ravel()] = True
    corners = vertices[used]
    low, high = corners.min(axis=0), corners.max(axis=0)
    faces = _with_area(faces)
    open_edges, turned_edges, bodies = _edges(faces, len(vertices)) if len(faces) else (0, 0, 0)
    volume, area = _volume_and_area(vertices, faces, (low + high) / 2)
    x, y, z = (high - low).tolist()
    return Surface(open_edges, turned_edges, bodies, volume, area, (x, y, z))


def _with_area(faces: Array) -> Array:
    a, b, c = faces[:, 0], faces[:, 1], faces[:, 2]
    flat = (a == b) | (b == c) | (c == a)
    return faces[~flat] if flat.any() else faces


def _edges(faces: Array, vertices: int) -> tuple[int, int, int]:
    """Open edges, turned edges, bodies of at least one face."""
    ends = np.concatenate([faces[:, 1:], faces[:, :1]], axis=1)
    low, high = np.minimum(faces, ends).ravel(), np.maximum(faces, ends).ravel()
    edge = low.astype(np.uint64) * np.uint64(vertices) + high.astype(np.uint64)
    del low, high
    order = _together(edge)
    edge = edge[order]
    first = np.flatnonzero(np.r_[True, edge[1:] != edge[:-1]])
    del edge
    uses = np.diff(np.r_[first, len(order)])
    ways = np.where((faces < ends).ravel()[order], np.int8(1), np.int8(-1))
    unbalanced = np.add.reduceat(ways, first, dtype=np.int64) != 0
    odd = (uses & 1).astype(bool)
    order //= 3
    pair = first[uses == 2]
    bodies = _pieces(order[pair], order[pair + 1], len(faces))
    return int(odd.sum()), int((unbalanced & ~odd).sum()), bodies


def _pieces(one: Array, other: Array, faces: int) -> int:
    places = one.astype(np.int32), other.astype(np.int32)
    links = coo_array((np.ones(len(one), dtype=np.int8), places), shape=(faces, faces))
    return int(connected_components(links, directed=False, return_labels=False))


def _volume_and_area(vertices: Array, faces: Array, middle: Array) -> tuple[float, float]:
    """By the divergence theorem from the middle, which keeps the sum's terms small."""
    volume = area = 0.0
    for at in range(0, len(faces), _AT_ONCE):
        x, y, z = np.ascontiguousarray((vertices[faces[at : at + _AT_ONCE]] - middle).T)
        normal_x = (y[1] - y[0]) * (z[2] - z[0]) - (z[1] - z[0]) * (y[2] - y[0])
        normal_y = (z[1] - z[0]) * (x[2] - x[0]) - (x[1] - x[0]) * (z[2] - z[0])
        normal_z = (x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0])
        volume += float((x[0] * normal_x + y[0] * normal_y + z[0] * normal_z).sum())
        area += float(np.sqrt(normal_x**2 + normal_y**2 + normal_z**2).sum())
    return volume / 6, area / 2
