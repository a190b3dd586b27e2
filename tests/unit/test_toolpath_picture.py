"""The picture of a program: what is drawn, what is marked, and that it stays small."""

from itertools import pairwise
from math import cos, nan, pi, sin
from xml.etree import ElementTree

import pytest
from pydantic import ValidationError

from commons.errors import ProgramRefused
from commons.machine import Envelope
from commons.toolpath import MAX_SKETCH_BYTES, MOST_POINTS, Kind, Sketch
from commons.toolpath_svg import depth_colour, svg_of
from commons.wire import Refusal
from fab_agent.gcode.moves import Move, moves_of
from fab_agent.gcode.proof import prove
from fab_agent.gcode.sketch import sketch_of
from tests.corpus.hostile import CUT_HEAD, HOSTILE, PRINT, PRINT_HEAD, PRINTER, ROUTER, with_clip

SVG = "{http://www.w3.org/2000/svg}"
DEEP = ROUTER.model_copy(
    update={"envelope": Envelope(x_max_mm=600, y_max_mm=400, z_min_mm=-20, z_max_mm=60)}
)


def parsed(svg):
    return ElementTree.fromstring(svg)  # noqa: S314 - our own text, made here


def moves(text, profile=PRINTER):
    return list(moves_of(text.encode().split(b"|"), profile))


def sketched(ways, profile=PRINTER, mark=None):
    return sketch_of(ways, profile, sha256="ab" * 32, line_count=7, mark=mark)


def drawn(text, profile=PRINTER):
    """The picture of a refused program, its sketch, and its refusal."""
    with pytest.raises(ProgramRefused) as error:
        prove(text.split("|"), profile)
    sketch = sketched(moves(text, profile), profile, error.value.known_place)
    return parsed(svg_of(sketch, title=f"{error.value.rule}: {error.value}")), sketch, error.value


def print_of(*layers):
    """Moves of closed squares, one for each height and edge."""
    for z, size in layers:
        corners = [(50, 50, z), (50 + size, 50, z), (50 + size, 50 + size, z), (50, 50 + size, z)]
        for before, after in zip(corners, [*corners[1:], corners[0]], strict=True):
            yield Move(before, after, Kind.INSIDE)
        yield Move((50, 50, z), (60, 60, z), Kind.TRAVEL)


def kinds(sketch):
    return [strokes.kind for strokes in sketch.plan]


def test_travel_and_work_are_told_apart():
    ways = moves(PRINT_HEAD + PRINT + "G1 X30")
    assert [(move.end, move.works) for move in ways] == [
        ((10, 10, 0.2), False), ((20, 10, 0.2), True), ((30, 10, 0.2), False),
    ]  # fmt: skip


def test_milling_is_told_apart_into_rapids_plunges_cuts_and_arcs():
    ways = moves(CUT_HEAD + "G0 X10 Y10|G1 Z-1 F300|G1 X20|G3 X30 I5 J0", ROUTER)
    found = [move.kind for move in ways]
    assert found[:5] == [Kind.RAPID, Kind.RAPID, Kind.PLUNGE, Kind.CUT, Kind.ARC]
    assert set(found[5:]) == {Kind.ARC}
    assert ways[-1].end == (30, 10, -1)
    assert min(move.end[1] for move in ways[-20:]) == pytest.approx(5, abs=0.05)


def test_what_every_cutter_of_a_program_does_is_drawn():
    leg = "G0 X10 Y10|G1 Z-1 F300|G1 X20|G0 Z5|M5|G0 X0 Y0"
    ways = moves(f"{CUT_HEAD}{leg}|M0|G0 Z5|M3 S9000|G4 P1|{leg}", ROUTER)
    assert [move.kind for move in ways].count(Kind.CUT) == 2


def test_moves_end_before_the_line_that_is_refused():
    assert moves(PRINT_HEAD + PRINT + "G1 X250|G1 X11")[-1].end == (20, 10, 0.2)


def test_closed_ways_are_walls_open_ones_infill_and_the_lowest_the_first_layer():
    infill = [Move((51, 51, 0.4), (55, 55, 0.4), Kind.INSIDE)]
    sketch = sketched([*print_of((0.2, 30), (0.4, 20)), *infill])
    assert kinds(sketch) == [Kind.TRAVEL, Kind.FIRST, Kind.INSIDE, Kind.WALL]
    assert sketch.layers == 2


def test_what_lies_under_the_last_layer_is_left_out():
    same = sketched(print_of((0.2, 30), (0.4, 30), (0.6, 30)))
    assert kinds(same) == [Kind.TRAVEL, Kind.WALL]
    assert len(same.side) == 3


def test_the_view_holds_part_and_brim_but_not_a_line_that_primes_the_nozzle():
    prime = [Move((0, 2, 0.2), (150, 2, 0.2), Kind.INSIDE)]
    brim = [Move((45, 45, 0.2), (60, 45, 0.2), Kind.INSIDE)]
    sketch = sketched([*prime, *brim, *print_of((0.2, 20), (0.4, 20))])
    assert sketch.view == (44, 39, 76, 76)


def test_each_depth_has_its_own_colour_and_the_deepest_lies_on_top():
    text = CUT_HEAD + "G0 X10 Y10|G1 Z-1 F300|G1 X40|G1 Z-2|G1 X30|G0 Z5"
    sketch = sketched(moves(text, DEEP), DEEP)
    assert sketch.depths_mm == (-1, -2)
    cut = [strokes for strokes in sketch.plan if strokes.kind is Kind.CUT]
    assert [strokes.depth for strokes in cut] == [0, 1]
    strokes = [path.get("stroke") for path in parsed(svg_of(sketch)).iter(f"{SVG}path")]
    assert strokes.index(depth_colour(0, 2)) < strokes.index(depth_colour(1, 2))


def test_a_circle_stays_round():
    points = [(50 + 20 * cos(a * pi / 180), 50 + 20 * sin(a * pi / 180), 0.2) for a in range(361)]
    ways = [Move(a, b, Kind.INSIDE) for a, b in pairwise(points)]
    sketch = sketched(ways)
    (way,) = (way for strokes in sketch.plan for way in strokes.ways)
    middle = (50 - sketch.view[0]) / sketch.cell_mm, (sketch.view[3] - 50) / sketch.cell_mm
    assert 20 < len(way) // 2 < 361
    for (x0, y0), (x1, y1) in zip(pairs(way), pairs(way)[1:], strict=False):
        off = abs(complex((x0 + x1) / 2, (y0 + y1) / 2) - complex(*middle))
        assert off * sketch.cell_mm == pytest.approx(20, abs=2 * sketch.cell_mm)


def pairs(way):
    return list(zip(way[::2], way[1::2], strict=True))


def test_the_refused_place_is_marked():
    tree, sketch, error = drawn(PRINT_HEAD + PRINT + "G1 X202 Y100")
    circle = tree.find(f".//{SVG}g[@class='refused']/{SVG}circle")
    x, y = (float(circle.get(name)) * sketch.cell_mm for name in ("cx", "cy"))
    assert sketch.view[0] + x == pytest.approx(202, abs=0.3)
    assert sketch.view[3] - y == pytest.approx(100, abs=0.3)
    assert tree.find(f"{SVG}title").text == f"envelope: {error}"


def test_a_place_far_outside_is_marked_at_the_edge():
    tree, sketch, _ = drawn(PRINT_HEAD + PRINT + "G1 X9000")
    right = (sketch.view[2] - sketch.view[0]) / sketch.cell_mm
    assert float(tree.find(f".//{SVG}circle").get("cx")) == pytest.approx(right, abs=1)


def test_a_refusal_crosses_the_wire_with_what_is_known_of_its_place():
    refused = ProgramRefused("x" * 900, rule="envelope", line=3, value="v" * 900,
                             place=(1.0, 2.0, nan))  # fmt: skip
    told = Refusal.model_validate_json(Refusal.of(refused).model_dump_json())
    assert (told.line, told.place, len(told.value)) == (3, (1, 2, None), 200)
    assert Refusal.of(ProgramRefused("x", rule="r", place=(nan, nan, nan))).place is None


def test_what_stands_on_the_bed_is_drawn():
    plain, clipped = (svg_of(sketched([], each)) for each in (PRINTER, with_clip(PRINTER)))
    assert clipped.count("<rect") == plain.count("<rect") + 1


def test_ways_from_unknown_places_are_left_out():
    assert sketched([Move((nan, 0, 0), (5, 5, 5), Kind.TRAVEL)]).plan == ()


def test_a_title_cannot_leave_its_element():
    tree = parsed(svg_of(sketched([]), title="<script>&\x00\u202e</title>"))
    assert tree.find(f"{SVG}title").text == "<script>&  </title>"


def test_the_same_program_gives_the_same_bytes():
    first, second = (svg_of(sketched(print_of((0.2, 30), (0.4, 20)))) for _ in range(2))
    assert first == second


@pytest.mark.slow
def test_a_long_program_gives_a_small_sketch():
    many = (
        Move((n % 199, n * 7 % 193, n % 97), ((n + 31) % 199, n * 5 % 191, n % 97), Kind.INSIDE)
        for n in range(30_000)
    )
    sketch = sketched(many)
    assert sum(strokes.points for strokes in sketch.plan) <= MOST_POINTS
    assert len(sketch.model_dump_json()) < MAX_SKETCH_BYTES
    assert len(svg_of(sketch)) < 2 * MAX_SKETCH_BYTES


@pytest.mark.slow
def test_every_hostile_program_has_a_picture():
    for case in HOSTILE:
        if case.rule != "profile":
            lines = [line.encode("utf-8", "surrogatepass") for line in case.lines[:500]]
            parsed(svg_of(sketched(moves_of(lines, case.machine), case.machine)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"plan": [{"kind": "wall", "ways": [[0, 0, 5]]}]},
        {"plan": [{"kind": "wall", "ways": [[0, 0, 5, 1e9]]}]},
        {"plan": [{"kind": "<script>", "ways": []}]},
        {"plan": [{"kind": "cut", "depth": 3, "ways": [[0, 0, 5, 5]]}]},
        {"plan": [{"kind": "wall", "ways": [[0] * 200_000]}]},
        {"view": [5, 5, 5, 9]},
        {"cell_mm": 0},
        {"height_mm": [0, "nan"]},
        {"more": 1},
    ],
)
def test_a_sketch_that_cannot_be_drawn_is_refused(wrong):
    with pytest.raises(ValidationError):
        Sketch.model_validate(sketched([]).model_dump(mode="json") | wrong)
