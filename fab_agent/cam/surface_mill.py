"""The whole way from a mesh that is no plate to a proved program that carves it."""

from collections.abc import Iterator, Sequence
from math import ceil, prod

import shapely
from shapely import Polygon

from commons.errors import ProgramRefused
from commons.machine import MachineProfile
from fab_agent.cam.cutter import Cutter, cutter_for, mill_limits
from fab_agent.cam.drawing import Triangles
from fab_agent.cam.finishing import finished
from fab_agent.cam.ground import TRENCH, hidden_share
from fab_agent.cam.heights import grid_over
from fab_agent.cam.mill import MillPlan
from fab_agent.cam.options import CUT_AS_DRAWN, CutOptions
from fab_agent.cam.passes import Path3
from fab_agent.cam.placing import Places, moved_path, placed
from fab_agent.cam.planform import height_mm, volume_mm3
from fab_agent.cam.program import program_of, safe_mm
from fab_agent.cam.roughing import roughed
from fab_agent.cam.stock import Stock
from fab_agent.cam.toolpath import Toolpath, toolpath_of
from fab_agent.gcode.program import Estimate

# What stays of the sheet under a surface, and holds it: plywood varies by 0.2 mm.
SKIN_MM = 1.0
_HIDDEN_SHARE = 0.001


def mill_surface(
    triangles: Triangles,
    *,
    stock: Stock,
    profile: MachineProfile,
    copies: int = 1,
    options: CutOptions = CUT_AS_DRAWN,
) -> MillPlan:
    """The program that carves a body (standing on Z0) into the sheet, `copies` times.

    Its top is the sheet's top; what is left of the sheet under it, at least SKIN_MM, holds it.
    Where there is a ball, it finishes what a flat cutter has roughed, and the program stops
    between the two; else the cutter in the collet does both.

    Raises:
        InvalidInput: it is too large for the cutter.
        ProgramRefused: it is too high for sheet or machine, or the sheet is too small.
    """
    height = _carvable_mm(triangles, stock, profile)
    lowered = triangles - (0.0, 0.0, height)
    carved = _carved(lowered, _carvers(profile, stock), options)
    solid = _swept(lowered, [cutter for cutter, _ in carved])
    places = placed([solid], stock=stock, envelope=profile.envelope, counts=[copies], turns=(0, 1))
    cut = program_of(list(_ways(carved, places, profile)), profile)
    sheet_mm3, density = prod(places.used_mm) * stock.thickness_mm, stock.density_g_cm3 / 1000
    return MillPlan(
        lines=cut.lines,
        proof=cut.proof,
        estimate=Estimate(duration_s=cut.duration_s, material_mm3=sheet_mm3),
        used_mm=places.used_mm,
        cut_length_mm=cut.proof.cut_length_mm or 0.0,
        part_mass_g=copies * volume_mm3(triangles) * density,
        sheet_mass_g=sheet_mm3 * density,
        speeds=cut.speeds,
        warnings=_warnings(lowered, carved[-1][0], stock, height),
        parts=places.areas([solid]),
        offcuts=places.offcuts,
        cutters_mm=cut.cutters_mm,
        cutter_shapes=cut.cutter_shapes,
    )


def _carvers(profile: MachineProfile, stock: Stock) -> tuple[Cutter, Cutter]:
    """What roughs and what finishes: the largest flat cutter and the smallest ball.

    Without a ball, or with nothing but balls, one cutter does both.
    """
    cutters = mill_limits(profile).cutters
    balls = [it for it in cutters if it.shape == "ball"]
    flat = [it for it in cutters if it.shape == "flat"]
    last = min(balls, key=lambda it: it.diameter_mm) if balls else cutters[0]
    first = max(flat, key=lambda it: it.diameter_mm) if balls and flat else last
    return cutter_for(profile, stock.material, first), cutter_for(profile, stock.material, last)


def _carved(
    triangles: Triangles, cutters: tuple[Cutter, Cutter], options: CutOptions
) -> list[tuple[Cutter, list[Path3]]]:
    """The ways of each cutter, of one alone when it does both."""
    first, last = cutters
    roughing, wood = roughed(triangles, first)
    finishing = finished(triangles, last, wood, lines=options.lines, scallop_mm=options.scallop_mm)
    if first == last:
        return [(last, roughing + finishing)]
    return [(first, roughing), (last, finishing)]


def _ways(
    carved: Sequence[tuple[Cutter, list[Path3]]], places: Places, profile: MachineProfile
) -> Iterator[tuple[Cutter, Toolpath]]:
    """Each cutter with its toolpath over all copies."""
    for cutter, paths in carved:
        moved = [moved_path(path, place) for place in places.places for path in paths]
        yield cutter, toolpath_of(moved, cutter, profile=profile, safe_mm=safe_mm(profile))


def _swept(triangles: Triangles, cutters: Sequence[Cutter]) -> Polygon:
    """The box that the cutters may get to, seen from above."""
    low, high = triangles[..., :2].min(axis=(0, 1)), triangles[..., :2].max(axis=(0, 1))
    reach = max(cutter.diameter_mm * (1 + TRENCH) + cutter.radius_mm for cutter in cutters)
    return shapely.box(*(low - reach), *(high + reach))


def _carvable_mm(triangles: Triangles, stock: Stock, profile: MachineProfile) -> float:
    """How high the body is; refused when sheet or machine are too thin for it."""
    height = height_mm(triangles)
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
    return height


def _warnings(triangles: Triangles, last: Cutter, stock: Stock, height: float) -> tuple[str, ...]:
    skin = stock.thickness_mm - height
    said = [
        f"the part stays on {skin:.1f} mm of the sheet: saw it out along its trench and take off "
        "what is under it",
        f"the cutter must reach {height:.1f} mm deep without its holder touching the sheet",
    ]
    if last.shape == "flat":
        said.append("the machine has no ball cutter: a flat one leaves every slope in steps")
    grid = grid_over(triangles, cell_mm=last.diameter_mm / 8, margin_mm=1.0)
    hidden = hidden_share(triangles, grid)
    if hidden > _HIDDEN_SHARE:
        said.append(f"{100 * hidden:.1f} % of its surface cannot be reached from above")
    return tuple(said)
