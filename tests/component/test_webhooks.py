"""Webhooks: kept by people and labs, written with what they tell of, sent until they are taken."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlmodel import Session, select

from commons.errors import Conflict
from repo_server import announcements, deliveries, labs, orders, tasks, webhooks
from repo_server.db import reading, transaction
from repo_server.deliveries import PAUSES, Outcome
from repo_server.order_requests import OrderRequest
from repo_server.outgoing import Way
from repo_server.tables import DeliveryRow, WebhookRow
from repo_server.tables.people import LabRole
from tests.floor import START
from tests.shop import API, Shop, open_shop

HOOKS = f"{API}/webhooks"


@dataclass
class Listener:
    """Somebody's server on this machine: what it heard, and what it answers."""

    url: str = ""
    status: int = 204
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    told = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.heard.append((dict(self.headers), body))
            self.send_response(told.status)
            self.send_header("Location", f"http://127.0.0.1:{server.server_port}/elsewhere")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    told.url = f"http://lab-room.test:{server.server_port}/told?by=us"
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def shop(app, sign_up) -> Shop:
    """A shop whose server may call one host of its own network, and finds it at the loopback."""
    app.extensions["way"] = Way(frozenset({"lab-room.test"}), lambda _host, _port: ["127.0.0.1"])
    return open_shop(app, sign_up)


@pytest.fixture
def deliver(app):
    """The worker does what it was rung for."""

    def work() -> None:
        with app.app_context():
            tasks.deliver_waiting()

    return work


def outbox(engine) -> list[DeliveryRow]:
    with reading(engine) as session:
        return list(session.exec(select(DeliveryRow).order_by(DeliveryRow.at, DeliveryRow.id)))


def add(who, url: str, *kinds: str, at: str = HOOKS):
    body = {"url": url, **({"kinds": list(kinds)} if kinds else {})}
    answer = who.post(at, body)
    assert answer.status_code == 201, answer.text
    return answer.json


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Whether a receiver that follows Standard Webhooks would take the message for ours."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    ours = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return headers["webhook-signature"] == f"v1,{ours}"


def test_an_order_is_told_to_its_lab_signed_and_once(shop, listener, deliver, engine):
    made = add(shop.manager, listener.url, at=shop.at_lab("/webhooks"))
    order = shop.order().json
    deliver()
    deliver()
    ((headers, body),) = listener.heard
    assert verified(made["secret"], headers, body)
    told = json.loads(body)
    assert (told["type"], told["data"]["order_id"]) == ("order.placed", order["order_id"])
    (row,) = outbox(engine)
    assert (row.id, row.tries, row.status, row.next_at) == (headers["webhook-id"], 1, 204, None)


def test_the_course_of_a_job_is_told_to_whoever_ordered_it_and_to_nobody_else(
    shop, listener, deliver
):
    add(shop.member, listener.url, *announcements.JOB_KINDS.values())
    add(shop.stranger, f"{listener.url}&stranger", *announcements.KINDS)
    shop.load("Printer", material="pla")
    assert shop.order().status_code == 201
    offer = shop.agent.staged()
    shop.decide(offer["job_id"], "cancel")
    deliver()
    told = [json.loads(body) for _, body in listener.heard]
    assert sorted(it["type"] for it in told) == ["job.cancelled", "job.staged"]
    assert {it["data"]["job_id"] for it in told} == {offer["job_id"]}


def test_a_release_that_is_taken_back_is_told_to_whoever_asked(shop, listener, deliver):
    add(shop.stranger, listener.url, "release.yanked")
    shop.manager.post(f"{API}/releases/{shop.release_id}/yank", {"reason": "it breaks"})
    deliver()
    ((_, body),) = listener.heard
    told = json.loads(body)
    assert (told["type"], told["data"]["reason"]) == ("release.yanked", "it breaks")
    assert (told["data"]["slug"], told["data"]["head_id"]) == ("shelf-hook", None)


def test_an_order_that_waits_is_told_to_the_designs_steward_with_why(shop, listener, deliver):
    shop.relicense("CC-BY-NC-4.0")
    add(shop.manager, listener.url, "order.waiting")
    add(shop.stranger, f"{listener.url}&stranger", "order.waiting")
    waits = shop.order(purpose="for_pay").json
    deliver()
    ((_, body),) = listener.heard
    told = json.loads(body)
    assert (told["type"], told["data"]["waiting_id"]) == ("order.waiting", waits["waiting_id"])
    assert "CC-BY-NC-4.0 does not settle" in told["data"]["sentence"]


def test_what_was_undone_is_told_to_nobody(shop, listener, engine):
    add(shop.manager, listener.url, at=shop.at_lab("/webhooks"))
    wanted = OrderRequest(release_id=shop.release_id, part="hook")
    with pytest.raises(Conflict), transaction(engine) as session:
        orders.place(session, wanted, lab_id=shop.floor.lab_id, by=shop.member.id, now=START)
        raise Conflict("something later in the same transaction fails")
    assert outbox(engine) == []


def test_the_worker_is_rung_for_what_was_announced_once_it_is_committed(shop, listener, app):
    add(shop.manager, listener.url, at=shop.at_lab("/webhooks"))
    rung = []
    app.extensions["engine"] = app.extensions["engine"].execution_options(ring=rung.append)
    shop.order()
    assert rung == ["deliver_waiting"]
    shop.member.get(f"{API}/labs")
    assert rung == ["deliver_waiting"]


def test_a_redirect_is_not_followed_and_is_tried_again(shop, listener, deliver, engine):
    listener.status = 307
    add(shop.manager, listener.url, at=shop.at_lab("/webhooks"))
    shop.order()
    deliver()
    (row,) = outbox(engine)
    assert len(listener.heard) == 1
    assert (row.status, row.delivered_at, row.sentence) == (307, None, "it answered 307")
    assert row.next_at is not None


@dataclass
class Outbox:
    """A webhook with one message, in a database whose time a test moves."""

    engine: object
    webhook_id: str
    letter_id: str

    def row(self, session: Session) -> DeliveryRow:
        return session.get_one(DeliveryRow, self.letter_id)


@pytest.fixture
def waiting(shop, engine) -> Outbox:
    made = add(shop.member, "https://example.org/hook")
    with transaction(engine) as session:
        webhook = session.get_one(WebhookRow, made["id"])
        announcements.tell_to_test(session, webhook, now=START)
    (row,) = outbox(engine)
    return Outbox(engine, made["id"], row.id)


def test_a_message_is_tried_again_ever_later_and_given_up_after_days_which_is_said(
    waiting, engine, shop
):
    now, tries = START, 0
    while True:
        with transaction(engine) as session:
            due = deliveries.due(session, now)
            assert [letter.id for letter in due] == [waiting.letter_id]
            deliveries.note(session, waiting.letter_id, Outcome(None, "it is silent"), now=now)
            row, tries = waiting.row(session), tries + 1
            if row.next_at is None:
                break
            assert row.next_at - now == PAUSES[tries - 1]
            assert deliveries.due(session, row.next_at - timedelta(seconds=1)) == []
            now = row.next_at
    assert tries == len(PAUSES) + 1
    assert timedelta(days=3) < now - START < timedelta(days=4)
    shown = shop.member.get(f"{HOOKS}/{waiting.webhook_id}").json
    assert shown["off_at"] is not None
    assert "10 tries since 2026-03-01 12:00 UTC (it is silent)" in shown["sentence"]
    assert shop.member.post(f"{HOOKS}/{waiting.webhook_id}/test").status_code == 409


def test_an_address_that_is_gone_is_told_nothing_more_until_it_is_changed(waiting, engine, shop):
    with transaction(engine) as session:
        deliveries.note(session, waiting.letter_id, Outcome(410), now=START)
        announcements.tell_of_release(session, {"slug": "x"}, now=START)
    assert len(outbox(engine)) == 1
    path = f"{HOOKS}/{waiting.webhook_id}"
    mended = shop.member.send("PUT", path, json={"url": "https://example.org/new"})
    assert (mended.status_code, mended.json["off_at"], mended.json["sentence"]) == (200, None, "")
    assert shop.member.post(f"{path}/test").status_code == 202


def test_a_try_that_comes_twice_counts_once_it_is_taken(waiting, engine):
    with transaction(engine) as session:
        deliveries.note(session, waiting.letter_id, Outcome(200), now=START)
        deliveries.note(session, waiting.letter_id, Outcome(500), now=START)
        row = waiting.row(session)
        assert (row.tries, row.status, row.delivered_at) == (1, 200, START)


def test_what_was_done_with_is_forgotten_after_a_month_and_what_waits_is_not(waiting, engine):
    later = START + deliveries.KEPT + timedelta(days=1)
    with transaction(engine) as session:
        deliveries.forget_old(session, later)
        assert waiting.row(session).next_at is not None
        deliveries.note(session, waiting.letter_id, Outcome(200), now=later)
        deliveries.forget_old(session, later)
    assert outbox(engine) == []


def test_the_same_webhook_asked_for_twice_is_one_with_one_secret(shop):
    body = {"url": "https://example.org/a", "kinds": ["order.placed"]}
    first, again = shop.member.post(HOOKS, body), shop.member.post(HOOKS, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    other = shop.member.post(HOOKS, {"url": "https://example.org/a"})
    assert other.status_code == 409
    assert [it["id"] for it in shop.member.get(HOOKS).json["webhooks"]] == [first.json["id"]]


def test_two_webhooks_have_two_secrets_and_neither_is_in_the_database(shop, engine):
    one, two = add(shop.member, "https://a.org/"), add(shop.member, "https://b.org/")
    assert one["secret"] != two["secret"]
    with reading(engine) as session:
        kept = [row.model_dump_json() for row in session.exec(select(WebhookRow))]
    assert not [row for row in kept if one["secret"].removeprefix("whsec_") in row]


def test_everything_wrong_with_a_webhook_is_said_at_once(shop):
    answer = shop.member.post(HOOKS, {"url": "http://example.org/", "kinds": ["job.done", "tea"]})
    assert answer.status_code == 422
    assert {it["field"] for it in answer.json["fields"]} == {"url", "kinds"}


def test_of_two_who_change_a_webhook_at_once_the_second_is_told(shop):
    made = add(shop.manager, "https://a.org/", at=shop.at_lab("/webhooks"))
    path = f"{HOOKS}/{made['id']}"
    tag = shop.manager.get(path).headers["ETag"]
    first = shop.manager.send(
        "PUT", path, json={"url": "https://b.org/"}, headers={"If-Match": tag}
    )
    second = shop.manager.send(
        "PUT", path, json={"url": "https://c.org/"}, headers={"If-Match": tag}
    )
    assert (first.status_code, second.status_code) == (200, 412)
    assert shop.manager.get(path).json["url"] == "https://b.org/"


def test_a_webhook_is_nobody_elses_and_a_labs_is_its_managers(shop, engine):
    own = add(shop.member, "https://a.org/")
    labs_ = add(shop.manager, "https://a.org/", at=shop.at_lab("/webhooks"))
    for who, made in ((shop.stranger, own), (shop.manager, own), (shop.member, labs_)):
        for method in ("GET", "PUT", "DELETE"):
            answer = who.send(method, f"{HOOKS}/{made['id']}", json={"url": "https://x.org/"})
            assert answer.status_code == 404
    with transaction(engine) as session:
        lab_id = shop.floor.lab_id
        labs.set_role(session, lab_id=lab_id, handle="mem", role=LabRole.MANAGER)
    assert shop.member.send("DELETE", f"{HOOKS}/{labs_['id']}").status_code == 204
    assert shop.manager.get(shop.at_lab("/webhooks")).json == {"webhooks": []}


def test_a_person_has_at_most_so_many_webhooks(shop):
    for number in range(webhooks.MAX_OF_PLACE):
        add(shop.member, f"https://example.org/{number}")
    assert shop.member.post(HOOKS, {"url": "https://example.org/more"}).status_code == 409


def form(who, path: str, **values: object):
    return who.send("POST", path, data=values)


def test_on_a_page_a_webhook_is_added_tried_and_removed(shop, listener, deliver):
    page = "/labs/corner/webhooks"
    kinds = ["order.placed", "job.done"]
    assert form(shop.manager, page, url=listener.url, kinds=kinds).status_code == 303
    shown = shop.manager.get(page).text
    (made,) = shop.manager.get(shop.at_lab("/webhooks")).json["webhooks"]
    assert listener.url.replace("&", "&amp;") in shown
    assert sorted(made["kinds"]) == sorted(kinds)
    assert form(shop.manager, f"/webhooks/{made['id']}/test").headers["Location"] == page
    assert "On its way" in shop.manager.get(page).text
    deliver()
    assert "Taken" in shop.manager.get(page).text
    assert form(shop.manager, f"/webhooks/{made['id']}/remove").status_code == 303
    assert "There is none yet." in shop.manager.get(page).text


def test_a_form_that_cannot_be_keeps_what_was_filled_in_and_says_why(shop):
    answer = form(shop.member, "/webhooks", url="http://example.org/x", kinds=["job.done"])
    assert answer.status_code == 422
    assert "is not encrypted" in answer.text
    assert 'value="http://example.org/x"' in answer.text
    assert answer.text.count(" checked>") == 1
    assert form(shop.member, "/webhooks", url="https://example.org/x").status_code == 422


def test_a_webhook_that_was_given_up_is_turned_on_again_on_its_page(waiting, engine, shop):
    with transaction(engine) as session:
        deliveries.note(session, waiting.letter_id, Outcome(410), now=START)
    assert "says that it is gone" in shop.member.get("/webhooks").text
    assert form(shop.member, f"/webhooks/{waiting.webhook_id}/on").status_code == 303
    assert "Send a test" in shop.member.get("/webhooks").text


def test_a_labs_webhooks_are_not_shown_to_its_members(shop):
    assert shop.member.get("/labs/corner/webhooks").status_code == 403
    assert form(shop.stranger, "/labs/corner/webhooks", url="https://a.org/").status_code == 403
