"""STL, binary and text. It names no unit: millimetres, as every slicer takes it."""

from array import array
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from commons.errors import MeshInvalid
from repo_server.parsing.surface import weld
from repo_server.parsing.triangles import EMPTY, MAX_FACES, Triangles, refuse_too_many

_HEADER, _FACE = 84, 50
_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("colour", "<u2")])
_MOST_LINE = 4096


def read(path: Path) -> Triangles:
    """The triangles whose corners are all somewhere, corners that are equal made one.

    Raises MeshInvalid when the file is no STL, or only a part of one.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(1024)
        count = int.from_bytes(head[80:_HEADER], "little") if size >= _HEADER else 0
        if size >= _HEADER and size == _HEADER + _FACE * count:
            refuse_too_many(count)
            file.seek(_HEADER)
            corners = _binary(file, count)
        elif head.lstrip()[:5].lower() == b"solid":
            file.seek(0)
            corners = _text(file)
        else:
            raise MeshInvalid(
                f"this is not an STL mesh, or only a part of one: {size} bytes do not hold the "
                f"{count} triangles that it announces; export and publish it again"
            )
    finite = np.isfinite(corners).all(axis=(1, 2))
    if not finite.any():
        raise MeshInvalid(EMPTY)
    return Triangles(*weld(corners if finite.all() else corners[finite]))


def _binary(file: IO[bytes], count: int) -> NDArray[Any]:
    """Corners (n, 3, 3). Read in blocks: normals and colours never fill the memory."""
    corners = np.empty((count, 3, 3), dtype=np.float32)
    block = 1 << 16
    for at in range(0, count, block):
        some = np.fromfile(file, dtype=_RECORD, count=min(block, count - at))
        corners[at : at + len(some)] = some["corners"]
    return corners


def _text(file: IO[bytes]) -> NDArray[Any]:
    """Corners (n, 3, 3), line by line: only those that begin with `vertex` say where they are."""
    numbers = array("f")
    number = ended = 0
    while line := file.readline(_MOST_LINE):
        number += 1
        words = line.split()
        if words and words[0].lower() == b"vertex":
            try:
                x, y, z = map(float, words[1:])
            except (ValueError, OverflowError) as error:
                raise MeshInvalid(
                    f"line {number} of this STL does not say where a corner is; export it again"
                ) from error
            numbers.extend((x, y, z))
        elif words and words[0].lower() == b"endsolid":
            ended += 1
        if len(numbers) > 9 * MAX_FACES:
            refuse_too_many(MAX_FACES + 1)
    refuse_too_many(len(numbers) // 9)
    if len(numbers) % 9 or not ended:
        raise MeshInvalid("this STL ends within a triangle: it is only a part of one")
    return np.frombuffer(numbers, dtype=np.float32).reshape(-1, 3, 3)
