"""Which labs made which designs is read from the ledger, and told as a map, as JSON and as CSV."""

from datetime import datetime, timedelta
from importlib import import_module
from random import Random

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, delete, text
from sqlmodel import select

from commons.flows import Action, EventDraft, State, Unit, measure
from repo_server import labs, ledger
from repo_server.tables import DesignOriginRow, MadeRow
from repo_server.travels import show_travels
from tests.floor import Floor, furnish
from tests.shop import API

counting = import_module("repo_server.migrations.versions.0045_made").counting


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


def ways(floor: Floor, **asked: object) -> list[tuple[str, str, int]]:
    with floor.session() as session:
        return [(it.origin, it.lab, it.things) for it in show_travels(session, **asked).ways]


def test_an_origin_is_of_all_years_but_things_are_of_the_year_that_is_asked_about(
    floor: Floor,
) -> None:
    rhone = second_lab(floor)
    make(floor, floor.lab_id, 5, days=-400)
    make(floor, rhone, 2)
    assert ways(floor, period=floor.now.year) == [("corner", "rhone", 2)]
    assert ways(floor, period=floor.now.year - 1) == []


def test_what_was_corrected_away_was_neither_first_nor_made(floor: Floor) -> None:
    rhone = second_lab(floor)
    make(floor, floor.lab_id, 5, days=-2)
    make(floor, rhone, 2)
    make(floor, floor.lab_id, 1, days=3)
    first = floor.ledger()[0]
    nothing = measure(0, Unit.EACH, State.DECLARED)
    with floor.session() as session:
        ledger.correct(session, first.id, nothing, now=floor.now)
    assert ways(floor) == [("corner", "rhone", 2)]  # one good thing of the first lab is left
    last = floor.ledger()[-1]
    with floor.session() as session:
        ledger.correct(session, last.id, nothing, now=floor.now)
    assert ways(floor) == []


def test_what_is_counted_beside_the_ledger_equals_its_events(floor: Floor) -> None:
    """And what the migration counts of a ledger that is there equals both."""
    labs_of = [floor.lab_id, second_lab(floor)]
    rng = Random(7)
    for _ in range(30):
        make(floor, rng.choice(labs_of), rng.randrange(1, 4), days=rng.randrange(-900, 900))
    for event in rng.sample(floor.ledger(), 10):
        right = measure(rng.randrange(3), Unit.EACH, State.DECLARED)
        with floor.session() as session:
            ledger.correct(session, event.id, right, now=floor.now)
    expected: dict[tuple[str | None, int], tuple[float, datetime]] = {}
    for row in floor.ledger():
        key = row.lab_id, row.happened_at.year
        things, first_at = expected.get(key, (0.0, row.happened_at))
        expected[key] = things + row.quantity, min(first_at, row.happened_at)

    def kept() -> dict[tuple[str | None, int], tuple[float, datetime]]:
        with floor.session() as session:
            rows = session.exec(select(MadeRow)).all()
        return {(row.lab_id, row.year): (row.things, row.first_at) for row in rows}

    assert kept() == expected
    with floor.session() as session:
        origins = {row.lab_id for row in session.exec(select(DesignOriginRow))}
        session.execute(delete(MadeRow))
        session.execute(delete(DesignOriginRow))
        for statement in counting(session.get_bind().dialect.name):
            session.execute(text(statement))
    assert kept() == expected
    with floor.session() as session:
        assert {row.lab_id for row in session.exec(select(DesignOriginRow))} == origins
