"""What every reader of meshes answers: triangles, as many as are taken, each in its place; and
which of them are which part."""

import hashlib
import struct
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
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
_MOST_NAMES, _MOST_LETTERS = 40, 80

Colour = tuple[float, float, float]  # red, green, blue from 0 to 1, linear as light is


@dataclass(frozen=True, slots=True)
class Piece:
    """A part where it stands in an assembly: the faces from `first` up to `end` of the whole.

    Pieces of the same `shape` are alike: `place` (4, 4) brings the shape to each of them, in mm,
    points as columns. `name` is "" where the file gives none, `colour` None.
    """

    name: str
    first: int
    end: int
    shape: int
    place: NDArray[Any]
    colour: Colour | None = None


@dataclass(frozen=True, slots=True)
class Triangles:
    """Vertices (v, 3) float64 in mm, all finite, and at least one face (n, 3) of them.

    `pieces` share out the faces in their order; there are none where a file knows no parts.
    """

    vertices: NDArray[Any]
    faces: NDArray[Any]
    pieces: tuple[Piece, ...] = ()


def refuse_too_many(faces: int) -> None:
    """MeshInvalid for none, and for more than are read here."""
    if faces == 0:
        raise MeshInvalid(EMPTY)
    if faces > MAX_FACES:
        raise MeshInvalid(f"this mesh has {faces} triangles; simplify it to {MAX_FACES} or fewer")


def in_place(meshes: Sequence[Placed]) -> Triangles:
    """All of them as one, each a piece where its matrix brings it."""
    refuse_too_many(sum(len(mesh.faces) // 3 for mesh in meshes))
    vertices, faces, pieces, before, first = [], [], [], 0, 0
    shape_of = _Alike()
    for mesh in meshes:
        points = np.frombuffer(mesh.vertices, dtype=np.float64).reshape(-1, 3)
        matrix = np.array(mesh.matrix, dtype=np.float64).reshape(4, 3)
        own = np.frombuffer(mesh.faces, dtype=np.int32).reshape(-1, 3) + before
        vertices.append(points @ matrix[:3] + matrix[3])
        faces.append(own[:, ::-1] if mesh.mirrored else own)
        pieces.append(
            Piece(
                name=plain(mesh.name),
                first=first,
                end=first + len(own),
                shape=shape_of(mesh),
                place=np.vstack([matrix.T, (0, 0, 0, 1)]),
                colour=linear(mesh.colour),
            )
        )
        before += len(points)
        first += len(own)
    placed = np.concatenate(vertices)
    if not np.isfinite(placed).all():
        raise MeshInvalid("this mesh has corners that are at no place: its numbers are too large")
    return Triangles(placed, np.concatenate(faces), tuple(pieces))


class _Alike:
    """Numbers shapes. Meshes of the same numbers are one shape, though a file holds them several
    times; a mirrored one is another."""

    def __init__(self) -> None:
        self._seen: dict[int, bytes] = {}
        self._shapes: dict[tuple[bytes, bool], int] = {}

    def __call__(self, mesh: Placed) -> int:
        held = id(mesh.vertices)
        if held not in self._seen:
            self._seen[held] = _digest(mesh.vertices, mesh.faces)
        return self._shapes.setdefault((self._seen[held], mesh.mirrored), len(self._shapes))


def _digest(*numbers: "array[float] | array[int]") -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for some in numbers:
        digest.update(some)
    return digest.digest()


def plain(name: str) -> str:
    """A stranger's name without what cannot be printed, as long as fits into a list."""
    printed = "".join(letter if letter.isprintable() else " " for letter in name)
    return " ".join(printed.split())[:_MOST_LETTERS]


def linear(colour: str | None) -> Colour | None:
    """The colour #RRGGBB or #RRGGBBAA of a screen; None for what is none."""
    try:
        bright = bytes.fromhex((colour or "").removeprefix("#"))
    except ValueError:
        return None
    if len(bright) not in (3, 4):
        return None
    red, green, blue = (
        level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4
        for level in (byte / 255 for byte in bright[:3])
    )
    return red, green, blue


def counted(pieces: Iterable[Piece]) -> list[dict[str, object]]:
    """The names of the parts, each with how often it is there: the most frequent ones."""
    names = Counter(piece.name for piece in pieces)
    return [{"name": name, "count": count} for name, count in names.most_common(_MOST_NAMES)]
