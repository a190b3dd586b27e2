"""News of what somebody ordered: told once, on their page, in their feed and by e-mail."""

import smtplib
from dataclasses import replace

import pytest
from lxml import etree
from sqlmodel import select

from commons.errors import Unavailable
from repo_server import letters, tasks
from repo_server.api.auth import CSRF_FIELD
from repo_server.db import reading
from repo_server.settings import Post
from repo_server.tables import LetterRow
from tests.shop import API, Shop, open_shop

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
POST = Post("smtp://post@mail.example.org:587", None, "lab@example.org")


class Handed:
    """Takes e-mails as a mail server does, or is not there."""

    def __init__(self) -> None:
        self.messages: list[object] = []
        self.is_down = False

    def __call__(self, post: Post) -> "Handed":
        if self.is_down:
            raise Unavailable("no e-mail could be handed in at mail.example.org: refused")
        return self

    def __enter__(self) -> "Handed":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def send_message(self, message: object) -> None:
        if "nobody" in str(message["To"]):  # type: ignore[index]
            raise smtplib.SMTPRecipientsRefused({})
        self.messages.append(message)


@pytest.fixture
def shop(app, sign_up) -> Shop:
    return open_shop(app, sign_up)


@pytest.fixture
def handed(app, monkeypatch) -> Handed:
    handed = Handed()
    settings = replace(app.extensions["settings"], post=POST)
    monkeypatch.setitem(app.extensions, "settings", settings)
    monkeypatch.setattr(letters, "handing_in", handed)
    return handed


def told(shop: Shop) -> list[tuple[str, str]]:
    news = shop.member.get(f"{API}/me/news").json["news"]
    return sorted((it["kind"], it["sentence"]) for it in news)


def make(shop: Shop) -> dict[str, object]:
    offer = shop.agent.staged()
    shop.clear()
    shop.agent.arm(offer)
    shop.agent.tell("started", offer)
    run = {"lines_sent": 1000, "lines_done": 1000, "line_count": 1000, "ran_s": 3500.0}
    shop.agent.tell("finished", offer, run=run)
    return offer


def test_what_comes_of_an_order_is_told_once_and_where_it_lies(shop: Shop) -> None:
    shop.order(copies=2)
    first = make(shop)
    shop.decide(first["job_id"], "verdict", good=False)
    assert [kind for kind, _ in told(shop)] == ["accepted", "failed", "started"]
    shop.decide(first["job_id"], "again")
    for _ in range(2):
        shop.decide(make(shop)["job_id"], "verdict", good=True)
    assert told(shop) == [
        ("accepted", "it is in the queue of Corner Lab"),
        ("done", "2 are good: collect it at Corner Lab"),
        ("failed", "it failed, and is made again"),
        ("failed", "it was not made: it is no good; it can be made again"),
        ("started", "it is being made"),
    ]
    assert shop.stranger.get(f"{API}/me/news").json == {"news": []}


def test_a_feed_has_an_address_that_can_be_changed_and_not_be_guessed(shop: Shop) -> None:
    shop.order()

    def address() -> str | None:
        found = etree.HTML(shop.member.get("/me/news").text).xpath("//p[@class='hash']/a/@href")
        return found[0] if found else None

    assert address() is None
    turn = {"data": {CSRF_FIELD: shop.member.csrf}}
    assert shop.member.send("POST", "/me/news/feed", **turn).status_code == 303
    first = address()
    feed = shop.agent.app.test_client().get(first)
    entries = etree.fromstring(feed.data).findall("{*}entry")
    assert [it.findtext("{*}title") for it in entries] == ["1 × hook, Shelf hook"]
    shop.member.send("POST", "/me/news/feed", **turn)
    guessed = first.replace(first.split("/")[-2], "0" * 40)
    for old in (first, guessed):
        assert shop.agent.app.test_client().get(old).status_code == 404
    assert address() != first
    shop.member.send("POST", "/me/news/feed", data={"off": "yes"})
    assert address() is None


def test_the_kinds_that_were_chosen_come_by_e_mail_also_after_a_failure(
    app, engine, shop: Shop, handed: Handed
) -> None:
    shop.member.send("POST", "/me/news", data={"mailed": "accepted"})
    wrong = shop.member.send("PUT", f"{API}/me/news/choice", json={"mailed": ["gossip"]})
    assert wrong.status_code == 422
    shop.order()
    handed.is_down = True
    with app.app_context():
        tasks.mail_waiting()
        handed.is_down = False
        tasks.mail_waiting()  # it is not due again yet
    assert handed.messages == []
    with reading(engine) as session:
        letter = session.exec(select(LetterRow)).one()
    assert letter.tries == 1 and "could be handed in" in letter.sentence
    shop.order()
    with app.app_context():
        tasks.mail_waiting()
        tasks.mail_waiting()
    (message,) = handed.messages
    assert (message["To"], message["Subject"]) == ("mem@example.org", "1 × hook, Shelf hook")
    assert "It is in the queue of Corner Lab." in message.get_content()
    assert "http://127.0.0.1:8000/labs/corner" in message.get_content()
