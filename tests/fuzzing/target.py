"""What a target is, and where each is made."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from commons.errors import InvalidInput

CORPUS = Path(__file__).parent / "corpus"
# The targets of each module, by the names that `make fuzz TARGET=…` takes.
MODULES = {
    "meshes": ("stl", "3mf", "3mf-model", "obj", "ply", "glb", "amf", "lab-mesh"),
    "drawings": (
        "dxf", "svg", "lab-dxf", "lab-svg", "gbr", "drl", "kicad_pcb", "kicad_sch"
    ),
    "programs": (
        "gcode", "print-program", "klipper-program", "mill-program", "marlin-answer", "grbl-answer"
    ),
    "texts": ("okh.toml", "okh.yml", "bom", "licence", "version", "scad", "md"),
    "requests": ("okw", "archive", "search", "cursor", "upload-header"),
}  # fmt: skip
TARGETS = {name: module for module, names in MODULES.items() for name in names}


@dataclass(frozen=True, slots=True)
class Target:
    """`read` is given bytes and an empty folder of its own; it returns, or raises InvalidInput.

    `good` are read. Whatever else comes of any bytes is a finding.
    """

    read: Callable[[bytes, Path], object]
    good: tuple[bytes, ...]

    def holds(self, data: bytes, folder: Path) -> bool:
        """Whether the bytes were read, and not refused; any other error is a finding."""
        try:
            self.read(data, folder)
        except InvalidInput:
            return False
        return True


def target(name: str) -> Target:
    """The target of this name. Only the readers of its module are loaded."""
    module = importlib.import_module(f"tests.fuzzing.{TARGETS[name]}")
    made: Target = module.TARGETS[name]()
    return made


def kept(name: str) -> list[Path]:
    """The files of the target's corpus: each was a finding, or reaches what no other does."""
    return sorted(path for path in (CORPUS / name).glob("*") if path.is_file())
