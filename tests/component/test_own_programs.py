"""Programs that people bring: who may, what becomes of them, and what the ledger says of it."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlmodel import select
from werkzeug.test import TestResponse

from commons.flows import Action
from repo_server import forecasts
from repo_server.tables import AgreementRow, BuildOrderRow, EconomicEventRow, OwnProgramRow
from tests.floor import PROGRAM, run
from tests.own_programs import PRUSA, reaching
from tests.shop import API, Shop, Someone, open_shop


@pytest.fixture
def shop(app: Flask, sign_up: Callable[..., Someone]) -> Shop:
    return open_shop(app, sign_up)


def bring(by: Someone, program: bytes = PRUSA, **more: object) -> TestResponse:
    query = {"name": "C:\\parts\\bracket.gcode", **more}
    headers = {"Idempotency-Key": str(query.pop("key"))} if "key" in query else {}
    path = f"{API}/labs/corner/programs"
    return by.send("POST", path, data=program, query_string=query, headers=headers)


def allow(shop: Shop, handle: str = "mem") -> None:
    path = shop.at_lab(f"/programmers/{handle}")
    assert shop.manager.send("PUT", path).status_code == 204


def test_a_program_is_brought_proved_made_and_counted_as_what_it_is(shop: Shop) -> None:
    assert bring(shop.member).status_code == 403
    allow(shop)
    order = bring(shop.member, key="bracket-1").json
    assert bring(shop.member, key="bracket-1").json == order, "asked again, it is one order"
    assert (order["release_id"], order["part"], order["material"]) == (None, "bracket.gcode", "pla")
    (job,) = shop.member.get(shop.at_lab("/board")).json["jobs"]
    assert (job["title"], job["release_id"], job["state"]) == ("bracket.gcode", None, "queued")
    assert "bracket.gcode" in shop.member.get("/labs/corner").text

    offer = shop.agent.lease().json
    assert (offer["is_program"], offer["title"]) == (True, "bracket.gcode")
    target = f"{API}/agent/programs/{offer['file_sha256']}"
    headers = shop.agent.signed(target, b"", method="GET")
    with shop.agent.app.test_client().get(target, headers=headers) as fetched:
        assert fetched.data == PRUSA
    assert shop.stranger.get(f"{API}/blobs/{offer['file_sha256']}").status_code == 404

    shop.agent.tell("staged", offer, program=PROGRAM.model_dump(mode="json"))
    assert shop.clear().status_code == 204
    shop.agent.arm(offer)
    shop.agent.tell("started", offer)
    shop.agent.tell("finished", offer, run=run().model_dump(mode="json"))
    assert shop.decide(offer["job_id"], "verdict", good=True).json["state"] == "done"
    with shop.floor.session() as session:
        events = session.exec(select(EconomicEventRow)).all()
    of_lots = {Action.RAISE, Action.MOVE}
    assert {event.action for event in events} - of_lots == {Action.USE, Action.CONSUME}, (
        "no design is cited, and nobody knows what was produced"
    )
    assert "of no design" in shop.member.get(f"/things/{offer['attempt_id']}").text
    assert shop.member.get(f"/labs/corner/jobs/{offer['job_id']}").status_code == 200


def test_the_right_is_a_managers_to_give_and_take_and_both_are_kept(shop: Shop) -> None:
    path = shop.at_lab("/programmers/mem")
    assert shop.member.send("PUT", path).status_code == 403
    allow(shop)
    allow(shop)
    assert shop.manager.send("DELETE", path).status_code == 204
    assert bring(shop.member).status_code == 403
    assert shop.manager.send("PUT", shop.at_lab("/programmers/nobody")).status_code == 404
    (line,) = shop.manager.get(shop.at_lab("/programmers")).json["rights"]
    assert (line["handle"], line["given_by"], line["taken_by"]) == ("mem", "Manu", "Manu")


@pytest.mark.parametrize(
    ("program", "said", "status", "why"),
    [
        (b"solid cube\n", {}, 422, "this is no program"),
        (PRUSA, {"name": "bracket.stl"}, 422, "is not the name of a program"),
        (PRUSA, {"material": "unobtainium"}, 422, "is not a material"),
        (PRUSA, {"copies": "21"}, 422, "copies"),
        (reaching(400), {}, 409, "was made for MK3S and goes from 90 to 400 mm"),
        (PRUSA.replace(b"S215", b"S300"), {}, 409, "this program asks for 300 °C"),
        (PRUSA.replace(b"marlin2", b"sailfish"), {}, 409, "does not speak the dialect"),
    ],
)
def test_a_program_that_no_machine_could_run_leaves_nothing_behind(
    shop: Shop, program: bytes, said: dict[str, str], status: int, why: str
) -> None:
    allow(shop)
    answer = bring(shop.member, program, **said)
    assert (answer.status_code, why in answer.json["detail"]) == (status, True), answer.json
    with shop.floor.session() as session:
        assert session.exec(select(OwnProgramRow)).all() == []


def test_a_program_goes_to_the_machines_that_it_names_alone(shop: Shop) -> None:
    allow(shop)
    printer, router = (shop.floor.machines[name] for name in ("Printer", "Router"))
    order = bring(shop.member, machines=[printer, router]).json
    assert [it["refusal"] for it in order["answers"]] == [None, "process"]
    refused = bring(shop.member, machines=router)
    assert (refused.status_code, "Printer was not chosen" in refused.json["detail"]) == (409, True)
    nowhere = bring(shop.member, machines="elsewhere")
    assert (nowhere.status_code, "no machine of this lab" in nowhere.json["detail"]) == (422, True)
    form = shop.member.get("/labs/corner/programs").text
    assert f'name="machine" type="checkbox" value="{printer}"' in form


def test_a_program_that_is_brought_again_takes_as_long_as_it_was_proved_to(shop: Shop) -> None:
    allow(shop)
    bring(shop.member)
    offer = shop.agent.lease().json
    shop.agent.tell("staged", offer, program=PROGRAM.model_dump(mode="json"))
    again = bring(shop.member).json["order_id"]
    renamed = bring(shop.member, name="other.gcode").json["order_id"]
    with shop.floor.session() as session:
        orders = {id_: session.get_one(BuildOrderRow, id_) for id_ in (again, renamed)}
        plates = [(again, 1), (renamed, 1)]
        found = forecasts.minutes_of(session, shop.floor.lab_id, orders, {}, plates)
    assert found == {(again, 1): 60.0, (renamed, 1): None}


def test_a_program_follows_another_order_and_costs_what_its_slicer_says(shop: Shop) -> None:
    allow(shop)
    first = bring(shop.member).json["order_id"]
    silent = PRUSA.replace(b"filament used", b"pages read")
    then = bring(shop.member, silent, after=first, attended_only="true").json["order_id"]
    assert bring(shop.member, after="nothing").status_code == 422
    waiting = {it["order_id"]: it for it in shop.member.get(shop.at_lab("/board")).json["jobs"]}
    assert waiting[then]["attended_only"] and "bracket.gcode" in waiting[then]["follows"]
    assert shop.agent.lease().json["job_id"] == waiting[first]["id"]
    with shop.floor.session() as session:
        known, unknown = (session.get_one(AgreementRow, it) for it in (first, then))
        assert (known.grams, known.minutes) == (0.01, pytest.approx(62.05))
        assert unknown.grams is None, "what nobody knows is not nothing"
