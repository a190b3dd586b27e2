"""Words of a line: what is read, and what is refused by which rule."""

import pytest

from commons.errors import ProgramRefused
from fab_agent.gcode.arcs import arc_about, arc_of_radius
from fab_agent.gcode.clean import bare_lines
from fab_agent.gcode.parser import E, F, G, X, Y, Z, parse_line, plain_move


def test_a_common_move_is_read_on_the_fast_road():
    assert plain_move(b"G1 X1.5 Y-.5 E2. F1800") == {G: 1, X: 1.5, Y: -0.5, E: 2.0, F: 1800}
    assert plain_move(b"G0 Z5") == {G: 0, Z: 5}


@pytest.mark.parametrize(
    "line",
    [
        b"G28",
        b"G1 15E3",
        b"G1 5X3",
        b"G1 X5Y3",
        b"G1 X1 X2",
        b"G1 X",
        b"G1  X1",
        b"G1 X1 ",
        b"G2 X1",
        b"G1 X--1",
        b"G1 X1-1",
        b"G1 X1_0",
        b"G1 X" + b"1" * 96,
        b"G1\tX1",
        b"g1 x1",
        b"1G X1",
    ],
)
def test_anything_less_common_is_left_to_the_strict_reader(line):
    assert plain_move(line) is None


def test_a_line_may_hold_several_commands_flags_and_leading_zeros():
    assert parse_line(b"G21 G090 M03 S1000", 1) == [("G21", {}), ("G90", {}), ("M3", {"S": 1000})]
    assert parse_line(b"G28 X Y0", 1) == [("G28", {"X": None, "Y": 0})]
    assert parse_line(b"G43.1 Z1", 1) == [("G43.1", {"Z": 1})]
    assert parse_line(b"X1", 1) == [("", {"X": 1})]


def test_words_may_follow_each_other_where_the_firmware_throws_spaces_away():
    spaced, packed = b"G21 G090 M03 S1000", b"G21G090M03S1000"
    assert parse_line(packed, 1, packed=True) == parse_line(spaced, 1)
    assert parse_line(b"G1X-1.Y.5 F600", 1, packed=True) == parse_line(b"G1 X-1. Y.5 F600", 1)
    with pytest.raises(ProgramRefused, match="malformed word 'G1X1'"):
        parse_line(b"G1X1", 1)
    for line in (b"G1X1 0", b"G1X1.5.2", b"G1X1e3", b"G1XY2", b"G1X1  Y2", b"G1X--1"):
        with pytest.raises(ProgramRefused, match="malformed word"):
            parse_line(line, 1, packed=True)


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (b"G1 E22.5128.99", "malformed-word"),
        (b"G1 X1e5", "malformed-word"),
        (b"G1 X1E5", "malformed-word"),
        (b"G1 XNaN", "malformed-word"),
        (b"G1 Xinf", "malformed-word"),
        (b"G1 X+1", "malformed-word"),
        (b"G1 X0x10", "malformed-word"),
        (b"G1  X1", "malformed-word"),
        (b"G1 X1 ", "malformed-word"),
        (b"g1 x1", "malformed-word"),
        (b"G", "malformed-word"),
        (b"G-1", "malformed-word"),
        (b"G1.55 X1", "malformed-word"),
        (b"%", "malformed-word"),
        (b"/G1 X1", "malformed-word"),
        (b"O100 WHILE [1]", "malformed-word"),
        (b"SAVE_CONFIG", None),  # a command by its name: whether it is allowed is another rule
        (b"PRINT_START BED=60 EXTRUDER=210.5", None),
        (b"PRINT_START BED=", "malformed-word"),
        (b"PRINT_START BED=1e2", "malformed-word"),
        (b"PRINT_START BED=60 BED=70", "repeated-word"),
        (b"PRINT_START MATERIAL=PLA", "malformed-word"),
        (b"G1 X1 X2", "repeated-word"),
        (b"G1 X1 ;fast", "comment"),
        (b"(go) G1 X1", "comment"),
        (b"N5 G1 X1*33", "line-number"),
        (b"G1 X1*33", "line-number"),
        (b"M110 N0", None),
        (b"G1 X1\x00", "control-character"),
        (b"G1 X1\r", "control-character"),
        (b"G1\tX1", "control-character"),
        (b"G1 X1\nM112", "control-character"),
        (b"!", "realtime-byte"),
        (b"G1 X1~", "realtime-byte"),
        (b"?", "realtime-byte"),
        (b"\x18", "realtime-byte"),
        (b"G1 X1\x84", "realtime-byte"),
        ("G1 X1 µ".encode(), "realtime-byte"),
        (b"", "blank-line"),
        (b"   ", "blank-line"),
        (b"G1 X" + b"1" * 93, "line-too-long"),
        (b"$X", "settings-write"),
        (b"$RST=*", "settings-write"),
        (b"@pause", "host-action"),
        (b"//action:cancel", "host-action"),
    ],
)
def test_a_line_that_could_be_misread_is_refused_by_its_rule(line, rule):
    if rule is None:
        assert parse_line(line, 7)
        return
    with pytest.raises(ProgramRefused) as refused:
        parse_line(line, 7)
    assert (refused.value.rule, refused.value.line) == (rule, 7)


def test_cleaning_leaves_bare_commands():
    raw = [
        b"; generated\n",
        b"\n",
        b"G1  X1 Y2 ; go\r\n",
        b"M117 Hello (you)\n",
        b"(a) G4 (b) P1\n",
    ]
    assert list(bare_lines(raw)) == [b"G1 X1 Y2", b"G4 P1"]


@pytest.mark.parametrize(
    ("line", "rule"),
    [(b"// action:x", "host-action"), (b" @cmd", "host-action"), (b"G1 (X1", "comment")],
)
def test_cleaning_refuses_orders_to_the_host(line, rule):
    with pytest.raises(ProgramRefused) as refused:
        list(bare_lines([b"G28", line]))
    assert (refused.value.rule, refused.value.line) == (rule, 2)


def test_an_arc_bulges_beyond_its_ends():
    half = arc_about((0, 0), (10, 0), (5, 0), clockwise=True)
    assert max(y for _, y in half.extremes()) == pytest.approx(5)
    assert half.length == pytest.approx(5 * 3.14159265, rel=1e-6)
    other = arc_about((0, 0), (10, 0), (5, 0), clockwise=False)
    assert min(y for _, y in other.extremes()) == pytest.approx(-5)


def test_an_arc_that_ends_where_it_starts_is_a_whole_circle():
    circle = arc_about((0, 0), (0, 0), (5, 0), clockwise=True)
    assert len({(round(x, 6), round(y, 6)) for x, y in circle.extremes()}) == 4


@pytest.mark.parametrize(("radius", "quarters"), [(5.0, 1), (-5.0, 3)])
def test_the_sign_of_a_radius_chooses_the_shorter_or_the_longer_arc(radius, quarters):
    arc = arc_of_radius((5, 0), (0, 5), radius, clockwise=False)
    assert arc.length == pytest.approx(quarters * 5 * 3.14159265 / 2, rel=1e-6)
