"""I12, I15: greenhouse gases of what was used, from a table of factors with their sources.

A factor that nobody published is unknown and makes the total incomplete; it is never 0. What a
thing may have replaced is told apart and never taken off.
"""

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from commons.cells import number_from_0
from commons.errors import InvalidInput
from commons.flows import HALF_WIDTH, Mode, State
from commons.indicators.figure import Figure, Place, nothing
from commons.indicators.sums import Sum, together, weaker
from commons.texts import later


@dataclass(frozen=True, slots=True)
class Factor:
    """kg CO2e per `unit` (kg, kWh or t·km) and where that is from; value None is unknown.

    A factor with ends alone is one of several, and nobody knows which.
    """

    id: str
    name: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    place: str
    year: str
    boundary: str
    source: str
    confidence: str
    licence: str
    state: State = State.DEFAULT


COLUMNS = ("id", "name", "value", "low", "high", "unit", "place", "year", "boundary", "source",
           "confidence", "licence")  # fmt: skip
_UNITS = {"kg", "kWh", "t·km"}


def read_factors(text: str) -> dict[str, Factor]:
    """The factors of a CSV with COLUMNS, by id; a value without ends gets those of a default.

    InvalidInput names the first row that is wrong; the head is row 1.
    """
    rows = csv.DictReader(text.splitlines())
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise InvalidInput(f"a table of factors has the columns {', '.join(COLUMNS)}")
    factors: dict[str, Factor] = {}
    for number, row in enumerate(rows, start=2):
        factor = _factor(row, number)
        if factor.id in factors:
            raise InvalidInput(f"row {number}: the factor '{factor.id}' is there twice")
        factors[factor.id] = factor
    return factors


def _factor(row: Mapping[str, str], number: int) -> Factor:
    if None in row.values() or row["unit"] not in _UNITS or not row["source"].strip():
        raise InvalidInput(f"row {number}: a factor needs every cell, a known unit and a source")
    value, low, high = (_number(row[name], number) for name in ("value", "low", "high"))
    if (low is None) != (high is None):
        raise InvalidInput(f"row {number}: a factor has both ends or neither")
    if value is not None and low is None:
        half = HALF_WIDTH[State.DEFAULT] * value
        low, high = value - half, value + half
    if value is not None and low is not None and high is not None and not low <= value <= high:
        raise InvalidInput(f"row {number}: the value is not between its ends")
    said = {name: row[name] for name in COLUMNS if name not in ("value", "low", "high")}
    return Factor(value=value, low=low, high=high, state=State.DEFAULT, **said)


def _number(text: str, number: int) -> float | None:
    return number_from_0(text, number) if text.strip() else None


def of_material(factors: Mapping[str, Factor], material: str) -> Factor | None:
    """The factor of a material by the word that a lot has for it; None where there is none."""
    return factors.get(f"material:{material.strip().lower()}")


def of_grid(factors: Mapping[str, Factor], country: str) -> Factor | None:
    """The factor of a country's electricity, by its two letters; no other's stands for it."""
    return factors.get(f"grid:{country.strip().upper()}")


def of_mode(factors: Mapping[str, Factor], mode: Mode) -> Factor | None:
    """The factor of a mode; one that is unknown may be any of those in the table."""
    if mode is not Mode.UNKNOWN:
        return factors.get(f"freight:{mode}")
    all_ = [it for name in Mode if (it := factors.get(f"freight:{name}")) is not None]
    lows = [it.low for it in all_ if it.low is not None]
    highs = [it.high for it in all_ if it.high is not None]
    if not lows or not highs:
        return None
    return Factor("freight:unknown", "unknown mode", None, min(lows), max(highs), "t·km", "", "",
                  all_[0].boundary, "the modes of this table", "", "")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Term:
    """An amount in the unit of its factor; None as the factor is one that nobody knows."""

    name: str
    amount: Sum
    factor: Factor | None


@dataclass(frozen=True, slots=True)
class Footprint:
    """kg CO2e. `default_share` of it rests on default factors.

    high is None where the factors of the `unknown` are missing: at least `low`, and incomplete.
    """

    low: float
    central: float | None
    high: float | None
    default_share: float
    unknown: tuple[str, ...]
    state: State


def footprint(terms: Iterable[Term]) -> Footprint | None:
    """I12: the sum of the terms; None where no factor at all is known.

    Terms of one factor err together and are added before they are squared, and so are amounts of
    one name; all others err apart.
    """
    merged = _by_name(terms)
    told = [(it, it.factor) for it in merged if it.factor and it.factor.low is not None]
    if not told:
        return None
    firm = [(it, factor) for it, factor in told if factor.value is not None]
    loose = [(it, factor) for it, factor in told if factor.value is None]
    middle = sum(it.amount.central * (factor.value or 0) for it, factor in firm)
    low = max(0.0, middle - _spread(firm, "low"))
    low += sum(it.amount.low * (factor.low or 0) for it, factor in loose)
    high = middle + _spread(firm, "high")
    high += sum(it.amount.high * (factor.high or 0) for it, factor in loose)
    unknown = tuple(sorted({it.name for it in merged} - {it.name for it, _ in told}))
    return Footprint(
        low=low,
        central=None if loose or unknown else middle,
        high=None if unknown else high,
        default_share=_default_share(told),
        unknown=unknown,
        state=weaker(*(state for it, factor in told for state in (it.amount.state, factor.state))),
    )


def _by_name(terms: Iterable[Term]) -> list[Term]:
    parts: dict[tuple[str, Factor | None], list[Sum]] = {}
    for it in terms:
        parts.setdefault((it.name, it.factor), []).append(it.amount)
    return [Term(name, total, factor)
            for (name, factor), sums in parts.items() if (total := together(sums))]  # fmt: skip


def _default_share(told: Iterable[tuple[Term, Factor]]) -> float:
    """By the middle of each term; of a factor that has none, that between its ends."""
    whole = default = 0.0
    for it, factor in told:
        value = factor.value
        if value is None:
            value = ((factor.low or 0.0) + (factor.high or 0.0)) / 2
        whole += it.amount.central * value
        default += it.amount.central * value if factor.state is State.DEFAULT else 0.0
    return default / whole if whole else 1.0


def _spread(terms: Iterable[tuple[Term, Factor]], end: str) -> float:
    """How far that end is from the middle: √Σu² over factors and over amounts."""
    by_factor: dict[str, float] = {}
    squares = 0.0
    for it, factor in terms:
        value = factor.value or 0.0
        off = it.amount.central * (getattr(factor, end) - value)
        by_factor[factor.id] = by_factor.get(factor.id, 0.0) + off
        squares += (value * (getattr(it.amount, end) - it.amount.central)) ** 2
    return math.sqrt(squares + sum(off**2 for off in by_factor.values()))


def footprint_figure(of: Footprint | None, place: Place) -> Figure:
    """I12 as it is told, with the share that rests on default factors."""
    key, label, unit = "footprint", later("Greenhouse gases of what was used"), "kg CO2e"
    if of is None:
        return nothing(key, label, unit, place, later("no factor is known for what was used"))
    note = f"{of.default_share:.0%} of it from default factors"
    if of.unknown:
        note += f"; incomplete, not known: {', '.join(of.unknown)}"
    return Figure(key, label, unit, of.low, of.central, of.high, of.state, None, **place, note=note)


def per_good_item(of: Footprint | None, good: int, place: Place) -> Figure:
    """I12 of one thing: failed ones and scrap are in the sum, good ones alone share it."""
    key, label, unit = "footprint_each", later("Greenhouse gases of one good thing"), "kg CO2e"
    if of is None or good <= 0:
        return nothing(key, label, unit, place, later("nothing good was made, or no factor known"))
    low, central, high = (None if end is None else end / good
                          for end in (of.low, of.central, of.high))  # fmt: skip
    return Figure(key, label, unit, low, central, high, of.state, None, **place)


def avoided(
    truly_replaced: float | None, imported: Footprint | None, here: Footprint | None, place: Place
) -> Figure:
    """I15: what importing would have caused and making here did not; below 0 where here is worse.

    Nothing without the share of things that truly replaced a purchase: nobody's default is 1.
    """
    key, label, unit = "avoided", later("Greenhouse gases avoided elsewhere"), "kg CO2e"
    there, own = _whole(imported), _whole(here)
    if truly_replaced is None or there is None or own is None:
        note = later("nobody knows what share truly replaced a purchase")
        return nothing(key, label, unit, place, note)
    low, high = (truly_replaced * (there[0] - own[1]), truly_replaced * (there[1] - own[0]))
    return Figure(key, label, unit, low, None, high, State.MODELLED, None, **place)


def _whole(of: Footprint | None) -> tuple[float, float] | None:
    return None if of is None or of.high is None else (of.low, of.high)
