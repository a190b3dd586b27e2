"""What things cost: the first rates that fit, whole smallest units, and never above the cap."""

from decimal import Decimal

import pytest

from commons.errors import InvalidInput
from commons.machine import Process
from commons.prices import Group, Item, Line, PriceList, Rates, Span, Use, cap, price, within
from repo_server import currencies

RATES = Rates(per_g=Decimal("0.05"), per_hour=Decimal(2), per_order=Decimal(1))
GUESTS = Rates(group=Group.GUEST, per_g=Decimal("0.10"))
PETG = Rates(process=Process.FDM, material="petg", per_g=Decimal("0.07"))
PRICES = PriceList(currency="EUR", rates=(GUESTS, PETG, RATES))


def test_the_first_rates_that_fit_count() -> None:
    assert PRICES.rates_for(Group.GUEST, Process.FDM, "petg") == GUESTS
    assert PRICES.rates_for(Group.MEMBER, Process.FDM, "petg") == PETG
    assert PRICES.rates_for(Group.MEMBER, Process.CNC, "plywood") == RATES
    only_guests = PriceList(currency="EUR", rates=(GUESTS,))
    assert only_guests.rates_for(Group.MEMBER, Process.FDM, "pla") == Rates()


def test_an_estimate_has_its_parts_and_its_interval() -> None:
    sum_ = price(RATES, Use(Span(16.0, 27.0), Span(30.0, 60.0)), digits=2)
    assert sum_.lines == (
        Line(Item.MATERIAL, 80, 135),
        Line(Item.MACHINE, 100, 200),
        Line(Item.ORDER, 100, 100),
    )
    assert (sum_.low, sum_.high) == (280, 435)


def test_what_is_not_known_makes_the_sum_unknown_and_is_not_charged() -> None:
    sum_ = price(RATES, Use(Span.exactly(20), None), digits=2)
    assert (sum_.low, sum_.high, sum_.known) == (None, None, 200)
    assert price(Rates(), Use(None, None), digits=2).high == 0  # it is free, and that is known


def test_what_an_order_costs_once_is_charged_once() -> None:
    again = price(RATES, Use(Span.exactly(20), Span.exactly(0)), digits=2, with_order=False)
    assert [line.item for line in again.lines] == [Item.MATERIAL]


@pytest.mark.parametrize(("currency", "digits"), [("EUR", 2), ("JPY", 0), ("TND", 3)])
def test_amounts_are_whole_smallest_units_of_any_currency(currency: str, digits: int) -> None:
    assert currencies.digits(currency) == digits
    sum_ = price(Rates(per_g=Decimal("1.005")), Use(Span.exactly(1), None), digits=digits)
    assert sum_.high == {0: 1, 2: 100, 3: 1005}[digits]  # half goes to the even neighbour


def test_at_most_so_many_times_what_was_agreed_is_charged() -> None:
    most = cap(390, Decimal("1.2"))
    assert most == 468
    assert within(590, cap=most, charged=0) == 468
    assert within(590, cap=most, charged=400) == 68
    assert within(590, cap=most, charged=500) == 0
    assert within(590, cap=cap(None, Decimal("1.2")), charged=0) == 590


def test_a_price_below_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        Rates(per_g=Decimal("-0.05"))


def test_an_unknown_currency_is_refused_with_those_that_are_near() -> None:
    with pytest.raises(InvalidInput, match=r"'EURO' is not known; did you mean EUR \(Euro\)"):
        currencies.digits("EURO")
    for code in ("???", "DEM"):  # nobody pays with marks any more
        with pytest.raises(InvalidInput, match="is not known"):
            currencies.digits(code)
