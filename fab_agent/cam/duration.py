"""How long GRBL takes: its planner's speeds at every corner, with accelerations.

After gnea/grbl 1.1, doc/markdown/settings.md ($11, $12, $12x) and planner.c; held by tests to what
the simulated GRBL takes, which has a planner of its own.
"""

from dataclasses import dataclass

import numpy as np

from commons.machine import MachineProfile, MillLimits
from fab_agent.cam.toolpath import Move, Toolpath
from fab_agent.gcode.pace import Floats, corner_squared, planned_s

# GRBL's planner holds 16 blocks, one of which stays free; $12 is 0.002 mm.
_BLOCKS_AHEAD = 15
_ARC_TOLERANCE_MM = 0.002


@dataclass(frozen=True, slots=True)
class Dynamics:
    """How quick a router is: the same acceleration on each axis ($120…$122), $11, $110 and $112."""

    acceleration_mm_s2: float
    junction_mm: float
    rapid_mm_s: float
    rapid_z_mm_s: float


def dynamics_of(profile: MachineProfile) -> Dynamics:
    """How quick this router is, as its profile says."""
    limits = profile.cnc or MillLimits()
    return Dynamics(
        acceleration_mm_s2=limits.acceleration_mm_s2,
        junction_mm=limits.junction_deviation_mm,
        rapid_mm_s=profile.max_feed_mm_s,
        rapid_z_mm_s=profile.max_feed_z_mm_s,
    )


def duration_s(toolpath: Toolpath, dynamics: Dynamics) -> float:
    """Seconds from standstill at the first point to standstill at the last."""
    ways, speed = _blocks(toolpath, dynamics)
    length = np.linalg.norm(ways, axis=1)
    ways, speed, length = ways[length > 0], speed[length > 0], length[length > 0]
    if not len(length):
        return 0.0
    unit = ways / length[:, None]
    # The axis that has most to do says how fast the whole block may gain speed.
    acceleration = dynamics.acceleration_mm_s2 / np.abs(unit).max(axis=1)
    corner = _corner_speed_squared(unit, dynamics)
    return float(planned_s(length, speed, acceleration, corner, blocks_ahead=_BLOCKS_AHEAD).sum())


def _corner_speed_squared(unit: Floats, dynamics: Dynamics) -> Floats:
    """Between each block and the next, mm²/s²: each axis has its acceleration to turn with."""
    turn = unit[1:] - unit[:-1]
    most = np.abs(turn).max(axis=1)
    across = np.divide(np.linalg.norm(turn, axis=1), most, out=np.ones_like(most), where=most > 0)
    return corner_squared(unit, dynamics.acceleration_mm_s2 * across, dynamics.junction_mm)


def _blocks(toolpath: Toolpath, dynamics: Dynamics) -> tuple[Floats, Floats]:
    """Every straight block (n, 3) mm as GRBL plans it, arcs in chords, and its speed, mm/s."""
    xyz, kind = toolpath.xyz, toolpath.kind[1:]
    ways = np.diff(xyz, axis=0)
    speed = np.where(kind == Move.RAPID, _rapid_speed(ways, dynamics), toolpath.feed[1:])
    start = xyz[:-1, :2] - toolpath.centre[1:]
    end = xyz[1:, :2] - toolpath.centre[1:]
    curved = (kind == Move.CLOCKWISE) | (kind == Move.COUNTER)
    sign = np.where(kind == Move.CLOCKWISE, -1.0, 1.0)
    first = np.arctan2(start[:, 1], start[:, 0])
    sweep = sign * (sign * (np.arctan2(end[:, 1], end[:, 0]) - first) % (2 * np.pi))
    radius = np.hypot(start[:, 0], start[:, 1])
    chord = np.sqrt(_ARC_TOLERANCE_MM * np.maximum(2 * radius - _ARC_TOLERANCE_MM, 1e-6))
    count = np.where(curved, np.maximum(np.abs(sweep) * radius / 2 // chord, 1), 1).astype(np.intp)
    move = np.repeat(np.arange(len(count)), count)
    share = np.arange(len(move)) - np.repeat(np.cumsum(count) - count, count)
    one, other = share / count[move], (share + 1) / count[move]
    pieces = ways[move] / count[move][:, None]
    arc = curved[move]
    angles = [first[move][arc] + sweep[move][arc] * part[arc] for part in (one, other)]
    x, y = (radius[move][arc] * (f(angles[1]) - f(angles[0])) for f in (np.cos, np.sin))
    pieces[arc, 0], pieces[arc, 1] = x, y
    return pieces, speed[move]


def _rapid_speed(ways: Floats, dynamics: Dynamics) -> Floats:
    """GRBL's G0: as fast as the first axis that is at its maximum lets it."""
    length = np.maximum(np.linalg.norm(ways, axis=1), 1e-12)
    fastest = np.array([dynamics.rapid_mm_s, dynamics.rapid_mm_s, dynamics.rapid_z_mm_s])
    with np.errstate(divide="ignore"):
        speeds: Floats = (fastest * length[:, None] / np.abs(ways)).min(axis=1)
    return speeds
