"""Sets: an object's made parts ordered together from its bill, all of them or none."""

import pytest
from sqlmodel import select

from commons.job import JobState
from repo_server import retirement
from repo_server.people import Person
from repo_server.tables import BuildOrderRow, JobRow
from tests.browsing import page
from tests.component.test_assemblies import HEAD, with_bom
from tests.component.test_designs_api import FILES, MANIFEST
from tests.component.test_forks import publish
from tests.floor import furnish

API = "/api/v1"
SETS = f"{API}/labs/corner/sets"
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def ada(sign_up):
    return sign_up("ada")


@pytest.fixture
def floor(engine, ada):
    return furnish(engine, manager=Person(ada.id, "ada", "Ada", False))


@pytest.fixture
def shelf(ada, floor):
    """A shelf with a shade of its own, and two lamps that have one each."""
    with_bom(ada, "lamp", "Screw,4,no,steel,a shop,")
    return with_bom(ada, "shelf", "Lamp,2,no,,design:lamp,", "Screw,6,no,steel,a shop,").json["id"]


def settle(floor, state):
    with floor.session() as session:
        for job in session.exec(select(JobRow)).all():
            job.state = state


def test_every_made_part_is_ordered_as_often_as_the_objects_take_it(ada, floor, shelf):
    asked = {"release_id": shelf, "objects": 3}
    first, again = (ada.post(SETS, asked, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.status_code, again.json) == (201, first.json)
    found = first.json
    made = [(it["title"], it["part"], it["copies"]) for it in found["orders"]]
    assert made == [("Lamp", "shade", 6), ("Shelf", "shade", 3)]
    (screws,) = found["bought"]
    assert (screws["item"], screws["quantity"]) == ("Screw", 3 * (6 + 2 * 4))
    assert found["state"] == "open"
    settle(floor, JobState.DONE)
    done = ada.get(f"{API}/sets/{found['id']}").json
    assert (done["state"], [it["done"] for it in done["orders"]]) == ("done", [6, 3])


def test_one_thing_in_the_way_and_nothing_is_ordered_and_all_of_them_are_told(ada, floor):
    with floor.session() as session:
        router = floor.machines["Router"]
        retirement.retire(session, router, lab_id=floor.lab_id, by=ada.id, now=floor.now)
    refused = ada.post(SETS, {"release_id": floor.release_id})
    assert refused.status_code == 422
    said = {it["field"]: it["problem"] for it in refused.json["fields"]}
    assert said.keys() == {"board", "tower"}
    assert "no machine of this lab can build 'board'" in said["board"]
    assert "no material is named" in said["tower"]
    with floor.session() as session:
        assert session.exec(select(BuildOrderRow)).all() == []


def test_what_has_a_licence_that_asks_waits_alone_and_is_cancelled_with_the_set(ada, floor):
    text = MANIFEST.replace("CERN-OHL-S-2.0", "CC-BY-NC-4.0")
    text = text.replace('readme = "README.md"', 'readme = "README.md"\nbom = "bom.csv"')
    bom = f"{HEAD}shade,1,yes,PLA,shade.stl,\n".encode()
    assert publish(ada, "lamp", text, {**FILES, "bom.csv": bom}).status_code == 201
    shelf = with_bom(ada, "shelf", "Lamp,2,no,,design:lamp,").json["id"]
    found = ada.post(SETS, {"release_id": shelf, "purpose": "sale"}).json
    placed, waits = sorted(found["orders"], key=lambda it: it["copies"])
    assert (placed["waiting_id"], waits["order_id"]) == (None, None)
    assert "CC-BY-NC-4.0" in waits["sentence"]
    settle(floor, JobState.DONE)
    assert ada.get(f"{API}/sets/{found['id']}").json["state"] == "open"
    left = ada.post(f"{API}/sets/{found['id']}/cancel").json
    assert (left["state"], [it["waiting_id"] for it in left["orders"]]) == ("ended", [None, None])


def test_a_set_is_ordered_and_cancelled_on_pages(ada, client, floor, shelf):
    shown = page(ada, f"/releases/{shelf}/bom")
    assert "Order all that is made of it" in shown.text
    form = {"release_id": shelf, "lab": "corner", "objects": "2", "key": "k"}
    sent = ada.send("POST", "/sets", data=form)
    assert sent.status_code == 303
    whole = page(ada, sent.location)
    assert "Being made" in whole.text
    assert ada.send("POST", f"{sent.location}/cancel", data={}).status_code == 303
    assert "Ended, and not whole" in page(ada, sent.location).text
    with floor.session() as session:
        assert {job.state for job in session.exec(select(JobRow))} == {JobState.CANCELLED}
    strange = client.get(sent.location)
    assert strange.status_code in (302, 303, 401)
