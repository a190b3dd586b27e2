"""The whole way from a drawing to a proved program on a sheet."""

from collections.abc import Sequence
from dataclasses import dataclass

from shapely.geometry.base import BaseGeometry

from commons.cutters import CutterShape, MillCutter
from commons.errors import InvalidInput, ProgramRefused
from commons.machine import MachineProfile
from fab_agent.cam.arcs import with_arcs
from fab_agent.cam.contours import contours_of
from fab_agent.cam.cutter import Cutter, cutter_for, mill_limits
from fab_agent.cam.drawing import Drawing
from fab_agent.cam.dxf import read_dxf
from fab_agent.cam.layout import Job, Layout, laid_out
from fab_agent.cam.options import CUT_AS_DRAWN, CutOptions
from fab_agent.cam.part import Feature, features_of, kept_area, pockets_of
from fab_agent.cam.passes import Path3
from fab_agent.cam.planform import planform, read_mesh
from fab_agent.cam.program import program_of, safe_mm
from fab_agent.cam.request import Kind, MeshKind, Offcut
from fab_agent.cam.stock import Stock, through_mm
from fab_agent.cam.svg import read_svg
from fab_agent.cam.toolpath import Toolpath, toolpath_of
from fab_agent.gcode.program import Estimate
from fab_agent.gcode.proof import Proof


@dataclass(frozen=True, slots=True)
class MillPlan:
    """A program that has been proved for the machine, and what it takes.

    The estimate's time is what GRBL needs with the machine's accelerations, spindle start included.
    `used_mm` is the corner of the sheet (x, y) that is used up, margins included. `parts` is what
    stays of the sheet, seen from above. Masses (g) are those of all copies, and of that corner
    of the sheet before it was cut. `offcuts` are the largest rectangles of it that no cut touches.
    `cutters_mm` are the cutters in their order, none when it is the one in the collet alone;
    `cutter_shapes` are their ends, none when all are flat.
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
    cutters_mm: tuple[float, ...] = ()
    cutter_shapes: tuple[CutterShape, ...] = ()


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
        cutter: what is in the collet, by default the first flat one of the profile at the speeds
            for the sheet.
        options: among others the cutters, of which the largest that fits makes each thing.

    Raises:
        InvalidInput: the drawing cannot be read or is not closed; says where and on which layer.
        ProgramRefused: cutter, sheet or machine do not suit it; says where or by how much.
    """
    cutters = (cutter,) if cutter else _cutters(profile, stock, options)
    _refuse_stock(stock, profile, copies)
    drawing = read_drawing(data, kind, unit=unit)
    features, notes = _features(drawing, cutters, options)
    job = Job(drawing, tuple(features), cutters, stock, profile, copies, options)
    return _plan(job, laid_out(job), (*drawing.warnings, *notes, *_grain_note(job)))


def _plan(job: Job, layout: Layout, warnings: tuple[str, ...]) -> MillPlan:
    stock, places = job.stock, layout.places
    program = program_of(
        [(c, _toolpath(paths, c, job.profile)) for c, paths in layout.paths(job.cutters)],
        job.profile,
    )
    kept = layout.parts()
    parts_mm3 = kept.area * stock.thickness_mm - job.copies * _hollow_mm3(job.features)
    sheet_mm3 = places.used_mm[0] * places.used_mm[1] * stock.thickness_mm
    return MillPlan(
        lines=program.lines,
        proof=program.proof,
        estimate=Estimate(duration_s=program.duration_s, material_mm3=sheet_mm3),
        used_mm=places.used_mm,
        cut_length_mm=program.proof.cut_length_mm or 0.0,
        part_mass_g=parts_mm3 * stock.density_g_cm3 / 1000,
        sheet_mass_g=sheet_mm3 * stock.density_g_cm3 / 1000,
        speeds=program.speeds,
        warnings=warnings,
        parts=kept,
        offcuts=places.offcuts,
        cutters_mm=program.cutters_mm,
    )


def _refuse_stock(stock: Stock, profile: MachineProfile, copies: int) -> None:
    if copies < 1 or stock.thickness_mm <= 0:
        raise InvalidInput("at least one copy and a sheet with some thickness are needed")
    depth, floor = through_mm(stock), profile.envelope.z_min_mm
    if -depth < floor:
        message = f"{profile.name} may go down to Z{floor:g}, cutting through needs Z{-depth:g}"
        raise ProgramRefused(f"{message}: take a thinner sheet", rule="sheet-too-thick")


def _cutters(profile: MachineProfile, stock: Stock, options: CutOptions) -> tuple[Cutter, ...]:
    """Flat ones from the smallest to the largest, by default the first that there is.

    Raises:
        ProgramRefused: there are only balls.
    """
    flat = {it.diameter_mm: it for it in mill_limits(profile).cutters if it.shape == "flat"}
    if not flat and not options.cutters_mm:
        raise ProgramRefused(
            f"{profile.name} has a ball cutter, which leaves an edge under what it cuts out: "
            "put in a flat one and set cutter_shape, or mill a mesh as a surface",
            rule="cutter-shape",
        )
    return tuple(
        cutter_for(profile, stock.material, flat.get(mm) or MillCutter(diameter_mm=mm))
        for mm in sorted(set(options.cutters_mm or list(flat)[:1]))
    )


def _features(
    drawing: Drawing, cutters: Sequence[Cutter], options: CutOptions
) -> tuple[list[Feature], list[str]]:
    contours, notes = contours_of(drawing)
    smallest, *more = (cutter.diameter_mm for cutter in cutters)
    features = features_of(contours, cutter_mm=smallest, more_mm=more, drill_mm=options.drill_mm)
    return features + pockets_of(drawing, cutter_mm=cutters[-1].diameter_mm), notes


def _grain_note(job: Job) -> tuple[str, ...]:
    if job.grain is None or job.stock.grain is not None:
        return ()
    return ("the drawing asks for its grain: lay the sheet with its outer grain along X",)


def _toolpath(paths: Sequence[Path3], cutter: Cutter, profile: MachineProfile) -> Toolpath:
    return with_arcs(toolpath_of(paths, cutter, profile=profile, safe_mm=safe_mm(profile)))


def _hollow_mm3(features: Sequence[Feature]) -> float:
    """What the pockets of one drawing take out of its parts; some reach over their edge."""
    pockets = [(f.area, f.depth_mm) for f in features if f.depth_mm is not None]
    kept = kept_area(features) if pockets else None
    return float(sum(area.intersection(kept).area * depth for area, depth in pockets))
