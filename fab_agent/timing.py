"""How long a print takes with the printer's acceleration, found out in a limited child."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from commons.errors import Unavailable
from commons.machine import MachineProfile
from fab_agent.gcode.program import GcodeProgram
from fab_agent.sandbox import Limits, run_python

LIMITS = Limits(memory_bytes=2**30, cpu_s=600, wall_s=1200, file_bytes=2**20)
PROGRAM = "program"
log = logging.getLogger(__name__)


class TimeAnswer(BaseModel):
    """What the child answers, s."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    duration_s: float = Field(ge=0)


def timed(
    prove: Callable[[], GcodeProgram], program: Path, profile: MachineProfile, *, out_dir: Path
) -> GcodeProgram:
    """What `prove` gives of a print, its estimate's time with the printer's acceleration.

    A child reads the program at the same time, so that this lasts hardly longer than the proof.
    Where it cannot, the time stays that of the proof: path over feed.

    Raises:
        ProgramRefused: as `prove`.
    """
    out_dir.mkdir()
    with ThreadPoolExecutor(max_workers=1) as beside:
        # The child is wanted as long as the proof is.
        asked = beside.submit(
            copy_context().run, lambda: print_duration_s(program, profile, out_dir=out_dir)
        )
        proved = prove()
        try:
            seconds = asked.result()
        except Unavailable as problem:  # only an estimate is missing
            log.warning("%s", problem)
            return proved
    return replace(proved, estimate=replace(proved.estimate, duration_s=seconds))


def print_duration_s(program: Path, profile: MachineProfile, *, out_dir: Path) -> float:
    """Seconds that a program's moves take on such a printer, ramps and corners included; heating
    and homing come on top.

    Raises:
        Unavailable: it could not be found out; nothing but an estimate is missing then.
    """
    child = run_python(
        "fab_agent.gcode.print_time",
        [profile.model_dump_json()],
        out_dir=out_dir,
        limits=LIMITS,
        inputs={PROGRAM: program},
    )
    try:
        return TimeAnswer.model_validate_json(child.stdout).duration_s
    except ValidationError as odd:
        why = f"{child.why} {child.stderr[-200:]}"
        raise Unavailable(f"{program.name}: its time is not known: {why}") from odd
