"""Which labs made which designs is read from the ledger, and told as a map, as JSON and as CSV."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from commons.flows import Action, EventDraft, State, Unit, measure
from repo_server import labs, ledger
from tests.floor import Floor, furnish
from tests.shop import API


@pytest.fixture
def floor(engine: Engine) -> Floor:
    return furnish(engine)


def make(floor: Floor, lab_id: str, things: int, *, days: int = 0, simulated: bool = False) -> None:
    good = measure(things, Unit.EACH, State.DECLARED)
    part = f"part:{floor.release_id}/hook"
    at = floor.now + timedelta(days=days)
    with floor.session() as session:
        ledger.append(
            session,
            [EventDraft(Action.PRODUCE, part, good, lab_id, lab_id)],
            ledger.Occasion(lab_id, None, simulated=simulated, happened_at=at),
            now=at,
        )


def second_lab(floor: Floor) -> str:
    with floor.session() as session:
        labs.create_city(session, labs.NewCity(slug="lyon", name="Lyon", country="FR"))
        new = labs.NewLab(slug="rhone", name="Rhône Lab", city="lyon")
        return labs.create_lab(session, new, by=floor.manager).id


def test_a_design_made_in_two_cities_has_travelled_once(floor: Floor, client: FlaskClient) -> None:
    rhone = second_lab(floor)
    make(floor, floor.lab_id, 2)
    make(floor, rhone, 3, days=1)
    make(floor, rhone, 9, days=-1, simulated=True)
    told = client.get(f"{API}/travels").get_json()
    slug = told["ways"][0]["designs"][0]
    assert told["ways"] == [{"origin": "corner", "lab": "rhone", "designs": [slug], "things": 3}]
    assert {it["slug"]: it["things"] for it in told["labs"]} == {"corner": 2, "rhone": 3}
    lines = client.get(f"{API}/travels.csv?city=lyon").text.splitlines()
    assert lines[1:] == [f"corner,hamburg,rhone,lyon,{slug},3,"]
    page = client.get("/map?city=lyon")
    assert "Rhône Lab" in page.text and slug in page.text


def test_a_city_to_which_nothing_came_has_its_labs_and_no_way(
    floor: Floor, client: FlaskClient
) -> None:
    second_lab(floor)
    make(floor, floor.lab_id, 2)
    told = client.get(f"{API}/travels?city=lyon").get_json()
    assert ([it["slug"] for it in told["labs"]], told["ways"]) == (["rhone"], [])


@pytest.mark.parametrize(("query", "status"), [("city=nowhere", 404), ("period=last", 422)])
def test_what_is_no_city_and_no_year_is_refused(
    floor: Floor, client: FlaskClient, query: str, status: int
) -> None:
    assert client.get(f"{API}/travels?{query}").status_code == status
    assert client.get(f"{API}/travels.csv?{query}").status_code == status
    assert client.get(f"/map?{query}").status_code == status


def test_land_is_sent_to_be_kept_for_a_day(client: FlaskClient) -> None:
    answer = client.get("/earth.svg")
    assert answer.mimetype == "image/svg+xml"
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
