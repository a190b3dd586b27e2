"""How far apart two surfaces are: from places all over each to the nearest place of the other.

Both are cut into cells whose longest edge is told; a place that no sample stands for is no farther
from one than that edge by the square root of three. So what is told is an interval that holds the
true distance.
"""

from dataclasses import dataclass
from math import ceil, floor, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from repo_server.parsing.weld import weld

Array = NDArray[Any]

MORE_CELLS = 50_000  # into which the faces of a mesh are cut at most
_NEIGHBOURS = 8
_CLOSELY = 64
_CLASSES = 6  # of cells by size, each half of the one before
_MOST_EXACT = 16  # places at once that are measured to every cell in reach
_AT_ONCE = 1 << 16
_DIGITS = 10_000  # of a millimetre are told


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the farthest place of one surface is from another: `least_mm` was measured at a
    sample, and no place is farther away than `most_mm`."""

    least_mm: float
    most_mm: float


@dataclass(frozen=True, slots=True)
class Cells:
    """A surface in small triangles: points (p, 3) mm, corners (c, 3), the longest edge in mm."""

    points: Array
    corners: Array
    longest: float


def cut(vertices: Array, faces: Array, *, more: int = MORE_CELLS) -> Cells:
    """The faces, the longest edges halved until `more` faces would be added; always the same."""
    triangles = vertices[faces].astype(np.float64)
    most = len(triangles) + more
    while True:
        edges = np.linalg.norm(triangles - np.roll(triangles, -1, axis=1), axis=2)
        longest = float(edges.max())
        split = edges.max(axis=1) > 0.75 * longest
        if longest == 0 or len(triangles) + int(split.sum()) > most:
            break
        triangles = np.concatenate([triangles[~split], _halved(triangles[split], edges[split])])
    return Cells(*weld(triangles), longest)


def _halved(triangles: Array, edges: Array) -> Array:
    """Both halves (2n, 3, 3) of each triangle, cut at the middle of its longest edge."""
    at = edges.argmax(axis=1)
    rows = np.arange(len(triangles))
    a, b, c = (triangles[rows, (at + turn) % 3] for turn in range(3))
    middle = (a + b) / 2
    return np.concatenate([np.stack([a, middle, c], axis=1), np.stack([middle, b, c], axis=1)])


@dataclass(frozen=True, slots=True)
class Measured:
    """Of points: each is at most `most` and at least `least` mm away (p,); `outside` (p,) whether
    it lies on the side that the nearest face looks to."""

    most: Array
    least: Array
    outside: Array


class Target:
    """A surface to measure to."""

    def __init__(self, cells: Cells) -> None:
        corners = cells.points[cells.corners]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        size = np.linalg.norm(across, axis=1)
        self._corners, across = corners[size > 0], across[size > 0]
        self._normals = across / size[size > 0][:, None]
        middles = self._corners.mean(axis=1)
        radius = np.linalg.norm(self._corners - middles[:, None], axis=2).max(axis=1)
        # Small cells would hide a large one whose middle is farther away: each size has its tree.
        kind = np.floor(np.log2(radius.max() / radius)).clip(max=_CLASSES - 1).astype(int)
        self._trees = [
            (KDTree(middles[mine]), mine, float(radius[mine].max()))
            for mine in (np.flatnonzero(kind == it) for it in range(_CLASSES))
            if len(mine)
        ]

    def measure(self, points: Array, *, matters: float = 0.0) -> Measured:
        """How far the points (p, 3) are, and on which side; more closely where it hangs on that
        whether they are farther away than `matters`, in mm."""
        most, least, side = self._measured(points, _NEIGHBOURS)
        if matters:
            open_ = np.flatnonzero((most > matters) & (least <= matters))
            if len(open_):
                most[open_], least[open_], side[open_] = self._measured(points[open_], _CLOSELY)
        return Measured(most, least, side > 0)

    def farthest(self, points: Array, most: Array) -> float:
        """The distance of the farthest point, exactly; `most` (p,) as `measure` says it."""
        found = 0.0
        order = np.argsort(-most, kind="stable")
        for at in range(0, len(order), _MOST_EXACT):
            some = order[at : at + _MOST_EXACT]
            if most[some[0]] <= found:
                break
            found = max(found, *(self._exactly(points[it], float(most[it])) for it in some))
        return found

    def _exactly(self, point: Array, within: float) -> float:
        near = [
            mine[tree.query_ball_point(point, within + radius + 1e-9)]
            for tree, mine, radius in self._trees
        ]
        cells = np.concatenate(near).astype(int)
        if not len(cells):
            return float(within)
        nearest = _nearest(np.repeat(point[None], len(cells), axis=0), self._corners[cells])
        return float(np.linalg.norm(nearest - point, axis=1).min())

    def _measured(self, points: Array, neighbours: int) -> tuple[Array, Array, Array]:
        found = [
            self._some(points[at : at + _AT_ONCE], neighbours)
            for at in range(0, len(points), _AT_ONCE)
        ]
        most, least, side = (np.concatenate(it) for it in zip(*found, strict=True))
        return most, least, side

    def _some(self, points: Array, neighbours: int) -> tuple[Array, Array, Array]:
        most, least = np.full(len(points), np.inf), np.full(len(points), np.inf)
        side = np.zeros(len(points))
        for tree, mine, radius in self._trees:
            count = min(neighbours, len(mine))
            far, which = tree.query(points, k=[*range(1, count + 1)])
            for at in range(count):
                cells = mine[which[:, at]]
                away = points - _nearest(points, self._corners[cells])
                distance = np.linalg.norm(away, axis=1)
                along = np.einsum("ij,ij->i", away, self._normals[cells])
                # Of faces that are equally near, at an edge, the one that looks most at the point.
                same = np.abs(distance - most) <= 1e-9 + 1e-9 * most
                better = (distance < most) & ~same | same & (np.abs(along) > np.abs(side))
                side = np.where(better, along, side)
                most = np.minimum(most, distance)
            unseen = far[:, -1] - radius if count < len(mine) else np.full(len(points), np.inf)
            least = np.minimum(least, unseen)
        return most, np.minimum(most, np.maximum(least, 0.0)), side


def reach(of: Cells, to: Target) -> Reach:
    """How far the farthest place of one surface is from the other."""
    places = places_of(of)
    return reach_of(places, to.measure(places).most, of, to)


def places_of(cells: Cells) -> Array:
    """Where a surface is measured (p, 3): corners of cells reach farthest out, middles farthest
    in."""
    return np.vstack([cells.points, cells.points[cells.corners].mean(axis=1)])


def reach_of(places: Array, most: Array, of: Cells, to: Target) -> Reach:
    """As `reach`, of those places of the surface alone; `most` (p,) as they were measured."""
    least = to.farthest(places, most) if len(places) else 0.0
    most_mm = least + of.longest / sqrt(3)
    return Reach(floor(least * _DIGITS) / _DIGITS, ceil(most_mm * _DIGITS) / _DIGITS)


def _nearest(points: Array, triangles: Array) -> Array:
    """The place (n, 3) of each triangle (n, 3, 3) that is nearest to each point (n, 3)."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    best = _on_edge(points, a, b)
    for start, end in ((b, c), (c, a)):
        best = _nearer(points, best, _on_edge(points, start, end))
    normal = np.cross(b - a, c - a)
    size = np.einsum("ij,ij->i", normal, normal)
    with np.errstate(all="ignore"):
        lift = np.einsum("ij,ij->i", points - a, normal) / size
        below = points - lift[:, None] * normal
        inside = size > 0
        for start, end in ((a, b), (b, c), (c, a)):
            turn = np.cross(end - start, below - start)
            inside &= np.einsum("ij,ij->i", turn, normal) >= 0
    return np.where(inside[:, None], below, best)


def _on_edge(points: Array, start: Array, end: Array) -> Array:
    along = end - start
    length = np.einsum("ij,ij->i", along, along)
    with np.errstate(all="ignore"):
        share = np.einsum("ij,ij->i", points - start, along) / length
    share = np.where(length > 0, share, 0.0).clip(0.0, 1.0)
    return np.asarray(start + share[:, None] * along)


def _nearer(points: Array, one: Array, other: Array) -> Array:
    closer = ((points - one) ** 2).sum(axis=1) <= ((points - other) ** 2).sum(axis=1)
    return np.where(closer[:, None], one, other)
