"""Labs as others look for them and get to know them."""

import io
import json

import pytest

from repo_server.db import transaction
from repo_server.tables import CityRow, LabRow
from tests.browsing import fill
from tests.shop import API, open_shop

OKW = {
    "name": "Quay Lab",
    "facility_status": "Active",
    "location": {"gps_coordinates": "53.54, 9.99"},
    "equipment": [],
}


@pytest.fixture
def shop(app, sign_up):
    return open_shop(app, sign_up)


@pytest.fixture
def lisbon(shop, engine):
    with transaction(engine) as session:
        session.add(CityRow(id="lisbon", slug="lisbon", name="Lisboa", country="PT"))
        session.flush()
        session.add(LabRow(id="1", slug="fab", name="Fab Ünder", city_id="lisbon"))
        session.add(LabRow(id="2", slug="oficina", name="Oficina", city_id="lisbon"))


def found(client, **asked):
    return [it["slug"] for it in client.get(f"{API}/labs", query_string=asked).json["labs"]]


def test_labs_are_found_by_name_city_and_process(lisbon, client):
    assert found(client) == ["corner", "fab", "oficina"]
    assert found(client, q="ÜNDER") == ["fab"]
    assert found(client, q="lisb") == found(client, city="lisbon") == ["fab", "oficina"]
    assert found(client, process="cnc") == ["corner"]
    assert (found(client, process="cnc", city="lisbon"), found(client, q="%")) == ([], [])
    refused = [client.get(f"/labs?{it}").status_code for it in ("process=laser", "city=atlantis")]
    assert refused == [422, 404]
    page = client.get("/labs?q=ofi").text
    assert "/labs/oficina" in page and "/labs/corner" not in page
    assert "No lab answers to that" in client.get("/labs?q=nothing").text


def test_a_lab_shows_its_machines_and_what_was_made(shop, client):
    told = {"release_id": shop.release_id, "part": "hook", "good": 3}
    assert shop.member.post(f"{API}/labs/corner/builds", told).status_code == 201
    lab = client.get(f"{API}/labs/corner").json["lab"]
    assert {it["name"]: it["process"] for it in lab["machines"]} == {
        "Printer": "fdm", "Router": "cnc"}  # fmt: skip
    assert [(it["slug"], it["made"], it["stated_made"]) for it in lab["made"]] == [
        ("shelf-hook", 0, 3)
    ]
    page = client.get("/labs/corner/about").text
    assert "Shelf hook" in page and "Router" in page and "/cities/hamburg" in page
    assert "/labs/corner/manage/okw" not in page


def test_a_lab_is_brought_as_open_know_where_on_a_page(shop, client):
    path = "/labs/corner/manage/okw"
    form = fill(shop.manager, path, path)
    form["file"] = (io.BytesIO(json.dumps(OKW).encode()), "lab.json")
    assert shop.manager.browser.post(path, data=form).location == "/labs/corner/about"
    page = client.get("/labs/corner/about").text
    assert "Quay Lab" in page and "geo:53.54,9.99" in page
    minded = shop.manager.browser.post(
        path, data=fill(shop.manager, path, path, okw=json.dumps({**OKW, "facility_status": "?"}))
    )
    assert (minded.status_code, "strict reader" in minded.text) == (200, True)
    wrong = shop.manager.browser.post(path, data=fill(shop.manager, path, path, okw="{"))
    assert (wrong.status_code, "this is not JSON" in wrong.text) == (422, True)
