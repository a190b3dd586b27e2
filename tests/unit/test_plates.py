"""Parts on one plate: where each lies, and how many fit."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commons.machine import Envelope, KeepOut
from commons.plates import (
    GAP_MM,
    PrintArea,
    Rectangle,
    arrange,
    cut_margin_mm,
    most,
    print_area,
    sheet_area,
)
from fab_agent.cam.mill import mill
from fab_agent.cam.request import Kind
from fab_agent.cam.stock import Stock
from tests.profiles import printer, router

BED = PrintArea(2, 8, 248, 208, 209)
CLIP = Rectangle(110, 0, 140, 40)


def covered(sizes, places, margin_mm):
    """What each part covers, its margin included."""
    boxes = []
    for size, place in zip(sizes, places, strict=True):
        a, b = ((edge / 2 + margin_mm) for edge in (size[::-1] if place.turned else size))
        boxes.append(Rectangle(place.x_mm - a, place.y_mm - b, place.x_mm + a, place.y_mm + b))
    return boxes


def wider(box, by):
    return Rectangle(box.x_min_mm - by, box.y_min_mm - by, box.x_max_mm + by, box.y_max_mm + by)


edges = st.floats(1, 120, allow_nan=False)
parts = st.lists(st.tuples(edges, edges), min_size=1, max_size=12)
zones = st.lists(
    st.builds(lambda x, y, a, b: Rectangle(x, y, x + a, y + b), *[st.floats(5, 200)] * 2,
              *[st.floats(5, 60)] * 2),
    max_size=3,
)  # fmt: skip


@given(parts, zones, st.sampled_from((0.0, 5.0)))
def test_no_two_parts_meet_none_leaves_the_bed_and_no_way_passes_a_keep_out(sizes, stands, margin):
    area = PrintArea(2, 8, 248, 208, 209, tuple(stands))
    places = arrange(sizes, area, margin_mm=margin)
    if places is None:
        return
    boxes = covered(sizes, places, margin)
    bed = wider(Rectangle(2, 8, 248, 208), 1e-4)
    assert all(bed.holds(box) for box in boxes)
    assert not any(wider(one, GAP_MM - 1e-4).meets(other) for one, other in combinations(boxes, 2))
    around = Rectangle(
        min(b.x_min_mm for b in boxes), min(b.y_min_mm for b in boxes),
        max(b.x_max_mm for b in boxes), max(b.y_max_mm for b in boxes),
    )  # fmt: skip
    assert not any(wider(around, -1e-4).meets(zone) for zone in stands)


@given(st.tuples(edges, edges), zones, st.integers(1, 40))
def test_as_many_as_are_said_to_fit_can_be_arranged_and_not_one_more(size, stands, limit):
    area = PrintArea(2, 8, 248, 208, 209, tuple(stands))
    count = most(size, area, margin_mm=0, limit=limit)
    assert count == 0 or arrange([size] * count, area, margin_mm=0) is not None
    assert count == limit or arrange([size] * (count + 1), area, margin_mm=0) is None


def test_the_same_parts_always_lie_the_same():
    sizes = [(30, 40), (60, 20), (30, 40), (90, 90)]
    assert arrange(sizes, BED, margin_mm=5) == arrange(sizes, BED, margin_mm=5)


def test_one_part_lies_in_the_middle():
    (place,) = arrange([(60, 40)], BED, margin_mm=0)
    assert (place.x_mm, place.y_mm) == pytest.approx((125, 108))


def test_a_part_that_fits_only_sideways_is_turned():
    (place,) = arrange([(190, 240)], BED, margin_mm=0)
    assert place.turned
    assert arrange([(190, 247)], BED, margin_mm=0) is None


@pytest.mark.parametrize(
    ("size", "margin_mm", "fit"),
    [((246, 200), 0, 1), ((246, 200), 0.1, 0), ((121, 98), 0, 4), ((121.1, 98.1), 0, 2),
     ((20, 20), 0, 80), ((20, 20), 5, 42)],
)  # fmt: skip
def test_how_many_fit_counts_gaps_and_margins(size, margin_mm, fit):
    assert most(size, BED, margin_mm=margin_mm, limit=100) == fit


def test_parts_lie_on_one_side_of_what_stands_on_the_bed():
    places = arrange([(50, 50)] * 4, PrintArea(2, 8, 248, 208, 209, (CLIP,)), margin_mm=0)
    assert min(place.y_mm for place in places) >= CLIP.y_max_mm + 25


def test_parts_lie_where_the_nozzle_comes_to_past_nothing():
    post = Rectangle(90, 100, 100, 110)  # to its right is more room, and the way there leads past
    area = PrintArea(2, 8, 248, 208, 209, (post,), ends=((85, 0), (2, 208)))
    (place,) = arrange([(40, 40)], area, margin_mm=0)
    assert (place.x_mm, place.y_mm) == pytest.approx((46, 108))


def test_a_machine_leaves_room_around_what_stands_on_it():
    clip = KeepOut(name="clip", x_min_mm=100, x_max_mm=140, y_min_mm=0, y_max_mm=20, z_max_mm=9)
    box = Envelope(x_max_mm=250, y_max_mm=210, z_max_mm=210, keep_out=(clip,))
    area = print_area(printer(envelope=box))
    assert area.room_mm(0) == (246, 200, 209)
    assert area.keep_out == (Rectangle(95, -5, 145, 25),)


def test_a_sheet_has_its_clamps_at_the_edge():
    assert sheet_area(router()).room_mm(0)[:2] == (580, 380)


@pytest.mark.slow
def test_as_many_as_are_said_to_fit_a_sheet_are_really_cut_out_of_it():
    box = Envelope(x_max_mm=600, y_max_mm=400, z_min_mm=-20, z_max_mm=60)
    machine = router(envelope=box)
    margin_mm = cut_margin_mm(machine.cnc.cutter_mm)
    copies = most((100, 100), sheet_area(machine), margin_mm=margin_mm, limit=50, mixed=False)
    assert copies == 15
    drawing = (
        b'<svg xmlns="http://www.w3.org/2000/svg" width="100mm" height="100mm" '
        b'viewBox="0 0 100 100"><rect width="100" height="100"/></svg>'
    )
    stock = Stock(thickness_mm=12, size_mm=(600, 400))
    assert mill(drawing, Kind.SVG, stock=stock, profile=machine, copies=copies).lines
