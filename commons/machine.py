"""What a machine can do: its profile, its limits, and the materials it takes.

Units: mm, mm/s, °C, W, s, rpm. Angles do not occur.
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Process(StrEnum):
    """How a part is made. The values are the words of OKH `tsdc` in lower case."""

    FDM = "fdm"
    CNC = "cnc"


class Driver(StrEnum):
    """The protocol that the machine or its print host speaks."""

    MARLIN = "marlin"
    GRBL = "grbl"
    OCTOPRINT = "octoprint"

    @property
    def hosted(self) -> bool:
        """A print host stands between the agent and the machine: reached by url, not by port."""
        return self is Driver.OCTOPRINT


class Value(BaseModel):
    """A frozen value that crosses the wire; a key that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Envelope(Value):
    """The box, in machine coordinates (mm), that no point of any program may leave.

    A printer's origin is its homed corner, so the box is 0…bed size. A router's work zero is
    set by a person on the sheet: there the box is what the sheet and the axes allow around it.
    """

    x_min_mm: Finite = 0.0
    y_min_mm: Finite = 0.0
    z_min_mm: Finite = 0.0
    x_max_mm: Positive
    y_max_mm: Positive
    z_max_mm: Positive

    @model_validator(mode="after")
    def _is_a_box(self) -> Self:
        for axis in "xyz":
            if getattr(self, f"{axis}_min_mm") >= getattr(self, f"{axis}_max_mm"):
                raise ValueError(f"{axis}_min_mm must be less than {axis}_max_mm")
        return self

    @property
    def size_mm(self) -> tuple[float, float, float]:
        """Edge lengths (x, y, z) in mm."""
        return (
            self.x_max_mm - self.x_min_mm,
            self.y_max_mm - self.y_min_mm,
            self.z_max_mm - self.z_min_mm,
        )


class Park(Value):
    """Where a printer waits while a person holds its print, in machine coordinates (mm).

    The hot end first pulls the filament back by `retract_mm` and rises by `lift_mm`, never above
    the envelope.
    """

    x_mm: Finite = 0.0
    y_mm: Finite = 0.0
    lift_mm: Positive = 10.0
    retract_mm: NotNegative = 2.0


class PrintLimits(Value):
    """What an FDM printer may be asked for; temperatures are the machine's own maxima."""

    nozzle_mm: Positive = 0.4
    hotend_max_c: Positive = 260.0
    bed_max_c: NotNegative = 100.0
    # Below this the filament is solid and the extruder grinds it (Marlin's EXTRUDE_MINTEMP).
    extrude_min_c: Positive = 170.0
    max_extrude_mm_s: Positive = 50.0
    # None: the hot end stays where it is while the print is held.
    park: Park | None = None


class MillLimits(Value):
    """What a router may be asked for, and the cutter in its collet."""

    cutter_mm: Positive = 3.0
    spindle_max_rpm: Positive = 24000.0
    spindle_min_rpm: NotNegative = 1000.0
    max_plunge_mm_s: Positive = 10.0
    # It has limit switches: it must be homed, and its firmware must guard its travel.
    homing: bool = True


class MachineProfile(Value):
    """What one machine can do and what it must never be asked for.

    Exactly one of `fdm` and `cnc` is given, and it is the one that `process` names.
    """

    name: Annotated[str, Field(min_length=1, max_length=80)]
    process: Process
    driver: Driver
    envelope: Envelope
    max_feed_mm_s: Positive
    max_feed_z_mm_s: Positive
    materials: tuple[str, ...]
    rated_power_w: Positive | None = None
    attended_only: bool = True
    # A machine made of memory: its figures are shown apart, never as production.
    simulated: bool = False
    fdm: PrintLimits | None = None
    cnc: MillLimits | None = None

    @model_validator(mode="after")
    def _limits_fit_process(self) -> Self:
        given = {p for p, limits in ((Process.FDM, self.fdm), (Process.CNC, self.cnc)) if limits}
        if given != {self.process}:
            raise ValueError(f"give the limits of '{self.process}' and no others")
        return self


class Material(Value):
    """What a part is made of. `density_g_cm3` turns volume into mass."""

    key: str
    name: str
    process: Process
    density_g_cm3: Positive
    nozzle_c: Positive | None = None
    bed_c: NotNegative | None = None
    nozzle_max_c: Positive | None = None


# Typical data-sheet densities and temperatures; birch plywood from EN 636 product sheets.
MATERIALS: dict[str, Material] = {
    m.key: m
    for m in (
        Material(key="pla", name="PLA", process=Process.FDM, density_g_cm3=1.24,
                 nozzle_c=210, bed_c=60, nozzle_max_c=235),
        Material(key="petg", name="PETG", process=Process.FDM, density_g_cm3=1.27,
                 nozzle_c=240, bed_c=80, nozzle_max_c=260),
        Material(key="plywood", name="Birch plywood", process=Process.CNC, density_g_cm3=0.68),
    )
}  # fmt: skip
