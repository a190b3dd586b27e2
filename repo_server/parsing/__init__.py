"""Strangers' files: each opened in a limited child process, and nowhere else.

`inspection` and `sandbox` run in the server and import no parser; `child` runs in the child
process and imports the one module that the table below names for the kind of file.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parser:
    """The module that reads a kind of file. A greater `version` reads all of them again."""

    module: str
    version: int
    preview_type: str | None = None


@dataclass(frozen=True, slots=True)
class Maker:
    """The module that makes a file of meshes, and what that is called. A greater `version` makes
    it anew for whoever asks again."""

    module: str
    version: int
    file: str


REPAIR = Maker("repair", version=1, file="repaired")
SHAPE_CHANGE = Maker("shape_change", version=1, file="preview")

_MESH = Parser("mesh", version=4, preview_type="model/gltf-binary")
_STEP = Parser("step", version=2, preview_type="model/gltf-binary")
_IMAGE = Parser("image", version=2)
_KICAD = Parser("kicad", version=1, preview_type="image/svg+xml")
_GERBER = Parser("gerber", version=1, preview_type="image/svg+xml")
_DRILLS = Parser("excellon", version=1, preview_type="image/svg+xml")
_PROGRAM = Parser("gcode", version=1)

# Each layer of a board has an ending of its own, where it is not `gbr`.
GERBERS = ("gbr", "gtl", "gbl", "gts", "gbs", "gto", "gbo", "gtp", "gbp", "gko", "gm1")
# A kind is the ending of a file's name.
KINDS = {
    "stl": _MESH,
    "3mf": _MESH,
    "obj": _MESH,
    "ply": _MESH,
    "glb": _MESH,
    "amf": _MESH,
    "step": _STEP,
    "stp": _STEP,
    "dxf": Parser("dxf", version=2, preview_type="image/svg+xml"),
    "svg": Parser("svg", version=2, preview_type="image/svg+xml"),
    "png": _IMAGE,
    "jpg": _IMAGE,
    "jpeg": _IMAGE,
    "webp": _IMAGE,
    "gif": _IMAGE,
    "md": Parser("markdown", version=1),
    "pdf": Parser("pdf", version=1),
    "gcode": _PROGRAM,
    "gco": _PROGRAM,
    "nc": _PROGRAM,
    "ngc": _PROGRAM,
    "kicad_pcb": _KICAD,
    "kicad_sch": _KICAD,
    **dict.fromkeys(GERBERS, _GERBER),
    "drl": _DRILLS,
    "xln": _DRILLS,
    "scad": Parser("scad", version=2, preview_type="model/gltf-binary"),
    "fcstd": Parser("container", version=1),
    "zip": Parser("container", version=2),
}


def kind_of(path: str) -> str | None:
    """The kind of file that a parser of ours reads; None for all others."""
    _, dot, kind = path.lower().rpartition(".")
    return kind if dot and kind in KINDS else None


def is_mesh(path: str) -> bool:
    """Whether the file is one of triangles, by its name."""
    return KINDS.get(kind_of(path) or "") is _MESH
