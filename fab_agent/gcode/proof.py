"""The whole program inside what the machine, the nozzle and the material allow, or refused.

A proof is about exact bytes: `prove_file` hashes what it reads, and a program may start only if
the hash of the bytes to be sent is the one that was proved. Memory stays flat at any length.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import chain
from math import inf, isfinite, pi
from pathlib import Path
from typing import BinaryIO, cast

from commons.errors import InvalidInput, NotFound, ProgramRefused
from commons.machine import Driver, MachineProfile, Material, Process
from fab_agent.gcode.claims import check_claims, check_spool
from fab_agent.gcode.klipper import KlipperWalk
from fab_agent.gcode.milling import MillWalk
from fab_agent.gcode.motion import XYZ, Watch
from fab_agent.gcode.parser import MAX_LINE, parse_line, plain_move, refusal, shown
from fab_agent.gcode.printing import PrinterWalk
from fab_agent.gcode.program import CUTTER_STOP, Estimate, GcodeProgram
from fab_agent.gcode.prusa import BuddyWalk, PrusaWalk
from fab_agent.printers.kinds import Firmware, kind_of

MAX_LINES = 25_000_000  # 7 days at 40 lines a second, and 200 MB for their places in the file
MAX_DURATION_S = 7 * 24 * 3600.0
FILAMENT_MM = 1.75

_BLOCK = 1 << 16
_PRINTERS: Mapping[Firmware, type[PrinterWalk]] = {
    Firmware.MARLIN: PrinterWalk,
    Firmware.PRUSA: PrusaWalk,
    Firmware.BUDDY: BuddyWalk,
    Firmware.KLIPPER: KlipperWalk,
}


@dataclass(frozen=True, slots=True)
class Proof:
    """What a program will do, from its own moves. Units: mm, s, mm³, °C, rpm.

    `low` and `high` are the corners of the box of all points, in the program's coordinates.
    `duration_s` is path over feed plus dwells; acceleration, heating and homing come on top.
    Printers have `extruded_mm3`, mills `cut_length_mm` (path below Z0 at feed).
    """

    process: Process
    line_count: int
    low: XYZ
    high: XYZ
    duration_s: float
    extruded_mm3: float | None = None
    cut_length_mm: float | None = None
    hotend_max_c: float | None = None
    bed_max_c: float | None = None
    spindle_max_rpm: float | None = None
    sha256: str | None = None


def prove(
    lines: Iterable[bytes] | Iterable[str],
    profile: MachineProfile,
    *,
    material: Material | None = None,
    floor_mm: float = -inf,
    cutters_mm: tuple[float, ...] = (),
    watch: Watch | None = None,
) -> Proof:
    """The proof that these bare lines are safe on such a machine.

    Args:
        lines: one command each, without line ends; text must be ASCII. Each is taken after `watch`
            was told of all before it.
        profile: the machine, its envelope and limits; its driver names the firmware family.
        material: lowers the temperature limit to its own, and must be one the machine takes.
        floor_mm: a cutter may go no deeper, however deep the machine goes.
        cutters_mm: diameters of the cutters, in order, when there is a stop between each two.
        watch: is told of each move and wait of a print.

    Raises:
        ProgramRefused: names the line, the rule, the value, the limit and the place.
    """
    walk = walk_of(profile, material, floor_mm, cutters_mm)
    walk.watch = watch
    return _proof_of(walk, _as_bytes(lines), profile, material)


def _as_bytes(lines: Iterable[bytes] | Iterable[str]) -> Iterator[bytes]:
    rest = iter(lines)
    for first in rest:
        whole = chain([first], rest)
        if isinstance(first, bytes):
            return cast(Iterator[bytes], whole)
        return (str(line).encode("utf-8", "surrogatepass") for line in whole)
    return iter(())


def _follow(walk: PrinterWalk | MillWalk, lines: Iterator[bytes]) -> None:
    """The walk has gone through all lines, or the refusal tells where it was."""
    line: bytes | None = b""
    try:
        while (line := walk.next_line(lines)) is not None:
            words = plain_move(line)
            if words is not None:
                walk.straight(words)
            elif line != CUTTER_STOP or not walk.stops():
                walk.obey(parse_line(line, walk.line, packed=walk.packed))
    except ProgramRefused as refused:
        _complete(refused, line or b"", walk.here)
        raise


def _complete(refused: ProgramRefused, line: bytes, place: XYZ) -> None:
    """A refusal tells its line, where it has no better value, and the place."""
    refused.value = refused.value or shown(line) or "nothing"
    refused.place = place


def prove_file(
    path: Path,
    profile: MachineProfile,
    *,
    material: Material | None = None,
    floor_mm: float = -inf,
    cutters_mm: tuple[float, ...] = (),
) -> Proof:
    """The proof of a program file as `write_program` leaves it, bound to its bytes by `sha256`.

    Raises:
        ProgramRefused: as `prove`; also when the file does not end in a newline.
        NotFound: there is no such file.
    """
    digest = sha256()
    try:
        with path.open("rb") as file:
            walk = walk_of(profile, material, floor_mm, cutters_mm)
            proof = _proof_of(walk, _lines_of(file, digest.update), profile, material)
    except FileNotFoundError as error:
        raise NotFound(f"no program at {path}: prepare it again") from error
    return replace(proof, sha256=digest.hexdigest())


def proved_program(
    path: Path,
    profile: MachineProfile,
    *,
    material: Material | None = None,
    floor_mm: float = -inf,
    cutters_mm: tuple[float, ...] = (),
    claimed_duration_s: float | None = None,
    claimed_material_mm3: float | None = None,
) -> GcodeProgram:
    """The file at `path` as a program that may be sent to such a machine.

    `cutters_mm` are the cutters that whoever made the program told.

    Raises:
        ProgramRefused, NotFound: as `prove_file`; also when a claim is not borne out.
    """
    proof = prove_file(path, profile, material=material, floor_mm=floor_mm, cutters_mm=cutters_mm)
    return program_of(
        proof,
        path,
        cutters_mm=cutters_mm,
        claimed_duration_s=claimed_duration_s,
        claimed_material_mm3=claimed_material_mm3,
    )


def program_of(
    proof: Proof,
    path: Path,
    *,
    cutters_mm: tuple[float, ...] = (),
    claimed_duration_s: float | None = None,
    claimed_material_mm3: float | None = None,
) -> GcodeProgram:
    """The file at `path` with its proof and the claims of its maker, kept beside our own reading.

    Raises:
        ProgramRefused: a claim is not borne out.
    """
    estimate = Estimate(
        duration_s=proof.duration_s,
        material_mm3=proof.extruded_mm3,
        claimed_duration_s=claimed_duration_s,
        claimed_material_mm3=claimed_material_mm3,
    )
    check_claims(estimate)
    every_axis = isfinite(sum(proof.low) + sum(proof.high))  # each was told at least once
    return GcodeProgram(
        path=path,
        sha256=proof.sha256 or "",
        line_count=proof.line_count,
        process=proof.process,
        estimate=estimate,
        low=proof.low if every_axis else None,
        high=proof.high if every_axis else None,
        cutters_mm=cutters_mm,
    )


def _lines_of(file: BinaryIO, update: Callable[[bytes], object]) -> Iterator[bytes]:
    """The lines of `file` without their newlines; every byte read goes through `update`."""
    rest, number = b"", 0
    while block := file.read(_BLOCK):
        update(block)
        *lines, rest = (rest + block).split(b"\n")
        number += len(lines)
        yield from lines
        if len(rest) > MAX_LINE:
            length = f"more than {MAX_LINE} characters, a firmware's buffer holds no more"
            raise refusal("line-too-long", number + 1, length)
    if rest:
        raise refusal("no-newline", number + 1, "the last line has no end; is the file whole?")


def _check_material(profile: MachineProfile, material: Material | None) -> None:
    if material is not None and material.key not in profile.materials:
        takes = ", ".join(profile.materials) or "nothing"
        why = f"{profile.name} does not take {material.name}; it takes {takes}"
        raise refusal("material", 0, why, value=material.name, limit=takes)


def walk_of(
    profile: MachineProfile,
    material: Material | None = None,
    floor_mm: float = -inf,
    cutters_mm: tuple[float, ...] = (),
) -> PrinterWalk | MillWalk:
    """The rules for such a machine, before the first line; ProgramRefused where there are none."""
    _check_material(profile, material)
    if profile.fdm and profile.driver is not Driver.GRBL:
        try:
            firmware = kind_of(profile).firmware
        except InvalidInput as unknown:
            raise refusal("profile", 0, str(unknown), value=profile.model or "") from unknown
        return _PRINTERS[firmware](profile, profile.fdm, material)
    if profile.cnc and profile.driver is Driver.GRBL:
        return MillWalk(profile, profile.cnc, floor_mm, cutters_mm)
    asked = f"{profile.process} machine driven as {profile.driver}"
    raise refusal("profile", 0, f"no rules for a {asked}", value=asked)


def _proof_of(
    walk: PrinterWalk | MillWalk,
    lines: Iterator[bytes],
    profile: MachineProfile,
    material: Material | None,
) -> Proof:
    _follow(walk, lines)
    line_count = walk.line
    if not line_count:
        raise refusal("does-nothing", 0, "the program is empty", value="no line")
    if line_count > MAX_LINES:
        asked, most = f"{line_count} lines", f"{MAX_LINES} lines"
        raise refusal("too-long", 0, f"{asked}, at most {most}", value=asked, limit=most)
    walk.finish()
    if walk.duration_s > MAX_DURATION_S:
        asked, most = (f"{seconds / 3600:.0f} h" for seconds in (walk.duration_s, MAX_DURATION_S))
        raise refusal("too-long", 0, f"{asked}, at most {most}", value=asked, limit=most)
    proof = Proof(profile.process, line_count, walk.low, walk.high, walk.duration_s)
    if isinstance(walk, PrinterWalk):
        extruded_mm3 = walk.extruded_mm * pi * (FILAMENT_MM / 2) ** 2
        if material is not None:
            check_spool(extruded_mm3, profile, material)
        return replace(
            proof,
            extruded_mm3=extruded_mm3,
            hotend_max_c=walk.hotend_max_c,
            bed_max_c=walk.bed_max_c,
        )
    return replace(proof, cut_length_mm=walk.cut_length_mm, spindle_max_rpm=walk.spindle_max_rpm)
