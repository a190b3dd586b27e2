"""Triangles as arrays: corners that meet become one, edges and bodies are counted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Surface:
    """What is true of the faces of one mesh, in the unit of its vertices."""

    open_edges: int  # used by one face
    crowded_edges: int  # used by more than two
    turned_edges: int  # used twice in the same direction: one of the two faces is inside out
    bodies: int  # pieces whose faces hang together by edges of exactly two faces
    volume: float  # below zero when the whole is inside out; no meaning unless closed
    area: float
    box: tuple[float, float, float]


def weld(corners: Array) -> tuple[Array, Array]:
    """Vertices (v, 3) and faces (n, 3) of corners (n, 3, 3) float32.

    Corners become one vertex when they are equal to the last bit; minus zero equals zero.
    """
    points = np.ascontiguousarray(corners.reshape(-1, 3) + np.float32(0))
    bits = points.view(np.uint32).astype(np.uint64)
    # Sorting one mixed number is many times quicker than sorting rows of three.
    mixed = bits[:, 0] * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= (bits[:, 1] + np.uint64(0x7F4A7C15)) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= (bits[:, 2] + np.uint64(0x165667B1)) * np.uint64(0x94D049BB133111EB)
    _, first, index = np.unique(mixed, return_index=True, return_inverse=True)
    vertices = points[first]
    if not np.array_equal(vertices[index], points):  # two points were mixed to one number
        vertices, index = np.unique(points, axis=0, return_inverse=True)
    return vertices.astype(np.float64), index.reshape(-1, 3)


def survey(vertices: Array, faces: Array) -> Surface:
    """The surface of vertices (v, 3) and at least one face (n, 3)."""
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    edge = np.minimum(start, end) * np.int64(len(vertices)) + np.maximum(start, end)
    order = np.argsort(edge)
    edge = edge[order]
    first = np.flatnonzero(np.r_[True, edge[1:] != edge[:-1]])
    uses = np.diff(np.r_[first, len(edge)])
    pair = first[uses == 2]
    one, other = order[pair], order[pair + 1]
    a, b, c = (vertices[faces[:, corner]] - vertices[faces[0, 0]] for corner in range(3))
    size = np.ptp(vertices[np.unique(faces)], axis=0)
    return Surface(
        open_edges=int((uses == 1).sum()),
        crowded_edges=int((uses > 2).sum()),
        turned_edges=int((start[one] == start[other]).sum()),
        bodies=_pieces(one // 3, other // 3, len(faces)),
        volume=float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6),
        area=float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2),
        box=(float(size[0]), float(size[1]), float(size[2])),
    )


def _pieces(one: Array, other: Array, faces: int) -> int:
    links = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(faces, faces))
    return int(connected_components(links, directed=False, return_labels=False))
