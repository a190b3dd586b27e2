"""Options of an order on the pages, without JavaScript: chosen, told again, and judged."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient

from commons.wire import EventKind, JobOffer, MillOptions, Orientation
from repo_server.blobs import record
from repo_server.boards import BoardProgram
from repo_server.db import transaction
from repo_server.people import Person
from repo_server.web.sentences import doubt, estimate, plate
from tests.browsing import fill, page
from tests.floor import FILES, MANIFEST, PROGRAM, Floor, furnish, run
from tests.shop import Someone

LAB = "/labs/corner"
DESIGN = "/designs/shelf-hook"
K = EventKind


@pytest.fixture
def operator(sign_up: Callable[..., Someone]) -> Someone:
    return sign_up("olga")


@pytest.fixture
def floor(app: Flask, operator: Someone) -> Floor:
    manager = Person(operator.id, "olga", "Olga", is_admin=False)
    engine, store = app.extensions["engine"], app.extensions["blobs"]
    found = furnish(engine, manager=manager)
    for data in (*(path.encode() for path in FILES), MANIFEST):
        with transaction(engine) as session:
            record(session, store.put(BytesIO(data)), now=datetime.now(UTC))
    found.now = datetime.now(UTC) + timedelta(minutes=5)  # all that a test orders was before
    return found


def order(operator: Someone, **wish: str) -> str:
    form = fill(operator, DESIGN, "/orders", lab="corner", **({"part": "hook"} | wish))
    answer = operator.browser.post("/orders", data=form)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def offer_of(floor: Floor) -> JobOffer:
    offer = floor.lease()
    assert offer is not None
    return offer


def test_what_is_chosen_in_the_form_reaches_the_agent(operator: Someone, floor: Floor) -> None:
    order(
        operator, copies="3", plates="as_many_as_fit", quality="standard", scale="0.5", brim="yes",
        supports="yes", infill_percent="40", orientation="suggested",
    )  # fmt: skip
    offer = offer_of(floor)
    assert offer.copies == 3
    chosen = offer.options
    assert (chosen.quality, chosen.scale, chosen.infill_percent) == ("standard", 0.5, 40)
    assert (chosen.supports, chosen.brim) == (True, True)
    assert chosen.orientation is Orientation.SUGGESTED


def test_a_form_left_as_it_is_asks_for_what_is_usual(operator: Someone, floor: Floor) -> None:
    order(operator)
    offer = offer_of(floor)
    assert offer.copies == 1
    assert offer.options.model_dump(mode="json") == {
        "quality": "draft", "supports": False, "brim": False, "infill_percent": None, "scale": 1.0,
        "orientation": "as_drawn", "nozzle_mm": None,
    }  # fmt: skip


def test_what_is_chosen_for_milling_reaches_the_agent(operator: Someone, floor: Floor) -> None:
    order(
        operator, part="board", way="surface", grain="x", lines="both", scallop_mm="0.2",
        nest="yes", finish="yes",
    )  # fmt: skip
    offer = floor.lease("Router")
    assert offer is not None
    assert offer.milling == MillOptions(
        nest=True, grain="x", finish=True, way="surface", lines="both", scallop_mm=0.2
    )


def test_every_option_is_explained_in_a_line_beside_it(operator: Someone, floor: Floor) -> None:
    text = page(operator.browser, DESIGN).text
    printed = ("plates", "quality", "orientation", "scale", "infill", "nozzle", "supports", "brim")
    milled = ("way", "grain", "lines", "scallop", "nest", "finish", "conventional")
    for name in (*printed, *milled):
        assert f'aria-describedby="{name}-hint"' in text
        assert f'id="{name}-hint"' in text


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"scale": "30"}, "options.scale"),
        ({"scale": "large"}, "options.scale"),
        ({"infill_percent": "101"}, "options.infill_percent"),
        ({"plates": "all"}, "plates"),
        ({"orientation": "tipsy"}, "options.orientation"),
    ],
)
def test_a_value_that_cannot_be_is_named_and_what_was_filled_in_stays(
    operator: Someone, floor: Floor, wish: dict[str, str], field: str
) -> None:
    form = fill(operator, DESIGN, "/orders", lab="corner", part="hook", brim="yes", **wish)
    answer = operator.browser.post("/orders", data=form)
    assert answer.status_code == 422
    assert f"<strong>{field}</strong>" in answer.text
    assert "One thing is wrong" in answer.text
    assert 'name="brim" type="checkbox" value="yes" checked' in answer.text


def test_an_operator_says_how_many_of_a_plate_are_good(operator: Someone, floor: Floor) -> None:
    order(operator, copies="4", plates="as_many_as_fit")
    assert "plate of 4" in page(operator.browser, LAB).text
    offer = floor.running()
    floor.tell(K.FINISHED, offer, run=run())
    verdict = f"{LAB}/jobs/{offer.job_id}/verdict"
    form = fill(operator, LAB, verdict)
    assert form["good_copies"] == "4"
    for odd, words in (("five", "is no number"), ("5", "this plate has 4")):
        refused = operator.browser.post(verdict, data=form | {"good_copies": odd})
        assert refused.status_code == 422
        assert words in refused.text
    assert operator.browser.post(verdict, data=form | {"good_copies": "3"}).status_code == 303
    text = page(operator.browser, LAB).text
    assert "plate of 4, 3 good" in text
    assert "1 of a plate of 4 came out bad" not in text  # a queued job tells what it waits for
    assert "copy 4 of 4" in text
    passport = page(operator.browser, f"/things/{offer.attempt_id}").text
    assert "3 of 4 are good" in passport


def test_one_thing_is_judged_with_one_click(operator: Someone, floor: Floor) -> None:
    order(operator)
    offer = floor.running()
    floor.tell(K.FINISHED, offer, run=run())
    verdict = f"{LAB}/jobs/{offer.job_id}/verdict"
    form = fill(operator, LAB, verdict)
    assert "good_copies" not in form
    operator.browser.post(verdict, data=form | {"good": "yes"})
    assert floor.attempt(offer.attempt_id).good_copies == 1


def test_the_board_shows_both_estimates_and_says_when_they_are_far_apart(
    client: FlaskClient, operator: Someone, floor: Floor
) -> None:
    order(operator)
    offer = offer_of(floor)
    claims = {"claimed_duration_s": 5400.0, "claimed_material_g": 18.5}
    floor.tell(K.STAGED, offer, program=PROGRAM.model_copy(update=claims))
    text = page(client, LAB).text
    assert "1 h 0 min, 18 g, 6.04 m of filament by our reading of the program" in text
    assert "1 h 30 min, 18.5 g, 6.2 m of filament by the slicer&#39;s claim" in text
    assert "The two differ by more than a quarter in time" in text


def program(duration_s: float, material_g: float | None, *claimed: float | None) -> BoardProgram:
    return BoardProgram(
        duration_s=duration_s, material_g=material_g,
        claimed_duration_s=claimed[0], claimed_material_g=claimed[1],
    )  # fmt: skip


def test_estimates_that_nobody_made_are_not_told_as_zero() -> None:
    assert estimate(program(120, None, None, None), "plywood") == (
        "2 min 0 s by our reading of the program"
    )
    assert estimate(program(120, 200, 100, None), "plywood") == (
        "2 min 0 s, 200 g by our reading of the program, 1 min 40 s by its maker's claim"
    )
    assert doubt(program(120, None, None, 5)) == ""
    assert doubt(program(120, 20, 100, 20)) == ""
    assert "in time and material" in doubt(program(120, 20, 60, 10))


def test_a_plate_is_told_by_its_copies() -> None:
    assert plate(1, 1, 1) == ""
    assert plate(3, 1, 5) == "copy 3 of 5"
    assert plate(1, 4, 4) == "plate of 4"
    assert plate(5, 4, 10) == "plate of 4, copies 5 to 8 of 10"
