"""From a design's file to a proved program: each part once for each way of making it."""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from commons.errors import FabError, InvalidInput, ProgramRefused
from commons.machine import MATERIALS, MachineProfile, Process
from commons.toolpath_svg import svg_of
from commons.wire import Axis, Orientation
from fab_agent.cache import Cache
from fab_agent.cam.options import CUT_AS_DRAWN, CutOptions
from fab_agent.cam.request import Way
from fab_agent.cam.stock import Stock, through_mm
from fab_agent.cutting import cut_drawing
from fab_agent.drawing import draw_program
from fab_agent.finishing import finished_print
from fab_agent.gcode.program import GcodeProgram
from fab_agent.gcode.proof import proved_program
from fab_agent.gcode.rules import RULES_VERSION
from fab_agent.slicing.cleaning import clean_plate
from fab_agent.slicing.options import PrintOptions
from fab_agent.slicing.plate import PlateItem, PlateRequest
from fab_agent.slicing.profile import print_profile
from fab_agent.slicing.slicer import Slicer, require_whole

log = logging.getLogger(__name__)
RECIPE = "9"  # raise it when the same plan gives another program than before
Progress = Callable[[str], None]
Parts = dict[str, str]
_DECIDING = {"process", "driver", "envelope", "max_feed_mm_s", "max_feed_z_mm_s", "materials"}
_DECIDING |= {"fdm", "cnc"}


@dataclass(frozen=True, slots=True)
class OtherPart:
    """A further part on the same plate: a file with its hash (hex) and name, and how many of it."""

    file: Path
    sha256: str
    filename: str
    copies: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What to make from which file, and how.

    Args:
        file: the design's file on this computer, with the hash `sha256` (hex).
        filename: its name in the design, for sentences only.
        material: a key of MATERIALS.
        quality: of a print, one of `slicing.profile.qualities()`.
        options: of a print; of milling only `copies` counts.
        stock_mm: thickness of the sheet that is milled.
        sheet_mm: its edges along X and Y; None: it reaches as far as the machine does.
        grain: the axis that its outer grain follows, None when nobody has said.
        cut, way: of milling, how.
        also: further parts that are printed on the same plate.
    """

    file: Path
    sha256: str
    filename: str
    process: Process
    material: str
    quality: str = "standard"
    options: PrintOptions = field(default_factory=PrintOptions)
    stock_mm: float | None = None
    sheet_mm: tuple[float, float] | None = None
    grain: Axis | None = None
    cut: CutOptions = CUT_AS_DRAWN
    way: Way = Way.AUTO
    also: tuple[OtherPart, ...] = ()

    @property
    def parts(self) -> tuple[OtherPart, ...]:
        """Everything on the plate, the named part first."""
        first = OtherPart(self.file, self.sha256, self.filename, self.options.copies)
        return (first, *self.also)


def prepare(
    plan: Plan, machine: MachineProfile, *, cache: Cache, slicer: Slicer, progress: Progress
) -> GcodeProgram:
    """A program in `cache` that makes the plan on such a machine and was proved for it.

    The first program made for a plan is the one that every later call returns; `cache` keeps
    it at least until it is closed.

    Args:
        progress: is told what happens now, in words for people.

    Raises:
        InvalidInput: MeshInvalid, ProgramRefused or a choice that cannot be; says what to do.
        Unavailable: sandbox, slicer or disk cannot do their work now.
    """
    _require_makeable(plan, machine)

    def make(folder: Path) -> GcodeProgram:
        _require_unchanged(plan)
        if plan.process is Process.CNC:
            return _milling_program(plan, machine, folder=folder, progress=progress)
        return _print_program(plan, machine, slicer, folder=folder, progress=progress)

    return made_once(_parts_of(plan, machine, slicer), machine, cache=cache, make=make)


def made_once(
    parts: Parts, machine: MachineProfile, *, cache: Cache, make: Callable[[Path], GcodeProgram]
) -> GcodeProgram:
    """The program of `parts` in `cache`; where it is not there, what `make` leaves in a folder.

    One that is refused there is kept to be looked at.
    """
    if kept := cache.program(parts):
        return kept
    with cache.making(parts):
        if kept := cache.program(parts):  # another machine of this lab was making it
            return kept
        with cache.workspace() as folder:
            try:
                program = make(folder)
            except ProgramRefused as refused:
                _keep_refused(refused, folder, machine, cache)
                raise
            return cache.keep_program(parts, program)


def deciding(machine: MachineProfile) -> str:
    """What of a machine's profile decides about a program; its name and power do not."""
    return machine.model_dump_json(include=_DECIDING)


def _require_makeable(plan: Plan, machine: MachineProfile) -> None:
    if plan.process is not machine.process:
        raise InvalidInput(
            f"{plan.filename} needs {plan.process} and {machine.name} does {machine.process}: "
            "choose another machine"
        )
    if plan.material not in machine.materials or plan.material not in MATERIALS:
        raise InvalidInput(
            f"{machine.name} does not take {plan.material}: "
            f"choose one of {', '.join(machine.materials)}"
        )


def _require_unchanged(plan: Plan) -> None:
    for part in plan.parts:
        with part.file.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != part.sha256:
                raise InvalidInput(
                    f"{part.filename} is not the file that was ordered: fetch it again"
                )


def _keep_refused(
    refused: ProgramRefused, folder: Path, machine: MachineProfile, cache: Cache
) -> None:
    """The refused program is kept to be looked at, where there is one yet, and its picture."""
    for program in (folder / "program.gcode", folder / "program.nc"):
        if program.is_file():
            refused.program = cache.keep_refused(program)
            out_dir = folder / "drawing"
            out_dir.mkdir()
            try:
                drawn = draw_program(
                    refused.program, machine, mark=refused.known_place, out_dir=out_dir
                )
            except FabError as problem:  # only the picture is missing
                log.warning("%s", problem)
                return
            picture = refused.program.with_suffix(".svg")
            title = f"{refused.rule}: {refused}"
            picture.write_text(svg_of(drawn.sketch, title=title), encoding="utf-8")
            refused.args = (f"{refused}; the agent keeps its picture in refused/{picture.name}",)


def _parts_of(plan: Plan, machine: MachineProfile, slicer: Slicer) -> Parts:
    """Everything that decides about the program: the same parts, the same program."""
    parts = {
        "recipe": RECIPE,
        "rules": RULES_VERSION,
        "file": plan.sha256,
        "material": plan.material,
        "machine": deciding(machine),
    }
    if plan.process is Process.CNC:
        return parts | {
            "stock_mm": str(plan.stock_mm),
            "sheet_mm": str(plan.sheet_mm),
            "grain": str(plan.grain),
            "cut": plan.cut.model_dump_json(),
            "way": plan.way,
            "copies": str(plan.options.copies),
        }
    profile = print_profile(
        machine, material=plan.material, quality=plan.quality, options=plan.options
    )
    made_by = slicer.identity()
    return parts | {
        "profile": profile.sha256,
        "options": json.dumps(asdict(plan.options), sort_keys=True),
        "also": json.dumps([(part.sha256, part.copies) for part in plan.also]),
        "slicer": f"{made_by.name} {made_by.version}",
    }


def _print_program(
    plan: Plan, machine: MachineProfile, slicer: Slicer, *, folder: Path, progress: Progress
) -> GcodeProgram:
    options = plan.options
    profile = print_profile(machine, material=plan.material, quality=plan.quality, options=options)
    clean_dir, slice_dir = folder / "clean", folder / "slice"
    clean_dir.mkdir()
    slice_dir.mkdir()
    progress(f"checking {plan.filename}")
    request = PlateRequest(
        items=tuple(PlateItem(name=part.filename, copies=part.copies) for part in plan.parts),
        scale=options.scale,
        area=profile.area,
        margin_mm=options.margin_mm,
        suggested=options.orientation is Orientation.SUGGESTED,
    )
    mesh, facts = clean_plate([part.file for part in plan.parts], request, out_dir=clean_dir)
    for pose in facts.poses:
        progress(pose)
    progress(f"slicing {plan.filename} ({profile.name})")
    whole = replace(options, copies=1)  # the mesh is the whole plate
    result = slicer.slice(mesh, profile, options=whole, out_dir=slice_dir, placed=True)
    require_whole(result, facts, profile=profile, options=whole)
    progress(f"proving the program of {plan.filename}")
    program = finished_print(
        result,
        folder / "program.gcode",
        machine,
        material=MATERIALS[plan.material],
        area=profile.area,
    )
    return replace(program, pose="; ".join(facts.poses))


def _sheet(plan: Plan, thickness_mm: float, machine: MachineProfile) -> Stock:
    """From work zero it reaches as far as it is said to, and no farther than the machine does."""
    box = machine.envelope
    width, depth = plan.sheet_mm or (box.x_max_mm, box.y_max_mm)
    size = min(width, box.x_max_mm), min(depth, box.y_max_mm)
    return Stock(thickness_mm, size, plan.material, grain=plan.grain)


def _milling_program(
    plan: Plan, machine: MachineProfile, *, folder: Path, progress: Progress
) -> GcodeProgram:
    if plan.stock_mm is None:
        raise InvalidInput(f"{plan.filename}: say how thick the sheet on {machine.name} is")
    progress(f"milling paths for {plan.filename} ({plan.stock_mm:g} mm {plan.material})")
    stock = _sheet(plan, plan.stock_mm, machine)
    path, answer = cut_drawing(
        plan.file,
        name=plan.filename,
        stock=stock,
        machine=machine,
        copies=plan.options.copies,
        out_dir=folder,
        options=plan.cut,
        way=plan.way,
    )
    for note in answer.notes:
        progress(f"{plan.filename}: {note}")
    progress(f"proving the program of {plan.filename}")
    program = proved_program(
        path,
        machine,
        material=MATERIALS[plan.material],
        floor_mm=-through_mm(stock),
        cutters_mm=answer.cutters_mm,
        claimed_duration_s=answer.duration_s,
    )
    used_mm3 = answer.used_mm[0] * answer.used_mm[1] * plan.stock_mm
    estimate = replace(program.estimate, duration_s=answer.duration_s, material_mm3=used_mm3)
    return replace(
        program,
        estimate=estimate,
        cutter_shapes=answer.cutter_shapes,
        offcuts_mm=tuple((it.width_mm, it.height_mm) for it in answer.offcuts),
    )
