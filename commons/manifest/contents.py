"""What a manifest says, as checked values: the same ones for every dialect."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from commons.errors import FieldProblem
from commons.machine import Process


class Format(StrEnum):
    """What a part is made from."""

    MESH = "mesh"
    DRAWING = "drawing"
    SOLID = "solid"  # of a CAD program: machines are fed with the mesh that is made of it


_FORMATS = {".stl": Format.MESH, ".3mf": Format.MESH, ".obj": Format.MESH,
            ".dxf": Format.DRAWING, ".svg": Format.DRAWING,
            ".step": Format.SOLID, ".stp": Format.SOLID}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a design. `file` is the export that machines are fed with, if there is one;
    `source` an OpenSCAD program that draws it.

    mass in g; `size_mm` is (width, depth, height); `thickness_mm` is the sheet's, for milling.
    """

    name: str
    process: Process | None
    file: str | None
    material: str | None
    quantity: int
    mass_g: float | None
    size_mm: tuple[float, float, float] | None
    thickness_mm: float | None
    image: str | None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A checked manifest. `data` is everything that was written, as JSON data in the words of OKH
    2.4 or LOSH; what came in another dialect has the rest under `cosmolocal`."""

    name: str
    version: str
    license: str
    licensors: tuple[str, ...]
    function: str
    repo: str
    image: str | None
    readme: str | None
    bom: str | None
    parts: tuple[Part, ...]
    data: Mapping[str, object]


def draws(path: str) -> bool:
    """Whether a body can be drawn by running the file, by its ending."""
    return PurePosixPath(path).suffix.lower() == ".scad"


def format_of(path: str) -> Format | None:
    """What kind of file a machine would be fed with, by its ending; None for anything else."""
    return _FORMATS.get(PurePosixPath(path).suffix.lower())


def missing_files(manifest: Manifest, names: Callable[[str], bool]) -> tuple[FieldProblem, ...]:
    """One problem for each file that the manifest names and the release does not hold.

    `names(path)` answers whether the release holds a file of this path.
    """
    named = [("readme", manifest.readme), ("image", manifest.image), ("bom", manifest.bom)]
    named += [(f"part[{i}].export", part.file) for i, part in enumerate(manifest.parts, 1)]
    named += [(f"part[{i}].image", part.image) for i, part in enumerate(manifest.parts, 1)]
    return tuple(
        FieldProblem(field, f"'{path}' is not among the files of this release")
        for field, path in named
        if path and not names(path)
    )
