"""The picture of a program: what is drawn, what is marked, and that it stays small."""

from math import nan
from xml.etree import ElementTree

import pytest

from commons.errors import ProgramRefused
from fab_agent.gcode.picture import MAX_STROKES, Move, moves_of, picture
from fab_agent.gcode.proof import prove
from tests.corpus.hostile import CUT_HEAD, HOSTILE, PRINT, PRINT_HEAD, PRINTER, ROUTER, with_clip

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg):
    return ElementTree.fromstring(svg)  # noqa: S314 - our own text, made here


def moves(text, profile=PRINTER):
    return list(moves_of(text.encode().split(b"|"), profile))


def drawn(text, profile=PRINTER):
    """The picture of a refused program, and its refusal."""
    with pytest.raises(ProgramRefused) as error:
        prove(text.split("|"), profile)
    svg = picture(moves(text, profile), profile.envelope, refused=error.value)
    return parsed(svg), error.value


def test_travel_and_work_are_told_apart():
    ways = moves(PRINT_HEAD + PRINT + "G1 X30")
    assert [(move.end, move.works) for move in ways] == [
        ((10, 10, 0.2), False), ((20, 10, 0.2), True), ((30, 10, 0.2), False),
    ]  # fmt: skip


def test_an_arc_is_drawn_as_an_arc():
    head = CUT_HEAD + "G0 X10 Y10|G1 Z-1 F300|"
    ways = moves(head + "G3 X30 I10 J0", ROUTER)
    assert min(move.end[1] for move in ways[-20:]) == pytest.approx(0, abs=0.01)
    assert ways[-1].end == (30, 10, -1)


def test_moves_end_before_the_line_that_is_refused():
    assert moves(PRINT_HEAD + PRINT + "G1 X250|G1 X11")[-1].end == (20, 10, 0.2)


def test_the_refused_place_is_marked():
    tree, error = drawn(PRINT_HEAD + PRINT + "G1 X202 Y100")
    circle = tree.find(f".//{SVG}g[@class='refused']/{SVG}circle")
    assert circle is not None
    # 200 mm and a tenth on either side are 1000 cells wide: a cell is 0.24 mm.
    assert float(circle.get("cx")) * 0.24 - 20 == pytest.approx(202, abs=0.2)
    assert 220 - float(circle.get("cy")) * 0.24 == pytest.approx(100, abs=0.2)
    assert tree.find(f"{SVG}title").text == f"envelope: {error}"


def test_a_place_far_outside_is_marked_at_the_edge():
    tree, _ = drawn(PRINT_HEAD + PRINT + "G1 X9000")
    assert tree.find(f".//{SVG}circle").get("cx") == "1000"


def test_what_stands_on_the_bed_is_drawn():
    assert picture([], with_clip(PRINTER).envelope).count("<rect") == 2


def test_each_layer_has_its_own_colour():
    layers = [Move((0, 0, z), (50, z, z), works=True) for z in (1.0, 2.0, 3.0)]
    tree = parsed(picture(layers, PRINTER.envelope))
    assert len({path.get("stroke") for path in tree.iter(f"{SVG}path")}) == 3


def test_ways_from_unknown_places_are_left_out():
    assert "<path" not in picture([Move((nan, 0, 0), (5, 5, 5), works=False)], PRINTER.envelope)


def test_a_refusal_without_a_place_has_no_mark():
    refused = ProgramRefused("<b>", rule="too-long")
    svg = picture([], PRINTER.envelope, refused=refused)
    assert "circle" not in svg
    assert "<title>too-long: &lt;b&gt;</title>" in svg


def test_a_long_program_gives_a_small_picture():
    many = (
        Move((n % 199, n * 7 % 193, n), ((n + 31) % 199, n * 5 % 191, n), works=True)
        for n in range(3 * MAX_STROKES)
    )
    assert len(picture(many, PRINTER.envelope)) < 600_000


def test_every_hostile_program_has_a_picture():
    for case in HOSTILE:
        if case.rule != "profile":
            lines = [line.encode("utf-8", "surrogatepass") for line in case.lines[:500]]
            parsed(picture(moves_of(lines, case.machine), case.machine.envelope))
