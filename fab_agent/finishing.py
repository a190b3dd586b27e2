"""From what a slicer wrote to a proved program, in one pass: stripped, written, proved, timed."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from itertools import chain
from pathlib import Path

from commons.errors import ProgramRefused
from commons.machine import MachineProfile, Material
from commons.plates import PrintArea
from fab_agent.gcode.clean import bare_lines, write_program, written
from fab_agent.gcode.program import GcodeProgram
from fab_agent.gcode.proof import Proof, program_of, prove
from fab_agent.slicing.dust import without_dust
from fab_agent.slicing.slicer import OFF_BED_ADVICE, SliceResult, require_on_bed
from fab_agent.timing import Recording, timed


def finished_print(
    sliced: SliceResult, path: Path, machine: MachineProfile, *, material: Material, area: PrintArea
) -> GcodeProgram:
    """The program at `path` as it will be sent, proved, all that it prints inside `area`.

    Raises:
        ProgramRefused: by a rule of the proof, or it prints beside the area. It lies at `path` all
            the same, to be looked at, unless it cannot be made bare commands.
        Unavailable: the disk does not take it.
    """

    def proved(recording: Recording) -> GcodeProgram:
        start, lines = _bare(sliced)
        try:
            proof = _proof(lines, path, machine, material, start=start, recording=recording)
            if recording.covers_mm is not None:
                require_on_bed(recording.covers_mm, area)
        except ProgramRefused as refused:
            write_program(_bare(sliced)[1], path)
            if refused.rule == "envelope" and refused.line > start:  # the part, not the kind's own
                refused.args = (f"{refused}; {OFF_BED_ADVICE}",)
            raise
        return program_of(
            proof,
            path,
            claimed_duration_s=sliced.claimed_duration_s,
            claimed_material_mm3=sliced.claimed_filament_mm3,
        )

    return timed(proved, machine, out_dir=path.with_name(f"{path.name}.time"))


def _proof(
    lines: Iterator[bytes],
    path: Path,
    machine: MachineProfile,
    material: Material,
    *,
    start: int,
    recording: Recording,
) -> Proof:
    """Of exactly the bytes that are in the file at `path` when the last line has been proved."""
    digest = sha256()
    with closing(written(lines, path, digest)) as kept:
        followed = recording.followed(kept, start=start)
        proof = prove(followed, machine, material=material, watch=recording.watch)
    return replace(proof, sha256=digest.hexdigest())


def _bare(sliced: SliceResult) -> tuple[int, Iterator[bytes]]:
    """How many commands come before the first layer, and all commands of the program."""
    with sliced.gcode.open("rb") as raw:
        head = raw.read(sliced.start_bytes)
    start = list(bare_lines(head.splitlines(keepends=True)))
    return len(start), chain(start, _from_first_layer(sliced, number=head.count(b"\n") + 1))


def _from_first_layer(sliced: SliceResult, *, number: int) -> Iterator[bytes]:
    """All commands of the layers; the first line of the first layer has this number."""
    with sliced.gcode.open("rb") as raw:
        raw.seek(sliced.start_bytes)
        yield from without_dust(bare_lines(raw, first=number))
