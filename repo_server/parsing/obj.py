"""Wavefront OBJ: corners and faces. No material, texture or other file that it names is opened."""

from array import array
from pathlib import Path
from typing import IO

import numpy as np

from commons.errors import MeshInvalid
from repo_server.parsing.triangles import MAX_FACES, Triangles, refuse_too_many

_MOST_LINE = 1 << 16  # a face of thousands of corners


def read(path: Path) -> Triangles:
    """In mm, since it names no unit; faces of more than three corners become fans.

    Raises MeshInvalid with the line that cannot be read.
    """
    with path.open("rb") as file:
        numbers, faces = _lists(file)
    refuse_too_many(len(faces) // 3)
    vertices = np.frombuffer(numbers, dtype=np.float64).reshape(-1, 3)
    corners = np.frombuffer(faces, dtype=np.int32).reshape(-1, 3)
    if corners.min() < 0 or corners.max() >= len(vertices):
        raise MeshInvalid("this OBJ has a face with a corner that it does not hold")
    if not np.isfinite(vertices).all():
        raise MeshInvalid("this OBJ has a corner that is nowhere: its numbers are not finite")
    return Triangles(vertices, corners)


def _lists(file: IO[bytes]) -> tuple["array[float]", "array[int]"]:
    """x, y, z of each vertex and a, b, c of each triangle, one after the other."""
    numbers, faces, number = array("d"), array("i"), 0
    while line := file.readline(_MOST_LINE):
        number += 1
        words = line.split()
        try:
            if words and words[0] == b"v":
                x, y, z = map(float, words[1:4])
                numbers.extend((x, y, z))
            elif words and words[0] == b"f":
                faces.extend(_fan(words[1:], len(numbers) // 3))
        except (ValueError, OverflowError) as error:
            raise MeshInvalid(
                f"line {number} of this OBJ cannot be read; it is damaged, or not a mesh"
            ) from error
        if len(faces) > 3 * MAX_FACES or len(numbers) > 9 * MAX_FACES:
            raise MeshInvalid(f"this mesh is too large; simplify it to {MAX_FACES} triangles")
    return numbers, faces


def _fan(words: list[bytes], corners: int) -> list[int]:
    """A polygon's triangles. Indices count from 1, or backwards from the last corner so far."""
    index = [int(word.partition(b"/")[0]) for word in words]
    index = [corners + one if one < 0 else one - 1 for one in index]
    if len(index) < 3:
        raise ValueError("a face needs three corners")
    return [
        one
        for at in range(1, len(index) - 1)
        for one in (index[0], index[at], index[at + 1])
    ]  # fmt: skip
