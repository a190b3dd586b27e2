"""Parts of any shape on a sheet: tight, apart, along the grain, on offcuts; what stays of it."""

from itertools import combinations

import numpy as np
import pytest
import shapely
from shapely import Polygon, box

from commons.errors import InvalidInput, ProgramRefused
from commons.machine import Envelope, KeepOut
from fab_agent.cam.nesting import ROWS, Shape, nested
from fab_agent.cam.offcuts import offcuts_of
from fab_agent.cam.placing import moved, placed, sheet_outline, turns_allowed
from fab_agent.cam.request import Offcut
from fab_agent.cam.stock import Stock

ROOM = Envelope(x_max_mm=600, y_max_mm=400, z_min_mm=-20, z_max_mm=40)
SHEET = Stock(6, (600, 400))
ELL = Polygon([(0, 0), (100, 0), (100, 20), (20, 20), (20, 80), (0, 80)])
FRAME = box(0, 0, 150, 150).difference(box(20, 20, 130, 130))
TRIANGLE = Polygon([(0, 0), (120, 0), (0, 90)])


def lying(solids, places):
    return [moved(solids, place) for place in places]


def least_gap(areas):
    return min(one.distance(other) for one, other in combinations(areas, 2))


def place(solids, counts, **changes):
    found = placed(solids, counts=counts, **({"stock": SHEET, "envelope": ROOM} | changes))
    return found, lying(solids, found.places)


def test_parts_interlock_and_keep_their_clearance():
    found, areas = place([ELL, TRIANGLE], [4, 4])
    assert len(areas) == 8
    assert least_gap(areas) >= 3 - 1e-3
    assert all(box(10, 10, 590, 390).buffer(1e-5).covers(area) for area in areas)
    boxes = 4 * (100 * 80 + 120 * 90)
    assert (found.used_mm[0] - 20) * (found.used_mm[1] - 20) < 0.95 * boxes


def test_a_small_part_goes_into_the_opening_of_a_large_one():
    found, (frame, small) = place([FRAME, box(0, 0, 60, 50)], [1, 1])
    assert found.used_mm == pytest.approx((170, 170))
    assert shapely.convex_hull(frame).contains(small)
    assert least_gap([frame, small]) >= 3 - 1e-3


def test_the_same_parts_lie_at_the_same_places_every_time():
    once, again = (place([ELL, TRIANGLE], [3, 2])[0] for _ in range(2))
    assert once == again


@pytest.mark.parametrize(
    ("wanted", "sheet", "turns"),
    [
        (None, None, (0, 1, 2, 3)),
        ("x", None, (0, 2)),
        ("y", None, (1, 3)),
        ("x", "y", (1, 3)),
        ("y", "y", (0, 2)),
    ],
)
def test_grain_allows_half_turns_alone(wanted, sheet, turns):
    assert turns_allowed(wanted, sheet) == turns
    found, _ = place([ELL], [3], turns=turns)
    assert {one.turns for one in found.places} <= set(turns)


def test_an_offcut_that_is_no_rectangle_is_used_within_its_margin():
    corners = ((0, 0), (400, 0), (400, 120), (150, 120), (150, 300), (0, 300))
    stock = Stock(6, (400, 300), outline=corners)
    _, areas = place([box(0, 0, 110, 90)], [4], stock=stock)
    inside = Polygon(corners).buffer(-10 + 1e-5, join_style="mitre")
    assert all(inside.covers(area) for area in areas)
    with pytest.raises(ProgramRefused, match=r"copies fit: order at most [45]"):
        place([box(0, 0, 110, 90)], [9], stock=stock)


@pytest.mark.parametrize(
    "corners",
    [((0, 0), (10, 0)), ((0, 0), (99, 99), (99, 0), (0, 99)), ((0, 0), (700, 0), (0, 99))],
)
def test_an_outline_that_is_none_is_refused(corners):
    with pytest.raises(InvalidInput, match="no polygon within its 600 x 400 mm"):
        sheet_outline(Stock(6, (600, 400), outline=corners))


def test_what_stands_on_the_table_is_left_free():
    clamp = KeepOut(name="clamp", x_min_mm=0, x_max_mm=60, y_min_mm=0, y_max_mm=60, z_max_mm=20)
    envelope = ROOM.model_copy(update={"keep_out": (clamp,)})
    _, areas = place([ELL], [5], envelope=envelope)
    assert not any(area.intersects(box(0, 0, 60, 60)) for area in areas)


def test_a_sheet_that_is_too_small_says_what_is_missing_or_how_many_fit():
    with pytest.raises(ProgramRefused, match=r"12\.0 mm in X and 2\.0 mm in Y are missing"):
        place([box(0, 0, 592, 382)], [1])
    with pytest.raises(ProgramRefused, match="order at most 8"):
        place([box(0, 0, 140, 185)], [9])


def test_without_clearance_parts_touch_but_never_overlap():
    found = nested(
        [Shape(box(0, 0, 50, 30), (0, 1))], [0] * 6, box(0, 0, 150, 60), clearance_mm=0, axes=ROWS
    )
    areas = lying([box(0, 0, 50, 30)], found)
    assert shapely.union_all(areas).area == pytest.approx(len(areas) * 1500, abs=0.01)


def test_the_largest_free_rectangles_of_a_sheet_are_its_offcuts():
    cut = np.array([[10.0, 10.0, 250.4, 180.0]])
    assert offcuts_of(box(0, 0, 600, 400), cut) == (
        Offcut(x_mm=251, y_mm=0, width_mm=349, height_mm=400),
        Offcut(x_mm=0, y_mm=180, width_mm=250, height_mm=220),
    )
    everything = np.array([[10.0, 10.0, 590.0, 390.0]])
    assert offcuts_of(box(0, 0, 600, 400), everything) == ()
