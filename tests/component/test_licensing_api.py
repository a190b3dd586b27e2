"""Licences over HTTP: orders that are placed, wait or are refused, and what changes their minds."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from commons.licences.answers import NO_LEGAL_ADVICE
from commons.licences.terms import Event
from tests.shop import API, Shop, Someone, open_shop

NOBODYS = {"legal_form": "individual"}
WAGE = {"legal_form": "business", "private_profit_from_wage_labour": True}
COOP = {"legal_form": "cooperative", "worker_owned": True, "surplus_to_workers_only": True,
        "private_profit_from_wage_labour": False}  # fmt: skip


@pytest.fixture
def shop(app: Flask, sign_up: Callable[..., Someone]) -> Shop:
    return open_shop(app, sign_up)


def waiting(shop: Shop, **more: object) -> dict[str, object]:
    answer = shop.order(**more)
    assert answer.status_code == 202, answer.text
    return answer.json


def now_is(shop: Shop, waiting_id: object) -> dict[str, object]:
    return shop.member.get(f"{API}/waiting-orders/{waiting_id}").json


def grant(shop: Shop, **more: object) -> str:
    wanted = {"person": "mem", "events": ["sell_product"], **more}
    answer = shop.manager.post(f"{API}/designs/shelf-hook/grants", wanted)
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def test_an_order_keeps_what_it_is_for_and_what_the_licence_said_to_that(shop: Shop) -> None:
    order = shop.order(purpose="for_pay").json
    assert order["purpose"] == "for_pay"
    assert order["licence"]["clauses"] == ["CERN-OHL-S-2.0 s.4"]
    assert order["licence"]["duties"] == ["source_with_product", "source_on_product"]
    assert shop.order().json["purpose"] == "own_use"


def test_an_order_that_the_licence_forbids_is_not_placed_and_told_by_which_clause(
    shop: Shop,
) -> None:
    shop.relicense("PPL")
    shop.member.send("PUT", f"{API}/me/facts", json=WAGE)
    answer = shop.order(purpose="sale")
    assert answer.status_code == 403
    assert "does not allow selling it" in answer.json["detail"]
    assert "PPL s.4(d)" in answer.json["detail"]
    assert shop.agent.lease().status_code == 204


def test_an_order_of_a_fork_asks_what_it_was_made_from_and_owes_what_all_want(shop: Shop) -> None:
    shop.made_from("CC-BY-4.0")
    licence = shop.order(purpose="for_pay").json["licence"]
    assert licence["chosen"] == "CERN-OHL-S-2.0 AND CC-BY-4.0"
    assert [it.split()[0] for it in licence["clauses"]] == ["CERN-OHL-S-2.0", "CC-BY-4.0"]
    assert "source_with_product" in licence["duties"]


def test_what_a_fork_was_made_from_forbids_and_only_its_own_steward_may_let(shop: Shop) -> None:
    shop.made_from("PPL")
    shop.member.send("PUT", f"{API}/me/facts", json=WAGE)
    refused = shop.order(purpose="sale")
    assert refused.status_code == 403
    assert "it was made from Rack 1.0.0 (PPL s.4(d))" in refused.json["detail"]
    grant(shop)  # of the hook's steward: not theirs to give
    assert shop.order(purpose="sale").status_code == 403
    wanted = {"person": "mem", "events": ["sell_product"]}
    assert shop.stranger.post(f"{API}/designs/rack/grants", wanted).status_code == 201
    assert shop.order(purpose="sale").status_code == 201


def test_an_order_waits_for_a_fact_and_is_placed_once_it_is_stated(shop: Shop) -> None:
    shop.relicense("PPL")
    told = waiting(shop, purpose="sale", copies=2)
    assert told["missing"] == [
        "private_profit_from_wage_labour", "worker_owned", "surplus_to_workers_only",
    ]  # fmt: skip
    assert "is not known" in told["sentence"]
    assert shop.agent.lease().status_code == 204
    assert shop.member.send("PUT", f"{API}/me/facts", json=COOP).status_code == 200
    settled = now_is(shop, told["waiting_id"])
    order = shop.member.get(f"{API}/orders/{settled['order_id']}").json
    assert [job["state"] for job in order["jobs"]] == ["queued", "queued"]
    assert order["licence"]["clauses"] == ["PPL s.4(c)"]
    assert shop.agent.lease().status_code == 201


def test_a_statement_that_ends_in_a_no_settles_the_order_with_its_reason(shop: Shop) -> None:
    shop.relicense("PPL")
    told = waiting(shop, purpose="sale")
    shop.member.send("PUT", f"{API}/me/facts", json=WAGE)
    settled = now_is(shop, told["waiting_id"])
    assert settled["order_id"] is None
    assert "PPL s.4(d)" in settled["said"]


def test_an_order_waits_for_its_licensor_and_a_grant_places_it(shop: Shop) -> None:
    shop.relicense("CC-BY-NC-4.0")
    told = waiting(shop, purpose="sale")
    assert told["missing"] == []
    grant_id = grant(shop, consideration="5 % of the price")
    settled = now_is(shop, told["waiting_id"])
    order = shop.member.get(f"{API}/orders/{settled['order_id']}").json
    assert order["licence"]["grant"] == grant_id
    assert order["licence"]["duties"] == ["give_credit", "as_agreed"]


def test_a_grant_for_something_else_or_somebody_else_changes_nothing(shop: Shop) -> None:
    shop.relicense("CC-BY-NC-4.0")
    told = waiting(shop, purpose="sale")
    grant(shop, events=["make_for_pay"])
    grant(shop, person="stranger")
    assert now_is(shop, told["waiting_id"])["settled_at"] is None


def test_a_lab_that_is_paid_is_asked_itself_and_not_who_orders(shop: Shop) -> None:
    shop.relicense("PPL")
    shop.member.send("PUT", f"{API}/me/facts", json=COOP)
    told = waiting(shop, purpose="for_pay")
    shop.manager.send("PUT", shop.at_lab("/facts"), json=COOP)
    assert now_is(shop, told["waiting_id"])["order_id"] is not None
    stated = shop.member.get(shop.at_lab("/facts")).json
    assert (stated["stated_by"], stated["facts"]["worker_owned"]) == ("Manu", True)


def test_a_grant_that_has_ended_or_was_taken_back_allows_nothing_more(shop: Shop) -> None:
    shop.relicense("CC-BY-NC-4.0")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    grant(shop, starts_at=tomorrow)
    assert shop.order(purpose="sale").status_code == 202
    now = grant(shop, ends_at=tomorrow)
    assert shop.order(purpose="sale").status_code == 201
    path = f"{API}/designs/shelf-hook/grants"
    assert shop.manager.post(f"{path}/{now}/revoke").status_code == 204
    assert shop.order(purpose="sale").status_code == 202
    lines = shop.manager.get(path).json["grants"]
    assert {line["id"]: line["holds"] for line in lines}[now] is False


def test_a_grant_for_good_cannot_be_taken_back(shop: Shop) -> None:
    given = grant(shop, revocable=False)
    answer = shop.manager.post(f"{API}/designs/shelf-hook/grants/{given}/revoke")
    assert answer.status_code == 409
    assert "cannot be taken back" in answer.json["detail"]


WRONG = [
    ({"person": None}, 422, "name either a person or a lab"),
    ({"lab": "corner"}, 422, "name either a person or a lab"),
    ({"person": "nobody"}, 404, "nobody here has the handle 'nobody'"),
    ({"events": []}, 422, "events"),
    ({"events": ["steal"]}, 422, "events"),
    ({"ends_at": "2020-01-01T00:00:00Z"}, 422, "ends_at: must lie behind now"),
    ({"ends_at": "2030-01-01T00:00:00"}, 422, "ends_at"),
    ({"fee": 3}, 422, "fee"),
]


@pytest.mark.parametrize(("wish", "status", "said"), WRONG)
def test_a_wrong_grant_is_refused_with_the_field(
    shop: Shop, wish: dict[str, object], status: int, said: str
) -> None:
    wanted = {"person": "mem", "events": ["sell_product"], **wish}
    answer = shop.manager.post(f"{API}/designs/shelf-hook/grants", wanted)
    assert answer.status_code == status
    assert said in answer.json["detail"]


def test_only_its_steward_speaks_for_a_design(shop: Shop) -> None:
    shop.relicense("CC-BY-NC-4.0")
    told = waiting(shop, purpose="sale")
    wanted = {"person": "mem", "events": ["sell_product"]}
    design, order = f"{API}/designs/shelf-hook", f"{API}/waiting-orders/{told['waiting_id']}"
    for answer in (
        shop.member.post(f"{design}/grants", wanted),
        shop.member.get(f"{design}/grants"),
        shop.member.get(f"{design}/waiting-orders"),
        shop.member.post(f"{order}/quote", {"word": "nothing"}),
        shop.member.post(f"{order}/decline", {"word": "no"}),
    ):
        assert answer.status_code == 403
        assert "only Manu, who keeps design 'shelf-hook'" in answer.json["detail"]


def test_a_waiting_order_is_told_a_quote_and_placed_once_it_is_accepted(shop: Shop) -> None:
    shop.relicense("LicenseRef-CopyFair-Hooks")
    shop.member.send("PUT", f"{API}/me/facts", json=NOBODYS | {"surplus_to_workers_only": False})
    told = waiting(shop, purpose="sale")
    path = f"{API}/waiting-orders/{told['waiting_id']}"
    assert shop.member.post(f"{path}/accept").status_code == 409
    (seen,) = shop.manager.get(f"{API}/designs/shelf-hook/waiting-orders").json["waiting"]
    assert (seen["id"], seen["ordered_by"]) == (told["waiting_id"], "Mem")
    shop.manager.post(f"{path}/quote", {"word": "20 EUR, or a translation"})
    assert now_is(shop, told["waiting_id"])["quote"] == "20 EUR, or a translation"
    assert shop.manager.post(f"{path}/accept").status_code == 404  # it is not theirs
    accepted = shop.member.post(f"{path}/accept").json
    order = shop.member.get(f"{API}/orders/{accepted['order_id']}").json
    assert "granted it for 20 EUR, or a translation" in order["licence"]["reason"]
    assert shop.member.post(f"{path}/accept").status_code == 409


def test_a_quote_to_a_lab_that_is_paid_is_accepted_by_a_manager(shop: Shop) -> None:
    shop.relicense("CC-BY-NC-4.0")
    told = waiting(shop, purpose="for_pay")
    path = f"{API}/waiting-orders/{told['waiting_id']}"
    shop.manager.post(f"{path}/quote", {"word": "10 EUR each"})
    assert shop.member.post(f"{path}/accept").status_code == 403
    assert shop.manager.post(f"{path}/accept").json["order_id"]


def test_a_steward_declines_in_a_word_and_who_ordered_withdraws(shop: Shop) -> None:
    shop.relicense("CC-BY-NC-4.0")
    one, other = (waiting(shop, purpose="sale")["waiting_id"] for _ in range(2))
    shop.manager.post(f"{API}/waiting-orders/{one}/decline", {"word": "not for shops"})
    assert now_is(shop, one)["said"] == "not for shops"
    assert shop.stranger.post(f"{API}/waiting-orders/{other}/withdraw").status_code == 404
    shop.member.post(f"{API}/waiting-orders/{other}/withdraw")
    assert now_is(shop, other)["said"] == "withdrawn"
    grant(shop)
    assert now_is(shop, other)["order_id"] is None


def test_a_stranger_sees_no_waiting_order(shop: Shop) -> None:
    shop.relicense("CC-BY-NC-4.0")
    told = waiting(shop, purpose="sale")
    path = f"{API}/waiting-orders/{told['waiting_id']}"
    assert shop.stranger.get(path).status_code == 404
    assert shop.manager.get(path).status_code == 200


def test_a_waiting_order_is_one_order_however_often_it_is_sent(shop: Shop) -> None:
    shop.relicense("CC-BY-NC-4.0")
    first = shop.order(purpose="sale", key="k1").json
    assert shop.order(purpose="sale", key="k1").json == first


def test_an_order_that_no_machine_could_build_never_waits_for_a_licence(shop: Shop) -> None:
    shop.relicense("CC-BY-NC-4.0")
    assert shop.order("tower", material="pla", purpose="sale").status_code == 409


def test_a_licence_is_told_for_every_event_and_kind_of_actor(shop: Shop) -> None:
    told = shop.stranger.browser.application.test_client().get(
        f"{API}/designs/shelf-hook/licence"
    ).json  # fmt: skip
    assert (told["license"], told["open_hardware"]) == ("CERN-OHL-S-2.0", True)
    assert [line["event"] for line in told["answers"]] == [str(event) for event in Event]
    assert told["yours"] is None
    assert told["note"] == NO_LEGAL_ADVICE
    shop.relicense("PPL")
    told = shop.member.get(f"{API}/designs/shelf-hook/licence").json
    kinds = {(line["event"], kind): line for line in told["answers"] for kind in line["kinds"]}
    assert kinds["sell_product", "business"]["permission"] == "deny"
    assert kinds["sell_product", "worker_coop"]["clauses"] == ["PPL s.4(c)"]
    assert not told["open_hardware"]
    assert {answer["permission"] for answer in told["yours"]} == {"ask"}


def test_what_somebody_stated_is_theirs_and_kept(shop: Shop) -> None:
    assert shop.member.get(f"{API}/me/facts").json["stated_at"] is None
    shop.member.send("PUT", f"{API}/me/facts", json=COOP)
    shop.member.send("PUT", f"{API}/me/facts", json=NOBODYS)
    told = shop.member.get(f"{API}/me/facts").json
    assert (told["facts"]["legal_form"], told["facts"]["worker_owned"]) == ("individual", None)
    assert told["stated_by"] == "Mem"
    refused = shop.member.send("PUT", f"{API}/me/facts", json={"rich": True})
    assert refused.status_code == 422
    assert shop.member.send("PUT", shop.at_lab("/facts"), json=COOP).status_code == 403
