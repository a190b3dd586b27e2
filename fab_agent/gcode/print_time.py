"""How long a printer takes for its moves, with its acceleration: a child that reads what the proof
saw of them, and is asked by `fab_agent/timing.py`.

A square corner is passed at `corner_mm_s`: Klipper's docs/Kinematics.md turns that into the
junction deviation which Marlin has as M205 J. Heating, homing and levelling come on top: nobody
can know them.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import BinaryIO

import numpy as np

from fab_agent.gcode.pace import Floats, corner_squared, planned_s

# What printers allow their Z axis (Marlin's DEFAULT_MAX_ACCELERATION, Klipper's example printers).
Z_ACCELERATION_MM_S2 = 100.0
# So many moves are planned at once, while the proof reads on; a stop between is less than a second
# in an hour.
WINDOW_MOVES = 50_000
_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class Quickness:
    """Acceleration along any way, speed through a square corner, and how many blocks it knows."""

    acceleration_mm_s2: float
    corner_mm_s: float
    blocks_ahead: int


def print_s(moves: BinaryIO, quickness: Quickness) -> float:
    """Seconds of all moves: rows of X, Y, Z reached, filament (mm) and path over feed (s), as
    32-bit floats.
    """
    return sum(_window_s(window, quickness) for window in _windows(moves))


def _windows(moves: BinaryIO) -> Iterator[Floats]:
    """Rows of a part of the moves; the first is where the part begins (NaN: nobody knows)."""
    before = np.full((1, _COLUMNS), np.nan)
    while block := moves.read(4 * _COLUMNS * WINDOW_MOVES):
        rows = np.frombuffer(block, dtype=np.float32).astype(np.float64).reshape(-1, _COLUMNS)
        yield np.concatenate([before, rows])
        before = rows[-1:]


def _window_s(rows: Floats, quickness: Quickness) -> float:
    """What moves is planned, what stands takes its time."""
    ways, rows = np.nan_to_num(np.diff(rows[:, :3], axis=0)), rows[1:]
    lasts = rows[:, 4]
    ways, pushes, lasts = ways[lasts > 0], np.abs(rows[:, 3])[lasts > 0], lasts[lasts > 0]
    length = np.linalg.norm(ways, axis=1)
    moves = length > 0
    rate = quickness.acceleration_mm_s2
    standing_s = float(_ramped_s(pushes[~moves], lasts[~moves], rate).sum())
    if not moves.any():
        return standing_s
    far = length[moves]
    unit = ways[moves] / far[:, None]
    upward = np.abs(unit[:, 2])
    z_rate = np.divide(
        Z_ACCELERATION_MM_S2, upward, out=np.full_like(upward, rate), where=upward > 0
    )
    corner = corner_squared(unit, rate, quickness.corner_mm_s**2 * (sqrt(2) - 1) / rate)
    corner[np.diff(np.flatnonzero(moves)) > 1] = 0.0  # it stands in between
    speed, rates = far / lasts[moves], np.minimum(rate, z_rate)
    moving_s = planned_s(far, speed, rates, corner, blocks_ahead=quickness.blocks_ahead)
    return standing_s + float(moving_s.sum())


def _ramped_s(pushes: Floats, lasts: Floats, rate: float) -> Floats:
    """Pushes of filament alone, each from rest to rest; what pushes nothing is a wait."""
    speed = pushes / lasts
    whole, short = lasts + speed / rate, 2 * np.sqrt(pushes / rate)
    seconds: Floats = np.where(pushes >= speed**2 / rate, whole, short)
    return seconds


def main() -> None:
    """Moves on stdin, a Quickness as JSON in the argument. The answer is seconds as JSON."""
    seconds = print_s(sys.stdin.buffer, Quickness(**json.loads(sys.argv[1])))
    sys.stdout.write(json.dumps(seconds))


if __name__ == "__main__":
    main()
