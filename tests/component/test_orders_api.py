"""Ordering over HTTP: who may, what machines answer, and what a repeated request means."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import event

from commons.content import content_id
from repo_server.tables import FileFactsRow, MachineRow
from tests.profiles import printer
from tests.shop import API, HttpAgent, Shop, Someone, open_shop

# BEGIN, and what signs a browser in, among them.
MOST_STATEMENTS = 25


@pytest.fixture
def shop(app: Flask, sign_up: Callable[..., Someone]) -> Shop:
    return open_shop(app, sign_up)


def test_an_order_becomes_one_queued_job_a_copy_and_tells_every_machines_answer(
    shop: Shop,
) -> None:
    answer = shop.order(copies=3)
    assert answer.status_code == 201
    order = answer.json
    assert [(job["copy_number"], job["state"]) for job in order["jobs"]] == [
        (1, "queued"), (2, "queued"), (3, "queued"),
    ]  # fmt: skip
    assert [(it["machine"], it["refusal"]) for it in order["answers"]] == [
        ("Printer", None), ("Router", "process"),
    ]  # fmt: skip
    assert order["answers"][1]["sentence"] == "Router does CNC, this part needs FDM"
    assert order["material"] == "pla"  # the design's own, as none was named
    shown = shop.member.get(f"{API}/orders/{order['order_id']}")
    assert shown.json == order


def test_a_part_that_no_machine_could_build_is_refused_with_every_reason(shop: Shop) -> None:
    answer = shop.order("tower", material="pla")
    assert answer.status_code == 409
    assert (
        "Printer has room for 246 × 200 × 209 mm, this part is 60 × 40 × 900 mm"
        in answer.json["detail"]
    )
    assert "Router does CNC, this part needs FDM" in answer.json["detail"]


def test_a_material_that_can_be_loaded_may_be_ordered_and_the_machine_says_what_is_missing(
    shop: Shop,
) -> None:
    answer = shop.order(material="petg")
    assert answer.status_code == 201
    assert answer.json["answers"][0]["sentence"] == (
        "Printer has pla loaded, this part is to be made of petg"
    )
    assert shop.agent.lease().status_code == 204
    shop.load("Printer", material="petg")
    assert shop.agent.lease().status_code == 201


def test_an_order_follows_what_was_found_in_its_file_since_the_last_one(shop: Shop) -> None:
    """What came of an earlier order is remembered, and only for what the database said then."""
    assert shop.order().status_code == 201
    stl = FileFactsRow(
        sha256=content_id(b"hook.stl"),
        kind="stl",
        parser_version=1,
        facts={"box_mm": [600.0, 40.0, 30.0]},
        measured_at=shop.floor.now,
    )
    with shop.floor.session() as session:
        session.add(stl)
    larger = shop.order()
    assert larger.status_code == 409
    assert "this part is 600 × 40 × 30 mm" in larger.json["detail"]


def test_an_order_follows_the_machines_as_they_are_changed(shop: Shop) -> None:
    told = [shop.order().json["answers"][0]["sentence"]]
    shop.load("Printer", material="petg")
    told.append(shop.order().json["answers"][0]["sentence"])
    with shop.floor.session() as session:
        session.get_one(MachineRow, shop.agent.machines["Printer"]).name = "Press"
    told.append(shop.order().json["answers"][0]["sentence"])
    assert told == [
        "Printer can build this",
        "Printer has petg loaded, this part is to be made of pla",
        "Press has petg loaded, this part is to be made of pla",
    ]


def test_an_order_asks_the_database_little(shop: Shop) -> None:
    """Once its release is known, every fact is asked for once, and every row written at once."""
    assert shop.order(key="the first").status_code == 201
    asked: list[str] = []
    engine = shop.floor.engine
    event.listen(engine, "before_cursor_execute", lambda *it: asked.append(it[2]))
    assert shop.order(key="the second", copies=3).status_code == 201
    inserts = [it.split()[2] for it in asked if it.startswith("INSERT")]
    assert inserts == ["build_order", "job", "agreement", "news", "idempotency"]
    assert len(asked) <= MOST_STATEMENTS, asked


def test_how_a_part_is_milled_reaches_the_router_with_its_sheet(shop: Shop) -> None:
    chosen = {"nest": True, "grain": "y", "finish": True, "way": "plate", "lines": "both"}
    assert shop.order("board", milling=chosen).status_code == 201
    offer = shop.agent.lease("Router").json
    assert offer["milling"] == {**chosen, "conventional": False, "scallop_mm": 0.03}
    assert (offer["sheet_mm"], offer["grain"]) == (None, None)


WRONG = [
    ({"part": "nothing"}, 404, "has no part 'nothing'; it has 'hook', 'board'"),
    ({"part": "screw"}, 422, "names no file that a machine can be fed with"),
    ({"material": "gold"}, 422, "'gold' is not a material for FDM; known are pla, petg"),
    ({"material": "plywood"}, 422, "'plywood' is not a material for FDM"),
    ({"copies": 0}, 422, "copies: "),
    ({"copies": 100_000}, 422, "copies: 100000 are too many for one order, which takes 1000"),
    ({"options": {"qualty": "fine"}}, 422, "options.qualty: "),
    ({"colour": "red"}, 422, "colour: "),
    ({"milling": {"nest": True}}, 422, "milling.nest: is for milled parts, and 'hook' is printed"),
    ({"part": "board", "milling": {"grain": "z"}}, 422, "milling.grain: "),
    ({"part": "board", "milling": {"scallop_mm": 1}}, 422, "milling.scallop_mm: "),
    ({"release_id": "ab" * 32}, 404, "there is no release abab"),
    ({"release_id": "hook"}, 422, "release_id: "),
]


def test_a_wrong_order_is_refused_and_says_what_is_wrong(shop: Shop) -> None:
    for wanted, status, words in WRONG:
        body = {"release_id": shop.release_id, "part": "hook", **wanted}
        answer = shop.member.post(shop.at_lab("/orders"), body)
        assert answer.status_code == status, wanted
        assert words in answer.json["detail"]
    assert shop.member.get(shop.at_lab("/board")).json["jobs"] == []


def test_a_part_without_a_named_material_needs_one_in_the_order(shop: Shop) -> None:
    answer = shop.order("tower")
    assert answer.status_code == 422
    assert "no material is named" in answer.json["detail"]


def test_the_same_key_and_request_is_one_order(shop: Shop) -> None:
    first, again = shop.order(copies=2, key="k1"), shop.order(copies=2, key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    board = shop.member.get(shop.at_lab("/board")).json
    assert len(board["jobs"]) == 2


def test_the_same_key_with_another_request_is_refused(shop: Shop) -> None:
    shop.order(copies=2, key="k1")
    other = shop.order(copies=3, key="k1")
    assert other.status_code == 409
    assert "came with another request" in other.json["detail"]


def test_a_key_belongs_to_its_person(shop: Shop) -> None:
    mine = shop.order(key="k1").json["order_id"]
    body = {"release_id": shop.release_id, "part": "hook"}
    theirs = shop.manager.post(shop.at_lab("/orders"), body, headers={"Idempotency-Key": "k1"})
    assert theirs.status_code == 201
    assert theirs.json["order_id"] != mine


def test_a_refused_order_leaves_its_key_free(shop: Shop) -> None:
    assert shop.order(material="gold", key="k1").status_code == 422
    assert shop.order(key="k1").status_code == 201


def test_an_order_is_for_who_ordered_it_and_the_labs_people(shop: Shop) -> None:
    order = shop.order().json
    paths = (f"{API}/orders/{order['order_id']}", f"{API}/jobs/{order['jobs'][0]['id']}")
    for path in paths:
        assert shop.member.get(path).status_code == 200
        assert shop.manager.get(path).status_code == 200
        assert shop.stranger.get(path).status_code == 404


def test_strangers_and_nobody_cannot_order(shop: Shop, app: Flask) -> None:
    body = {"release_id": shop.release_id, "part": "hook"}
    assert shop.stranger.post(shop.at_lab("/orders"), body).status_code == 403
    assert app.test_client().post(shop.at_lab("/orders"), json=body).status_code == 401


def test_members_cancel_what_they_ordered_and_nothing_else(shop: Shop) -> None:
    body = {"release_id": shop.release_id, "part": "hook"}
    theirs = shop.manager.post(shop.at_lab("/orders"), body).json["jobs"][0]["id"]
    mine = shop.order().json["jobs"][0]["id"]
    assert shop.member.post(shop.at_lab(f"/jobs/{theirs}/cancel")).status_code == 403
    assert shop.member.post(shop.at_lab(f"/jobs/{mine}/cancel")).json["state"] == "cancelled"
    assert shop.decide(theirs, "cancel").json["state"] == "cancelled"


def test_a_lot_is_loaded_only_where_it_fits_and_nothing_waits_for_the_old_one(shop: Shop) -> None:
    wrong = shop.load("Printer", material="plywood")
    assert wrong.status_code == 422
    assert wrong.json["detail"] == "Printer takes pla, petg, not plywood"
    shop.order()
    shop.agent.staged()
    busy = shop.load("Printer", material="petg")
    assert busy.status_code == 409
    assert "Printer holds a job" in busy.json["detail"]


def test_the_last_manager_of_a_lab_stays_one(shop: Shop) -> None:
    down = {"handle": "manu", "role": "member"}
    assert shop.manager.post(shop.at_lab("/members"), down).status_code == 409
    shop.manager.post(shop.at_lab("/members"), {"handle": "mem", "role": "manager"})
    assert shop.manager.post(shop.at_lab("/members"), down).status_code == 204
    assert shop.manager.post(shop.at_lab("/members"), down).status_code == 403


def test_a_city_and_a_lab_with_members_and_a_shelf_are_founded_over_http(
    sign_up: Callable[..., Someone], app: Flask
) -> None:
    admin, founder, helper = sign_up("admin", admin=True), sign_up("fay"), sign_up("hal")
    city = {"slug": "kiel", "name": "Kiel", "country": "DE"}
    assert admin.post(f"{API}/cities", city).status_code == 201
    lab = {"slug": "quay", "name": "Quay Lab", "city": "kiel"}
    assert founder.post(f"{API}/labs", lab).status_code == 201
    at_lab = f"{API}/labs/quay"
    role = {"handle": "hal", "role": "operator"}
    assert founder.post(f"{at_lab}/members", role).status_code == 204
    assert founder.get(f"{at_lab}/members").json["members"] == [
        {"handle": "fay", "name": "Fay", "role": "manager"},
        {"handle": "hal", "name": "Hal", "role": "operator"},
    ]
    code = founder.post(f"{at_lab}/enrolment-codes").json["code"]
    agent = HttpAgent(app)
    assert agent.enrol(code, printer()).status_code == 201
    spool = {"material": "pla", "name": "white", "ring": "region", "evidence": "label"}
    lot = founder.post(f"{at_lab}/lots", spool)
    assert lot.status_code == 201
    path = f"{at_lab}/machines/{agent.machines['Printer']}/lot"
    assert helper.post(path, {"lot_id": lot.json["id"]}).status_code == 204
    assert helper.get(f"{at_lab}/lots").json["lots"] == [lot.json]
    (machine,) = helper.get(f"{at_lab}/board").json["machines"]
    assert (machine["name"], machine["lot"]["name"]) == ("Printer", "white")
    assert helper.post(path, {"lot_id": None}).status_code == 204
    (machine,) = helper.get(f"{at_lab}/board").json["machines"]
    assert machine["lot"] is None


def test_cities_and_labs_have_one_slug_each(shop: Shop) -> None:
    city = {"slug": "hamburg", "name": "Hamburg", "country": "DE"}
    assert shop.admin.post(f"{API}/cities", city).status_code == 409
    assert shop.manager.post(f"{API}/cities", {**city, "slug": "kiel"}).status_code == 403
    lab = {"slug": "corner", "name": "Again", "city": "hamburg"}
    assert shop.stranger.post(f"{API}/labs", lab).status_code == 409
    assert shop.stranger.post(f"{API}/labs", {**lab, "slug": "Bad Slug"}).status_code == 422
    page = shop.stranger.post(f"{API}/labs", {**lab, "slug": "new"})
    assert (page.status_code, page.json["fields"][0]["field"]) == (422, "slug")
    nowhere = shop.stranger.post(f"{API}/labs", {**lab, "slug": "quay", "city": "atlantis"})
    assert nowhere.status_code == 404
    assert shop.stranger.get(f"{API}/labs").json["labs"] == [
        {"slug": "corner", "name": "Corner Lab", "city": "hamburg", "machines": 2}
    ]
