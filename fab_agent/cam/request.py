"""What is asked of the child that mills, and what it answers. This module reads no drawing.

It is loaded by every machine's process, which keeps nothing of what mills in its memory.
"""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from commons.cutters import CutterShape
from commons.machine import MachineProfile
from fab_agent.cam.options import CutOptions
from fab_agent.cam.stock import Stock


class Kind(StrEnum):
    """The formats of drawings that can be read."""

    DXF = "dxf"
    SVG = "svg"


class MeshKind(StrEnum):
    """The formats of meshes that can be read."""

    STL = "stl"
    THREE_MF = "3mf"
    OBJ = "obj"


class Way(StrEnum):
    """How a mesh is milled: as a flat plate by its outline, or as a surface line by line.

    AUTO takes a plate for a plate and everything else for a surface.
    """

    AUTO = "auto"
    PLATE = "plate"
    SURFACE = "surface"


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class MillRequest(_Message):
    """Which drawing or mesh to cut out of which sheet on which machine; paths as the child sees
    them.
    """

    kind: Kind | MeshKind
    stock: Stock
    profile: MachineProfile
    unit: str | None = None
    way: Way = Way.AUTO
    copies: int = Field(default=1, ge=1, le=1000)
    options: CutOptions = CutOptions()
    drawing: str = "/in/drawing"
    program: str = "/out/program.nc"


class Offcut(_Message):
    """A rectangle of the sheet that no cut touches, mm from the sheet's lower left corner."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float


class MillAnswer(_Message):
    """A program that was written: its hash, lines and estimate. mm, s, g.

    `speeds` are those of each cutter, with the chip that each edge takes, in words. `way` is how
    a mesh was milled, never AUTO; a drawing is a plate.
    """

    sha256: str
    line_count: int
    duration_s: float
    cut_length_mm: float
    used_mm: tuple[float, float]
    part_mass_g: float
    sheet_mass_g: float
    speeds: str
    warnings: tuple[str, ...]
    # In their order, with a stop for the change between each two; empty: the one in the profile.
    cutters_mm: tuple[float, ...] = ()
    # Their ends; empty: all are flat, or it is the one in the profile.
    cutter_shapes: tuple[CutterShape, ...] = ()
    # What stays whole of the sheet, the largest first: what a lab can book.
    offcuts: tuple[Offcut, ...] = ()
    way: Way = Way.PLATE

    @model_validator(mode="after")
    def _each_cutter_has_its_shape(self) -> Self:
        if self.cutter_shapes and len(self.cutter_shapes) != len(self.cutters_mm):
            raise ValueError("cutter_shapes: one for each of cutters_mm, or none")
        return self

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person is told: speeds, warnings, and what stays whole of the sheet."""
        sizes = [f"{it.width_mm:.0f} x {it.height_mm:.0f} mm" for it in self.offcuts]
        whole = (f"of the sheet {' and '.join(sizes)} stay whole",) if sizes else ()
        return (self.speeds, *self.warnings, *whole)


class MillRefusal(_Message):
    """Why there is no program: the name of the error, its sentence, and its rule if any."""

    error: str
    message: str
    rule: str | None = None
