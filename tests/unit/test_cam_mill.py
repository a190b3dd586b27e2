"""From a drawing to a program: what is swept, what stays, and what is refused."""

from itertools import combinations

import numpy as np
import pytest
import shapely
from shapely import LineString, Point, box
from shapely.affinity import translate

from commons.errors import InvalidInput, ProgramRefused
from commons.machine import Driver, Envelope, MachineProfile, MillLimits, PrintLimits, Process
from fab_agent.cam.cutter import cutter_for
from fab_agent.cam.mill import mill
from fab_agent.cam.options import CutOptions
from fab_agent.cam.passes import TAB_MM, depths_to, pocket_paths, ramped
from fab_agent.cam.placing import MARGIN_MM, SPACING_MM
from fab_agent.cam.request import Kind
from fab_agent.cam.stock import Stock
from tests.milling import moves

ROUTER = MachineProfile(
    name="router",
    process=Process.CNC,
    driver=Driver.GRBL,
    envelope=Envelope(x_max_mm=600, y_max_mm=400, z_min_mm=-20, z_max_mm=40),
    max_feed_mm_s=50,
    max_feed_z_mm_s=20,
    materials=("plywood",),
    cnc=MillLimits(),
)
STOCK = Stock(thickness_mm=6, size_mm=(600, 400))
RADIUS = 1.5
NO_LEADS = CutOptions(leads=False)
# The part's lower left corner on the sheet: a cut of the cutter's width lies in between.
CORNER = MARGIN_MM + 2 * RADIUS

PART = (
    '<rect width="100" height="60"/><circle cx="20" cy="30" r="1.5"/>'
    '<rect x="40" y="15" width="40" height="30"/><circle cx="90" cy="50" r="4"/>'
)


def plan(body, **changes):
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="200mm" height="200mm" '
    data = f'{head} viewBox="0 0 200 200">{body}</svg>'.encode()
    return mill(data, Kind.SVG, **({"stock": STOCK, "profile": ROUTER} | changes))


def swept(lines, below=0.0):
    """The area that the cutter covers in moves that lie wholly at or below a height."""
    ways = [
        LineString([s[:2], e[:2]]) for _, s, e in moves(lines) if max(s[2], e[2]) <= below + 1e-9
    ]
    return shapely.union_all(shapely.buffer(ways, RADIUS, quad_segs=32))


def part_on_sheet():
    holes = [Point(20, 30).buffer(1.5, 64), box(40, 15, 80, 45), Point(90, 10).buffer(4, 64)]
    return translate(box(0, 0, 100, 60).difference(shapely.union_all(holes)), CORNER, CORNER)


def test_nothing_of_the_part_is_cut_away():
    gouged = swept(plan(PART).lines).intersection(part_on_sheet())
    assert gouged.area < 1.0  # the drilled hole may be cut a twentieth wider
    assert gouged.intersection(part_on_sheet().buffer(-0.05)).is_empty


def test_the_part_comes_free_but_for_its_tabs():
    through = swept(plan(PART).lines, below=-6.0)
    kerf = translate(box(0, 0, 100, 60), CORNER, CORNER).buffer(RADIUS).exterior
    bridges = kerf.difference(through.buffer(1e-3))
    bridges = shapely.get_parts(shapely.line_merge(bridges))
    assert len(bridges) == 3
    assert [bridge.length for bridge in bridges] == pytest.approx([TAB_MM] * 3, abs=0.05)


def test_small_openings_are_milled_away_and_large_ones_held_by_tabs():
    through = swept(plan(PART).lines, below=-6.0)
    small = translate(Point(90, 10).buffer(4 - 0.01), CORNER, CORNER)
    assert through.buffer(0.01).contains(small)
    large = translate(box(40, 15, 80, 45), CORNER, CORNER)
    slug_and_wall = large.difference(through)
    assert slug_and_wall.area > 30 * 20
    assert (
        swept(plan(PART).lines, below=-3.0)
        .buffer(0.01)
        .contains(large.buffer(-RADIUS).exterior.buffer(RADIUS * 0.99))
    )


def test_openings_come_before_outsides_and_holes_first():
    lines = plan(PART).lines
    starts = [(s[0], s[1]) for rapid, s, e in moves(lines) if rapid and s[2] > e[2]]
    outside = translate(box(0, 0, 100, 60), CORNER, CORNER)
    inside = [outside.contains(Point(start)) for start in starts[1:]]
    assert inside[:-1] == [True] * (len(inside) - 1)
    assert not inside[-1]
    assert starts[1] == (CORNER + 20, CORNER + 30)


def test_every_move_stays_within_the_margin_and_no_rapid_goes_into_the_wood():
    program = plan(PART)
    for rapid, start, end in moves(program.lines)[3:]:
        assert min(end[:2]) - RADIUS >= MARGIN_MM
        assert -6.3 <= end[2] <= 5
        assert not (rapid and min(start[2], end[2]) < 0 and start[:2] != end[:2])
    assert max(map(len, program.lines)) < 60


def test_the_program_says_its_modes_and_ends_lifted_and_still():
    lines = plan(PART).lines
    assert lines[:4] == (b"G21G90G94G17", b"G0Z5", b"M3S18000", b"G4P3")
    assert lines[-2:] == (b"G0Z5", b"M5")


def test_the_masses_are_those_of_part_and_sheet():
    program = plan(PART, options=NO_LEADS)
    assert program.part_mass_g == pytest.approx(part_on_sheet().area * 6 * 0.68 / 1000, rel=1e-3)
    width, depth = 100 + 2 * CORNER, 60 + 2 * CORNER
    assert program.used_mm == pytest.approx((width, depth), abs=1e-3)
    assert program.sheet_mass_g == pytest.approx(width * depth * 6 * 0.68 / 1000, rel=1e-4)


def test_a_pocket_is_cleared_to_its_depth_and_its_island_stays():
    pocket = '<g id="pocket-2mm"><rect x="10" y="10" width="40" height="40"/>'
    body = (
        f'<rect width="100" height="60"/>{pocket}<rect x="25" y="25" width="10" height="10"/></g>'
    )
    program = plan(body)
    floor = swept(program.lines, below=-2.0)
    area = box(10, 10, 50, 50).difference(box(25, 25, 35, 35))
    area = translate(area, CORNER, CORNER)
    assert floor.buffer(0.01).contains(area.buffer(-RADIUS).buffer(RADIUS * 0.99))
    assert floor.intersection(translate(box(25, 25, 35, 35), CORNER, CORNER).buffer(-0.02)).is_empty
    assert program.part_mass_g == pytest.approx((6000 * 6 - 1500 * 2) * 0.68 / 1000, 1e-5)


def test_an_engraving_is_only_scratched():
    program = plan('<rect width="50" height="50"/><path id="engrave" d="M10 20 L40 20"/>')
    line = translate(LineString([(10, 30), (40, 30)]), CORNER, CORNER)
    depths = {e[2] for _, _, e in moves(program.lines) if e[2] < 0 and line.distance(Point(e)) < 1}
    assert depths == {-0.5}


def test_copies_lie_side_by_side_without_touching():
    body = '<rect width="50" height="30"/>'
    one, four = plan(body), plan(body, copies=4, options=NO_LEADS)
    assert four.part_mass_g == pytest.approx(4 * one.part_mass_g)
    kerfs = shapely.get_parts(swept(four.lines))
    # Turned, four in a column leave more of the sheet than four in a row.
    across, along = 36 + 2 * MARGIN_MM, 4 * 56 + 3 * SPACING_MM + 2 * MARGIN_MM
    assert four.used_mm == pytest.approx((across, along), abs=0.05)
    assert len(kerfs) == 4
    assert min(a.distance(b) for a, b in combinations(kerfs, 2)) > 2


def test_a_part_that_only_fits_turned_is_turned():
    program = plan('<rect width="60" height="150"/>', stock=Stock(6, (200, 100)), options=NO_LEADS)
    assert program.used_mm == pytest.approx((150 + 2 * CORNER, 60 + 2 * CORNER), abs=1e-3)


TWO_FRAMES_AND_A_PLUG = (
    '<rect width="150" height="150"/><rect x="20" y="20" width="110" height="110"/>'
    '<rect x="200" width="150" height="150"/><rect x="220" y="20" width="110" height="110"/>'
    '<rect x="400" width="60" height="50"/>'
)


def test_parts_may_be_nested_one_by_one_and_inner_ones_are_cut_before_they_come_loose():
    drawn = plan(TWO_FRAMES_AND_A_PLUG)
    nested = plan(TWO_FRAMES_AND_A_PLUG, options=CutOptions(nest=True))
    assert nested.used_mm[0] < drawn.used_mm[0] - 100
    parts = shapely.get_parts(nested.parts)
    plug = min(parts, key=lambda part: part.area)
    home = next(part for part in parts if shapely.convex_hull(part).contains(plug) and part != plug)
    ways = [(i, Point(e[:2])) for i, (_, s, e) in enumerate(moves(nested.lines)) if e[2] < -6]
    last_at_plug = max(i for i, point in ways if plug.distance(point) < RADIUS + 0.1)
    inside = shapely.Polygon(home.interiors[0])
    frees = [i for i, p in ways if inside.contains(p) and home.distance(p) < RADIUS + 0.1]
    assert last_at_plug < min(frees)


def test_the_grain_of_a_drawing_turns_it_with_the_sheets():
    arrow = '<path id="grain" d="M10 10 H60"/>'
    body = f'<rect width="100" height="60"/>{arrow}'
    turned = plan(body, stock=Stock(6, (600, 400), grain="y"), options=NO_LEADS)
    assert turned.used_mm == pytest.approx((60 + 2 * CORNER, 100 + 2 * CORNER), abs=1e-3)
    told = plan(body, options=NO_LEADS)
    assert told.used_mm == pytest.approx((100 + 2 * CORNER, 60 + 2 * CORNER), abs=1e-3)
    assert any("lay the sheet with its outer grain along X" in text for text in told.warnings)
    with pytest.raises(InvalidInput, match="neither level nor upright"):
        plan('<rect width="100" height="60"/><path id="grain" d="M10 10 L60 60"/>')


@pytest.mark.parametrize(
    ("body", "changes", "rule", "message"),
    [
        ('<rect width="580" height="60"/>', {}, "sheet-too-small", r"586.0 x 66.0 mm: 6.0 mm in X"),
        (PART, {"copies": 99}, "sheet-too-small", "copies fit: order at most 25"),
        (PART, {"stock": Stock(20, (600, 400))}, "sheet-too-thick", "Z-20.3"),
        (
            '<rect width="50" height="50"/><rect x="10" y="10" width="2" height="30"/>',
            {},
            "cutter-too-wide",
            "of 3 mm does not fit",
        ),
        (
            '<path d="M0 0 H50 V50 H26 V10 H24 V50 H0 Z"/>',
            {},
            "cutter-too-wide",
            r"at \(2[45]\.\d+, -\d+",
        ),
        (
            '<rect width="20" height="20"/><rect x="21" width="20" height="20"/>',
            {},
            "gouge",
            "would cut into a part",
        ),
        (
            '<rect width="50" height="50"/><rect id="pocket-6" x="9" y="9" width="9" height="9"/>',
            {},
            "pocket-depth",
            "6 mm deep in a sheet of 6 mm",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_place_or_measure(body, changes, rule, message):
    with pytest.raises(ProgramRefused, match=message) as refused:
        plan(body, **changes)
    assert refused.value.rule == rule


def test_a_printer_cannot_mill():
    printer = ROUTER.model_copy(
        update={"process": Process.FDM, "cnc": None, "fdm": PrintLimits(), "driver": Driver.MARLIN}
    )
    with pytest.raises(InvalidInput, match="needs a router"):
        cutter_for(printer, "plywood")


def test_a_ramp_goes_down_evenly_and_levels_its_own_floor():
    square = np.array([(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)], dtype=float)
    path = ramped(square, np.array([-1.0, -2.0]))
    assert path[0].tolist() == [0, 0, 0]
    assert [10, 0, -1] in path.tolist()
    assert [10, 0, -2] in path.tolist()
    assert path[-1].tolist() == [10, 0, -2]
    slopes = np.abs(np.diff(path[:, 2])) / np.hypot(*np.diff(path[:, :2], axis=0).T)
    assert slopes.max() == pytest.approx(0.1)


@pytest.mark.parametrize("depth", [0.1, 1.5, 6.3, 20.0])
def test_no_pass_is_deeper_than_the_cutter_takes(depth):
    cutter = cutter_for(ROUTER, "plywood")
    levels = depths_to(depth, cutter)
    assert levels[-1] == pytest.approx(-depth)
    assert np.max(-np.diff(levels, prepend=0.0)) <= cutter.pass_depth_mm + 1e-9


def test_rings_of_a_pocket_go_outwards():
    rings = pocket_paths(box(0, 0, 30, 30), cutter_for(ROUTER, "plywood"))
    areas = [shapely.Polygon(ring).area for ring in rings]
    assert areas == sorted(areas)
    assert areas[-1] == pytest.approx(27 * 27)
