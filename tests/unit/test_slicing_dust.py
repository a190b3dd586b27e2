"""Crumbs of rounding are left out of a program, and nothing else is."""

import pytest

from fab_agent.slicing.dust import without_dust

HERE = b"G1 X85.84 Y108.227 E.23387"
CRUMB = b"G1 X85.84 Y108.227 E.00002"


def test_a_move_to_where_it_is_with_a_crumb_of_filament_is_left_out():
    lines = [HERE, CRUMB, CRUMB, b"G1 X86 Y106 E.08767"]
    assert list(without_dust(lines)) == [lines[0], lines[3]]


@pytest.mark.parametrize("between", [b"G1 F3600", b"M106 S255", b"G92 E0", b"G1 E2 F2100"])
def test_what_moves_nothing_sideways_does_not_hide_a_crumb(between):
    assert list(without_dust([HERE, between, CRUMB])) == [HERE, between]


@pytest.mark.parametrize(
    "lines",
    [
        [CRUMB],
        [HERE, b"G1 X85.84 Y108.227 E.5"],
        [HERE, b"G1 X85.84 Y108.227 E-.0001"],
        [HERE, b"G1 X85.84 Y108.227 F7200"],
        [HERE, b"G1 X85.84 Y108.227 E.00002 F7200"],
        [HERE, b"G1 X85.84 Y108.227"],
        [HERE, b"G1 X85.84 Y108.228 E.00002"],
        [HERE, b"G1 X99 F7200", CRUMB],
        [HERE, b"G28 X", CRUMB],
        [HERE, b"G2 X1 Y1 I1 J0", CRUMB],
        [b"G1 E.00002"],
    ],
)
def test_everything_else_stays(lines):
    assert list(without_dust(lines)) == lines
