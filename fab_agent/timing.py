"""How long a print takes with the printer's acceleration: a limited child plans its moves while
the proof reads them.
"""

import json
import logging
import math
import os
from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from itertools import compress, islice
from pathlib import Path
from typing import BinaryIO

from commons.errors import Unavailable
from commons.machine import MachineProfile, PrintLimits
from fab_agent.gcode.program import GcodeProgram
from fab_agent.printers.kinds import Firmware, kind_of
from fab_agent.sandbox import Limits, run_python

LIMITS = Limits(memory_bytes=2**30, cpu_s=600, wall_s=1200, file_bytes=2**20)
# Marlin's planner holds 16 blocks (BLOCK_BUFFER_SIZE); Klipper looks ahead as far as it needs.
MARLIN_BLOCKS, KLIPPER_BLOCKS = 16, 10_000
_LINES_AT_ONCE = 4096
log = logging.getLogger(__name__)
Box = tuple[float, float, float, float]


class Recording:
    """The moves of a print on their way to a file, as `print_time` reads them.

    `watch` is what a Walk tells of each move and wait. `covers_mm` are the left, front, right and
    back end of where filament was pushed since the print began, mm.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._prints = file, False
        self._numbers: list[float] = []
        self.watch = self._numbers.extend
        self.covers_mm: Box | None = None

    def followed(self, lines: Iterator[bytes], *, start: int) -> Iterator[bytes]:
        """The same lines on their way to a proof; after `start` of them the print begins.

        Before that the nozzle is primed. The moves are in the file a few thousand lines later.
        """
        yield from islice(lines, start)
        self.flush()
        self._prints = True
        while some := list(islice(lines, _LINES_AT_ONCE)):
            yield from some
            self.flush()

    def flush(self) -> None:
        """All moves are in the file, unless nobody reads it any more."""
        numbers = array("f", self._numbers)
        self._numbers.clear()
        if self._prints:
            self._widen(numbers)
        left = memoryview(numbers.tobytes())
        try:
            while left:
                left = left[self._file.write(left) :]
        except BrokenPipeError:  # the child is gone: only an estimate is missing
            return

    def _widen(self, numbers: "array[float]") -> None:
        pushed = [push > 0 for push in numbers[3::5]]
        x, y = (list(compress(numbers[axis::5], pushed)) for axis in (0, 1))
        if x:
            left, front, right, back = self.covers_mm or (x[0], y[0], x[0], y[0])
            self.covers_mm = min(left, *x), min(front, *y), max(right, *x), max(back, *y)


def timed(
    prove: Callable[[Recording], GcodeProgram], profile: MachineProfile, *, out_dir: Path
) -> GcodeProgram:
    """What `prove` gives of a print, its estimate's time with the printer's acceleration.

    `prove` has its walk watched by the recording, and flushes it now and then. Where no child
    can find the time out, it stays that of the proof: path over feed.

    Args:
        out_dir: is made, for this alone.

    Raises:
        ProgramRefused: as `prove`.
    """
    out_dir.mkdir()
    reader, writer = os.pipe()
    with ThreadPoolExecutor(1, "print time") as pool:
        reckoned = pool.submit(copy_context().run, _seconds, reader, profile, out_dir)
        with open(writer, "wb", buffering=0) as file:
            recording = Recording(file)
            proved = prove(recording)
            recording.flush()
    try:
        seconds = reckoned.result()
    except Unavailable as problem:  # only an estimate is missing
        log.warning("%s", problem)
        return proved
    return replace(proved, estimate=replace(proved.estimate, duration_s=seconds))


def _seconds(moves: int, profile: MachineProfile, out_dir: Path) -> float:
    """As `moves_s`; the reading end of the pipe `moves` is closed afterwards."""
    with open(moves, "rb", buffering=0):
        return moves_s(moves, profile, out_dir=out_dir)


def moves_s(moves: int, profile: MachineProfile, *, out_dir: Path) -> float:
    """Seconds that recorded moves take on such a printer; heating and homing come on top.

    They are read from the file descriptor `moves` to its end.

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
        [json.dumps(quickness)],
        out_dir=out_dir,
        limits=LIMITS,
        stdin=moves,
    )
    try:
        seconds = float(child.stdout)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        why = f"{child.why} {child.stderr[-200:]}".strip()
        raise Unavailable(f"the time of this print is not known: {why}")
    return seconds
