"""A program as it will be sent: one bare command a line, hashed, with its estimate."""

from dataclasses import dataclass
from pathlib import Path

from commons.cutters import CutterShape
from commons.machine import Process

# The line at which a milling program stops for another cutter. No machine is ever sent it.
CUTTER_STOP = b"M0"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a program will use. None where it does not apply or is not known.

    `claimed_*` is what the slicer said; the others are our own reading of the toolpath.
    """

    duration_s: float
    material_mm3: float | None
    claimed_duration_s: float | None = None
    claimed_material_mm3: float | None = None


@dataclass(frozen=True, slots=True)
class GcodeProgram:
    """A file on disk with exactly the bytes that a machine will get, one command a line.

    Invariant: `sha256` (hex) is the hash of the file's bytes; there are no comments, no empty
    lines and no characters outside printable ASCII; every line ends in a newline. `low` and
    `high` are the corners of the box of all its points (mm), where its proof has found them.
    `cutters_mm` are the diameters of its cutters in their order, with a CUTTER_STOP between each
    two; empty where nobody told them: then it has one tool. `cutter_shapes` are their ends, empty
    where all are flat. `pose` says in words how a print was
    laid; empty where it lies as it was drawn. `offcuts_mm` are the largest rectangles (along X,
    along Y) that it leaves whole of a sheet, the largest first.
    """

    path: Path
    sha256: str
    line_count: int
    process: Process
    estimate: Estimate
    low: tuple[float, float, float] | None = None
    high: tuple[float, float, float] | None = None
    cutters_mm: tuple[float, ...] = ()
    cutter_shapes: tuple[CutterShape, ...] = ()
    pose: str = ""
    offcuts_mm: tuple[tuple[float, float], ...] = ()
