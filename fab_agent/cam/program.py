"""From each cutter's ways to one program that was proved for its machine."""

from collections.abc import Sequence
from dataclasses import dataclass

from commons.cutters import CutterShape
from commons.machine import MachineProfile
from fab_agent.cam.cutter import Cutter, is_collets, speeds_in_words
from fab_agent.cam.duration import duration_s, dynamics_of
from fab_agent.cam.gcode import SPIN_UP_S, program_lines
from fab_agent.cam.toolpath import Toolpath
from fab_agent.gcode.milling import SAFE_MM
from fab_agent.gcode.proof import Proof, prove


@dataclass(frozen=True, slots=True)
class ProvedProgram:
    """Lines that were proved, how long GRBL needs for them, spindle starts included, and the
    speeds in words.

    `cutters_mm` are the cutters in their order, none when it is the one in the collet alone;
    `cutter_shapes` are their ends, none when all are flat.
    """

    lines: tuple[bytes, ...]
    proof: Proof
    duration_s: float
    speeds: str
    cutters_mm: tuple[float, ...]
    cutter_shapes: tuple[CutterShape, ...]


def safe_mm(profile: MachineProfile) -> float:
    """How high a cutter crosses the sheet on this machine."""
    return profile.envelope.lift_mm(SAFE_MM)


def program_of(ways: Sequence[tuple[Cutter, Toolpath]], profile: MachineProfile) -> ProvedProgram:
    """One program, which stops between two cutters in the middle of the machine's front.

    Raises:
        ProgramRefused: it leaves the machine or breaks another rule.
    """
    box = profile.envelope
    cutters = [cutter for cutter, _ in ways]
    told = [] if is_collets(cutters, profile) else cutters
    cutters_mm = tuple(cutter.diameter_mm for cutter in told)
    shapes = tuple(cutter.shape for cutter in told)
    lines = tuple(
        program_lines(
            [(toolpath, cutter.spindle_rpm) for cutter, toolpath in ways],
            safe_mm=safe_mm(profile),
            front_mm=((box.x_min_mm + box.x_max_mm) / 2, box.y_min_mm),
        )
    )
    return ProvedProgram(
        lines=lines,
        proof=prove(lines, profile, cutters_mm=cutters_mm),
        duration_s=sum(SPIN_UP_S + duration_s(way, dynamics_of(profile)) for _, way in ways),
        speeds="; then ".join(speeds_in_words(cutter) for cutter in cutters),
        cutters_mm=cutters_mm,
        cutter_shapes=shapes if "ball" in shapes else (),
    )
