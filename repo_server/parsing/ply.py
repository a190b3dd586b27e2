"""PLY: corners and faces; colours and everything else it may carry are left out."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from commons.errors import MeshInvalid
from repo_server.parsing.triangles import DAMAGED, MAX_FACES, Triangles, refuse_too_many

_MOST_HEADER = 1 << 16
_DAMAGED = "this cannot be read as PLY: it is damaged, or not a mesh"
_ELEMENT = re.compile(rb"^element[ \t]+(\w+)[ \t]+(\d{1,18})[ \t]*\r?$", re.MULTILINE)


def read(path: Path) -> Triangles:
    """In mm, since it names no unit. Raises MeshInvalid when it is none, or counts wrongly."""
    _check_header(path)
    import trimesh  # takes a second: only the files that need it wait

    try:
        with path.open("rb") as file, np.errstate(all="ignore"):
            mesh: Any = trimesh.load_mesh(file, file_type="ply", process=False)
            faces = np.asarray(getattr(mesh, "faces", ()))
            vertices = np.asarray(mesh.vertices, dtype=np.float64)[:, [0, 1, 2]]
    except DAMAGED as error:
        raise MeshInvalid(_DAMAGED) from error
    refuse_too_many(len(faces))
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise MeshInvalid("this PLY has a face with a corner that it does not hold")
    if not np.isfinite(vertices).all():
        raise MeshInvalid("this PLY has a corner that is nowhere: its numbers are not finite")
    return Triangles(vertices, faces)


def _check_header(path: Path) -> None:
    """It counts no more than its own bytes can hold: each element takes one or more."""
    with path.open("rb") as file:
        head, end, _ = file.read(_MOST_HEADER).partition(b"end_header")
    if not head.startswith(b"ply") or not end:
        raise MeshInvalid(_DAMAGED)
    counts = {name: int(count) for name, count in _ELEMENT.findall(head)}
    if sum(counts.values()) > path.stat().st_size:
        raise MeshInvalid("this PLY is only a part of one: it announces more than it holds")
    refuse_too_many(counts.get(b"face", 0))
    if counts.get(b"vertex", 0) > 3 * MAX_FACES:
        raise MeshInvalid(f"this mesh is too large; simplify it to {MAX_FACES} triangles")
