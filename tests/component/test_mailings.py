"""What waits for a steward: e-mails that a licence asks for, and orders that ask for a word."""

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import Engine, event

from repo_server import inbox
from repo_server.db import reading
from tests.browsing import fill, page
from tests.component.test_designs_api import MANIFEST
from tests.component.test_forks import API, publish, publish_fork
from tests.shop import Someone, open_shop

TAPR = MANIFEST.replace("CERN-OHL-S-2.0", "TAPR-OHL-1.0")


def licensed_by(written: str) -> str:
    """The lamp under TAPR's licence, which asks for e-mails, with these licensors."""
    (line,) = [it for it in TAPR.splitlines() if it.startswith("licensor")]
    return TAPR.replace(line, f"licensor = {written}")


def test_a_fork_owes_each_licensor_with_an_address_an_e_mail_and_keeps_who_sent_it(
    sign_up: Callable[..., Someone],
) -> None:
    ada, bea = sign_up("ada"), sign_up("bea")
    licensors = '["Ada <ada@example.org>", "Nobody", {name = "Co", email = "co@example.org"}]'
    lamp = publish(ada, "lamp", licensed_by(licensors)).json["id"]
    assert ada.get(f"{API}/designs/lamp/mailings").json["mailings"] == []
    publish_fork(bea, lamp)
    owed = bea.get(f"{API}/me/notices").json["mailings"]
    assert [(it["address"], it["made_from"], it["sent_at"]) for it in owed] == [
        ("ada@example.org", "Lamp 1.0.0", None), ("co@example.org", "Lamp 1.0.0", None),
    ]  # fmt: skip
    assert owed[0]["clause"] == "TAPR-OHL-1.0 s.3, s.4.2"

    shown = page(bea.browser, "/me/notices")
    assert "mailto:ada%40example.org?" in "".join(shown.links)
    act = f"/mailings/{owed[0]['id']}/sent"
    assert ada.browser.post(act, data=fill(ada, "/", "/sign-out")).status_code == 403
    assert bea.browser.post(act, data=fill(bea, "/me/notices", act)).status_code == 303
    told = page(bea.browser, "/designs/lantern/licence").text
    assert "Bea sent it to ada@example.org" in told

    sent = bea.post(f"{API}{act}").json  # said again, the first time counts
    assert sent["sent_by"] == "Bea"
    kept = bea.get(f"{API}/designs/lantern/mailings").json["mailings"]
    assert [it["sent_at"] for it in kept] == [None, sent["sent_at"]]
    assert [it["name"] for it in bea.get(f"{API}/me/notices").json["mailings"]] == ["Co"]
    assert ada.get(f"{API}/designs/lantern/mailings").status_code == 403


def test_a_fork_under_a_licence_that_asks_for_no_e_mail_owes_none(
    sign_up: Callable[..., Someone],
) -> None:
    lamp = publish(sign_up("ada"), "lamp", MANIFEST).json["id"]
    bea = sign_up("bea")
    publish_fork(bea, lamp)
    assert bea.get(f"{API}/me/notices").json == {
        "waiting": [], "mailings": [], "waiting_total": 0, "mailings_total": 0, "trainings": []
    }  # fmt: skip


def test_a_steward_has_a_notice_of_every_order_that_waits_until_it_is_settled(
    app: Flask, sign_up: Callable[..., Someone]
) -> None:
    shop = open_shop(app, sign_up)
    shop.relicense("CC-BY-NC-4.0")
    assert "1 notice" not in page(shop.manager.browser, "/").text
    waits = shop.order(purpose="sale").json["waiting_id"]
    assert "1 notice<" in page(shop.manager.browser, "/").text
    assert f"/waiting-orders/{waits}" in page(shop.manager.browser, "/me/notices").links
    (told,) = shop.manager.get(f"{API}/me/notices").json["waiting"]
    assert (told["id"], told["title"]) == (waits, "Shelf hook 2.0.0")
    assert shop.member.get(f"{API}/me/notices").json["waiting"] == []
    shop.manager.post(f"{API}/waiting-orders/{waits}/decline", {"word": "no"})
    assert shop.manager.get(f"{API}/me/notices").json["waiting"] == []
    assert "1 notice<" not in page(shop.manager.browser, "/").text


def test_how_much_waits_is_asked_in_one_query(
    sign_up: Callable[..., Someone], engine: Engine
) -> None:
    ada, bea = sign_up("ada"), sign_up("bea")
    publish_fork(bea, publish(ada, "lamp", licensed_by('["Ada <ada@example.org>"]')).json["id"])
    asked = []
    with reading(engine) as session:
        session.connection()  # has begun, and that is no question

        def note(_connection, _cursor, statement, *_) -> None:
            asked.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        counts = inbox.counts_for(session, bea.id, now=datetime.now(UTC))
        event.remove(engine, "before_cursor_execute", note)
    assert (counts, len(asked)) == (inbox.Counts(orders=0, mailings=1, trainings=0), 1)
