"""How long a program takes: against formulas, a plain planner block by block, and the simulator."""

from dataclasses import replace
from itertools import pairwise
from math import pi, sqrt
from pathlib import Path

import numpy as np
import pytest

from commons.machine import Envelope
from fab_agent.cam.duration import Dynamics, _blocks, _corner_speed_squared, duration_s
from fab_agent.cam.gcode import SPIN_UP_S, grbl_lines
from fab_agent.cam.mill import mill
from fab_agent.cam.request import Kind
from fab_agent.cam.stock import Stock
from fab_agent.cam.toolpath import Move, Toolpath
from tests.machine_time import machine_s
from tests.profiles import router

ACCELERATION = 200.0
ROUTER = Dynamics(ACCELERATION, 0.01, 40.0, 10.0)
AT_ONCE = Dynamics(1e9, 0.01, 40.0, 10.0)
SIDE = Path(__file__).parents[2] / "designs/laptop-stand/export/side.dxf"


def cut(*points, feed=20.0, kind=Move.CUT, centre=(np.nan, np.nan)):
    xyz = np.array(points, dtype=float)
    count = len(xyz)
    return Toolpath(xyz, np.full(count, kind, dtype=np.int8), np.full(count, feed),
                    np.tile(np.array(centre, dtype=float), (count, 1)))  # fmt: skip


def test_a_long_line_is_path_over_feed_and_one_ramp_up_and_down():
    line = cut((0, 0, 0), (100, 0, 0))
    assert duration_s(line, ROUTER) == pytest.approx(100 / 20 + 20 / ACCELERATION)


def test_a_short_line_never_comes_to_speed():
    assert duration_s(cut((0, 0, 0), (1, 0, 0)), ROUTER) == pytest.approx(
        2 * sqrt(1 / ACCELERATION)
    )


def test_a_straight_way_in_pieces_takes_as_long_as_whole_when_enough_are_known_ahead():
    pieces = cut(*((x, 0, 0) for x in np.linspace(0, 100, 41)))
    assert duration_s(pieces, ROUTER) == pytest.approx(5.1)


def test_tiny_pieces_are_slow_because_the_machine_must_be_able_to_stop():
    tiny = cut(*((x, 0, 0) for x in np.linspace(0, 20, 2001)))
    assert duration_s(tiny, ROUTER) > 1.5 * (20 / 20 + 20 / ACCELERATION)
    assert duration_s(tiny, ROUTER) == pytest.approx(20 / sqrt(2 * ACCELERATION * 0.15), rel=0.05)


def test_a_turn_back_stops_and_a_square_corner_is_passed_slowly():
    back = cut((0, 0, 0), (50, 0, 0), (0, 0, 0))
    assert duration_s(back, ROUTER) == pytest.approx(2 * (50 / 20 + 20 / ACCELERATION))
    unit = np.array([(1.0, 0, 0), (0, 1.0, 0)])
    half = sqrt(0.5)
    expected = ACCELERATION * sqrt(2) * 0.01 * half / (1 - half)
    assert _corner_speed_squared(unit, ROUTER)[0] == pytest.approx(expected)


def test_a_rapid_goes_as_fast_as_its_slowest_axis_lets_it():
    up = cut((0, 0, 0), (0, 0, 20), kind=Move.RAPID)
    assert duration_s(up, AT_ONCE) == pytest.approx(2.0, rel=1e-3)
    across = cut((0, 0, 0), (40, 40, 0), kind=Move.RAPID)
    assert duration_s(across, AT_ONCE) == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize(("kind", "quarters"), [(Move.COUNTER, 1), (Move.CLOCKWISE, 3)])
def test_an_arc_takes_its_length(kind, quarters):
    arc = cut((10, 0, 0), (0, 10, -1), kind=kind, centre=(0, 0))
    length = sqrt((quarters * 5 * pi) ** 2 + 1)
    assert duration_s(arc, AT_ONCE) == pytest.approx(length / 20, rel=2e-3)


def planned_s(toolpath, dynamics):
    """The same as a firmware does it: each block in its turn, with what is known by then."""
    ways, feed = _blocks(toolpath, dynamics)
    length = [float(np.linalg.norm(way)) for way in ways]
    unit = ways / np.array(length)[:, None]
    rate = [dynamics.acceleration_mm_s2 / max(abs(u)) for u in unit]
    corner = [0.0, *_corner_speed_squared(unit, dynamics).tolist(), 0.0]
    total, entry = 0.0, 0.0
    for i, (path, most) in enumerate(zip(length, feed, strict=True)):
        leave = 0.0
        for j in range(min(i + 15, len(length)) - 1, i, -1):
            leave = min(leave + 2 * rate[j] * length[j], corner[j], feed[j] ** 2, feed[j - 1] ** 2)
        leave = min(leave, entry + 2 * rate[i] * path)
        top = min(most**2, (entry + leave) / 2 + rate[i] * path)
        flat = path - (2 * top - entry - leave) / (2 * rate[i])
        total += (2 * sqrt(top) - sqrt(entry) - sqrt(leave)) / rate[i] + max(flat, 0) / sqrt(top)
        entry = leave
    return total


@pytest.mark.parametrize("seed", range(4))
def test_it_agrees_with_a_planner_that_goes_block_by_block(seed):
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, [3, 3, 0.3], (150, 3)) * rng.choice([0.05, 1, 5], (150, 1))
    way = cut(*np.cumsum(steps, axis=0))
    way.feed[:] = rng.uniform(5, 40, len(way.feed))
    assert duration_s(way, ROUTER) == pytest.approx(planned_s(way, ROUTER), rel=0.01)


# Against the simulated GRBL, which has a planner of its own


def ring(radius, *, turns=1):
    """Down, then round: in two halves, as the CAM cuts circles."""
    halves = [(-radius, 0, -1), (radius, 0, -1)] * turns
    return cut((radius, 0, -1), *halves, kind=Move.COUNTER, centre=(0, 0))


def wave(step_mm):
    x = np.arange(0, 60, step_mm)
    return cut(*zip(x, 8 * np.sin(x / 5), np.zeros_like(x), strict=True), feed=30.0)


def zigzag():
    rows = [((0, y, -1), (60, y, -1)) if y % 2 else ((60, y, -1), (0, y, -1)) for y in range(20)]
    return cut(*(point for row in rows for point in row))


def pecks():
    """Holes in steps: rapids out of them, feed into them."""
    points, kinds = [], []
    for x in range(0, 100, 10):
        for deep in (1, 2, 3):
            points += [(x, 0, 5), (x, 0, 0.5), (x, 0, -deep), (x, 0, 5)]
            kinds += [Move.RAPID, Move.RAPID, Move.CUT, Move.RAPID]
    way = cut(*points, feed=5.0)
    return replace(way, kind=np.array(kinds, dtype=np.int8))


SHAPES = {
    "long lines": cut((0, 0, 0), (300, 0, 0), (300, 200, 0), (0, 0, 0), feed=40.0),
    "pieces of 0.1 mm": wave(0.1),
    "pieces of 0.5 mm": wave(0.5),
    "large circles": ring(40, turns=2),
    "small circles": ring(2, turns=20),
    "a zigzag": zigzag(),
    "pecks": pecks(),
}


def router_s(lines, dynamics):
    """Machine time of a GRBL with these settings that stands on work zero."""
    across, up = dynamics.rapid_mm_s * 60, dynamics.rapid_z_mm_s * 60
    settings = {11: dynamics.junction_mm, 110: across, 111: across, 112: up}
    return machine_s(lines, acceleration_mm_s2=dynamics.acceleration_mm_s2, settings=settings)


@pytest.mark.parametrize("acceleration", [30.0, 200.0, 1000.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_what_the_simulated_grbl_takes(shape, acceleration):
    dynamics = Dynamics(acceleration, 0.02, 50.0, 15.0)
    way = SHAPES[shape]
    begin = cut((0, 0, 5), (*way.xyz[0][:2], 5), kind=Move.RAPID)
    columns = ("xyz", "kind", "feed", "centre")
    whole = Toolpath(*(np.concatenate([getattr(p, c) for p in (begin, way)]) for c in columns))
    whole.kind[len(begin.kind)] = Move.CUT  # down to where the shape begins
    lines = list(grbl_lines(whole, spindle_rpm=10000, safe_mm=5.0))
    up_s = duration_s(cut((0, 0, 0), (0, 0, 5), kind=Move.RAPID), dynamics)
    down = cut(way.xyz[-1], (*way.xyz[-1][:2], 5), kind=Move.RAPID)
    ours = SPIN_UP_S + up_s + duration_s(whole, dynamics) + duration_s(down, dynamics)
    assert ours == pytest.approx(router_s(lines, dynamics), rel=0.03)


@pytest.mark.parametrize("acceleration", [50.0, 200.0, 1000.0])
def test_a_board_takes_what_the_simulated_grbl_takes(acceleration):
    room = Envelope(x_max_mm=620, y_max_mm=420, z_min_mm=-20, z_max_mm=60)
    profile = router(envelope=room, max_feed_z_mm_s=20)
    cnc = profile.cnc.model_copy(update={"acceleration_mm_s2": acceleration})
    plan = mill(SIDE.read_bytes(), Kind.DXF, stock=Stock(6.0, (620, 420)),
                profile=profile.model_copy(update={"cnc": cnc}))  # fmt: skip
    simulated = router_s(plan.lines, Dynamics(acceleration, cnc.junction_deviation_mm, 50, 20))
    assert plan.estimate.duration_s == pytest.approx(simulated, rel=0.03)
    # Path over feed alone is further off, the more so the lazier the machine is.
    assert machine_s(plan.lines, settings={}) < simulated


def test_pairs_of_lines_in_a_square_add_up():
    corners = [(0, 0, 0), (30, 0, 0), (30, 30, 0), (0, 30, 0), (0, 0, 0)]
    stops = sum(duration_s(cut(*pair), ROUTER) for pair in pairwise(corners))
    assert 4 * 30 / 20 < duration_s(cut(*corners), ROUTER) < stops
