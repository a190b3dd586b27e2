"""The whole way from a mesh that is no plate to a proved program that carves it."""

from math import ceil

import shapely
from shapely import Polygon

from commons.errors import ProgramRefused
from commons.machine import MachineProfile, MillLimits
from fab_agent.cam.cutter import Cutter, cutter_for, speeds_in_words
from fab_agent.cam.drawing import Triangles
from fab_agent.cam.duration import duration_s, dynamics_of
from fab_agent.cam.gcode import SPIN_UP_S, grbl_lines
from fab_agent.cam.heights import Shape, grid_over
from fab_agent.cam.mill import MillPlan
from fab_agent.cam.placing import moved_path, placed
from fab_agent.cam.planform import height_mm, volume_mm3
from fab_agent.cam.stock import Stock
from fab_agent.cam.surface import TRENCH, hidden_share, surface_paths
from fab_agent.cam.toolpath import toolpath_of
from fab_agent.gcode.milling import SAFE_MM
from fab_agent.gcode.program import Estimate
from fab_agent.gcode.proof import prove

# What stays of the sheet under a surface, and holds it: plywood varies by 0.2 mm.
SKIN_MM = 1.0
_HIDDEN_SHARE = 0.001


def mill_surface(
    triangles: Triangles, *, stock: Stock, profile: MachineProfile, copies: int = 1
) -> MillPlan:
    """The program that carves a body (standing on Z0) into the sheet, `copies` times.

    Its top is the sheet's top; what is left of the sheet under it, at least SKIN_MM, holds it.

    Raises:
        InvalidInput: it is too large for the cutter.
        ProgramRefused: it is too high for sheet or machine, or the sheet is too small.
    """
    cutter, height = cutter_for(profile, stock.material), height_mm(triangles)
    _refuse_height(height, stock, profile)
    lowered = triangles - (0.0, 0.0, height)
    shape = shape_of(profile, cutter)
    paths = surface_paths(lowered, cutter, shape)
    solid = _swept(lowered, shape)
    places = placed([solid], stock=stock, envelope=profile.envelope, counts=[copies], turns=(0, 1))
    safe = profile.envelope.lift_mm(SAFE_MM)
    moved = [moved_path(path, place) for place in places.places for path in paths]
    toolpath = toolpath_of(moved, cutter, profile=profile, safe_mm=safe)
    lines = tuple(grbl_lines(toolpath, spindle_rpm=cutter.spindle_rpm, safe_mm=safe))
    proof = prove(lines, profile)
    sheet_mm3 = places.used_mm[0] * places.used_mm[1] * stock.thickness_mm
    seconds = SPIN_UP_S + duration_s(toolpath, dynamics_of(profile))
    density = stock.density_g_cm3 / 1000
    return MillPlan(
        lines=lines,
        proof=proof,
        estimate=Estimate(duration_s=seconds, material_mm3=sheet_mm3),
        used_mm=places.used_mm,
        cut_length_mm=proof.cut_length_mm or 0.0,
        part_mass_g=copies * volume_mm3(triangles) * density,
        sheet_mass_g=sheet_mm3 * density,
        speeds=speeds_in_words(cutter),
        warnings=_warnings(lowered, shape, stock, height),
        parts=places.areas([solid]),
        offcuts=places.offcuts,
    )


def shape_of(profile: MachineProfile, cutter: Cutter) -> Shape:
    """The end of the cutter in the machine's collet."""
    limits = profile.cnc or MillLimits()
    ball = limits.cutter_shape == "ball"
    return Shape(cutter.diameter_mm, cutter.radius_mm if ball else 0.0)


def _swept(triangles: Triangles, shape: Shape) -> Polygon:
    """The box that the cutter may get to, seen from above."""
    low, high = triangles[..., :2].min(axis=(0, 1)), triangles[..., :2].max(axis=(0, 1))
    reach = shape.diameter_mm * (1 + TRENCH) + shape.radius_mm
    return shapely.box(*(low - reach), *(high + reach))


def _refuse_height(height: float, stock: Stock, profile: MachineProfile) -> None:
    if height > stock.thickness_mm - SKIN_MM + 1e-6:
        raise ProgramRefused(
            f"it is {height:.2f} mm high, and a sheet of {stock.thickness_mm:g} mm leaves "
            f"{stock.thickness_mm - SKIN_MM:g} mm above the skin that holds it: take a sheet of "
            f"at least {ceil(height + SKIN_MM)} mm",
            rule="sheet-too-thin",
        )
    if -height < profile.envelope.z_min_mm:
        raise ProgramRefused(
            f"{profile.name} may go down to Z{profile.envelope.z_min_mm:g} and the part is "
            f"{height:.2f} mm high: choose a machine that reaches deeper",
            rule="sheet-too-thick",
        )


def _warnings(triangles: Triangles, shape: Shape, stock: Stock, height: float) -> tuple[str, ...]:
    skin = stock.thickness_mm - height
    said = [
        f"the part stays on {skin:.1f} mm of the sheet: saw it out along its trench and take off "
        "what is under it",
        f"the cutter must reach {height:.1f} mm deep without its holder touching the sheet",
    ]
    hidden = hidden_share(
        triangles, grid_over(triangles, cell_mm=shape.diameter_mm / 8, margin_mm=1.0)
    )
    if hidden > _HIDDEN_SHARE:
        said.append(f"{100 * hidden:.1f} % of its surface cannot be reached from above")
    return tuple(said)
