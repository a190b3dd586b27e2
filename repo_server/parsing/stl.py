"""STL, binary and text. It names no unit: millimetres, as every slicer takes it."""

from array import array
from collections.abc import Iterable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from commons.errors import MeshInvalid
from repo_server.parsing.triangles import EMPTY, MAX_FACES, Triangles, refuse_too_many
from repo_server.parsing.weld import FACES_AT_ONCE, stretches, weld_in_turn

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
            return Triangles(*weld_in_turn(_somewhere(_binary(file, count))))
        if head.lstrip()[:5].lower() == b"solid":
            file.seek(0)
            return Triangles(*weld_in_turn(_somewhere(stretches(_text(file)))))
    raise MeshInvalid(
        f"this is not an STL mesh, or only a part of one: {size} bytes do not hold the "
        f"{count} triangles that it announces; export and publish it again"
    )


def _somewhere(found: Iterable[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """Those of the faces (m, 3, 3) whose corners are all finite; MeshInvalid if there are none."""
    empty = True
    for corners in found:
        finite = np.isfinite(corners)
        some = corners if finite.all() else corners[finite.all(axis=(1, 2))]
        if len(some):
            empty = False
            yield some
    if empty:
        raise MeshInvalid(EMPTY)


def _binary(file: BufferedReader, count: int) -> Iterator[NDArray[Any]]:
    """Corners (m, 3, 3), a part of the file at once, each in the memory of the one before."""
    part = np.empty(min(count, FACES_AT_ONCE), dtype=_RECORD)
    for at in range(0, count, FACES_AT_ONCE):
        some = part[: count - at]
        file.readinto(some.view(np.uint8).data)
        yield some["corners"]


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
