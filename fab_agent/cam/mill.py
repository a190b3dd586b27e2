"""The whole way from a drawing to a proved program on a sheet."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from shapely.geometry.base import BaseGeometry

from commons.errors import InvalidInput, ProgramRefused
from commons.machine import MachineProfile, MillLimits
from fab_agent.cam.arcs import with_arcs
from fab_agent.cam.contours import contours_of, engravings_of, grain_of
from fab_agent.cam.cuts import Cut, cut_of, engraving, in_order, refuse_gouges
from fab_agent.cam.cutter import Cutter, cutter_for, speeds_in_words
from fab_agent.cam.drawing import Drawing
from fab_agent.cam.duration import Dynamics, duration_s
from fab_agent.cam.dxf import read_dxf
from fab_agent.cam.gcode import SPIN_UP_S, grbl_lines
from fab_agent.cam.leads import Walls
from fab_agent.cam.options import CUT_AS_DRAWN, CutOptions
from fab_agent.cam.part import Feature, features_of, pockets_of
from fab_agent.cam.passes import Path3
from fab_agent.cam.pieces import (
    Group,
    Piece,
    in_sheet_order,
    pieces_of,
    single_parts,
    whole_drawing,
)
from fab_agent.cam.placing import Places, moved_path, placed, turns_allowed
from fab_agent.cam.planform import planform, read_mesh
from fab_agent.cam.profiles import Setting
from fab_agent.cam.request import Kind, MeshKind, Offcut
from fab_agent.cam.stock import Stock, through_mm
from fab_agent.cam.svg import read_svg
from fab_agent.cam.toolpath import SAFE_MM, Toolpath, toolpath_of
from fab_agent.gcode.program import Estimate
from fab_agent.gcode.proof import Proof, prove


@dataclass(frozen=True, slots=True)
class MillPlan:
    """A program that has been proved for the machine, and what it takes.

    The estimate's time is what GRBL needs with the machine's accelerations, spindle start included.
    `used_mm` is the corner of the sheet (x, y) that is used up, margins included. `parts` is what
    stays of the sheet, seen from above. Masses (g) are those of all copies, and of that corner
    of the sheet before it was cut. `offcuts` are the largest rectangles of it that no cut touches.
    """

    lines: tuple[bytes, ...]
    proof: Proof
    estimate: Estimate
    used_mm: tuple[float, float]
    cut_length_mm: float
    part_mass_g: float
    sheet_mass_g: float
    speeds: str
    warnings: tuple[str, ...]
    parts: BaseGeometry
    offcuts: tuple[Offcut, ...] = ()


def read_drawing(data: bytes, kind: Kind | MeshKind, *, unit: str | None = None) -> Drawing:
    """What was drawn, in mm; `unit` is for a DXF that names none. Raises InvalidInput."""
    if isinstance(kind, MeshKind):
        return planform(read_mesh(data, kind))
    return read_dxf(data, unit=unit) if kind is Kind.DXF else read_svg(data)


def mill(
    data: bytes,
    kind: Kind | MeshKind,
    *,
    stock: Stock,
    profile: MachineProfile,
    cutter: Cutter | None = None,
    unit: str | None = None,
    copies: int = 1,
    options: CutOptions = CUT_AS_DRAWN,
) -> MillPlan:
    """The program that cuts what is drawn out of the sheet, `copies` times.

    Work zero is the sheet's lower left corner, Z0 its top. Openings come before outsides, and
    tabs hold what would come loose. Layers (groups) named outside, inside, drill, pocket-4mm or
    engrave say what to do (`dogbone` behind it: corners for square joints); nesting decides for
    all others.

    Args:
        cutter: what is in the collet, by default the profile's cutter at the speeds for the sheet.

    Raises:
        InvalidInput: the drawing cannot be read or is not closed; says where and on which layer.
        ProgramRefused: cutter, sheet or machine do not suit it; says where or by how much.
    """
    cutter = cutter or cutter_for(profile, stock.material)
    _refuse_stock(stock, profile, copies)
    drawing = read_drawing(data, kind, unit=unit)
    features, notes = _features(drawing, cutter)
    pieces, places = _laid(drawing, features, cutter, stock, profile, copies, options)
    order = in_sheet_order(places.places, pieces)
    cuts = [(place, cut) for place in order for cut in pieces[place.shape].cuts]
    paths = [moved_path(path, place) for place, cut in cuts for path in cut.paths]
    toolpath = _toolpath(paths, cutter, profile)
    parts = places.areas([piece.kept for piece in pieces])
    parts_mm3 = parts.area * stock.thickness_mm - copies * _hollow_mm3(features)
    warnings = (*drawing.warnings, *notes, *_grain_note(stock, drawing, options))
    return _plan(toolpath, cutter, profile, stock, places, parts, parts_mm3, warnings)


def _plan(
    toolpath: Toolpath,
    cutter: Cutter,
    profile: MachineProfile,
    stock: Stock,
    places: Places,
    parts: BaseGeometry,
    parts_mm3: float,
    warnings: tuple[str, ...],
) -> MillPlan:
    safe = _safe_mm(profile)
    lines = tuple(grbl_lines(toolpath, spindle_rpm=cutter.spindle_rpm, safe_mm=safe))
    proof = prove(lines, profile)
    sheet_mm3 = places.used_mm[0] * places.used_mm[1] * stock.thickness_mm
    seconds = SPIN_UP_S + duration_s(toolpath, _dynamics(profile))
    return MillPlan(
        lines=lines,
        proof=proof,
        estimate=Estimate(duration_s=seconds, material_mm3=sheet_mm3),
        used_mm=places.used_mm,
        cut_length_mm=proof.cut_length_mm or 0.0,
        part_mass_g=parts_mm3 * stock.density_g_cm3 / 1000,
        sheet_mass_g=sheet_mm3 * stock.density_g_cm3 / 1000,
        speeds=speeds_in_words(cutter),
        warnings=warnings,
        parts=parts,
        offcuts=places.offcuts,
    )


def _refuse_stock(stock: Stock, profile: MachineProfile, copies: int) -> None:
    if copies < 1 or stock.thickness_mm <= 0:
        raise InvalidInput("at least one copy and a sheet with some thickness are needed")
    depth, floor = through_mm(stock), profile.envelope.z_min_mm
    if -depth < floor:
        message = f"{profile.name} may go down to Z{floor:g}, cutting through needs Z{-depth:g}"
        raise ProgramRefused(f"{message}: take a thinner sheet", rule="sheet-too-thick")


def _features(drawing: Drawing, cutter: Cutter) -> tuple[list[Feature], list[str]]:
    contours, notes = contours_of(drawing)
    features = features_of(contours, cutter_mm=cutter.diameter_mm)
    return features + pockets_of(drawing, cutter_mm=cutter.diameter_mm), notes


def _laid(
    drawing: Drawing,
    features: Sequence[Feature],
    cutter: Cutter,
    stock: Stock,
    profile: MachineProfile,
    copies: int,
    options: CutOptions,
) -> tuple[list[Piece], Places]:
    """The pieces and where they lie: where the sheet is too small for leads, without them."""
    pieces = _pieces(drawing, features, cutter, stock, options)
    try:
        return pieces, _places(drawing, pieces, cutter, stock, profile, copies, options)
    except ProgramRefused:
        if not options.leads:
            raise
    plain = options.model_copy(update={"leads": False})
    pieces = _pieces(drawing, features, cutter, stock, plain)
    return pieces, _places(drawing, pieces, cutter, stock, profile, copies, plain)


def _pieces(
    drawing: Drawing,
    features: Sequence[Feature],
    cutter: Cutter,
    stock: Stock,
    options: CutOptions,
) -> list[Piece]:
    """What lies on the sheet, each with every way of the cutter in the drawing's coordinates."""
    grouped = single_parts if options.nest else whole_drawing
    groups = grouped(features, engravings_of(drawing))
    return pieces_of(groups, partial(_cuts, setting=Setting(cutter, stock, options)))


def _cuts(group: Group, kept: BaseGeometry, *, setting: Setting) -> list[Cut]:
    walls = Walls(kept)
    cuts = [cut_of(feature, setting, walls) for feature in group.features]
    cuts += [engraving(layer, points, setting) for layer, points in group.engravings]
    refuse_gouges(cuts, kept, setting.cutter)
    return in_order(cuts)


def _places(
    drawing: Drawing,
    pieces: Sequence[Piece],
    cutter: Cutter,
    stock: Stock,
    profile: MachineProfile,
    copies: int,
    options: CutOptions,
) -> Places:
    counts = [copies * piece.count for piece in pieces]
    plain = sum(counts) == 1 and not stock.outline and not profile.envelope.keep_out
    solids = [
        piece.box() if plain else piece.solid(cutter.diameter_mm + options.finish_mm)
        for piece in pieces
    ]
    return placed(
        solids,
        stock=stock,
        envelope=profile.envelope,
        counts=counts,
        clearance_mm=options.clearance_mm,
        turns=turns_allowed(options.grain or grain_of(drawing), stock.grain),
    )


def _grain_note(stock: Stock, drawing: Drawing, options: CutOptions) -> tuple[str, ...]:
    wanted = options.grain or grain_of(drawing)
    if wanted is None or stock.grain is not None:
        return ()
    return ("the drawing asks for its grain: lay the sheet with its outer grain along X",)


def _safe_mm(profile: MachineProfile) -> float:
    return profile.envelope.lift_mm(SAFE_MM)


def _toolpath(paths: Sequence[Path3], cutter: Cutter, profile: MachineProfile) -> Toolpath:
    return with_arcs(toolpath_of(paths, cutter, profile=profile, safe_mm=_safe_mm(profile)))


def _dynamics(profile: MachineProfile) -> Dynamics:
    limits = profile.cnc or MillLimits()
    return Dynamics(
        acceleration_mm_s2=limits.acceleration_mm_s2,
        junction_mm=limits.junction_deviation_mm,
        rapid_mm_s=profile.max_feed_mm_s,
        rapid_z_mm_s=profile.max_feed_z_mm_s,
    )


def _hollow_mm3(features: Sequence[Feature]) -> float:
    """What the pockets of one drawing take out of its parts."""
    return float(sum(f.area.area * f.depth_mm for f in features if f.depth_mm is not None))
