"""Licences on the pages, without JavaScript: what they allow, what is stated, who waits."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from commons.licences.answers import NO_LEGAL_ADVICE
from commons.licences.terms import Event
from repo_server.licence_pages import KINDS
from repo_server.web import licence_words
from tests.browsing import fill, page
from tests.shop import API, Shop, Someone, open_shop

LICENCE = "/designs/shelf-hook/licence"
BADGE = "Open source hardware</span>"


@pytest.fixture
def shop(app: Flask, sign_up: Callable[..., Someone]) -> Shop:
    return open_shop(app, sign_up)


def order(shop: Shop, **wish: str) -> str:
    wanted = {"lab": "corner", "part": "hook", **wish}
    form = fill(shop.member, "/designs/shelf-hook", "/orders", **wanted)
    answer = shop.member.browser.post("/orders", data=form)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def say(someone: Someone, path: str, act: str, **values: str) -> None:
    form = fill(someone, path, f"{path}/{act}", **values)
    assert someone.browser.post(f"{path}/{act}", data=form).status_code == 303


def test_the_licence_page_tells_every_event_with_its_clause_and_gives_no_legal_advice(
    shop: Shop, client: FlaskClient
) -> None:
    told = page(client, LICENCE)
    assert told.wrong == []
    assert all(words in told.text for words in licence_words.EVENT_WORDS.values())
    assert "CERN-OHL-S-2.0 s.4" in told.text
    assert NO_LEGAL_ADVICE in told.text
    assert "<h2>You</h2>" not in told.text
    assert "<h2>You</h2>" in page(shop.member.browser, LICENCE).text
    assert LICENCE in page(client, "/designs/shelf-hook").links


@pytest.mark.parametrize(
    ("licence", "badge"), [("CERN-OHL-W-2.0", True), ("PPL", False), ("CC-BY-ND-4.0", False)]
)
def test_the_open_hardware_badge_is_shown_only_where_it_is_true(
    shop: Shop, client: FlaskClient, licence: str, badge: bool
) -> None:
    shop.relicense(licence)
    assert (BADGE in page(client, "/designs/shelf-hook").text) is badge
    assert (BADGE in page(client, LICENCE).text) is badge


def test_events_with_the_same_answers_share_a_row_and_the_most_are_everybody_else(
    shop: Shop, client: FlaskClient
) -> None:
    shop.relicense("PPL")
    told = page(client, LICENCE).text
    assert "Make it for a client who pays<br>Sell it" in told
    assert "A business with paid employees, for private profit" in told
    assert "Everybody else" in told


def test_an_order_that_waits_leads_to_its_page_and_what_settles_it(shop: Shop) -> None:
    shop.relicense("PPL")
    path = order(shop, purpose="sale")
    told = page(shop.member.browser, path)
    assert "Waits for a word" in told.text
    assert "/me/facts" in told.links
    assert path in page(shop.member.browser, "/labs/corner").links
    answers = {"legal_form": "cooperative", "worker_owned": "yes", "surplus_to_workers_only": "yes",
               "private_profit_from_wage_labour": "no"}  # fmt: skip
    form = fill(shop.member, "/me/facts", "/me/facts", **answers)
    assert shop.member.browser.post("/me/facts", data=form).status_code == 303
    assert "Placed" in page(shop.member.browser, path).text
    assert 'value="cooperative" selected' in page(shop.member.browser, "/me/facts").text
    assert path not in page(shop.member.browser, "/labs/corner").links


def test_a_quote_is_offered_and_accepted_on_the_orders_page(shop: Shop) -> None:
    shop.relicense("CC-BY-NC-4.0")
    path = order(shop, purpose="sale")
    assert path in page(shop.manager.browser, LICENCE).links
    say(shop.manager, path, "quote", word="20 EUR")
    assert "20 EUR" in page(shop.member.browser, path).text
    say(shop.member, path, "accept")
    assert "Placed" in page(shop.member.browser, path).text
    assert "20 EUR" in page(shop.manager.browser, LICENCE).text


def test_its_steward_is_told_on_the_designs_page_that_orders_wait(shop: Shop) -> None:
    shop.relicense("CC-BY-NC-4.0")
    order(shop, purpose="sale")
    assert "An order waits for your word" in page(shop.manager.browser, "/designs/shelf-hook").text
    assert "for your word" not in page(shop.member.browser, "/designs/shelf-hook").text


def test_an_older_release_keeps_the_licence_that_it_was_published_under(
    shop: Shop, client: FlaskClient
) -> None:
    old = shop.release_id
    shop.relicense("PPL")
    (path,) = (it for it in page(client, f"/releases/{old}").links if it.startswith(LICENCE))
    assert "Shelf hook 1.0.0 is under CERN-OHL-S-2.0" in page(client, path).text
    assert "Shelf hook 2.0.0 is under PPL" in page(client, LICENCE).text
    page(client, f"{LICENCE}?release=nothing", 404)


def test_the_licence_page_of_a_fork_shows_what_it_was_made_from_and_what_that_asks(
    shop: Shop, client: FlaskClient
) -> None:
    parent_id = shop.made_from("CC-BY-SA-4.0")
    told = page(client, LICENCE)
    assert told.wrong == []
    assert "Rack 1.0.0, under CC-BY-SA-4.0, by Ada Maker" in told.text
    assert "CC-BY-SA-4.0 s.3(b)" in told.text
    assert "Its authors have to be named" in told.text
    assert f"/designs/rack/licence?release={parent_id}" in told.links
    (shown,) = client.get(f"{API}/designs/shelf-hook/licence").json["made_from"]
    assert (shown["slug"], shown["credited"]) == ("rack", True)
    assert "give_credit" in {duty for it in shown["answers"] for duty in it["duties"]}
    assert "made-from" not in page(client, "/designs/rack/licence").text


def test_an_order_is_declined_in_a_word_or_withdrawn(shop: Shop) -> None:
    shop.relicense("CC-BY-NC-4.0")
    declined, withdrawn = order(shop, purpose="sale"), order(shop, purpose="sale")
    say(shop.manager, declined, "decline", word="not for shops")
    assert "Not for shops" in page(shop.member.browser, declined).text
    say(shop.member, withdrawn, "withdraw")
    assert "Not placed" in page(shop.member.browser, withdrawn).text


def test_a_grant_is_given_and_taken_back_on_the_licence_page(shop: Shop) -> None:
    shop.relicense("CC-BY-NC-4.0")
    path = order(shop, purpose="sale")
    wanted = {"person": "mem", "event-sell_product": "yes", "consideration": "a translation",
              "last_day": "2099-12-31"}  # fmt: skip
    form = fill(shop.manager, LICENCE, "/designs/shelf-hook/grants", **wanted)
    assert shop.manager.browser.post("/designs/shelf-hook/grants", data=form).status_code == 303
    assert "Placed" in page(shop.member.browser, path).text
    told = page(shop.manager.browser, LICENCE)
    assert "1 January 2100, 00:00 UTC" in told.text  # the last day is the grant's
    (revoke,) = [it["action"] for it in told.forms if it["action"].endswith("/revoke")]
    form = fill(shop.manager, LICENCE, revoke)
    assert shop.manager.browser.post(revoke, data=form).status_code == 303
    assert "Taken back" in page(shop.manager.browser, LICENCE).text


def test_a_wrong_grant_shows_the_form_again_with_what_was_filled_in(shop: Shop) -> None:
    form = fill(shop.manager, LICENCE, "/designs/shelf-hook/grants", person="nobody",
                consideration="a song", **{"event-sell_product": "yes"})  # fmt: skip
    answer = shop.manager.browser.post("/designs/shelf-hook/grants", data=form)
    assert answer.status_code == 404
    assert "nobody here has the handle" in answer.text
    assert 'value="a song"' in answer.text


def test_only_the_steward_sees_grants_and_askers(shop: Shop) -> None:
    assert "What you granted" in page(shop.manager.browser, LICENCE).text
    assert "What you granted" not in page(shop.member.browser, LICENCE).text


def test_a_forbidden_order_shows_the_designs_page_with_the_clause(shop: Shop) -> None:
    shop.relicense("PPL")
    form = fill(shop.member, "/me/facts", "/me/facts", legal_form="business",
                private_profit_from_wage_labour="yes")  # fmt: skip
    shop.member.browser.post("/me/facts", data=form)
    wanted = {"lab": "corner", "part": "hook", "purpose": "sale"}
    form = fill(shop.member, "/designs/shelf-hook", "/orders", **wanted)
    answer = shop.member.browser.post("/orders", data=form)
    assert answer.status_code == 403
    assert "PPL s.4(d)" in answer.text
    assert 'value="sale" selected' in answer.text


def test_a_manager_states_what_the_lab_is_and_a_member_may_not(shop: Shop) -> None:
    path = "/labs/corner/facts"
    form = fill(shop.manager, path, path, legal_form="nonprofit")
    assert shop.manager.browser.post(path, data=form).status_code == 303
    assert "Stated by Manu" in page(shop.manager.browser, path).text
    assert shop.member.browser.get(path).status_code == 403


def test_every_event_kind_and_question_has_words() -> None:
    assert set(licence_words.EVENT_WORDS) == set(Event)
    assert set(licence_words.KIND_WORDS) == set(KINDS)
