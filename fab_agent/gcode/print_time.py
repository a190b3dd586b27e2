"""How long a printer takes for its program, with its acceleration; a child: `… PROFILE`.

The proof reads every line and knows path over feed; how much longer the ramps and corners take is
found here, in a child with numpy, from the same reading. A square corner is passed at the
profile's `corner_mm_s`: Klipper's docs/Kinematics.md turns that into the junction deviation which
Marlin has as M205 J. Heating, homing and levelling come on top: nobody can know them.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator
from math import sqrt
from pathlib import Path

import numpy as np

from commons.machine import Driver, MachineProfile, PrintLimits
from fab_agent.gcode.pace import Floats, corner_squared, planned_s
from fab_agent.gcode.parser import parse_line, plain_move, plain_stroke
from fab_agent.gcode.proof import walk_of
from fab_agent.timing import PROGRAM, TimeAnswer

# Marlin's planner holds 16 blocks (BLOCK_BUFFER_SIZE); Klipper looks ahead as far as it needs.
MARLIN_BLOCKS = 16
KLIPPER_BLOCKS = 10_000
# What printers allow their Z axis (Marlin's DEFAULT_MAX_ACCELERATION, Klipper's example printers).
Z_ACCELERATION_MM_S2 = 100.0
# So many lines are planned at once; a stop between is less than a second in an hour.
WINDOW_LINES = 200_000
_WIDTH = 5


def print_s(lines: Iterable[bytes], profile: MachineProfile) -> float:
    """Seconds that a proved program's moves and waits take on such a printer.

    Raises:
        ProgramRefused: it is no program for this machine.
    """
    limits = profile.fdm or PrintLimits()
    blocks = KLIPPER_BLOCKS if profile.driver is Driver.MOONRAKER else MARLIN_BLOCKS
    total_s = 0.0
    for states in _windows(lines, profile):
        total_s += _window_s(states, limits, blocks)
    return total_s


def _windows(lines: Iterable[bytes], profile: MachineProfile) -> Iterator[Floats]:
    """X, Y, Z, filament (mm) and path over feed (s) so far, after each line; windows join."""
    walk = walk_of(profile)
    states = array("d", (*walk.here, walk.worked, walk.duration_s))
    for number, line in enumerate(lines, 1):
        walk.line = number
        stroke = plain_stroke(line)
        if stroke is None or not walk.stroke(*stroke):
            words = plain_move(line)
            if words is not None:
                walk.straight(words)
            else:
                walk.obey(parse_line(line, number, packed=walk.packed))
        states.extend((*walk.here, walk.worked, walk.duration_s))
        if len(states) >= _WIDTH * WINDOW_LINES:
            yield np.array(states).reshape(-1, _WIDTH)
            del states[:-_WIDTH]
    yield np.array(states).reshape(-1, _WIDTH)


def _window_s(states: Floats, limits: PrintLimits, blocks: int) -> float:
    """Of the lines between the states: what moves is planned, what stands takes its time."""
    rate = limits.acceleration_mm_s2
    steps = np.diff(states, axis=0)
    lasts = steps[:, 4]
    steps, lasts = steps[lasts > 0], lasts[lasts > 0]
    ways, pushes = np.nan_to_num(steps[:, :3]), np.abs(steps[:, 3])
    length = np.linalg.norm(ways, axis=1)
    moves = length > 0
    standing_s = _ramped_s(pushes[~moves], lasts[~moves], rate).sum()
    way, far = ways[moves], length[moves]
    if not len(far):
        return float(standing_s)
    unit = way / far[:, None]
    upward = np.abs(unit[:, 2])
    z_limit = np.divide(
        Z_ACCELERATION_MM_S2, upward, out=np.full_like(upward, rate), where=upward > 0
    )
    junction_mm = limits.corner_mm_s**2 * (sqrt(2) - 1) / rate
    corner = corner_squared(unit, rate, junction_mm)
    corner[np.diff(np.flatnonzero(moves)) > 1] = 0.0  # it stands in between
    moving_s = planned_s(
        far, far / lasts[moves], np.minimum(rate, z_limit), corner, blocks_ahead=blocks
    )
    return float(standing_s + moving_s.sum())


def _ramped_s(pushes: Floats, lasts: Floats, rate: float) -> Floats:
    """Pushes of filament alone, each from rest to rest; what pushes nothing is a wait."""
    speed = pushes / lasts
    whole, short = lasts + speed / rate, 2 * np.sqrt(pushes / rate)
    seconds: Floats = np.where(pushes >= speed**2 / rate, whole, short)
    return seconds


def main() -> None:
    """The profile is the argument, the program lies at /in/program, the answer is JSON."""
    profile = MachineProfile.model_validate_json(sys.argv[1])
    with Path(f"/in/{PROGRAM}").open("rb") as file:
        seconds = print_s((line.rstrip(b"\n") for line in file), profile)
    sys.stdout.write(TimeAnswer(duration_s=seconds).model_dump_json())


if __name__ == "__main__":
    main()
