"""Corners that meet become one vertex.

Points are told apart by 64-bit numbers made of their coordinates, because numpy sorts plain
numbers many times faster than rows. Each number carries, in its low bits, where its point
stands; what is left for the coordinates may be the same for two points, so that every answer is
compared with the points themselves.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Faces at once. Most corners that meet are near each other in a file, so first those of a
# stretch that stays in a processor's cache are made one; few are left to be sorted among all.
FACES_AT_ONCE = 1 << 14
_STIR = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93)


def weld(corners: Array, *, decimals: int | None = None) -> tuple[Array, Array]:
    """Vertices (v, 3) float64 and faces (n, 3) int32 of finite corners (n, 3, 3) float32 or
    float64.

    Corners become one vertex when they are equal to the last bit, or else when they are once
    rounded to so many decimals; minus zero equals zero. Vertices stand in the order in which
    the corners first name them.
    """
    return weld_in_turn(stretches(corners), decimals=decimals)


def stretches(corners: Array) -> Iterator[Array]:
    """The corners (n, 3, 3) in parts of FACES_AT_ONCE."""
    for at in range(0, len(corners), FACES_AT_ONCE):
        yield corners[at : at + FACES_AT_ONCE]


def weld_in_turn(parts: Iterable[Array], *, decimals: int | None = None) -> tuple[Array, Array]:
    """`weld` of corners that come in parts (m, 3, 3), at least one of them. A part may be
    overwritten once the next one is asked for."""
    points, index, known = [], [], 0
    for part in parts:
        some = part.reshape(-1, 3)
        firsts, number = alike(some, decimals)
        points.append(some.take(firsts, axis=0))
        index.append(number + np.int32(known))
        known += len(firsts)
    vertices = np.concatenate(points)
    if len(points) > 1:
        firsts, number = alike(vertices, decimals)
        vertices = vertices.take(firsts, axis=0)
        for own in index:
            own[:] = number.take(own)
    return vertices.astype(np.float64), np.concatenate(index).reshape(-1, 3)


def alike(points: Array, decimals: int | None = None) -> tuple[Array, Array]:
    """Where each point of the finite points (n, 3) stands first (u,), ascending, and for each of
    them which one of these it is (n,) int32."""
    sought = points if decimals is None else points.round(decimals)
    # Minus zero plus zero is zero.
    columns = np.add(sought.T, points.dtype.type(0), order="C")
    places = np.arange(len(points))
    low = np.uint64((1 << max(1, (len(points) - 1).bit_length())) - 1)
    keys = _stirred(columns)
    keys &= ~low
    keys |= places.view(np.uint64)
    keys.sort()
    starts = _starts((keys[1:] ^ keys[:-1]) > low)
    keys &= low
    order = keys.view(np.int64)
    first = np.empty(len(points), dtype=np.int64)  # of those with the same key
    first[order] = np.repeat(order.take(starts), np.diff(starts, append=len(points)))
    missed = np.zeros(len(points), dtype=bool)
    for column in columns:
        missed |= column.take(first) != column
    if missed.any():
        _part(columns, first, np.flatnonzero(missed))
    firsts = np.flatnonzero(first == places)
    number = np.empty(len(points), dtype=np.int32)
    number[firsts] = np.arange(len(firsts))
    return firsts, number.take(first)


def _starts(differ: Array) -> Array:
    """Where something new begins, of which each but the first may differ from the one before."""
    return np.concatenate([[0], np.flatnonzero(differ) + 1])


def _stirred(columns: Array) -> Array:
    """A number for each point of the columns (3, n) whose high bits hang on every bit of it."""
    narrow = columns.dtype == np.float32
    numbers = columns.view(np.uint32 if narrow else np.uint64).astype(np.uint64)
    if not narrow:  # many a float64 was a float32: its low bits are empty
        numbers ^= numbers >> np.uint64(32)
    for axis, factor in zip(numbers, _STIR, strict=True):
        axis *= np.uint64(factor)
    stirred: Array = numbers[0]
    stirred += numbers[1]
    stirred += numbers[2]
    return stirred


def _part(columns: Array, first: Array, missed: Array) -> None:
    """`first` is right for the points that share the key of another one, which are few."""
    order = missed[np.lexsort(columns[:, missed])]
    points = columns[:, order]
    starts = _starts((points[:, 1:] != points[:, :-1]).any(axis=0))
    first[order] = np.repeat(order[starts], np.diff(starts, append=len(order)))
