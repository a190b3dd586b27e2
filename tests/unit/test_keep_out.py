"""What stands on a machine: told once in its profile, and nothing is ever sent through it."""

import pytest
from pydantic import ValidationError

from commons.machine import Envelope, KeepOut, Park, PrintLimits
from fab_agent.cam.mill import mill
from fab_agent.cam.request import Kind
from fab_agent.cam.stock import Stock
from tests.profiles import printer, router

CLAMP = {"name": "clamp", "x_min_mm": 100, "x_max_mm": 140, "y_min_mm": 0, "y_max_mm": 20}
SQUARE = b"""<svg xmlns="http://www.w3.org/2000/svg" width="60mm" height="60mm" viewBox="0 0 60 60">
<rect x="0" y="0" width="60" height="60"/></svg>"""


def room(top_mm):
    return Envelope(
        x_max_mm=250, y_max_mm=210, z_min_mm=-20, z_max_mm=60,
        keep_out=(KeepOut(z_max_mm=top_mm, **CLAMP),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"x_max_mm": 100}, "'clamp': each _min_mm must be less than its _max_mm"),
        ({"name": ""}, "at least 1 character"),
        ({"x_min_mm": float("nan")}, "finite number"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_an_impossible_place_is_one_sentence(change, sentence):
    with pytest.raises(ValidationError, match=sentence):
        KeepOut.model_validate({"z_max_mm": 9} | CLAMP | change)


def test_nothing_parks_where_something_stands():
    with pytest.raises(ValidationError, match="park lies where 'clamp' stands"):
        printer(envelope=room(8), fdm=PrintLimits(park=Park(x_mm=120, y_mm=10)))
    printer(envelope=room(8), fdm=PrintLimits(park=Park(x_mm=120, y_mm=30)))


@pytest.mark.parametrize(("top_mm", "lift_mm"), [(3, 5), (4, 5), (9, 10), (100, 60)])
def test_a_tool_rises_over_what_stands_there_but_never_above_the_machine(top_mm, lift_mm):
    assert room(top_mm).lift_mm(5) == lift_mm


def test_a_drawing_is_milled_beside_a_clamp_and_travels_above_it():
    stock = Stock(thickness_mm=4, size_mm=(250, 210))
    made = mill(SQUARE, Kind.SVG, stock=stock, profile=router(envelope=room(15)))
    assert b"G0Z16" in made.lines
