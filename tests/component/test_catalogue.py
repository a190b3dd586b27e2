"""The catalogue as somebody without scripts uses it, and how the list is kept up to date."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlmodel import delete, select

from commons.content import content_id
from commons.wire import EventKind, MachineState
from repo_server import decisions, designs, labs
from repo_server.blobs import BlobStore
from repo_server.db import reading, transaction
from repo_server.people import Person
from repo_server.search import index
from repo_server.search.refill import refill
from repo_server.submissions import Upload
from repo_server.tables import BlobRow, CityRow, DesignRow, LabRow, SearchEntryRow
from repo_server.tables.people import LabRole
from tests import floor as shop
from tests.browsing import page
from tests.component.conftest import Someone
from tests.floor import Floor


def build(engine: Engine, *, simulated: bool = False) -> Floor:
    """A lab that has made one shelf hook, and found it good."""
    floor = shop.furnish(engine, shop.printer(simulated=simulated))
    with floor.session() as session:
        lab = session.get_one(LabRow, floor.lab_id)
        lab.latitude, lab.longitude = 41.39, 2.17
    floor.order()
    offer = floor.running()
    floor.later(hours=1)
    floor.tell(EventKind.FINISHED, offer, run=shop.run())
    floor.sees("Printer", MachineState.IDLE)
    with floor.session() as session:
        job = decisions.job_in(session, offer.job_id, lab_id=floor.lab_id)
        decisions.give_verdict(session, job, good=1, note="", by=floor.manager, now=floor.now)
    return floor


def hits(client: FlaskClient, query: str) -> int:
    return len(client.get(f"/api/v1/designs?{query}").json["designs"])


def test_what_a_lab_has_built_is_found_as_such(client: FlaskClient, engine: Engine) -> None:
    build(engine)
    assert (hits(client, "built=yes"), hits(client, "near=41.5,2.2&km=30")) == (1, 1)
    assert hits(client, "near=corner&q=hook") == 1
    assert hits(client, "near=48.9,2.3&km=30") == 0


def test_what_a_simulated_machine_made_is_not_built(client: FlaskClient, engine: Engine) -> None:
    build(engine, simulated=True)
    assert (hits(client, "built=yes"), hits(client, "q=hook")) == (0, 1)


def test_a_lab_without_a_place_has_nothing_near_it(client: FlaskClient, engine: Engine) -> None:
    shop.furnish(engine, shop.printer())
    answer = client.get("/api/v1/designs?near=corner")
    assert answer.status_code == 422 and "has not said where it is" in answer.json["detail"]


@pytest.mark.parametrize("everything", [True, False])
def test_an_old_database_is_found_in_as_a_new_one(
    app: Flask, client: FlaskClient, engine: Engine, everything: bool
) -> None:
    build(engine)
    blobs: BlobStore = app.extensions["blobs"]
    with reading(engine) as session:
        before = index.kept(session, "design-1")
    if not everything:
        with transaction(engine) as session:
            session.execute(delete(SearchEntryRow))
    assert refill(engine, blobs, everything=everything) == 1
    assert refill(engine, blobs) == 0
    with reading(engine) as session:
        assert index.kept(session, "design-1") == before
    assert (hits(client, "q=hokk&built=yes"), hits(client, "q=shelf&process=fdm")) == (1, 1)


def test_made_anew_the_list_keeps_a_first_build_among_the_newest(
    app: Flask, engine: Engine, client: FlaskClient
) -> None:
    floor = build(engine)
    manifest = shop.MANIFEST.replace(b"Shelf hook", b"Lamp")
    files = {path: content_id(path.encode()) for path in shop.FILES}
    earlier = floor.now - timedelta(seconds=1)
    with floor.session() as session:
        session.add(BlobRow(sha256=content_id(manifest), size=84, stored_at=earlier))
        session.flush()
        upload = Upload("lamp", manifest, files)
        by = Person(floor.manager, "manu", "Manu", is_admin=True)
        designs.publish_release(session, upload, by=by, design_id="design-2", now=earlier)
    refill(engine, app.extensions["blobs"], everything=True)
    listed = client.get("/api/v1/designs").json["designs"]
    assert [it["slug"] for it in listed] == ["shelf-hook", "lamp"]


def test_links_narrow_the_list_down_and_up_again(client: FlaskClient, engine: Engine) -> None:
    shop.furnish(engine, shop.printer())
    whole = page(client, "/?q=hook")
    (link,) = [it for it in whole.links if "licence=CERN-OHL-S-2.0" in it]
    narrowed = page(client, link)
    assert "Shelf <mark>hook</mark>" in narrowed.text and narrowed.wrong == []
    assert "/?q=hook" in narrowed.links
    assert "No design is like that" in page(client, "/?q=hook&licence=MIT").text


def test_what_somebody_asks_for_is_text_and_nothing_else(
    client: FlaskClient, engine: Engine
) -> None:
    shop.furnish(engine, shop.printer())
    asked = "/?q=<script>x</script>&material=<b>x</b>"
    assert "<script>x" not in page(client, asked).text and "<b>x" not in page(client, asked).text
    assert "is not one that this list gave out" in page(client, "/?cursor=x", 422).text


def test_a_lab_is_chosen_in_a_form(client: FlaskClient, engine: Engine) -> None:
    shop.furnish(engine, shop.printer(), shop.router())
    form = next(form for form in page(client, "/?q=hook").forms if "fits" in form)
    assert (form["q"], form["km"], form["action"]) == ("hook", "50", "/")
    assert "Can be made at" in page(client, "/?q=hook&fits=corner&km=50&near=").text


def test_a_list_goes_on_where_the_last_one_ended(client: FlaskClient, engine: Engine) -> None:
    floor = shop.furnish(engine, shop.printer())
    with transaction(engine) as session:
        one = index.kept(session, "design-1")
        assert one is not None
        for number in range(24):
            id_ = f"copy-{number}"
            session.add(DesignRow(id=id_, slug=id_, steward_id=floor.manager, created_at=floor.now))
            session.flush()
            index.put(session, [replace(one, design_id=id_, slug=id_)])
    first = page(client, "/?q=shelf")
    (more,) = [link for link in first.links if "cursor=" in link]
    last = page(client, more)
    assert [
        link for link in last.links if link == "/designs/shelf-hook"
    ] and "25 designs" in last.text
    assert "/?q=shelf" in last.links and not any("cursor=" in link for link in last.links)


def test_a_lab_says_where_it_is(
    client: FlaskClient, engine: Engine, sign_up: Callable[..., Someone]
) -> None:
    build(engine)
    someone = sign_up("olga")
    with transaction(engine) as session:
        lab = session.exec(select(LabRow)).one()
        lab.latitude = lab.longitude = None
        labs.set_role(session, lab_id=lab.id, handle="olga", role=LabRole.MANAGER)
    place = {"latitude": -33.4, "longitude": -70.6}
    assert someone.send("PUT", "/api/v1/labs/corner/place", json=place).status_code == 204
    assert (hits(client, "near=corner"), hits(client, "near=-33,-70.5&km=100")) == (1, 1)
    wrong = someone.send("PUT", "/api/v1/labs/corner/place", json=place | {"latitude": 91})
    assert wrong.status_code == 422


def test_where_there_are_many_labs_the_form_asks_for_a_short_name(
    client: FlaskClient, engine: Engine
) -> None:
    floor = shop.furnish(engine, shop.printer())
    with floor.session() as session:
        city = session.exec(select(CityRow)).one().id
        session.add_all(
            LabRow(id=f"l{n}", slug=f"l{n}", name=f"Lab {n}", city_id=city) for n in range(60)
        )
    shown = page(client, "/?q=hook&fits=l7")
    assert "Can be made at Lab 7" in shown.text
    form = next(form for form in shown.forms if "km" in form)
    assert form["fits"] == "l7"
    assert "The short name of" in shown.text


def test_how_many_designs_a_page_has_is_asked_within_bounds(
    client: FlaskClient, engine: Engine
) -> None:
    shop.furnish(engine, shop.printer())
    assert page(client, "/?limit=1").text.count('class="card link"') == 1
    assert "limit=1" in page(client, "/?limit=1").text  # the next page is as long
    for wrong in ("0", "101", "ten"):
        answer = client.get(f"/?limit={wrong}")
        assert answer.status_code == 422
        assert "must be a number from 1 to 100" in answer.text
