"""The calibration part on every printer that we know: kind × nozzle × material × quality.

The part is a block of 20 mm with three steps, a hole through it and a ledge that hangs in the air.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fab_agent.printers.kinds import kinds
from fab_agent.slicing.mesh import Triangles, binary_stl
from fab_agent.slicing.profile import qualities
from tests.corpus.real import Recipe
from tests.printers import machine_of

_EDGE_MM = 4.0
_RISE_MM = 3.0
_STEP = 38  # through the recipes of a kind: so the few have every nozzle, material and quality
# Cells seen from above, five by five: up to which layer each is filled …
_HEIGHTS = (
    (2, 2, 2, 2, 2),
    (2, 0, 4, 4, 4),
    (2, 4, 4, 4, 4),
    (2, 4, 4, 5, 5),
    (2, 4, 4, 5, 5),
)
# … and the ledge in the topmost layer, over the lowest step.
_LEDGE = ((4, 0), (4, 1), (4, 2))
# The four corners of a cell's face in each direction, walked so that it looks outwards.
_FACES = {
    (-1, 0, 0): ((0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0)),
    (1, 0, 0): ((1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 0, 1)),
    (0, -1, 0): ((0, 0, 0), (1, 0, 0), (1, 0, 1), (0, 0, 1)),
    (0, 1, 0): ((0, 1, 0), (0, 1, 1), (1, 1, 1), (1, 1, 0)),
    (0, 0, -1): ((0, 0, 0), (0, 1, 0), (1, 1, 0), (1, 0, 0)),
    (0, 0, 1): ((0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)),
}


def part() -> bytes:
    """The calibration part as an STL: closed, facing outwards, 20 x 20 x 15 mm."""
    return binary_stl(triangles())


def triangles() -> Triangles:
    """Its surface, its corner at 0, 0, 0."""
    filled = {
        (x, y, z) for y, row in enumerate(_HEIGHTS) for x, top in enumerate(row) for z in range(top)
    }
    filled |= {(x, y, 4) for y, x in _LEDGE}
    found = [
        triangle
        for cell in sorted(filled)
        for way, corners in _FACES.items()
        if tuple(np.add(cell, way).tolist()) not in filled
        for triangle in _halves(np.add(cell, corners))
    ]
    return np.array(found) * (_EDGE_MM, _EDGE_MM, _RISE_MM)


def _halves(corners: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return corners[[0, 1, 2]], corners[[0, 2, 3]]


def recipes(folder: Path) -> Iterator[Recipe]:
    """The part in every way in which our printers can make it; its file is in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "calibration.stl"
    file.write_bytes(part())
    for key, kind in kinds().items():
        for nozzle_mm in kind.nozzles_mm:
            machine = machine_of(key, nozzle_mm=nozzle_mm)
            for material in machine.materials:
                for quality in qualities():
                    name = f"calibration, {machine.name} mm, {material}, {quality}"
                    yield Recipe(name, file, machine, material, quality)


def covering(every: Iterable[Recipe]) -> list[Recipe]:
    """One of each kind of printer, in which every nozzle, material and quality is at least once."""
    of_kind: dict[str | None, list[Recipe]] = {}
    for recipe in every:
        of_kind.setdefault(recipe.machine.model, []).append(recipe)
    return [
        recipes[number * _STEP % len(recipes)] for number, recipes in enumerate(of_kind.values(), 1)
    ]
