"""Laws of the proof: no way round the box, whatever the program is written in."""

from math import cos, radians, sin

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from commons.errors import ProgramRefused
from commons.machine import Driver, Envelope, MachineProfile, MillLimits, PrintLimits, Process
from fab_agent.gcode.parser import parse_line, plain_move
from fab_agent.gcode.proof import prove

PRINTER = MachineProfile(
    name="printer",
    process=Process.FDM,
    driver=Driver.MARLIN,
    envelope=Envelope(x_max_mm=200, y_max_mm=180, z_max_mm=160),
    max_feed_mm_s=200,
    max_feed_z_mm_s=200,
    materials=("pla",),
    fdm=PrintLimits(),
)
ROUTER = MachineProfile(
    name="router",
    process=Process.CNC,
    driver=Driver.GRBL,
    envelope=Envelope(x_min_mm=-50, x_max_mm=200, y_max_mm=180, z_min_mm=-20, z_max_mm=40),
    max_feed_mm_s=50,
    max_feed_z_mm_s=50,
    materials=("plywood",),
    cnc=MillLimits(max_plunge_mm_s=50),
)
BOX = {"X": (-50, 200), "Y": (0, 180), "Z": (-20, 40)}


def grid(least, most):
    """Multiples of 0.001 mm, as programs are written."""
    return st.integers(round(least * 1000), round(most * 1000)).map(lambda n: n / 1000)


points = st.lists(
    st.tuples(*(grid(*BOX[axis]) for axis in "XYZ")), min_size=2, max_size=12, unique=True
)


def cut(places, *, unit=1.0, relative=False, stray=None):
    """A router's program through these places (mm), in other words each time."""
    head = ["G21", "G90", "G0 Z5", "M3 S9000", "G0 X0 Y0", "G1 X0 Y0 F600"]
    body = ["G20"] if unit != 1.0 else []
    body += ["G91"] if relative else []
    here = (0.0, 0.0, 5.0)
    for place in places:
        then = [(p - h if relative else p) / unit for p, h in zip(place, here, strict=True)]
        body.append("G1 " + " ".join(f"{a}{v:.10f}" for a, v in zip("XYZ", then, strict=True)))
        here = place
    return [*head, *body, "G90", "G21", "G0 Z5", "M5"]


def verdict(lines, profile=ROUTER):
    """What the proof says: rule of the refusal, or what was measured."""
    try:
        proof = prove(lines, profile)
    except ProgramRefused as refused:
        return refused.rule
    return [*proof.low, *proof.high, proof.duration_s, proof.cut_length_mm or 0.0]


@given(points, st.booleans(), st.booleans())
def test_inches_and_relative_moves_get_the_verdict_of_the_same_path_in_millimetres(
    places, inches, relative
):
    plain = verdict(cut(places))
    other = verdict(cut(places, unit=25.4 if inches else 1.0, relative=relative))
    assert other == (plain if isinstance(plain, str) else pytest.approx(plain, abs=1e-4))


@given(
    points,
    st.integers(0, 11),
    st.sampled_from("XYZ"),
    st.booleans(),
    st.one_of(st.just(0.001), st.floats(0.001, 1e6)),
    st.booleans(),
    st.booleans(),
)
def test_a_single_point_outside_the_envelope_by_any_amount_is_refused_at_its_line(
    places, index, axis, beyond, amount, inches, relative
):
    index %= len(places)
    at, (least, most) = "XYZ".index(axis), BOX[axis]
    place = list(places[index])
    place[at] = most + amount if beyond else least - amount
    moved = [*places[:index], tuple(place), *places[index + 1 :]]
    with pytest.raises(ProgramRefused) as refused:
        prove(cut(moved, unit=25.4 if inches else 1.0, relative=relative), ROUTER)
    assert refused.value.rule == "envelope"
    assert refused.value.line == 7 + index + inches + relative


@given(
    st.floats(20, 180),
    st.floats(20, 160),
    st.floats(1, 60),
    st.integers(0, 359),
    st.integers(1, 359),
    st.booleans(),
)
def test_no_point_of_an_accepted_arc_lies_outside_the_box(x, y, radius, start, turn, clockwise):
    def on_circle(degrees):
        return x + radius * cos(radians(degrees)), y + radius * sin(radians(degrees))

    way = -turn if clockwise else turn
    (x0, y0), (x1, y1) = on_circle(start), on_circle(start + way)
    arc = f"{'G2' if clockwise else 'G3'} X{x1:.6f} Y{y1:.6f} I{x - x0:.6f} J{y - y0:.6f}"
    lines = ["G21", "G90", "G17", "G0 Z5", "M3 S9000", f"G0 X{x0:.6f} Y{y0:.6f}", "G1 Z-1 F600"]
    every = [on_circle(start + way * step / 500) for step in range(501)]
    try:
        proof = prove([*lines, arc, "G0 Z5", "M5"], ROUTER)
    except ProgramRefused as refused:
        assert refused.rule == "envelope"
        outside = [p for p in every if not (-50 < p[0] < 200 and 0 < p[1] < 180)]
        near = [p for p in every if not (-49.99 < p[0] < 199.99 and 0.01 < p[1] < 179.99)]
        assert outside or near
        return
    assert all(proof.low[0] - 1e-3 <= px <= proof.high[0] + 1e-3 for px, _ in every)
    assert all(proof.low[1] - 1e-3 <= py <= proof.high[1] + 1e-3 for _, py in every)
    assert proof.cut_length_mm == pytest.approx(6 + radius * radians(turn), rel=1e-4)


words = st.builds(
    "{}{}".format,
    st.sampled_from("GMTXYZEFIJRPSNO"),
    st.one_of(
        st.integers(-10, 1000).map(str),
        st.floats(-1e3, 1e3).map(lambda v: f"{v:.3f}"),
        st.sampled_from(["", "1e5", "NaN", "1.2.3", "-", ".", "0x1", "1_0", "٣"]),
    ),
)
code_like = st.lists(words, min_size=1, max_size=6).map(" ".join)
near_moves = st.text(alphabet="G01XYZEF -.5", min_size=1, max_size=24).map("G1 ".__add__)
HEAD = ["G28", "G90", "M83", "M109 S210", "G1 X5 Y5 Z5 F600"]


@given(st.one_of(st.binary(max_size=120), code_like, near_moves, st.text(max_size=40)))
@example(b"\xff" * 20)
@example("\ud800")
@example("G1 " + "9" * 90)
@example("G1 X" + "9" * 90)
@example("G4 P" + "9" * 90)
@example("G2 X1 Y1 R" + "9" * 80)
@example("G2 X5 Y5 I0 J0")
def test_any_line_is_accepted_or_refused_and_never_breaks_the_proof(line):
    for profile, head in ((PRINTER, HEAD), (ROUTER, ["G21", "G90", "G17", "G0 Z5", "G0 X1 Y1"])):
        for before in (head, []):
            verdict([*before, line], profile)


numbers = st.text("0123456789.-E", max_size=6) | grid(-999, 999).map(str)
moves = st.lists(st.sampled_from("XYZEF"), min_size=1, max_size=5, unique=True).flatmap(
    lambda axes: st.tuples(*(numbers.map(axis.__add__) for axis in sorted(axes, key="XYZEF".index)))
)


@given(moves.map(lambda words: f"G1 {' '.join(words)}".encode()))
@example(b"G1 15E3")
@example(b"G1 X1 E2E3")
def test_the_fast_road_reads_what_the_strict_reader_reads(line):
    fast = plain_move(line)
    assume(fast is not None)
    [(name, args)] = parse_line(line, 1)
    assert {"G": float(name[1:]), **args} == {chr(letter): value for letter, value in fast.items()}


@given(st.lists(code_like, max_size=10))
def test_an_accepted_print_never_leaves_the_box(lines):
    program = [*HEAD, *lines, "G1 X6 E1 F600", "M104 S0", "M140 S0"]
    try:
        proof = prove(program, PRINTER)
    except ProgramRefused as refused:
        assert 0 < refused.line <= len(program)
        return
    assert min(proof.low) >= 0
    assert all(high <= most for high, most in zip(proof.high, (200, 180, 160), strict=True))
