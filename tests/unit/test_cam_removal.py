"""The finished part as the height field shows it, and that the field sees every kind of damage."""

from pathlib import Path

import numpy as np
import pytest
from shapely import Point, box
from shapely.affinity import translate

from commons.machine import Envelope
from fab_agent.cam.mill import mill
from fab_agent.cam.passes import TAB_MM, tab_top_mm
from fab_agent.cam.removal import Field, compare, field_of
from fab_agent.cam.request import Kind
from fab_agent.cam.stock import Stock
from tests.profiles import router

CUTTER = 3.0
SHEET = Stock(6.0, (620, 420))
ROOM = Envelope(x_max_mm=620, y_max_mm=420, z_min_mm=-20, z_max_mm=60)
ROUTER = router(envelope=ROOM, max_feed_z_mm_s=20)
EXPORTS = Path(__file__).parents[2] / "designs"
DRAWINGS = sorted(p for kind in Kind for p in EXPORTS.glob(f"*/export/*.{kind}"))


def plan_of(body):
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="90mm" height="90mm" viewBox="0 0 90 90">'
    return mill(f"{head}{body}</svg>".encode(), Kind.SVG, stock=SHEET, profile=ROUTER)


def difference(plan, *, parts=None, cutter=CUTTER, cell=0.1, **more):
    field = field_of(plan.lines, cutter_mm=cutter, size_mm=plan.used_mm, cell_mm=cell)
    top = tab_top_mm(SHEET.thickness_mm)
    parts = plan.parts if parts is None else parts
    return compare(field, parts, cutter_mm=CUTTER, thickness_mm=6.0, tab_top_mm=top, **more)


PLATE = '<rect width="60" height="40" rx="6"/><circle cx="20" cy="20" r="5"/>'


def test_a_plate_comes_out_as_it_was_drawn_and_hangs_on_its_tabs_alone():
    found = difference(plan_of(PLATE))
    assert found.area_error == 0
    assert found.part_mm2 == pytest.approx(60 * 40 - (4 - np.pi) * 36 - np.pi * 25, rel=1e-3)
    assert found.held_mm2 == pytest.approx(3 * TAB_MM * CUTTER / 2, rel=0.15)
    assert found.deepest_mm == pytest.approx(6.3)


def test_a_pocket_is_hollow_and_nothing_else_is():
    plan = plan_of(
        '<rect width="60" height="40"/><rect id="pocket-2mm" x="9" y="9" width="20" height="20"/>'
    )
    corner = 10 + CUTTER
    hollow = translate(box(9, 11, 29, 31), corner, corner)
    assert difference(plan, hollows=hollow).area_error == 0
    assert difference(plan).gouged_mm2 == pytest.approx(400 - (4 - np.pi) * 1.5**2, abs=4)


@pytest.mark.parametrize(
    ("changes", "side"),
    [({"cutter": 3.3}, "gouged_mm2"), ({"cutter": 2.6}, "left_mm2")],
)
def test_a_cutter_that_is_not_the_planned_one_shows(changes, side):
    assert getattr(difference(plan_of(PLATE), **changes), side) > 10


def test_a_part_that_was_cut_beside_its_place_shows_on_both_sides():
    plan = plan_of(PLATE)
    found = difference(plan, parts=translate(plan.parts, 0.15, 0))
    assert found.gouged_mm2 > 3
    assert found.left_mm2 > 3


def test_a_program_that_stops_early_leaves_what_should_be_gone():
    plan = plan_of(PLATE)
    z = field_of(plan.lines[: len(plan.lines) // 4], cutter_mm=CUTTER, size_mm=plan.used_mm)
    found = compare(z, plan.parts, cutter_mm=CUTTER, thickness_mm=6.0, tab_top_mm=-4.2)
    assert found.area_error > 0.005


def test_squares_are_inside_as_geometry_says():
    area = Point(5, 4).buffer(3.3).difference(box(4, 3, 6.05, 5.02)).union(box(8.5, 0.3, 9.9, 2.2))
    field = Field(np.zeros((80, 100), dtype=np.float32), 0.1)
    mask = field.inside(area)
    for row, column in np.ndindex(80, 100):
        middle = Point((column + 0.5) * 0.1, (row + 0.5) * 0.1)
        assert mask[row, column] == area.contains(middle) or area.boundary.distance(middle) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("file", DRAWINGS, ids=lambda path: path.stem)
def test_every_design_comes_out_within_half_a_percent_of_its_area(file):
    plan = mill(file.read_bytes(), Kind(file.suffix[1:]), stock=SHEET, profile=ROUTER)
    found = difference(plan, cell=0.2)
    assert found.area_error <= 0.005
    assert found.deepest_mm == pytest.approx(6.3)
