"""How long a program takes: against formulas, a plain planner block by block, and the simulator."""

from itertools import pairwise
from math import pi, sqrt
from pathlib import Path

import numpy as np
import pytest

from commons.machine import Envelope
from fab_agent.cam.duration import Dynamics, _blocks, _corner_speed_squared, duration_s
from fab_agent.cam.mill import mill
from fab_agent.cam.request import Kind
from fab_agent.cam.stock import Stock
from fab_agent.cam.toolpath import Move, Toolpath
from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from tests.profiles import router

ACCELERATION = 200.0
ROUTER = Dynamics(ACCELERATION, 0.01, 40.0, 10.0)
_TICK_S = 0.02
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


def simulated_s(lines, **knobs):
    """Machine time that the simulated GRBL takes for the program."""
    machine = SimulatedGrbl(GrblKnobs(moves_take_time=True, **knobs))
    said, passed = machine.tick(0.0), 0.0
    for answered, line in enumerate(lines, start=1):
        said += machine.feed(line + b"\n")
        while said.count(b"ok") < answered:
            said += machine.tick(_TICK_S)
            passed += _TICK_S
    while machine.moving:
        machine.tick(_TICK_S)
        passed += _TICK_S
    assert b"error" not in said
    return passed


@pytest.mark.slow
def test_without_acceleration_it_takes_what_the_simulated_grbl_takes():
    room = Envelope(x_max_mm=620, y_max_mm=420, z_min_mm=-20, z_max_mm=60)
    profile = router(envelope=room, max_feed_z_mm_s=20)
    quick = profile.cnc.model_copy(update={"acceleration_mm_s2": 5e4, "junction_deviation_mm": 1.0})
    plan = mill(SIDE.read_bytes(), Kind.DXF, stock=Stock(6.0, (620, 420)),
                profile=profile.model_copy(update={"cnc": quick}))  # fmt: skip
    simulated = simulated_s(plan.lines)
    assert plan.estimate.duration_s == pytest.approx(simulated, rel=0.1)
    real = mill(SIDE.read_bytes(), Kind.DXF, stock=Stock(6.0, (620, 420)), profile=profile)
    assert simulated < real.estimate.duration_s < 1.1 * simulated
    # The simulator stands still after every block: GRBL, which looks ahead, is quicker.
    stopping = simulated_s(plan.lines, acceleration_mm_s2=profile.cnc.acceleration_mm_s2)
    assert real.estimate.duration_s < stopping


def test_pairs_of_lines_in_a_square_add_up():
    corners = [(0, 0, 0), (30, 0, 0), (30, 30, 0), (0, 30, 0), (0, 0, 0)]
    stops = sum(duration_s(cut(*pair), ROUTER) for pair in pairwise(corners))
    assert 4 * 30 / 20 < duration_s(cut(*corners), ROUTER) < stops
