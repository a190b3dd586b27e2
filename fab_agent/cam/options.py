"""How a drawing is to be cut: what a person may choose. Loads nothing that mills."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from commons.wire import SCALLOP_MM, Axis, Lines, Scallop

# Between two cuts: a strip that is wide enough to hold until the end.
CLEARANCE_MM = 3.0

Diameter = Annotated[float, Field(gt=0, le=50)]


class CutOptions(BaseModel):
    """What is chosen for one job; mm.

    `nest` lays the parts of a drawing one by one, otherwise they keep together as they were drawn.
    `clearance_mm` stays between two cuts. `grain` is how the drawing wants the sheet's grain to
    run: then its parts are turned by 180° at most.

    The cutter climbs unless `conventional`. `leads` bring it to a contour on a circle beside it,
    where there is room. `finish_mm` is what roughing leaves for one last round at full depth.
    Circles of the diameters in `drill_mm` are holes wherever they lie.
    `cutters_mm` are the flat cutters that there are, by default the one in the machine's profile;
    between two of them the program stops for a person to change them.

    A surface is finished in `lines` along x, along y, or both, so far apart that a ball leaves
    ridges of `scallop_mm` between two of them on level ground.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    nest: bool = False
    clearance_mm: float = Field(default=CLEARANCE_MM, ge=0, le=100)
    grain: Axis | None = None
    conventional: bool = False
    leads: bool = True
    finish_mm: float = Field(default=0.0, ge=0, le=2)
    drill_mm: tuple[Diameter, ...] = Field(default=(), max_length=20)
    cutters_mm: tuple[Diameter, ...] = Field(default=(), max_length=4)
    lines: Lines = "x"
    scallop_mm: Scallop = SCALLOP_MM


CUT_AS_DRAWN = CutOptions()
