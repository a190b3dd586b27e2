"""3MF packages: the triangles of everything that the build places; and ours."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from numpy.typing import NDArray

from commons import threemf
from repo_server.parsing.glb import Node, Shape
from repo_server.parsing.package import parts_of
from repo_server.parsing.triangles import MAX_FACES, Triangles, in_place

_ALWAYS = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say: the same mesh is the same file


def read(path: Path) -> Triangles:
    """In mm, each object as often and where the build has it; MeshInvalid says why not."""
    with parts_of(path, "a 3MF file") as parts:

        def part(name: str) -> IO[bytes] | None:
            return parts[name.casefold()]() if name.casefold() in parts else None

        return in_place(threemf.read(part, most_faces=MAX_FACES))


def written(vertices: NDArray[Any], faces: NDArray[Any]) -> bytes:
    """A 3MF of one object of vertices (v, 3) in mm and faces (n, 3): the same bytes each time."""
    return written_parts([(vertices, faces)], [Node("", 0)])


def written_parts(shapes: Sequence[Shape], nodes: Sequence[Node]) -> bytes:
    """A 3MF in mm of these nodes, each an item of the build; an object for each shape and name.

    The same nodes are the same bytes every time. Colours are left out.
    """
    objects = list(dict.fromkeys((node.shape, node.name) for node in nodes))
    number = {key: at for at, key in enumerate(objects)}
    rows = [tuple(it.tolist() for it in shape) for shape in shapes]
    listed = [(name, *rows[shape]) for shape, name in objects]
    items = [(number[node.shape, node.name], _matrix(node)) for node in nodes]
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in threemf.package_of(listed, items):
            archive.writestr(zipfile.ZipInfo(name, _ALWAYS), text, zipfile.ZIP_DEFLATED)
    return package.getvalue()


def _matrix(node: Node) -> threemf.Matrix | None:
    """As 3MF has it, points on the left: four rows of three."""
    return None if node.matrix is None else tuple(node.matrix[:3].T.ravel().round(9).tolist())
