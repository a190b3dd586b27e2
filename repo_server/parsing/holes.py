"""Holes of a surface: found as loops of edges, and closed by faces between their corners."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from manifold3d import triangulate
from numpy.typing import NDArray

from repo_server.parsing.seams import seams_of

Array = NDArray[Any]
Loop = list[int]  # corners in the order in which the faces that close it walk them

_LEVEL = 1e-4  # share of its width that a hole may be uneven, and still lies in one plane
_SEAM_MM = 1e-3  # what is narrower all along is a seam that did not meet, no hole


@dataclass(frozen=True, slots=True)
class Closed:
    """What closes a surface: its vertices (v, 3), those in front as they were, and the faces
    (n, 3) to add. `places` are the middles of the holes; `seams` counts slits without width."""

    vertices: Array
    faces: Array
    places: Array
    seams: int


def close_holes(vertices: Array, faces: Array) -> Closed:
    """Faces that make every edge walked as often one way as the other.

    Holes of one plane are closed together, so that a ring stays a ring. One that cannot be seen
    from any side without crossing itself is closed from its middle.
    """
    loops = list(_loops(faces))
    flat = [_Flat(vertices, loop) for loop in loops]
    wide = [it for it in flat if it.width > _SEAM_MM]
    added: list[Array] = [_fan(it.loop) for it in flat if it.width <= _SEAM_MM]
    middles: list[Array] = []
    for group in _planes(wide):
        for outer, inner in _rings(group):
            found = _flat_faces(outer, inner)
            if found is None:
                for it in (outer, *inner):
                    added.append(_fan_around(it.loop, len(vertices) + len(middles)))
                    middles.append(it.middle)
            else:
                added.append(found)
    return Closed(
        vertices=np.vstack([vertices, *middles]) if middles else vertices,
        faces=np.concatenate(added) if added else np.empty((0, 3), dtype=np.int64),
        places=np.array([it.middle for it in wide]).reshape(-1, 3),
        seams=len(flat) - len(wide),
    )


def _loops(faces: Array) -> Iterator[Loop]:
    """Simple loops of the edges that are walked more often one way; against that way."""
    seams = seams_of(faces)
    out: dict[int, list[int]] = defaultdict(list)
    for edge in np.flatnonzero(seams.net):
        low, high, net = int(seams.low[edge]), int(seams.high[edge]), int(seams.net[edge])
        start, end = (high, low) if net > 0 else (low, high)
        out[start] += [end] * abs(net)
    for first in sorted(out):
        while out[first]:
            yield from _walk(out, first)


def _walk(out: dict[int, list[int]], first: int) -> Iterator[Loop]:
    """Edges are used up until the walk is back where it began; what it crosses is a loop."""
    path, at = [first], {first: 0}
    while out[path[-1]]:
        corner = out[path[-1]].pop()
        if corner not in at:
            at[corner] = len(path)
            path.append(corner)
            continue
        cut = at[corner]
        if len(path) - cut > 2:
            yield path[cut:]
        for gone in path[cut + 1 :]:
            del at[gone]
        del path[cut + 1 :]


class _Flat:
    """A loop as it is seen from where it looks widest."""

    def __init__(self, vertices: Array, loop: Loop) -> None:
        self.loop = loop
        corners = vertices[loop]
        self.middle = corners.mean(axis=0)
        around = corners - self.middle
        normal = np.cross(around, np.roll(around, -1, axis=0)).sum(axis=0)
        twice = float(np.linalg.norm(normal))
        length = float(np.linalg.norm(np.roll(around, -1, axis=0) - around, axis=1).sum())
        self.width = twice / length if length else 0.0
        self.normal = normal / twice if twice else np.array([0.0, 0.0, 1.0])
        self.corners = corners
        self.is_level = bool(np.abs(around @ self.normal).max() <= _LEVEL * length)


def _planes(flat: list[_Flat]) -> Iterator[list[_Flat]]:
    """Level loops that lie in one plane together, whichever way they look; others alone."""
    rest = list(flat)
    while rest:
        first, *others = rest
        group, rest = [first], []
        for it in others:
            along = abs(float(first.normal @ it.normal)) > 1 - _LEVEL
            away = abs(float(first.normal @ (it.middle - first.middle)))
            near = away <= _LEVEL * float(np.ptp(first.corners, axis=0).max())
            together = first.is_level and it.is_level and along and near
            (group if together else rest).append(it)
        yield group


def _rings(group: list[_Flat]) -> Iterator[tuple[_Flat, list[_Flat]]]:
    """Each loop, widest first, with those within it that look the other way: its islands."""
    axes = _axes(group[0].normal)
    shapes = [(it, shapely.Polygon(it.corners @ axes.T)) for it in group]
    shapes.sort(key=lambda it: -it[1].area)
    while shapes:
        (outer, shape), *rest = shapes
        inner = [
            it
            for it, own in rest
            if it.normal @ outer.normal < 0 and shape.is_valid and shape.contains(own)
        ]
        shapes = [it for it in rest if it[0] not in inner]
        yield outer, inner


def _axes(normal: Array) -> Array:
    """Two directions (2, 3) that see a loop with this normal walked to the left."""
    helper = np.eye(3)[int(np.abs(normal).argmin())]
    right = np.cross(helper, normal)
    right /= np.linalg.norm(right)
    return np.array([right, np.cross(normal, right)])


def _flat_faces(outer: _Flat, inner: list[_Flat]) -> Array | None:
    """Faces within the outline and around the islands; None when they cross as they are seen."""
    axes = _axes(outer.normal)
    seen = [np.ascontiguousarray(it.corners @ axes.T) for it in (outer, *inner)]
    if not shapely.Polygon(seen[0], seen[1:]).is_valid:
        return None
    corners = np.concatenate([it.loop for it in (outer, *inner)])
    return np.asarray(corners[np.asarray(triangulate(seen))], dtype=np.int64)


def _fan(loop: Loop) -> Array:
    first, *others = loop
    return np.array([(first, a, b) for a, b in pairwise(others)])


def _fan_around(loop: Loop, middle: int) -> Array:
    return np.array([(a, b, middle) for a, b in zip(loop, [*loop[1:], loop[0]], strict=True)])
