"""Currencies by their ISO 4217 codes: how many digits they have, and amounts for people."""

from difflib import get_close_matches
from functools import cache
from typing import Any

from babel import Locale
from babel.numbers import (
    format_currency,
    get_currency_name,
    get_currency_precision,
    get_territory_currencies,
)

from commons.errors import InvalidInput


@cache
def _in_use() -> frozenset[str]:
    """The codes of currencies that somebody pays with today."""
    territories = [code for it in Locale("en").territories if len(code := str(it)) == 2]
    return frozenset(code for it in territories for code in get_territory_currencies(it))


def digits(currency: str) -> int:
    """How many digits stand behind the point; InvalidInput for what is no currency today."""
    if currency not in _in_use():
        near = get_close_matches(currency.upper(), sorted(_in_use()), n=3, cutoff=0.5)
        named = ", ".join(f"{it} ({get_currency_name(it, locale='en')})" for it in near)
        hint = f"did you mean {named}?" if near else "use its ISO 4217 code, such as EUR"
        raise InvalidInput(f"currency: '{currency[:20]}' is not known; {hint}")
    return get_currency_precision(currency)


def told(amount: int, currency: str, locale: Any = "en") -> str:
    """The amount, given in smallest units, with the currency's sign."""
    return format_currency(amount / 10 ** digits(currency), currency, locale=locale)
