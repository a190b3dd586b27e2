"""From a program that somebody brought to a proved one: stripped of its comments, else the same."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from pathlib import Path

from commons.errors import InvalidInput, ProgramRefused
from commons.machine import MATERIALS, MachineProfile, Process
from commons.own_programs import ProgramTraits, read_traits
from commons.program_fit import beyond, other_dialect, too_hot
from commons.wire import JobOffer
from fab_agent.cache import Cache
from fab_agent.gcode.clean import bare_lines, write_program, written
from fab_agent.gcode.program import GcodeProgram
from fab_agent.gcode.proof import Proof, program_of, prove
from fab_agent.gcode.rules import RULES_VERSION
from fab_agent.prepare import Progress, deciding, made_once
from fab_agent.timing import Recording, timed

_RECIPE = "own 1"  # raise it when the same file gives another program than before
_PIECE = 1 << 20


def prepare_own(
    offer: JobOffer, file: Path, machine: MachineProfile, *, cache: Cache, progress: Progress
) -> tuple[GcodeProgram, str]:
    """The program in `file` as this machine gets it, proved, and what it was made with.

    What its slicer says of time and material is not held against it: it is a person's own.

    Raises:
        InvalidInput: it is no program, or one for another machine; ProgramRefused by a rule of
            the proof, which names the line in the bare program and in the file.
        Unavailable: sandbox or disk cannot do their work now.
    """
    progress(f"reading {offer.file_name}")
    traits = _traits(file)
    _require_made_for(offer, traits, machine)
    parts = {
        "recipe": _RECIPE,
        "rules": RULES_VERSION,
        "file": offer.file_sha256,
        "material": offer.material,
        "machine": deciding(machine),
    }
    progress(f"proving {offer.file_name}")

    def make(folder: Path) -> GcodeProgram:
        return _proved(file, folder, offer, machine)

    program = made_once(parts, machine, cache=cache, make=make)
    estimate = replace(program.estimate, claimed_duration_s=traits.duration_s)
    return replace(program, estimate=estimate), traits.made_with or "by a person"


def _traits(file: Path) -> ProgramTraits:
    with file.open("rb") as raw:
        return read_traits(iter(lambda: raw.read(_PIECE), b""))


def _require_made_for(offer: JobOffer, traits: ProgramTraits, machine: MachineProfile) -> None:
    if traits.process is not machine.process:
        raise InvalidInput(
            f"{offer.file_name} is for {traits.process} and {machine.name} does {machine.process}"
        )
    for check in (other_dialect, beyond, too_hot):
        if why := check(traits, machine):
            raise InvalidInput(f"{machine.name} {why}")


def _proved(file: Path, folder: Path, offer: JobOffer, machine: MachineProfile) -> GcodeProgram:
    path = folder / ("program.nc" if machine.process is Process.CNC else "program.gcode")

    def proved(recording: Recording | None) -> GcodeProgram:
        digest = sha256()
        try:
            with file.open("rb") as raw, closing(written(bare_lines(raw), path, digest)) as kept:
                proof = _proof(kept, offer, machine, recording)
        except ProgramRefused as refused:
            _tell_place(refused, file, offer.file_name)
            if refused.rule not in ("comment", "host-action"):
                with file.open("rb") as raw:
                    write_program(bare_lines(raw), path)
            raise
        return program_of(replace(proof, sha256=digest.hexdigest()), path)

    if machine.process is Process.CNC:
        return proved(None)
    return timed(proved, machine, out_dir=folder / "time")


def _proof(
    lines: Iterator[bytes], offer: JobOffer, machine: MachineProfile, recording: Recording | None
) -> Proof:
    material = MATERIALS.get(offer.material)
    if recording is None:
        return prove(lines, machine, material=material)
    followed = recording.followed(lines, start=0)
    return prove(followed, machine, material=material, watch=recording.watch)


def _tell_place(refused: ProgramRefused, file: Path, name: str) -> None:
    """The sentence names the line of the file, too: the proof counts bare commands alone."""
    if refused.line < 1 or refused.rule in ("comment", "host-action"):
        return
    number = next(islice(_numbers(file), refused.line - 1, None), None)
    if number is not None and number != refused.line:
        refused.args = (f"{refused} (line {number} of {name})",)


def _numbers(file: Path) -> Iterator[int]:
    """The number, in the file, of each line that leaves a bare command."""
    with file.open("rb") as raw:
        for number, line in enumerate(raw, 1):
            if next(bare_lines([line]), None) is not None:
                yield number
