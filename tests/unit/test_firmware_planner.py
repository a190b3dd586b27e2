"""GRBL's look-ahead as simulated, against figures worked out by hand.

Formulas from gnea/grbl's doc/markdown/settings.md and the comments of planner.c, read on 2026-11-23
at 12f48a00. No firmware ran beside these tests.
"""

import math
from itertools import pairwise

import pytest

from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.grbl_planner import LookAhead, chords
from tests.machine_time import executed_by, machine_s

SETTINGS = {
    11: 0.01, 12: 0.002,
    110: 6000.0, 111: 6000.0, 112: 600.0,
    120: 200.0, 121: 200.0, 122: 50.0,
}  # fmt: skip


def planner(*points, feed=20.0, blocks=15):
    """A planner that has taken moves to these places, from 0."""
    ahead = LookAhead(blocks, SETTINGS)
    for point in points:
        go(ahead, point, feed)
    return ahead


def go(ahead, point, feed=20.0):
    end = (*point, *(0.0,) * (4 - len(point)))
    ahead.move(end, math.dist(ahead.position, end), feed)


def seconds(ahead):
    """Until it has done everything that it holds."""
    total = 0.0
    while not ahead.empty:
        total += ahead.next_s
        ahead.advance(ahead.next_s)
    return total


def test_one_line_has_one_ramp_up_and_one_down():
    assert seconds(planner((100,))) == pytest.approx(100 / 20 + 20 / 200)
    assert seconds(planner((0.5,))) == pytest.approx(2 * math.sqrt(0.5 / 200))


def test_a_straight_line_in_pieces_lasts_as_long_as_whole():
    assert seconds(planner(*((x,) for x in range(10, 101, 10)))) == pytest.approx(5.1)


def test_a_turn_back_is_a_stop():
    assert seconds(planner((100,), (0,))) == pytest.approx(2 * 5.1)


def test_a_square_corner_is_passed_at_the_speed_of_its_circle():
    ahead = planner((50,), (50, 50))
    ahead.advance(ahead.next_s)
    half = math.sqrt(0.5)
    expected = math.sqrt(200 * math.sqrt(2) * 0.01 * half / (1 - half))
    assert ahead.feed_mm_s == pytest.approx(expected)


def test_the_slowest_axis_says_how_fast_and_how_quick():
    up = planner((0, 0, 100), feed=math.inf)  # a rapid
    assert seconds(up) == pytest.approx(100 / 10 + 10 / 50)
    across = planner((30, 40), feed=math.inf)
    # Y has most to do: 100 mm/s and 200 mm/s² there are a quarter more along the way.
    assert seconds(across) == pytest.approx(2 * math.sqrt(50 / 250))


def test_nothing_is_faster_than_what_stops_within_the_known_blocks():
    ahead = LookAhead(15, SETTINGS)
    fastest, number = 0.0, 0
    while number < 400 or not ahead.empty:
        while number < 400 and not ahead.full:
            number += 1
            go(ahead, (number * 0.05,))
        ahead.advance(ahead.next_s)
        fastest = max(fastest, ahead.feed_mm_s)
    # The block under way ends, and 14 others are known.
    assert fastest == pytest.approx(math.sqrt(2 * 200 * 14 * 0.05))


def test_a_block_that_comes_in_lets_the_one_under_way_go_on():
    ahead = planner((10,))
    ahead.advance(0.5)  # 9 mm on
    go(ahead, (20,))
    assert ahead.where[0] == pytest.approx(9.0)
    assert 0.5 + seconds(ahead) == pytest.approx(20 / 20 + 20 / 200)


def test_a_block_that_comes_in_while_it_slows_down_speeds_it_up_again():
    ahead = planner((10,))
    ahead.advance(0.59)  # half of its ramp down
    assert ahead.feed_mm_s == pytest.approx(2.0)
    go(ahead, (20,))
    assert ahead.feed_mm_s == pytest.approx(2.0)
    ahead.advance(0.01)
    assert ahead.feed_mm_s == pytest.approx(4.0)


def test_a_hold_goes_exactly_the_braking_distance():
    ahead = planner((100,))
    ahead.advance(2.0)
    before = ahead.where[0]
    ahead.hold()
    assert ahead.next_s == pytest.approx(20 / 200)
    ahead.advance(60.0)
    assert ahead.stands
    assert ahead.where[0] - before == pytest.approx(20**2 / (2 * 200))
    ahead.resume()
    assert seconds(ahead) == pytest.approx((100 - before - 1.0) / 20 + 20 / 200)


def test_a_hold_at_rest_is_over_at_once():
    ahead = planner((100,))
    ahead.hold()
    assert (ahead.stands, ahead.next_s) == (True, math.inf)
    assert planner().stands


def test_a_hold_may_stand_exactly_where_a_block_ends():
    ahead = planner((1,), (1, 1))
    ahead.advance(0.001)
    ahead.hold()
    ahead.advance(60.0)
    ahead.resume()
    assert seconds(ahead) > 0
    assert ahead.where == (1.0, 1.0, 0.0, 0.0)


def test_a_stop_forgets_what_was_planned_and_stays_where_it_is():
    ahead = planner((100,), (0,))
    ahead.advance(1.0)
    here = ahead.where
    ahead.clear()
    assert (ahead.where, ahead.position, ahead.empty) == (here, here, True)
    go(ahead, (here[0] + 100,))
    assert seconds(ahead) == pytest.approx(5.1)


@pytest.mark.parametrize("clockwise", [True, False])
def test_an_arc_becomes_chords_that_miss_it_by_no_more_than_the_tolerance(clockwise):
    places = list(
        chords((10.0, 0.0, 0.0), (0.0, 10.0, -3.0), (0.0, 0.0), (0, 1),
               clockwise=clockwise, tolerance_mm=0.002)
    )  # fmt: skip
    assert places[-1] == (0.0, 10.0, -3.0)
    assert all(math.hypot(x, y) == pytest.approx(10.0) for x, y, _ in places)
    middles = [math.hypot((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
               for a, b in pairwise(places)]  # fmt: skip
    assert 10 - min(middles) == pytest.approx(0.002, rel=0.05)
    length = sum(
        math.dist(a[:2], b[:2]) for a, b in zip([(10, 0, 0), *places], places, strict=False)
    )
    assert length == pytest.approx((3 if clockwise else 1) * 5 * math.pi, rel=1e-3)


def test_a_whole_turn_and_an_arc_in_another_plane():
    turn = list(chords((10.0, 0.0, 0.0), (10.0, 0.0, 0.0), (0.0, 0.0), (0, 1),
                       clockwise=False, tolerance_mm=0.002))  # fmt: skip
    assert turn[len(turn) // 4][1] > 9.9
    upright = list(chords((0.0, 5.0, 1.0), (1.0, 5.0, 0.0), (0.0, 0.0), (2, 0),
                          clockwise=False, tolerance_mm=0.002))  # fmt: skip
    assert upright[-1] == (1.0, 5.0, 0.0)
    assert all(math.hypot(x, z) == pytest.approx(1.0) and y == 5.0 for x, y, z in upright)


# The whole router


def test_a_router_with_an_acceleration_looks_ahead():
    square = [b"G1X50F1200", b"Y50", b"X0", b"Y0"]
    lasts = machine_s(square, acceleration_mm_s2=200.0)
    assert 200 / 20 < lasts < 4 * (50 / 20 + 20 / 200)


def test_a_router_s_settings_limit_it():
    lines = [b"G0X100", b"G1Z-10F3000"]
    lasts = machine_s(lines, acceleration_mm_s2=1e6, settings={110: 1200.0, 112: 300.0})
    assert lasts == pytest.approx(100 / 20 + 10 / 5, rel=1e-3)


def test_a_router_drives_an_arc_in_chords_and_ends_where_it_should():
    machine = SimulatedGrbl(GrblKnobs(moves_take_time=True, acceleration_mm_s2=500.0))
    lasts = executed_by(machine, [b"G17G3X20I10F600", b"G2X40R-20", b"G18G2X42Z-2I2K0"])
    assert machine.executed == ["G17G3X20I10F600", "G2X40R-20", "G18G2X42Z-2I2K0"]
    assert machine.work_position == pytest.approx({"X": 42.0, "Y": 0.0, "Z": -2.0})
    length = 10 * math.pi + 20 * (2 * math.pi - math.pi / 3) + math.pi
    assert length / 10 < lasts < length / 10 + 0.5


def test_a_router_stops_within_its_braking_distance_in_mid_arc():
    machine = SimulatedGrbl(GrblKnobs(moves_take_time=True, acceleration_mm_s2=100.0))
    machine.feed(b"G2X0I50F1200\n")
    machine.tick(2.0)
    before, speed = machine.position, machine.planner.feed_mm_s
    machine.feed(b"!")
    machine.tick(10.0)
    after = machine.position
    assert machine.state == "Hold:0"
    gone = math.dist((before["X"], before["Y"]), (after["X"], after["Y"]))
    assert 0 < gone <= speed**2 / (2 * 100.0)
    machine.feed(b"~")
    machine.tick(60.0)
    assert machine.state == "Idle"
    assert machine.work_position == pytest.approx({"X": 0.0, "Y": 0.0, "Z": 0.0}, abs=1e-9)
