"""What every reader of meshes answers: triangles, as many as are taken, each in its place."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commons.errors import MeshInvalid
from commons.threemf import Placed

MAX_FACES = 5_000_000
# What a library says of a file that is damaged where it did not look.
DAMAGED = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError,
           ValueError, struct.error)  # fmt: skip
EMPTY = "this mesh is empty: it holds no triangles; export it again"


@dataclass(frozen=True, slots=True)
class Triangles:
    """Vertices (v, 3) float64 in mm, all finite, and at least one face (n, 3) of them."""

    vertices: NDArray[Any]
    faces: NDArray[Any]


def refuse_too_many(faces: int) -> None:
    """MeshInvalid for none, and for more than are read here."""
    if faces == 0:
        raise MeshInvalid(EMPTY)
    if faces > MAX_FACES:
        raise MeshInvalid(f"this mesh has {faces} triangles; simplify it to {MAX_FACES} or fewer")


def in_place(meshes: Sequence[Placed]) -> Triangles:
    """All of them as one, each where its matrix brings it."""
    refuse_too_many(sum(len(mesh.faces) // 3 for mesh in meshes))
    vertices, faces, before = [], [], 0
    for mesh in meshes:
        points = np.frombuffer(mesh.vertices, dtype=np.float64).reshape(-1, 3)
        matrix = np.array(mesh.matrix, dtype=np.float64).reshape(4, 3)
        own = np.frombuffer(mesh.faces, dtype=np.int32).reshape(-1, 3) + before
        vertices.append(points @ matrix[:3] + matrix[3])
        faces.append(own[:, ::-1] if mesh.mirrored else own)
        before += len(points)
    placed = np.concatenate(vertices)
    if not np.isfinite(placed).all():
        raise MeshInvalid("this mesh has corners that are at no place: its numbers are too large")
    return Triangles(placed, np.concatenate(faces))
