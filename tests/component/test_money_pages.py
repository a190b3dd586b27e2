"""Prices, quotas and accounts over HTTP and on pages."""

import csv
import io

import pytest

from tests.shop import API, Shop, open_shop

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

PRICES = {"currency": "EUR", "rates": [{"per_g": "0.05", "per_order": "1"}]}


@pytest.fixture
def shop(app, sign_up) -> Shop:
    return open_shop(app, sign_up)


def form(someone, path: str, **fields: str):
    return someone.send("POST", path, data=fields)


def test_the_price_is_told_before_ordering_and_nothing_is_ordered(shop: Shop) -> None:
    page = form(shop.member, "/orders/estimate", lab="corner", release_id=shop.release_id,
                part="hook", copies="2")  # fmt: skip
    assert "The lab asks for nothing." in page.text
    assert shop.manager.send("PUT", shop.at_lab("/prices"), json=PRICES).status_code == 204
    quota = {"role": "member", "grams": 30}
    assert shop.manager.send("PUT", shop.at_lab("/quotas"), json=quota).status_code == 204
    wanted = {"release_id": shop.release_id, "part": "hook", "copies": 2}
    told = shop.member.post(shop.at_lab("/estimates"), wanted).json
    assert (told["low"], told["high"], told["cap"]) == (300, 300, 360)
    assert told["minutes"] is None
    assert "30 g of 30 g are left" in told["over_quota"]
    page = form(shop.member, "/orders/estimate", lab="corner", release_id=shop.release_id,
                part="hook", copies="2")  # fmt: skip
    assert "€3.00" in page.text and "at most €3.60" in page.text
    assert 'value="2"' in page.text  # what was filled in stays
    assert shop.member.get(f"{API}/orders").json == {"orders": []}
    ordered = shop.order(copies=2).json
    said = [it["sentence"] for it in ordered["jobs"]]
    assert said[0] == "in the queue"
    assert "10 g of 30 g are left" in said[1] and "ask Manu or order fewer" in said[1]
    (standing,) = shop.member.get(f"{API}/me/account").json["standings"]
    assert standing["reserved"]["grams"] == 20.0
    assert "Until" in shop.member.get("/me/account").text


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"currency": "EUR", "rates": [{"per_g": "-0.05"}]}, "greater than or equal to 0"),
        ({"currency": "EUX", "rates": []}, "EUR (Euro)"),
        ({"currency": "EUR", "rates": [{"material": "cheese"}]}, "'cheese' is no material"),
    ],
)
def test_prices_that_cannot_be_are_refused(shop: Shop, wanted: object, sentence: str) -> None:
    answer = shop.manager.send("PUT", shop.at_lab("/prices"), json=wanted)
    assert answer.status_code == 422 and sentence in answer.json["detail"]
    assert shop.member.get(shop.at_lab("/prices")).json["prices"] is None


def test_a_lab_keeps_its_accounts_on_a_page(shop: Shop) -> None:
    at = "/labs/corner/money"
    assert "prices first" in form(shop.manager, f"{at}/payments", handle="mem", amount="5").text
    set_ = {"currency": "EUR", "most": "1.2", "per_g-0": "0,05", "group-1": "guest",
            "per_order-1": "2"}  # fmt: skip
    assert form(shop.manager, f"{at}/prices", **set_).status_code == 303
    wrong = form(shop.manager, f"{at}/prices", **set_ | {"per_g-0": "-1"})
    assert wrong.status_code == 422 and 'value="-1"' in wrong.text
    wrong = form(shop.manager, f"{at}/payments", handle="mem", amount="5.001", why="cash")
    assert "more digits than EUR has" in wrong.text
    paid = form(shop.manager, f"{at}/payments", handle="mem", amount="5.50", why="=cash()")
    assert paid.status_code == 303
    assert form(shop.manager, f"{at}/quotas", handle="mem", grams="500").status_code == 303
    assert form(shop.manager, f"{at}/quotas", grams="500").status_code == 422
    page = shop.manager.get(at)
    assert "€5.50" in page.text and "500 g" in page.text and "Each month" in page.text
    export = shop.member.get(f"{API}/me/account-entries.csv")
    (line,) = csv.DictReader(io.StringIO(export.text))
    assert (line["amount"], line["why"], line["by"]) == ("550", "'=cash()", "Manu")
    (entry,) = shop.member.get(f"{API}/me/account-entries").json["entries"]
    undo = f"{at}/entries/{entry['id']}/take-back"
    assert form(shop.manager, undo, why="it was for Ada").status_code == 303
    assert form(shop.manager, undo, why="it was for Ada").status_code == 409
    (balance,) = shop.member.get(f"{API}/me/account").json["balances"]
    assert balance["amount"] == 0
