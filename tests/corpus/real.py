"""Real programs: PrusaSlicer and our own milling make them from designs/ in 200 ways."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from commons.machine import (
    MATERIALS,
    Driver,
    Envelope,
    KeepOut,
    MachineProfile,
    MillLimits,
    PrintLimits,
    Process,
)
from commons.manifest import read_manifest
from fab_agent.cache import Cache
from fab_agent.gcode.program import GcodeProgram
from fab_agent.gcode.proof import Proof, prove_file
from fab_agent.prepare import Plan, prepare
from fab_agent.slicing.options import PrintOptions
from fab_agent.slicing.slicer import Slicer
from tests.profiles import printer, router

DESIGNS = Path(__file__).parents[2] / "designs"


def _clip(name: str, x_mm: float, y_mm: float) -> KeepOut:
    """Something 20 mm wide and deep and 8 mm high that stands on a bed."""
    return KeepOut(
        name=name, x_min_mm=x_mm, x_max_mm=x_mm + 20, y_min_mm=y_mm, y_max_mm=y_mm + 20, z_max_mm=8
    )


PRINTERS = (
    printer("marlin 0.4"),
    printer(
        "octoprint 0.6",
        driver=Driver.OCTOPRINT,
        envelope=Envelope(x_max_mm=220, y_max_mm=220, z_max_mm=250),
        max_feed_mm_s=120,
        max_feed_z_mm_s=8,
        fdm=PrintLimits(nozzle_mm=0.6, hotend_max_c=250, bed_max_c=80),
    ),
    printer(
        "klipper 0.4",
        driver=Driver.MOONRAKER,
        envelope=Envelope(
            x_max_mm=300,
            y_max_mm=300,
            z_max_mm=280,
            keep_out=(_clip("left clip", 0, 280), _clip("right clip", 280, 280)),
        ),
        max_feed_mm_s=300,
        max_feed_z_mm_s=20,
        fdm=PrintLimits(hotend_max_c=290, bed_max_c=120),
    ),
    printer(
        "zero in the middle, no heated bed",
        envelope=Envelope(x_min_mm=-130, x_max_mm=130, y_min_mm=-130, y_max_mm=130, z_max_mm=300),
        materials=("pla", "petg"),
        fdm=PrintLimits(nozzle_mm=0.8, bed_max_c=0),
    ),
)
_PRINTS: tuple[Mapping[str, Any], ...] = (
    {"quality": "draft", "material": "pla", "options": {}},
    {"quality": "draft", "material": "petg", "options": {"supports": True, "brim_mm": 5}},
    {"quality": "standard", "material": "pla", "options": {"infill": 0.4, "scale": 0.6}},
    {"quality": "draft", "material": "pla", "options": {"copies": 3, "scale": 0.45}},
    {"quality": "standard", "material": "petg", "options": {"infill": 0, "scale": 0.7}},
)
_ROOM = {"x_max_mm": 640, "y_max_mm": 900, "z_min_mm": -20, "z_max_mm": 60}
_SHEETS_MM = (4.0, 6.0, 9.0)
_CUTTERS_MM = (2.0, 3.0)


@dataclass(frozen=True)
class Recipe:
    """One way to make one part."""

    name: str
    file: Path
    machine: MachineProfile
    material: str
    quality: str = "standard"
    options: PrintOptions = field(default_factory=PrintOptions)
    stock_mm: float | None = None

    def program(self, cache: Cache, slicer: Slicer) -> GcodeProgram:
        """What preparing gives: made, proved and its claims checked, or ProgramRefused."""
        plan = Plan(
            file=self.file,
            sha256=hashlib.sha256(self.file.read_bytes()).hexdigest(),
            filename=self.file.name,
            process=self.machine.process,
            material=self.material,
            quality=self.quality,
            options=self.options,
            stock_mm=self.stock_mm,
        )
        return prepare(plan, self.machine, cache=cache, slicer=slicer, progress=str)

    def proof(self, program: GcodeProgram) -> Proof:
        """The verdict on the bytes, anew."""
        return prove_file(program.path, self.machine, material=MATERIALS[self.material])


def _files(process: Process) -> list[Path]:
    return [
        folder.parent / part.file
        for folder in sorted(DESIGNS.glob("*/okh.toml"))
        for part in read_manifest(folder.read_bytes()).parts
        if part.process is process and part.file
    ]


def _title(file: Path) -> str:
    return f"{file.parents[1].name}/{file.name}"


def _prints() -> list[Recipe]:
    return [
        Recipe(
            f"{_title(file)}, {machine.name}, {way['quality']} {way['material']} {way['options']}",
            file,
            machine,
            way["material"],
            way["quality"],
            PrintOptions(**way["options"]),
        )
        for way in _PRINTS
        for machine in PRINTERS
        for file in _files(Process.FDM)
    ]


def _cuts() -> list[Recipe]:
    ways = [(cutter, 1) for cutter in _CUTTERS_MM] + [(_CUTTERS_MM[-1], 2)]
    return [
        Recipe(
            f"{_title(file)}, cutter {cutter:g} mm, sheet {sheet:g} mm, copies {copies}",
            file,
            router(
                envelope=Envelope(**_ROOM),
                max_feed_z_mm_s=20,
                cnc=MillLimits(cutter_mm=cutter, spindle_max_rpm=18_000 + 1000 * cutter),
            ),
            "plywood",
            options=PrintOptions(copies=copies),
            stock_mm=sheet,
        )
        for cutter, copies in ways
        for sheet in _SHEETS_MM
        for file in _files(Process.CNC)
    ]


RECIPES = (*_prints(), *_cuts())
# A few that are quick to make, for every run of the tests: each machine, supports, both cutters.
QUICK = (
    *[recipe for recipe in RECIPES if recipe.options.scale < 0.5][::5],
    *[recipe for recipe in RECIPES if recipe.options.supports][1::7],
    *[recipe for recipe in RECIPES if recipe.stock_mm][::28],
)
