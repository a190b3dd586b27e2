"""The child that opens strangers' drawings and meshes: `python -m fab_agent.cam REQUEST`.

REQUEST is a MillRequest as JSON. The program goes to the file that it names, the answer as one
JSON object to standard output: a MillAnswer, or what was refused.
"""

import gc
import json
import sys
from pathlib import Path

from pydantic import ValidationError

from commons.errors import FabError, ProgramRefused
from fab_agent.cam.drawing import Triangles
from fab_agent.cam.mill import MillPlan, mill
from fab_agent.cam.request import MillAnswer, MillRequest, Way
from fab_agent.cam.ways import surface_in
from fab_agent.gcode.clean import write_program


def answer_to(request: MillRequest) -> MillAnswer:
    """The program lies at `request.program`; what it is and takes is the answer."""
    data = Path(request.drawing).read_bytes()
    surface = surface_in(data, request.kind, way=request.way, stock=request.stock)
    plan = _drawn(data, request) if surface is None else _carved(surface, request)
    digest, count = write_program(plan.lines, Path(request.program))
    return MillAnswer(
        sha256=digest,
        line_count=count,
        duration_s=plan.estimate.duration_s,
        cut_length_mm=plan.cut_length_mm,
        used_mm=plan.used_mm,
        part_mass_g=plan.part_mass_g,
        sheet_mass_g=plan.sheet_mass_g,
        speeds=plan.speeds,
        warnings=plan.warnings,
        offcuts=plan.offcuts,
        cutters_mm=plan.cutters_mm,
        cutter_shapes=plan.cutter_shapes,
        way=Way.PLATE if surface is None else Way.SURFACE,
    )


def _drawn(data: bytes, request: MillRequest) -> MillPlan:
    return mill(
        data,
        request.kind,
        stock=request.stock,
        profile=request.profile,
        unit=request.unit,
        copies=request.copies,
        options=request.options,
    )


def _carved(surface: Triangles, request: MillRequest) -> MillPlan:
    # Loads scipy, which drawings do without.
    from fab_agent.cam.surface_mill import mill_surface

    return mill_surface(
        surface,
        stock=request.stock,
        profile=request.profile,
        copies=request.copies,
        options=request.options,
    )


def main() -> int:
    """0 with an answer, 1 with a refusal; both are JSON on standard output."""
    # One drawing and it ends: looking for rings of garbage costs a fifth of its time.
    gc.disable()
    try:
        request = MillRequest.model_validate_json(sys.argv[1])
        answer = answer_to(request).model_dump_json()
    except (FabError, ValidationError) as refused:
        rule = refused.rule if isinstance(refused, ProgramRefused) else None
        kind = type(refused).__name__
        sys.stdout.write(json.dumps({"error": kind, "message": str(refused), "rule": rule}))
        return 1
    sys.stdout.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
