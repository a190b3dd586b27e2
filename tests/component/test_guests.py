"""Requests of people without an account: asked, confirmed, answered once, then forgotten."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from flask.testing import FlaskClient
from sqlmodel import select, update

from commons import guests
from repo_server import guest_erasure, labs, letters, tasks
from repo_server.db import reading, transaction
from repo_server.settings import Post
from repo_server.tables import (
    AccountEntryRow,
    BuildOrderRow,
    EconomicEventRow,
    GuestRequestRow,
    LetterRow,
    NewsRow,
    PersonRow,
)
from repo_server.tables.people import LabRole
from tests.browsing import fill, page
from tests.component.test_news import Handed, make
from tests.shop import API, Shop, open_shop

POST = Post("smtp://post@mail.example.org:587", None, "lab@example.org")
ANA = {"name": "Ana Guest", "email": "Ana@example.org", "message": "for my kitchen"}
A_MONTH = timedelta(days=30)


@pytest.fixture
def shop(app, sign_up) -> Shop:
    shop = open_shop(app, sign_up)
    desk = {"open": True, "words": "Open on Thursdays."}
    assert shop.manager.send("PUT", shop.at_lab("/guest-desk"), json=desk).status_code == 204
    return shop


@pytest.fixture
def handed(app, monkeypatch) -> Handed:
    handed = Handed()
    settings = replace(app.extensions["settings"], post=POST)
    monkeypatch.setitem(app.extensions, "settings", settings)
    monkeypatch.setattr(letters, "handing_in", handed)
    return handed


def ask(shop: Shop, *, key: str | None = None, **said: object):
    wanted = {"release_id": shop.release_id, "part": "hook"} if "wish" not in said else {}
    headers = {"Idempotency-Key": key} if key else {}
    browser = shop.agent.app.test_client()
    return browser.post(shop.at_lab("/requests"), json=ANA | wanted | said, headers=headers)


def asked(shop: Shop, **said: object) -> dict[str, str]:
    answer = ask(shop, **said)
    assert answer.status_code == 201, answer.text
    return answer.json


def followed(shop: Shop, request: dict[str, str]) -> dict[str, object]:
    answer = shop.agent.app.test_client().get(API + request["path"])
    assert answer.status_code == 200, answer.text
    return answer.json


def answer(shop: Shop, request: dict[str, str], act: str, who=None, **said: object):
    path = shop.at_lab(f"/requests/{request['id']}/{act}")
    return (who or shop.manager).post(path, said)


def mailed(shop: Shop, handed: Handed) -> list[str]:
    """What was sent since this was asked last."""
    with shop.agent.app.app_context():
        tasks.mail_waiting()
    texts = [it.get_content() for it in handed.messages]
    handed.messages.clear()
    return texts


def path_in(letter: str) -> str:
    return re.search(r"http://127.0.0.1:8000(/requests/\S+)", letter)[1]


def test_a_request_is_confirmed_approved_made_and_collected(shop: Shop, handed: Handed) -> None:
    prices = {"currency": "EUR", "rates": [{"group": "guest", "per_order": "3"}]}
    assert shop.manager.send("PUT", shop.at_lab("/prices"), json=prices).status_code == 204
    request = asked(shop, copies=1)
    assert request["confirms"] is True
    (letter,) = mailed(shop, handed)
    link = path_in(letter)
    assert request["path"] not in letter  # whoever has the box did not ask yet
    assert shop.manager.get(f"{API}/me/news").json["news"] == []

    browser = shop.agent.app.test_client()
    assert browser.get(link).status_code == 200
    assert followed(shop, request)["confirmed"] is False  # looking alone says nothing
    for _ in range(2):
        assert browser.post(link).status_code == 303
    assert followed(shop, request)["confirmed"] is True
    (told,) = shop.manager.get(f"{API}/me/news").json["news"]
    assert (told["kind"], told["path"]) == ("needs_you", "/labs/corner/requests")
    assert "Ana" not in str(told)

    done = answer(shop, request, "approve", purpose="for_pay", word="Bring a bag.")
    assert (done.status_code, done.json["stage"]) == (200, "waiting"), done.text
    order = shop.manager.get(f"{API}/orders/{done.json['order_id']}").json
    assert (order["guest_request_id"], order["purpose"]) == (request["id"], "for_pay")
    (letter,) = mailed(shop, handed)
    assert "It will cost about €3.00" in letter and "Bring a bag" in letter
    assert path_in(letter) == request["path"]
    seen = followed(shop, request)
    assert (seen["low"], seen["high"], seen["currency"]) == (300, 300, "EUR")

    board = shop.manager.get("/labs/corner").text
    assert "for a guest: Ana Guest" in board
    for public in (
        "/labs/corner",
        "/labs/corner/wall",
        shop.at_lab("/board"),
        shop.at_lab("/wall"),
    ):
        assert "Ana" not in browser.get(public).text, public
    offer = make(shop)
    assert followed(shop, request)["stage"] == "being_made"
    shop.decide(offer["job_id"], "verdict", good=True)
    assert followed(shop, request)["stage"] == "ready"
    (letter,) = mailed(shop, handed)
    assert "It is made and ready" in letter
    with shop.floor.session() as session:
        (entry,) = session.exec(select(AccountEntryRow)).all()
        events = [str(it.model_dump()) for it in session.exec(select(EconomicEventRow))]
    assert (entry.person_id, entry.amount) == (shop.manager.id, -300)
    assert events and "Ana" not in str(events)


def test_two_who_answer_at_once_and_whoever_comes_late_hear_who_did(shop: Shop) -> None:
    with shop.floor.session() as session:
        labs.set_role(session, lab_id=shop.floor.lab_id, handle="mem", role=LabRole.OPERATOR)
    request = asked(shop)
    assert answer(shop, request, "decline", reason="no").status_code == 422
    first = answer(shop, request, "decline", shop.member, reason="We are shut in August.")
    assert (first.json["stage"], first.json["answered_by"]) == ("declined", "Mem")
    for act, said in (("approve", {"purpose": "gift"}), ("decline", {"reason": "No time."})):
        late = answer(shop, request, act, **said)
        assert (late.status_code, late.json["detail"]) == (
            409, "Mem has declined this request already",
        )  # fmt: skip
    seen = followed(shop, request)
    assert (seen["stage"], seen["word"]) == ("declined", "We are shut in August.")
    assert seen["may_withdraw"] is False
    assert shop.manager.get(shop.at_lab("/orders")).json == {"orders": []}
    assert answer(shop, {"id": "none"}, "decline", reason="No time.").status_code == 404


def test_a_guest_withdraws_until_something_is_prepared(shop: Shop) -> None:
    browser = shop.agent.app.test_client()

    def withdraw(request: dict[str, str]) -> tuple[int, str]:
        told = browser.post(f"{API}{request['path']}/withdraw")
        return told.status_code, told.json.get("stage") or told.json["detail"]

    first = asked(shop)
    assert withdraw(first) == (200, "withdrawn")
    assert withdraw(first) == (409, "this request has ended already; there is nothing to withdraw")
    assert answer(shop, first, "approve", purpose="gift").status_code == 409
    second = asked(shop)
    order = answer(shop, second, "approve", purpose="gift").json["order_id"]
    assert withdraw(second) == (200, "withdrawn")
    (job,) = shop.manager.get(f"{API}/orders/{order}").json["jobs"]
    assert job["state"] == "cancelled"
    third = asked(shop)
    answer(shop, third, "approve", purpose="gift")
    shop.agent.staged()
    assert withdraw(third) == (409, "it is being made, or was; ask the lab itself")
    wrong = third["path"][:-1] + ("0" if third["path"][-1] != "0" else "1")
    assert browser.get(API + wrong).status_code == 404
    assert browser.get(wrong).status_code == 404


def test_what_is_made_of_it_is_the_operators_word_and_the_licences(shop: Shop) -> None:
    wish = asked(shop, wish="a hook for a heavy bag", material="PLA", until=str(date(2999, 1, 1)))
    refused = answer(shop, wish, "approve", purpose="gift")
    assert (refused.status_code, refused.json["fields"][0]["field"]) == (422, "release_id")
    assert answer(shop, wish, "approve", purpose="own_use").status_code == 422
    hook = {"release_id": shop.release_id, "part": "hook", "copies": 2}
    done = answer(shop, wish, "approve", purpose="gift", **hook).json
    order = shop.manager.get(f"{API}/orders/{done['order_id']}").json
    assert (order["copies"], order["material"], order["deadline"][:10]) == (2, "pla", "2999-01-02")

    request = asked(shop)
    asks_a_word = shop.relicense("PPL")
    done = answer(shop, request, "approve", purpose="for_pay", release_id=asks_a_word, part="hook")
    assert (done.json["stage"], done.json["order_id"]) == ("held_back", None), done.text
    assert followed(shop, request)["stage"] == "held_back"
    waits = shop.manager.post(
        f"{API}/waiting-orders/{done.json['waiting_id']}/decline", {"word": "not for pay"}
    )
    assert waits.status_code == 200
    assert (followed(shop, request)["stage"], followed(shop, request)["word"]) == (
        "not_made", "not for pay",
    )  # fmt: skip


def test_a_yanked_design_is_neither_asked_for_nor_made(shop: Shop) -> None:
    request = asked(shop)
    path = f"{API}/releases/{shop.release_id}/yank"
    assert shop.manager.post(path, {"reason": "it breaks"}).status_code == 204
    assert "was yanked: it breaks" in ask(shop).json["detail"]
    late = answer(shop, request, "approve", purpose="gift")
    assert (late.status_code, "was yanked: it breaks" in late.json["detail"]) == (409, True)
    assert followed(shop, request)["stage"] == "asked"  # nothing half-done


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_wrong_is_said_in_a_sentence(shop: Shop, monkeypatch) -> None:
    for said, status, sentence in (
        ({"email": "nobody"}, 422, "email: is not an e-mail address"),
        ({"email": None}, 422, "email: give one, or say how else the lab reaches you"),
        ({"copies": 100_000}, 422, "100000 are too many for one order, which takes 1000"),
        ({"message": "x" * 2001}, 422, "at most 2000 characters"),
        ({"name": "  "}, 422, "name"),
        ({"part": None}, 422, "named together"),
        ({"release_id": None, "part": None}, 422, "say what is to be made"),
        ({"part": "wheel"}, 404, "has no part 'wheel'"),
        ({"release_id": "0" * 64}, 404, "no release"),
        ({"until": "2020-01-01"}, 422, "has passed already"),
        ({"website": "https://x"}, 422, "website"),
    ):
        refused = ask(shop, **said)
        assert (refused.status_code, sentence in refused.json["detail"]) == (status, True), said
    assert ask(shop, email=None, reach="+351 555 01").status_code == 201
    shut = {"open": False, "words": ""}
    shop.manager.send("PUT", shop.at_lab("/guest-desk"), json=shut)
    refused = ask(shop)
    assert (refused.status_code, "takes no requests" in refused.json["detail"]) == (409, True)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_too_many_are_refused_and_no_box_is_filled(shop: Shop, handed: Handed, monkeypatch) -> None:
    monkeypatch.setattr(guests, "MOST_OF_A_SENDER", 6)
    answers = [ask(shop) for _ in range(7)]
    assert [it.status_code for it in answers] == [201] * 6 + [429]
    assert answers[-1].headers["Retry-After"] == "3600"
    assert {it.json["confirms"] for it in answers[:6]} == {True}  # it tells nothing of the address
    assert len(mailed(shop, handed)) == guests.MOST_LETTERS
    elsewhere = {"X-Forwarded-For": "1.2.3.4, 203.0.113.7"}
    browser = shop.agent.app.test_client()
    path = shop.at_lab("/requests")
    wish = {"name": "Bo", "reach": "at the door", "wish": "a cup"}
    assert browser.post(path, json=wish, headers=elsewhere).status_code == 201
    with reading(shop.agent.app.extensions["engine"]) as session:
        kept = [str(it.model_dump()) for it in session.exec(select(GuestRequestRow))]
    assert "203.0.113.7" not in str(kept)


def test_sent_twice_it_is_one_and_another_under_its_key_is_none(shop: Shop) -> None:
    first, again = ask(shop, key="one"), ask(shop, key="one")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert ask(shop, key="one", name="Bo").status_code == 409
    assert ask(shop, key="k" * 129).status_code == 422
    assert len(shop.manager.get(shop.at_lab("/requests")).json["requests"]) == 1


def test_a_link_to_confirm_ends(shop: Shop, handed: Handed, engine) -> None:
    request = asked(shop)
    (letter,) = mailed(shop, handed)
    with transaction(engine) as session:
        old = datetime.now(UTC) - guests.CONFIRM_WITHIN - timedelta(hours=1)
        session.exec(update(GuestRequestRow).values(asked_at=old))
    browser = shop.agent.app.test_client()
    late = browser.post(path_in(letter))
    assert (late.status_code, "good for 7 days" in late.text) == (409, True)
    assert followed(shop, request)["confirmed"] is False
    assert browser.post(path_in(letter)[:-1] + "x").status_code == 404


def test_whose_it_was_is_forgotten_after_its_end(shop: Shop, handed: Handed, engine) -> None:
    shop.manager.send("POST", "/me/news", data={"mailed": "needs_you"})
    declined, made, unanswered = (asked(shop) for _ in range(3))
    with transaction(engine) as session:
        session.get_one(GuestRequestRow, declined["id"]).variant = {"plate": "Ana"}
    answer(shop, declined, "decline", reason="No time, Ana.")
    order = answer(shop, made, "approve", purpose="gift").json["order_id"]
    shop.decide(make(shop)["job_id"], "verdict", good=True)

    def erase(after: timedelta) -> list[bool]:
        with transaction(engine) as session:
            guest_erasure.erase(session, A_MONTH, now=datetime.now(UTC) + after)
        return [bool(followed(shop, it)["erased"]) for it in (declined, made, unanswered)]

    assert erase(timedelta(days=29)) == [False, False, False]
    assert erase(timedelta(days=31)) == [True, True, False]
    assert followed(shop, unanswered)["stage"] == "declined"  # nobody answered it in time
    assert erase(timedelta(days=62)) == [True, True, True]
    assert followed(shop, made)["stage"] == "ready"
    with reading(engine) as session:
        kept = [
            str(row.model_dump())
            for table in (GuestRequestRow, LetterRow, NewsRow, BuildOrderRow, PersonRow)
            for row in session.exec(select(table))
        ]
    assert "ana" not in str(kept).lower().replace("manager", "")
    assert shop.manager.get(f"{API}/orders/{order}").json["guest_request_id"] == made["id"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_guest_and_an_operator_need_no_more_than_pages(shop: Shop) -> None:
    @dataclass
    class Guest:
        browser: FlaskClient

    guest = Guest(shop.agent.app.test_client())
    where = f"/releases/{shop.release_id}/ask"
    assert where in page(guest.browser, f"/releases/{shop.release_id}").links
    form = f"/labs/corner/ask?release={shop.release_id}"
    assert form in page(guest.browser, where).links
    assert "/labs/corner/ask" in page(guest.browser, "/labs/corner").links
    assert "Open on Thursdays." in page(guest.browser, form).text
    ana = fill(guest, form, "/labs/corner/ask", part="hook", name="Ana", reach="at the door")
    late = guest.browser.post("/labs/corner/ask", data=ana | {"until": "2020-01-01"})
    assert (late.status_code, "has passed already" in late.text) == (422, True)
    robot = guest.browser.post("/labs/corner/ask", data=ana | {"website": "https://x.example"})
    assert (robot.status_code, "leave it empty" in robot.text) == (422, True)
    first, twice = (guest.browser.post("/labs/corner/ask", data=ana) for _ in range(2))
    assert (first.status_code, first.location) == (303, twice.location)
    seen = guest.browser.get(first.location)
    assert seen.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in seen.headers["X-Robots-Tag"] and seen.headers["Cache-Control"] == "no-store"
    assert "has not answered yet" in seen.text

    assert "1 request of a guest waits" in shop.manager.get("/labs/corner").text
    (request,) = shop.manager.get(shop.at_lab("/requests")).json["requests"]
    act = f"/labs/corner/requests/{request['id']}/approve"
    approval = fill(shop.manager, "/labs/corner/requests", act, purpose="gift", material="")
    wrong = shop.manager.browser.post(act, data=approval | {"copies": "100000"})
    assert (wrong.status_code, "too many for one order" in wrong.text) == (422, True)
    done = shop.manager.browser.post(act, data=approval)
    assert (done.status_code, done.location) == (
        303, f"/labs/corner/requests#request-{request['id']}",
    )  # fmt: skip
    again = shop.manager.browser.post(act, data=approval)
    assert (again.status_code, "Manu has approved this request already" in again.text) == (
        409,
        True,
    )
    assert "waits for a machine" in guest.browser.get(first.location).text
    withdraw = f"{first.location}/withdraw"
    assert (
        guest.browser.post(withdraw, data=fill(guest, first.location, withdraw)).status_code == 303
    )
    assert guest.browser.post(withdraw).status_code == 409

    desk = "/labs/corner/requests/desk"
    shut = fill(shop.manager, "/labs/corner/requests", desk, words="")
    shut.pop("open", None)
    assert shop.manager.browser.post(desk, data=shut).status_code == 303
    assert "takes no requests" in page(guest.browser, "/labs/corner/ask").text
    assert where not in page(guest.browser, f"/releases/{shop.release_id}").links
    assert guest.browser.post("/labs/corner/ask", data=ana | {"key": "new"}).status_code == 409


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_sent_twice_in_the_same_moment_it_is_one(shop: Shop) -> None:
    together = Barrier(2)

    def send(_: int) -> tuple[int, str]:
        together.wait(10)
        found = ask(shop, key="k" * 20)
        return found.status_code, found.json["path"]

    with ThreadPoolExecutor(2) as both:
        first, second = both.map(send, range(2))
    assert first == second
    assert first[0] == 201


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_two_who_answer_in_the_same_moment_make_one_order(shop: Shop) -> None:
    request = asked(shop)
    path = shop.at_lab(f"/requests/{request['id']}/approve")
    bearer = {"Authorization": f"Bearer {shop.manager.token('lab:operate')}"}
    together = Barrier(2)

    def approve(_: int) -> int:
        browser = shop.agent.app.test_client()
        together.wait()
        return browser.post(path, json={"purpose": "gift"}, headers=bearer).status_code

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(approve, range(2))) == [200, 409]
    assert len(shop.manager.get(shop.at_lab("/orders")).json["orders"]) == 1
