"""What shows a mesh: a GLB whose nodes are its parts, and a picture of the same."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fast_simplification
import numpy as np
from numpy.typing import NDArray

from repo_server.parsing import glb, picture
from repo_server.parsing.glb import Node, Shape
from repo_server.parsing.triangles import Colour, Piece, Triangles
from repo_server.parsing.weld import alike

PREVIEW_FACES = 30_000  # of all shapes together: as GLB some 0.55 MB, quick on a phone
_MOST_DRAWN = 90_000  # by a phone, where shapes stand at several places
_MOST_BYTES = 700_000  # of corners and faces, so that names and places still fit into 1 MB
_MOST_PIECES = 500
_LEAST_FACES = 12  # a box
_PACKED = 6  # the most takes nine times as long for a picture that is a tenth smaller
# A part of more faces than these is drawn from a copy whose corners lie on a grid of so many cells
# along its longest side: to simplify all of them takes more memory than there is.
_MOST_SIMPLIFIED, _CELLS = 1_500_000, 600

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece with its own faces, of the whole's vertices; the `rest` of the pieces is one."""

    piece: Piece
    faces: Array
    rest: int = 0


def show(mesh: Triangles, out: Path) -> int:
    """`out` holds the mesh, in mm, as a GLB of at most 1 MB and as a PNG; the number of faces that
    the GLB shows. Pieces of one shape cost it once."""
    faces_of, nodes = shared(mesh, most=_MOST_PIECES)
    placed = sum(len(faces_of[node.shape]) for node in nodes)
    shapes = _simplified(mesh.vertices, faces_of, placed)
    (out / "preview").write_bytes(glb.written_parts(shapes, nodes))
    vertices, faces, colours = _together(shapes, nodes)
    picture.of_mesh(vertices, faces, colours).save(out / "thumbnail", "PNG", compress_level=_PACKED)
    return len(faces)


def shared(mesh: Triangles, *, most: int) -> tuple[list[Array], list[Node]]:
    """The faces (n, 3) of each shape, of the mesh's vertices, where its first piece stands; and a
    node for each of the pieces, at most so many: of more, the smallest are one without a name."""
    parts = _parts_of(mesh, most)
    firsts: dict[int, _Part] = {}
    for part in parts:
        firsts.setdefault(part.piece.shape, part)
    number = {shape: at for at, shape in enumerate(firsts)}
    nodes = [_node(it, firsts[it.piece.shape], number[it.piece.shape]) for it in parts]
    return [part.faces for part in firsts.values()], nodes


def own_corners(vertices: Array, faces: Array) -> Shape:
    """The faces with those vertices alone that they use."""
    used, own = np.unique(faces, return_inverse=True)
    return vertices[used], own.reshape(-1, 3)


def _parts_of(mesh: Triangles, most: int) -> list[_Part]:
    pieces = mesh.pieces or (Piece("", 0, len(mesh.faces), 0, np.eye(4)),)
    kept = set(range(len(pieces)))
    if len(pieces) > most:
        kept = set(_by_size(mesh)[: most - 1].tolist())
    parts = [
        _Part(_apart(piece, number), mesh.faces[piece.first : piece.end])
        for number, piece in enumerate(pieces)
        if number in kept
    ]
    rest = [mesh.faces[it.first : it.end] for n, it in enumerate(pieces) if n not in kept]
    if rest:
        parts.append(_Part(Piece("", 0, 0, -1, np.eye(4)), np.concatenate(rest), len(rest)))
    return parts


def _apart(piece: Piece, number: int) -> Piece:
    """What is squeezed flat by its place cannot be brought to another one: it is a shape alone."""
    with np.errstate(all="ignore"):
        flat = not np.linalg.cond(piece.place[:3, :3]) < 1e9
    return replace(piece, shape=-2 - number) if flat else piece


def _by_size(mesh: Triangles) -> Array:
    """The numbers of the pieces, the longest one first."""
    corners = mesh.vertices[mesh.faces]
    starts = [piece.first for piece in mesh.pieces]
    high = np.maximum.reduceat(corners.max(axis=1), starts)
    low = np.minimum.reduceat(corners.min(axis=1), starts)
    order: Array = np.argsort(-np.linalg.norm(high - low, axis=1), kind="stable")
    return order


def _node(part: _Part, first: _Part, shape: int) -> Node:
    """Each shape stands as its first piece does; the matrix leads from there to this one."""
    matrix = None if part is first else part.piece.place @ np.linalg.inv(first.piece.place)
    return Node(part.piece.name, shape, matrix, part.piece.colour, part.rest)


def _simplified(vertices: Array, shapes: Sequence[Array], placed: int) -> list[Shape]:
    """Each of the shapes with its own corners, all with the same share of their faces."""
    own = sum(map(len, shapes))
    share = min(1.0, PREVIEW_FACES / own, _MOST_DRAWN / placed)
    while True:
        made = [_smaller(vertices, faces, share) for faces in shapes]
        size = sum(points.nbytes + faces.nbytes for points, faces in made)
        if size <= _MOST_BYTES or share < _LEAST_FACES / own:
            return made
        share *= 0.9 * _MOST_BYTES / size  # corners that few faces share, or none


def _smaller(vertices: Array, faces: Array, share: float) -> Shape:
    target = max(_LEAST_FACES, int(share * len(faces)))
    if len(faces) > _MOST_SIMPLIFIED:
        vertices, faces = _coarse(vertices, faces)
    points, own = own_corners(vertices, faces)
    points, own = points.astype(np.float32), own.astype(np.uint32)
    if len(own) <= target:
        return points, own
    fewer, corners = fast_simplification.simplify(points, own.astype(np.int32), target_count=target)
    if not len(corners):  # nothing was left of it
        return _smaller(points, own[:target], 1.0)
    return fewer.astype(np.float32), corners.astype(np.uint32)


def _coarse(vertices: Array, faces: Array) -> tuple[Array, Array]:
    """One vertex of each cell of the grid, and the faces that still have three."""
    cell = max(float(np.ptp(vertices, axis=0).max()) / _CELLS, 1e-12)
    firsts, number = alike((vertices / cell).round())
    faces = number.take(faces)
    a, b, c = faces[:, 0], faces[:, 1], faces[:, 2]
    return vertices.take(firsts, axis=0), faces[(a != b) & (b != c) & (c != a)]


def _together(
    shapes: Sequence[Shape], nodes: Sequence[Node]
) -> tuple[Array, Array, list[Colour | None]]:
    """Vertices, faces, and the colour of each face, with every node where it stands."""
    vertices, faces, colours, before = [], [], [], 0
    for node in nodes:
        points, own = shapes[node.shape]
        if node.matrix is not None:
            points = points @ node.matrix[:3, :3].T + node.matrix[:3, 3]
        vertices.append(points)
        faces.append(own.astype(np.int64) + before)
        colours += [node.colour] * len(own)
        before += len(points)
    return np.concatenate(vertices), np.concatenate(faces), colours
