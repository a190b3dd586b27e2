"""From a job offer and its file to a proved program, and what the server is told of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from commons.content import canonical_json, content_id
from commons.machine import MATERIALS, MachineProfile, MillLimits, Process
from commons.plates import BRIM_MM
from commons.units import grams
from commons.wire import JobOffer, MillOptions, ProgramFacts
from fab_agent.bench import Prepared
from fab_agent.cache import Cache
from fab_agent.cam.options import CutOptions
from fab_agent.cam.request import Way
from fab_agent.gcode.program import GcodeProgram
from fab_agent.own_programs import prepare_own
from fab_agent.prepare import RECIPE, OtherPart, Plan, prepare
from fab_agent.slicing.options import PrintOptions
from fab_agent.slicing.slicers import InstalledSlicer

# What a finishing pass takes off, mm: enough for a chip, too little to push the cutter aside.
FINISH_MM = 0.3


class Staging:
    """Prepares the offers of one machine."""

    def __init__(self, profile: MachineProfile) -> None:
        self._profile, self._slicer = profile, InstalledSlicer()
        self._profile_sha256 = content_id(canonical_json(profile.model_dump(mode="json")))

    def __call__(
        self, offer: JobOffer, files: Sequence[Path], cache: Cache, say: Callable[[str], None]
    ) -> Prepared:
        """The program that makes the offer on this machine, with all that is also on its plate,
        proved; see `prepare`. `files` are as the offer names them, its own first.

        Of a program that somebody brought it is the same, stripped; see `own_programs`.
        """
        if offer.is_program:
            own, made_with = prepare_own(offer, files[0], self._profile, cache=cache, progress=say)
            return Prepared(own, self._facts(own, offer, f"as it was brought; {made_with}"))
        program = prepare(
            plan_of(offer, files, self._profile),
            self._profile,
            cache=cache,
            slicer=self._slicer,
            progress=say,
        )
        tool = "; ".join(filter(None, (self._tool(offer.process), program.pose)))
        return Prepared(program, self._facts(program, offer, tool))

    def _facts(self, program: GcodeProgram, offer: JobOffer, tool: str) -> ProgramFacts:
        estimate = program.estimate
        return ProgramFacts(
            sha256=program.sha256,
            line_count=program.line_count,
            duration_s=estimate.duration_s,
            material_g=_mass_g(estimate.material_mm3, offer.material),
            claimed_duration_s=estimate.claimed_duration_s,
            claimed_material_g=_mass_g(estimate.claimed_material_mm3, offer.material),
            cutters_mm=program.cutters_mm or None,
            cutter_shapes=program.cutter_shapes or None,
            offcuts_mm=program.offcuts_mm or None,
            prepared_with=tool[:200],
            profile_sha256=self._profile_sha256,
        )

    def _tool(self, process: Process) -> str:
        if process is Process.CNC:
            return f"Cosmolocal milling {RECIPE}"
        slicer = self._slicer.identity()
        return f"{slicer.name} {slicer.version}"


def plan_of(offer: JobOffer, files: Sequence[Path], machine: MachineProfile) -> Plan:
    """What the offer asks for, in the words of whoever prepares it; all of a plate alike."""
    file, *others = files
    wanted = offer.options
    options = PrintOptions(
        copies=offer.copies,
        supports=wanted.supports,
        brim_mm=BRIM_MM if wanted.brim else 0.0,
        scale=wanted.scale,
        orientation=wanted.orientation,
    )
    if wanted.infill_percent is not None:
        options = replace(options, infill=wanted.infill_percent / 100)
    return Plan(
        file=file,
        sha256=offer.file_sha256,
        filename=offer.file_name,
        process=offer.process,
        material=offer.material,
        quality=wanted.quality,
        options=options,
        stock_mm=offer.thickness_mm,
        sheet_mm=offer.sheet_mm,
        grain=offer.grain,
        cut=cut_of(offer.milling, machine),
        way=Way(offer.milling.way),
        also=tuple(
            OtherPart(path, mate.file_sha256, mate.file_name, mate.copies)
            for path, mate in zip(others, offer.also, strict=True)
        ),
    )


def cut_of(wanted: MillOptions, machine: MachineProfile) -> CutOptions:
    """How the offer wants it milled, with the flat cutters that the lab has for it."""
    limits = machine.cnc or MillLimits()
    flat = tuple(it.diameter_mm for it in limits.cutters if it.shape == "flat")
    return CutOptions(
        nest=wanted.nest,
        grain=wanted.grain,
        conventional=wanted.conventional,
        finish_mm=FINISH_MM if wanted.finish else 0.0,
        cutters_mm=flat if len(flat) > 1 else (),
        lines=wanted.lines,
        scallop_mm=wanted.scallop_mm,
    )


def _mass_g(volume_mm3: float | None, material: str) -> float | None:
    known = MATERIALS.get(material)
    if volume_mm3 is None or known is None:
        return None
    return grams(volume_mm3, known.density_g_cm3)
