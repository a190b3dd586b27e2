"""What is true of triangles as a whole: edges, bodies, volume, area, size."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repo_server.parsing import edges

Array = NDArray[Any]

_AT_ONCE = 1 << 13  # faces that stay in a processor's cache


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


def survey(vertices: Array, faces: Array) -> Surface:
    """The surface of vertices (v, 3) and at least one face (n, 3)."""
    volume, area, box = _measures(vertices, faces)
    faces = _with_area(faces)
    found = edges.count(faces, len(vertices)) if len(faces) else edges.Edges(0, 0, 0)
    return Surface(found.open, found.turned, found.bodies, volume, area, box)


def _with_area(faces: Array) -> Array:
    a, b, c = faces[:, 0], faces[:, 1], faces[:, 2]
    flat = (a == b) | (b == c) | (c == a)
    return faces[~flat] if flat.any() else faces


def _measures(vertices: Array, faces: Array) -> tuple[float, float, tuple[float, float, float]]:
    """Volume, area, and the box of the vertices that are used.

    The volume is found by the divergence theorem, from a point of the surface, which keeps the
    sum's terms small. A face that uses one vertex twice adds nothing.
    """
    origin = vertices[faces[0, 0]]
    columns = [vertices[:, axis] - origin[axis] for axis in range(3)]
    low, high = np.zeros(3), np.zeros(3)
    volume = area = 0.0
    for at in range(0, len(faces), _AT_ONCE):
        some = np.ascontiguousarray(faces[at : at + _AT_ONCE].T).astype(np.intp)
        corners = [column.take(some) for column in columns]
        low = np.minimum(low, [axis.min() for axis in corners])
        high = np.maximum(high, [axis.max() for axis in corners])
        x, y, z = (axis[0] for axis in corners)
        (ux, vx), (uy, vy), (uz, vz) = (axis[1:] - axis[0] for axis in corners)
        across_x, across_y, across_z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        volume += float(x @ across_x + y @ across_y + z @ across_z)
        area += float(np.sqrt(across_x**2 + across_y**2 + across_z**2).sum())
    width, depth, height = (high - low).tolist()
    return volume / 6, area / 2, (width, depth, height)
