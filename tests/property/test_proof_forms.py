"""Laws of the proof: moved, turned or written otherwise, a program gets the verdict it had."""

from itertools import pairwise
from math import cos, radians, sin

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from commons.errors import ProgramRefused
from commons.machine import (
    Driver,
    Envelope,
    KeepOut,
    MachineProfile,
    MillLimits,
    PrintLimits,
    Process,
)
from fab_agent.gcode.proof import prove
from fab_agent.gcode.zones import Zone

HALF = 100.0
CLAMP = (-20.0, 10.0, 5.0, 30.0)  # x from, x to, y from, y to
NEAR_MM = 0.05  # nearer to an edge than this, rounding decides


def keep_out(x0, x1, y0, y1):
    return KeepOut(name="clamp", x_min_mm=x0, x_max_mm=x1, y_min_mm=y0, y_max_mm=y1, z_max_mm=12)


def router(at=(0.0, 0.0), clamp=CLAMP):
    """A square machine around `at`, with a clamp in it."""
    x, y = at
    return MachineProfile(
        name="router",
        process=Process.CNC,
        driver=Driver.GRBL,
        envelope=Envelope(
            x_min_mm=x - HALF, x_max_mm=x + HALF, y_min_mm=y - HALF, y_max_mm=y + HALF,
            z_min_mm=-20, z_max_mm=40, keep_out=(keep_out(*clamp),),
        ),
        max_feed_mm_s=50,
        max_feed_z_mm_s=50,
        materials=("plywood",),
        cnc=MillLimits(max_plunge_mm_s=50),
    )  # fmt: skip


PRINTER = MachineProfile(
    name="printer",
    process=Process.FDM,
    driver=Driver.MARLIN,
    envelope=Envelope(x_max_mm=100, y_max_mm=100, z_max_mm=100, keep_out=()),
    max_feed_mm_s=200,
    max_feed_z_mm_s=200,
    materials=("pla",),
    fdm=PrintLimits(),
)


def grid(least, most):
    return st.integers(round(least * 1000), round(most * 1000)).map(lambda n: n / 1000)


spots = st.lists(st.tuples(grid(-110, 110), grid(-110, 110)), min_size=2, max_size=8, unique=True)
depths = st.sampled_from((-2.0, 3.0, 15.0))


def cut(places, depth):
    """Down at the first place, then straight from one to the next, `depth` over the sheet."""
    (x, y), *rest = places
    way = [f"G1 X{px:.6f} Y{py:.6f}" for px, py in rest]
    head = ["G21 G90 G17", "G0 Z15", "M3 S9000", f"G0 X{x:.6f} Y{y:.6f}", f"G1 Z{depth} F600"]
    return [*head, *way, "G1 Z-3", "G0 Z15", "M5"]


def verdict(lines, profile):
    """Rule and line of the refusal, or what was measured but for the place."""
    try:
        proof = prove(lines, profile)
    except ProgramRefused as refused:
        return refused.rule, refused.line
    return proof.duration_s, proof.cut_length_mm or proof.extruded_mm3


def same(found, other):
    """The same refusal, or the same figures but for rounding."""
    if isinstance(found[0], str) or isinstance(other[0], str):
        return found == other
    return found == pytest.approx(other, rel=1e-3, abs=1e-2)


def doubtful(places):
    """Whether rounding may decide about a point or a way along an edge."""
    edges = (*CLAMP, CLAMP[0] - 1.5, CLAMP[1] + 1.5, CLAMP[2] - 1.5, CLAMP[3] + 1.5, -HALF, HALF)
    return any(
        abs(abs(c) - abs(edge)) < NEAR_MM for place in places for c in place for edge in edges
    )


def touches(places, clamp, grown):
    """Whether a way along `places` comes over the clamp when that is larger by `grown`."""
    zone = Zone.around(keep_out(*clamp), 1.5 + grown)
    ends = [(x, y, 0.0) for x, y in places]
    return any(zone.is_entered(a, b) for a, b in pairwise(ends))


def plain(places):
    """No way only just touches the clamp, so that rounding cannot decide."""
    return not doubtful(places) and touches(places, CLAMP, NEAR_MM) == touches(
        places, CLAMP, -NEAR_MM
    )


@given(spots, depths, grid(-90, 90), grid(-90, 90))
@settings(deadline=None, max_examples=60)
def test_a_program_moved_with_its_machine_gets_the_same_verdict(places, depth, dx, dy):
    assume(plain(places))
    moved = [(x + dx, y + dy) for x, y in places]
    x0, x1, y0, y1 = CLAMP
    there = router((dx, dy), (x0 + dx, x1 + dx, y0 + dy, y1 + dy))
    assert same(verdict(cut(moved, depth), there), verdict(cut(places, depth), router()))


@given(spots, depths, st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_a_program_turned_with_its_machine_gets_the_same_verdict(places, depth, quarters):
    assume(plain(places))
    x0, x1, y0, y1 = CLAMP
    turned = places
    for _ in range(quarters):
        turned = [(-y, x) for x, y in turned]
        x0, x1, y0, y1 = -y1, -y0, x0, x1
    there = router(clamp=(x0, x1, y0, y1))
    assert same(verdict(cut(turned, depth), there), verdict(cut(places, depth), router()))


@given(spots, grid(0, 360))
@settings(deadline=None, max_examples=60)
def test_a_program_turned_by_any_angle_inside_the_machine_is_still_accepted(places, angle):
    inside = [(x * 0.6, y * 0.6) for x, y in places]
    c, s = cos(radians(angle)), sin(radians(angle))
    turned = [(c * x - s * y, s * x + c * y) for x, y in inside]
    free = router(clamp=(95, 99, 95, 99))
    found = verdict(cut(turned, -2.0), free)
    assert not isinstance(found[0], str)
    assert same(found, verdict(cut(inside, -2.0), free))


@given(
    st.tuples(grid(-80, 80), grid(-80, 80)),
    grid(5, 60),
    st.integers(0, 359),
    st.integers(5, 350),
    st.booleans(),
    depths,
)
@settings(deadline=None, max_examples=60)
def test_an_arc_gets_the_verdict_of_its_chords_however_it_is_written(
    centre, radius, start, turn, clockwise, depth
):
    def at(share):
        angle = radians(start + (-turn if clockwise else turn) * share)
        return centre[0] + radius * cos(angle), centre[1] + radius * sin(angle)

    chords = [at(n / 360) for n in range(361)]
    (x0, y0), (x1, y1) = chords[0], chords[-1]
    reach = [max(abs(c) for c in point) for point in chords]
    assume(not any(abs(r - HALF) < NEAR_MM for r in reach))
    assume(touches(chords, CLAMP, NEAR_MM) == touches(chords, CLAMP, -NEAR_MM))
    name = "G2" if clockwise else "G3"
    long_way = radius if turn < 180 else -radius
    head = cut([(x0, y0), (x0, y0)], depth)[:5]
    tail = ["G1 Z-3", "G0 Z15", "M5"]
    end = f"X{x1:.6f} Y{y1:.6f}"
    by_centre = f"{name} {end} I{centre[0] - x0:.6f} J{centre[1] - y0:.6f}"
    ways = [
        [by_centre],
        [f"{name} {end} R{long_way:.6f}"],
        [f"G1 X{x:.6f} Y{y:.6f}" for x, y in chords[1:]],
    ]
    if abs(turn - 180) < 5:  # a radius says little about where the middle of a half turn is
        del ways[1]
    plain, *others = [verdict([*head, *way, *tail], router()) for way in ways]
    for other in others:
        if isinstance(plain[0], str):  # an arc may break two rules; its chords break one first
            assert {plain[0], other[0]} <= {"envelope", "keep-out"}
            assert other[1] >= plain[1]
        else:
            assert same(other, plain)


moves = st.lists(
    st.tuples(grid(0, 100), grid(0, 100), st.integers(-50, 9000).map(lambda n: n / 1000)),
    min_size=1,
    max_size=12,
)


@given(moves, st.booleans())
@settings(deadline=None, max_examples=60)
def test_a_print_gets_the_same_verdict_with_absolute_filament_and_with_its_words_in_any_order(
    ways, absolute
):
    head = ["G28", "G90", "M83", "M109 S210", "G1 X0 Y0 Z1 F600", "G1 X100 Y100", "G1 X0 Y50"]
    tail = ["G1 X1 Y1", "G1 X5 Y5 E1", "M104 S0"]
    common = [f"G1 X{x:.3f} Y{y:.3f} E{e:.3f}" for x, y, e in ways]
    other, pushed = [], 0.0
    for x, y, e in ways:
        pushed += e
        other.append(f"G1 E{pushed if absolute else e:.3f} X{x:.3f} Y{y:.3f}")
    if absolute:
        other = ["M82", "G92 E0", *other, "M83"]
    plain, found = (verdict([*head, *way, *tail], PRINTER) for way in (common, other))
    if absolute and isinstance(plain[0], str):
        assert found == (plain[0], plain[1] + 2)
    else:
        assert same(found, plain)
