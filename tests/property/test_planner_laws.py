"""Laws of GRBL's simulated look-ahead: any moves, any feeds, any cutting of time, any holds."""

import math

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.grbl_planner import LookAhead
from tests.machine_time import executed_by

RATES, ACCELERATIONS = (50.0, 40.0, 10.0), (300.0, 200.0, 50.0)
SETTINGS = {11: 0.02, 12: 0.002}
SETTINGS |= {110 + i: rate * 60 for i, rate in enumerate(RATES)}
SETTINGS |= {120 + i: rate for i, rate in enumerate(ACCELERATIONS)}

tenths = st.integers(-300, 300).map(lambda n: n / 10)
short = st.integers(-3, 3).map(lambda n: n / 10)
steps = st.tuples(tenths, tenths, short) | st.tuples(short, short, short)
feeds = st.sampled_from([0.5, 5.0, 20.0, math.inf])
programs = st.lists(st.tuples(steps.filter(any), feeds), min_size=1, max_size=40)
blocks = st.integers(1, 15)
ticks = st.lists(st.floats(0.004, 0.2), min_size=1, max_size=8)  # shares of the whole time


class Run:
    """A program on its way through a planner that is kept as full as it can be."""

    def __init__(self, program, block_count, *, faster=1.0):
        self.ahead = LookAhead(block_count, SETTINGS)
        self._moves = [(step, feed * faster) for step, feed in program]
        self.speeds = []  # of each move: what its feed and its axes allow, mm/s
        self.rates = []  # and how quick it may change, mm/s²
        for step, feed in self._moves:
            length = math.hypot(*step)
            self.speeds.append(min([feed, *_allowed(RATES, step, length)]))
            self.rates.append(min(_allowed(ACCELERATIONS, step, length)))
        self.taken = 0
        self.fill()

    @property
    def under_way(self):
        return self.taken - (self.ahead._size - self.ahead.free)

    @property
    def done(self):
        return self.ahead.empty and self.taken == len(self._moves)

    def fill(self):
        while self.taken < len(self._moves) and not self.ahead.full:
            step, feed = self._moves[self.taken]
            end = [a + b for a, b in zip(self.ahead.position, step, strict=False)]
            self.ahead.move((*end, 0.0), math.hypot(*step), feed)
            self.taken += 1

    def advance(self, most_s):
        passed_s = min(most_s, self.ahead.next_s)
        self.ahead.advance(passed_s)
        self.fill()
        return passed_s

    def to_end(self):
        total_s = 0.0
        while not self.done:
            total_s += self.advance(math.inf)
        return total_s


def _allowed(limits, step, length):
    return [limit * length / abs(way) for limit, way in zip(limits, step, strict=True) if way]


@settings(deadline=None, max_examples=60)
@given(programs, blocks, ticks)
def test_no_feed_no_axis_and_no_acceleration_is_exceeded_and_it_ends_at_rest(
    program, block_count, cuts
):
    whole_s = Run(program, block_count).to_end()
    run, number = Run(program, block_count), 0
    move, speed = 0, 0.0
    while not run.done:
        passed_s = run.advance(cuts[number % len(cuts)] * whole_s)
        now = run.ahead.feed_mm_s
        assert run.done or now <= run.speeds[run.under_way] + 1e-6
        if run.under_way == move and not run.done:
            assert abs(now - speed) <= run.rates[move] * passed_s + 1e-6
        move, speed, number = run.under_way, now, number + 1
    assert run.ahead.feed_mm_s == 0.0
    ends = [sum(step[i] for step, _ in program) for i in range(3)]
    assert math.dist(run.ahead.where[:3], ends) < 1e-6


@settings(deadline=None, max_examples=60)
@given(programs, blocks)
def test_it_is_no_quicker_than_its_feeds_and_no_slower_than_with_a_stop_at_every_block(
    program, block_count
):
    run = Run(program, block_count)
    at_feed = stopping = 0.0
    for (step, _), speed, rate in zip(program, run.speeds, run.rates, strict=True):
        length = math.hypot(*step)
        at_feed += length / speed
        ramps = speed * speed / rate
        stopping += (
            length / speed + speed / rate if length >= ramps else 2 * math.sqrt(length / rate)
        )
    lasts = run.to_end()
    assert at_feed - 1e-6 <= lasts <= stopping + 1e-6
    if block_count == 1:
        assert abs(lasts - stopping) < 1e-6


@settings(deadline=None, max_examples=60)
@given(programs, blocks, st.floats(1.0, 4.0))
def test_more_feed_and_more_blocks_never_take_longer(program, block_count, faster):
    slow = Run(program, block_count).to_end()
    assert Run(program, block_count, faster=faster).to_end() <= slow + 1e-6
    assert Run(program, 15).to_end() <= slow + 1e-6


@settings(deadline=None, max_examples=60)
@given(programs, blocks, ticks)
def test_time_may_be_cut_anyhow(program, block_count, cuts):
    whole_s = Run(program, block_count).to_end()
    run, lasts, number = Run(program, block_count), 0.0, 0
    while not run.done:
        lasts += run.advance(cuts[number % len(cuts)] * whole_s)
        number += 1
    assert abs(lasts - whole_s) < 1e-6


@settings(deadline=None, max_examples=60)
@given(programs, blocks, st.floats(0, 1))
def test_a_hold_stops_within_its_braking_distance_and_loses_nothing(program, block_count, share):
    left_s = share * Run(program, block_count).to_end()
    run = Run(program, block_count)
    while left_s > 0 and not run.done:
        left_s -= run.advance(left_s)
    before, speed = run.ahead.where, run.ahead.feed_mm_s
    rate = min(run.rates[max(run.under_way, 0) :], default=math.inf)
    run.ahead.hold()
    while not run.ahead.stands:
        run.ahead.advance(run.ahead.next_s)
    gone = math.dist(before[:3], run.ahead.where[:3])
    assert gone <= speed * speed / (2 * rate) + 1e-6
    held = run.ahead.where
    run.ahead.advance(10.0)
    assert run.ahead.where == held
    run.ahead.resume()
    run.to_end()
    ends = [sum(step[i] for step, _ in program) for i in range(3)]
    assert math.dist(run.ahead.where[:3], ends) < 1e-6


places = st.integers(-99, 99)
offsets = st.integers(1, 9)
lines = st.builds("G90G1X{}Y{}F{}".format, places, places, st.integers(60, 6000))
lines |= st.builds("G90G2X{}Y{}R150F2000".format, places, places)
lines |= st.builds("G91G3X0I{}J{}F3000".format, offsets, offsets)
lines |= st.sampled_from(["G90G0Z5", "G4P0.1", "M3S1000"])


@settings(deadline=None, max_examples=30)
@given(st.lists(lines, max_size=20), blocks, st.sampled_from([20.0, 500.0]))
def test_every_line_is_executed_once_and_in_order(program, planner_blocks, acceleration):
    machine = SimulatedGrbl(
        GrblKnobs(
            moves_take_time=True, planner_blocks=planner_blocks, acceleration_mm_s2=acceleration
        )
    )
    at_once = SimulatedGrbl(GrblKnobs())
    program = ["G1X100Y100Z1F3000", *program]
    said = b"".join(at_once.feed(line.encode() + b"\n") for line in program)
    assume(b"error" not in said)  # an arc to where it stands has no radius
    executed_by(machine, [line.encode() for line in program])
    assert machine.executed == program == at_once.executed
    assert math.dist(machine.position.values(), at_once.position.values()) < 1e-6
