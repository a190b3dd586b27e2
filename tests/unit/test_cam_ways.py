"""Climb or conventional, circles to come in on, screws, and a finishing pass on standing tabs."""

from math import hypot

import numpy as np
import pytest
import shapely
from shapely import LineString, Point, box
from shapely.affinity import translate

from commons.machine import Envelope
from fab_agent.cam.cutter import cutter_for
from fab_agent.cam.leads import Walls, lead_to
from fab_agent.cam.mill import mill
from fab_agent.cam.options import CutOptions
from fab_agent.cam.passes import (
    outside_path,
    pocket_paths,
    ramped,
    rough_way,
    started_at,
    tab_top_mm,
    tabs_on,
)
from fab_agent.cam.removal import compare, field_of
from fab_agent.cam.request import Kind
from fab_agent.cam.stock import Stock
from tests.milling import moves
from tests.profiles import router

ROOM = Envelope(x_max_mm=620, y_max_mm=420, z_min_mm=-20, z_max_mm=60)
ROUTER = router(envelope=ROOM, max_feed_z_mm_s=20)
CUTTER = cutter_for(ROUTER, "plywood")
SHEET = Stock(6.0, (620.0, 420.0))
PLATE = (
    '<rect width="120" height="80" rx="4"/><rect x="30" y="20" width="50" height="40"/>'
    '<circle cx="15" cy="15" r="5"/><g id="pocket-2mm"><rect x="90" y="20" width="20" height="30"/>'
    "</g>"
)
EVERY_WAY = [
    CutOptions(),
    CutOptions(conventional=True),
    CutOptions(leads=False),
    CutOptions(finish_mm=0.3),
    CutOptions(finish_mm=0.3, leads=False),
    CutOptions(finish_mm=0.2, conventional=True),
]


def plan_of(body, **changes):
    size = 'width="200mm" height="200mm" viewBox="0 0 200 200"'
    data = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{body}</svg>'.encode()
    return mill(data, Kind.SVG, **({"stock": SHEET, "profile": ROUTER} | changes))


def names(options):
    return str(options.model_dump(exclude_defaults=True))


@pytest.mark.parametrize("options", EVERY_WAY, ids=names)
def test_whichever_way_it_is_cut_the_plate_comes_out_as_drawn_and_hangs_on_its_tabs(options):
    plan = plan_of(PLATE, options=options)
    field = field_of(plan.lines, cutter_mm=3.0, size_mm=plan.used_mm)
    left, bottom, _, _ = plan.parts.bounds
    hollow = translate(box(90, 30, 110, 60), left, bottom)
    found = compare(
        field,
        plan.parts,
        cutter_mm=3.0,
        thickness_mm=6.0,
        tab_top_mm=tab_top_mm(6.0),
        hollows=hollow,
    )
    assert found.area_error == 0
    assert found.deepest_mm == pytest.approx(6.3)
    # Three tabs at the opening and four round the plate, half of each within a cutter's radius.
    assert found.held_mm2 == pytest.approx(7 * 5.0 * 1.5, rel=0.15)


@pytest.mark.parametrize(("conventional", "sign"), [(False, 1), (True, -1)])
def test_a_climbing_cutter_has_the_part_on_its_right(conventional, sign):
    options = CutOptions(conventional=conventional, finish_mm=0.3)
    plan = plan_of(PLATE, options=options)
    part = max(shapely.get_parts(plan.parts), key=lambda one: one.area)
    for _, start, end in moves(plan.lines):
        way = np.subtract(end[:2], start[:2])
        if end[2] > -6.2 or not hypot(*way) > 1 or start[2] > -1:
            continue
        middle = np.add(start[:2], end[:2]) / 2
        right = middle + np.array((way[1], -way[0])) / hypot(*way) * sign * 1.9
        assert part.contains(Point(right))


def test_a_contour_is_entered_and_left_along_itself():
    plan = plan_of('<rect width="100" height="60"/>')
    part = shapely.get_parts(plan.parts)[0]
    plunges = [end for rapid, start, end in moves(plan.lines) if rapid and end[2] < start[2]]
    assert len(plunges) == 2  # the first lift of the program, and the circle
    assert part.distance(Point(plunges[1][:2])) == pytest.approx(1.5 + 3.0, abs=0.01)
    lifts = [start for rapid, start, end in moves(plan.lines) if rapid and start[2] < -6]
    assert part.distance(Point(lifts[0][:2])) == pytest.approx(1.5 + 3.0, abs=0.01)


def test_a_circle_needs_room_beside_all_that_stays():
    inside = box(0, 0, 40, 7)
    walls = Walls(box(-20, -20, 60, 30).difference(inside))
    way = np.array([(38.5, 1.5), (38.5, 5.5), (1.5, 5.5), (1.5, 1.5), (38.5, 1.5)])
    lead = lead_to(way, walls, CUTTER, side=1)
    assert lead is not None
    assert walls.clear(np.array([lead.centre]), 2.99).all()
    narrow = Walls(box(-20, -20, 60, 30).difference(box(0, 0, 40, 5)))
    assert lead_to(way.clip(max=3.5), narrow, CUTTER, side=1) is None


def test_a_sheet_without_room_for_circles_is_cut_without_them():
    plan = plan_of('<rect width="100" height="60"/>', stock=Stock(6.0, (126.01, 86.01)))
    assert plan.used_mm == pytest.approx((126, 86), abs=1e-3)


def test_a_short_ring_is_a_screw_and_no_plunge():
    ring = pocket_paths(Point(0, 0).buffer(2.5, 64), CUTTER)[0]
    steps = np.diff(ramped(ring, np.array([-1.5, -3.0])), axis=0)
    assert (np.abs(steps[:, 2]) <= 0.101 * np.hypot(steps[:, 0], steps[:, 1])).all()


def test_rings_that_others_have_covered_are_left_out():
    rings = pocket_paths(Point(0, 0).buffer(4, 64), CUTTER)
    assert len(rings) == 2
    swept = shapely.union_all([LineString(ring).buffer(1.5, 32) for ring in rings])
    assert swept.buffer(0.01).contains(Point(0, 0).buffer(3.99))


def test_the_finishing_pass_is_one_round_at_full_depth_beside_the_roughing():
    plan = plan_of('<rect width="100" height="60"/>', options=CutOptions(finish_mm=0.3))
    edge = shapely.get_parts(plan.parts)[0]
    depths = {
        round(end[2], 3)
        for rapid, start, end in moves(plan.lines)
        if not rapid
        and end[2] < 0
        and edge.distance(LineString([start[:2], end[:2]])) < 1.55
        and hypot(end[0] - start[0], end[1] - start[1]) > 3
    }
    assert depths == {-6.3, -4.2}  # through, and over the tabs


def test_a_bay_that_roughing_would_leave_full_is_cut_without_allowance():
    bay = box(0, 0, 60, 60).difference(box(28.3, 20, 31.7, 60))
    way = outside_path(bay, CUTTER)
    assert rough_way(way, 0.3, outside=True) is None
    assert rough_way(outside_path(box(0, 0, 60, 60), CUTTER), 0.3, outside=True) is not None


def test_a_way_that_begins_elsewhere_is_the_same_way():
    way = outside_path(box(0, 0, 60, 40), CUTTER)
    for place in ((30.0, -5.0), (70.0, 20.0), tuple(way[0]), tuple(way[3])):
        turned = started_at(way, place)
        assert turned[0].tolist() == turned[-1].tolist()
        assert LineString(turned).length == pytest.approx(LineString(way).length)
        assert shapely.Polygon(turned).area == pytest.approx(shapely.Polygon(way).area)
    assert len(tabs_on(way, CUTTER)) == 3
