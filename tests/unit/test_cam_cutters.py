"""Several cutters: each does what it can, a smaller one the rest, and a person changes them."""

import pytest
import shapely
from shapely import Polygon, box
from shapely.affinity import translate

from commons.cutters import MillCutter
from commons.errors import ProgramRefused
from commons.machine import Envelope
from fab_agent.cam.assigning import tasks_of
from fab_agent.cam.contours import contours_of
from fab_agent.cam.cutter import cutter_for
from fab_agent.cam.drawing import Drawing
from fab_agent.cam.mill import mill
from fab_agent.cam.operations import Operation
from fab_agent.cam.options import CutOptions
from fab_agent.cam.part import features_of, kept_area
from fab_agent.cam.passes import tab_top_mm
from fab_agent.cam.removal import compare, field_of
from fab_agent.cam.request import Kind
from fab_agent.cam.stock import Stock
from fab_agent.gcode.proof import prove
from tests.milling import moves
from tests.profiles import router
from tests.unit.test_cam_drawing import hole, ring

ROOM = Envelope(x_max_mm=620, y_max_mm=420, z_min_mm=-20, z_max_mm=60)
ROUTER = router(envelope=ROOM, max_feed_z_mm_s=20)
SHEET = Stock(6.0, (620.0, 420.0))
TWO = CutOptions(cutters_mm=(6, 3))
# A notch and a slot that only the small cutter enters, holes of both widths, a pocket.
PLATE = (
    '<path d="M0 0 H140 V40 H128 V44 H140 V90 H0 Z"/><rect x="20" y="20" width="50" height="40"/>'
    '<rect x="20" y="70" width="50" height="4"/><circle cx="10" cy="10" r="1.5"/>'
    '<circle cx="10" cy="30" r="3"/>'
    '<g id="pocket-2mm"><rect x="85" y="20" width="30" height="50"/></g>'
)


def plan_of(body, **changes):
    size = 'width="200mm" height="200mm" viewBox="0 0 200 200"'
    data = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{body}</svg>'.encode()
    chosen = {"stock": SHEET, "profile": ROUTER, "options": TWO} | changes
    return mill(data, Kind.SVG, **chosen)


def by_cutter(plan):
    """The lines of each cutter."""
    text = b"\n".join(plan.lines).split(b"\nM0\n")
    return [part.split(b"\n") for part in text]


def difference(plan, **more):
    field = field_of(plan.lines, cutter_mm=plan.cutters_mm, size_mm=plan.used_mm)
    top = tab_top_mm(6.0)
    return compare(field, plan.parts, cutter_mm=3.0, thickness_mm=6.0, tab_top_mm=top, **more)


@pytest.mark.parametrize("finish_mm", [0.0, 0.3])
def test_two_cutters_make_the_plate_with_the_corners_of_the_smaller_one(finish_mm):
    plan = plan_of(PLATE, options=TWO.model_copy(update={"finish_mm": finish_mm}))
    left, bottom, _, _ = plan.parts.bounds
    found = difference(plan, hollows=translate(box(85, 20, 115, 70), left, bottom))
    assert found.area_error <= 2e-5
    assert found.gouged_mm2 == 0
    assert found.deepest_mm == pytest.approx(6.3)


def test_the_large_cutter_alone_would_leave_what_the_small_one_clears():
    with pytest.raises(ProgramRefused, match="of 6 mm does not fit"):
        plan_of(PLATE, options=CutOptions(cutters_mm=(6,)))
    corners = plan_of('<rect width="140" height="90"/><rect x="20" y="20" width="50" height="40"/>')
    assert corners.cutters_mm == (3, 6)
    small, large = by_cutter(corners)
    z = field_of(large, cutter_mm=6.0, size_mm=corners.used_mm)
    alone = compare(z, corners.parts, cutter_mm=3.0, thickness_mm=6.0, tab_top_mm=-4.2)
    assert alone.left_mm2 > 4 * (1 - 3.1416 / 4) * (9 - 2.25) * 0.5
    assert difference(corners).left_mm2 == 0
    assert len(small) > 10


def test_between_two_cutters_it_stands_lifted_and_still_in_front():
    lines = list(plan_of(PLATE).lines)
    stop = lines.index(b"M0")
    assert lines.count(b"M0") == 1
    assert lines[stop - 3 : stop] == [b"M5", b"G0Z5", b"G0X310Y0"]
    assert lines[stop + 1] == b"G0Z5"
    assert lines[stop + 2].startswith(b"M3S")
    assert lines[stop + 3].startswith(b"G4P")
    assert prove(lines, ROUTER, cutters_mm=(3.0, 6.0)).cut_length_mm > 0
    with pytest.raises(ProgramRefused):
        prove(lines, ROUTER)


def test_the_speeds_of_both_cutters_are_told():
    assert plan_of(PLATE).speeds.count("mm cutter with") == 2


def test_a_cutter_that_finds_nothing_to_do_is_not_asked_for():
    disc = '<circle cx="50" cy="50" r="40"/>'
    assert plan_of(disc).cutters_mm == (6,)
    assert b"M0" not in plan_of(disc).lines
    own = plan_of(disc, options=CutOptions(cutters_mm=(3,)))
    assert own.cutters_mm == ()  # the one in the profile


def test_nothing_in_a_part_is_cut_by_a_larger_cutter_than_frees_it():
    # Two plates 4 mm apart: only the small cutter goes between them.
    body = "".join(
        f'<rect x="{x}" width="80" height="60"/><rect x="{x + 10}" y="10" width="40" height="40"/>'
        for x in (0, 84)
    )
    plan = plan_of(body)
    assert plan.cutters_mm == ()
    parts = shapely.get_parts(plan.parts)
    assert len(parts) == 2
    assert parts[0].distance(parts[1]) == pytest.approx(4)


def test_an_outline_is_the_last_of_its_part_whatever_cuts_it():
    plan = plan_of(PLATE)
    outline = Polygon(shapely.get_parts(plan.parts)[0].exterior).buffer(-1)
    last = by_cutter(plan)[-1]
    places = [shapely.Point(end[:2]) for _, _, end in moves(last) if end[2] < 0]
    within = [number for number, place in enumerate(places) if outline.contains(place)]
    assert max(within) < len(places) - 50
    assert not any(outline.contains(place) for place in places[max(within) + 1 :])


def test_each_feature_has_the_largest_cutter_that_fits_and_holes_the_one_of_their_width():
    strokes = (
        ring(200),
        hole(3, (-60, 60)),
        hole(6, (-60, 20)),
        hole(12, (-60, -40)),
        ring(40, (40, 40)),
        ring(5, (40, -40)),
    )
    features = features_of(contours_of(Drawing(strokes))[0], cutter_mm=3.0, more_mm=(6.0,))
    cutters = [cutter_for(ROUTER, "plywood", MillCutter(diameter_mm=d)) for d in (3.0, 6.0)]
    tasks = tasks_of(features, kept_area(features), cutters)
    found = {round(t.feature.area.area): t for t in tasks}
    assert [found[a].cutter.diameter_mm for a in (40000, 7, 28, 113, 1600, 25)] == [
        6,
        3,
        6,
        6,
        6,
        3,
    ]
    assert found[7].feature.operation is found[28].feature.operation is Operation.DRILL
    assert [cutter.diameter_mm for cutter, _ in found[1600].rest] == [3]
    assert not found[113].rest
    assert not found[40000].rest


def test_a_tab_keeps_its_hold_where_a_corner_is_cleared_beside_it():
    body = '<path d="M0 0 H30 V14 H16 V16 H30 V30 H0 V16 H14 V14 H0 Z"/>'
    star = plan_of(body, options=CutOptions(cutters_mm=(1, 6)))
    found = compare(
        field_of(star.lines, cutter_mm=star.cutters_mm, size_mm=star.used_mm),
        star.parts,
        cutter_mm=1.0,
        thickness_mm=6.0,
        tab_top_mm=tab_top_mm(6.0),
    )
    assert found.gouged_mm2 == 0
    assert found.held_mm2 > 3


def test_nesting_with_two_cutters_leaves_openings_empty():
    frame = '<rect width="150" height="150"/><rect x="20" y="20" width="110" height="110"/>'
    plan = plan_of(
        f'{frame}<rect x="200" width="60" height="50"/>',
        options=TWO.model_copy(update={"nest": True}),
    )
    parts = sorted(shapely.get_parts(plan.parts), key=lambda part: part.area)
    assert not shapely.convex_hull(parts[1]).intersects(parts[0])
