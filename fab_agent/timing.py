"""How long a print takes with the printer's acceleration: the proof tells its moves, a limited
child plans them.
"""

import json
import logging
import math
from array import array
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from commons.errors import Unavailable
from commons.machine import MachineProfile, PrintLimits
from fab_agent.gcode.motion import XYZ, Watch
from fab_agent.gcode.program import GcodeProgram
from fab_agent.printers.kinds import Firmware, kind_of
from fab_agent.sandbox import Limits, run_python

LIMITS = Limits(memory_bytes=2**30, cpu_s=600, wall_s=1200, file_bytes=2**20)
# Marlin's planner holds 16 blocks (BLOCK_BUFFER_SIZE); Klipper looks ahead as far as it needs.
MARLIN_BLOCKS, KLIPPER_BLOCKS = 16, 10_000
_NUMBERS_AT_ONCE = 100_000
log = logging.getLogger(__name__)


class Recording:
    """The moves of a print on their way to a file, as `print_time` reads them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._numbers = file, array("f")

    def watch(self, place: XYZ, push_mm: float, seconds: float) -> None:
        """What a Walk tells of each move and wait."""
        self._numbers.extend((*place, push_mm, seconds))
        if len(self._numbers) >= _NUMBERS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """All of them are in the file."""
        self._numbers.tofile(self._file)
        self._numbers = array("f")


def timed(
    prove: Callable[[Watch], GcodeProgram], profile: MachineProfile, *, folder: Path
) -> GcodeProgram:
    """What `prove` gives of a print, its estimate's time with the printer's acceleration.

    Where no child can find that out, the time stays that of the proof: path over feed.

    Args:
        folder: an empty one, for this alone.

    Raises:
        ProgramRefused: as `prove`.
    """
    moves, out_dir = folder / "moves", folder / "out"
    out_dir.mkdir(parents=True)
    with moves.open("wb") as file:
        recording = Recording(file)
        proved = prove(recording.watch)
        recording.flush()
    try:
        seconds = moves_s(moves, profile, out_dir=out_dir)
    except Unavailable as problem:  # only an estimate is missing
        log.warning("%s", problem)
        return proved
    return replace(proved, estimate=replace(proved.estimate, duration_s=seconds))


def moves_s(moves: Path, profile: MachineProfile, *, out_dir: Path) -> float:
    """Seconds that recorded moves take on such a printer; heating and homing come on top.

    Raises:
        Unavailable: it could not be found out; nothing but an estimate is missing then.
    """
    limits = profile.fdm or PrintLimits()
    looks_far = kind_of(profile).firmware is Firmware.KLIPPER
    quickness = {
        "acceleration_mm_s2": limits.acceleration_mm_s2,
        "corner_mm_s": limits.corner_mm_s,
        "blocks_ahead": KLIPPER_BLOCKS if looks_far else MARLIN_BLOCKS,
    }
    child = run_python(
        "fab_agent.gcode.print_time",
        ["/in/moves", json.dumps(quickness)],
        out_dir=out_dir,
        limits=LIMITS,
        inputs={"moves": moves},
    )
    try:
        seconds = float(child.stdout)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        why = f"{child.why} {child.stderr[-200:]}".strip()
        raise Unavailable(f"the time of this print is not known: {why}")
    return seconds
