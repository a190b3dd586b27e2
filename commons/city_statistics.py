"""A city's statistics of one year, as a CSV in Eurostat's shape brings them."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from commons.cells import number_from_0
from commons.errors import InvalidInput
from commons.flows import HALF_WIDTH, State
from commons.indicators.figure import Figure, Place, nothing
from commons.indicators.supply import Consumption, Tonnes, apparent_consumption
from commons.texts import later

COLUMNS = ("geo", "time", "indicator", "unit", "value", "flag")
NOT_KNOWN = ("", ":")
MOST_ROWS = 200


class Indicator(StrEnum):
    """What is told of a whole city: accounts of material flows (EW-MFA), and its people."""

    PRODUCTION = "PRD"  # of goods: with IMP and EXP, apparent consumption
    IMPORTS = "IMP"
    EXPORTS = "EXP"
    EXTRACTION = "DE"
    RAW_IMPORTS = "IMP_RME"  # in raw-material equivalents
    RAW_EXPORTS = "EXP_RME"
    CIRCULAR_USE = "U"
    POPULATION = "POP"


# Tonnes of one unit; those by head need the population of the same year.
_TONNES = {"T": 1.0, "THS_T": 1000.0}
_BY_HEAD = {"T_HAB": 1.0, "KG_HAB": 0.001}
_PEOPLE = "NR"


@dataclass(frozen=True, slots=True)
class Statistic:
    """One number; None is not known, which is not 0. `flag` is what its source says of it."""

    year: int
    indicator: Indicator
    unit: str
    value: float | None
    flag: str


def read_statistics(text: str, year: int) -> list[Statistic]:
    """The statistics of `year` in the CSV, one of each indicator, whatever place it calls itself.

    InvalidInput names the first bad row (the head is row 1): a column missing, an unknown
    indicator or unit, another year or place than the rows before, no number, or said twice.
    """
    rows = csv.DictReader(text.lstrip("\N{ZERO WIDTH NO-BREAK SPACE}").splitlines())
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise InvalidInput(f"row 1: the columns are {','.join(COLUMNS)}, in this order")
    found: dict[Indicator, Statistic] = {}
    geo = None
    for number, row in enumerate(rows, start=2):
        if number > MOST_ROWS + 1:
            raise InvalidInput(f"a year has at most {MOST_ROWS} rows")
        it = _statistic(row, number, year)
        geo = geo or row["geo"]
        if row["geo"] != geo:
            raise InvalidInput(
                f"row {number} is of {row['geo'][:20]}, the rows above of {geo[:20]}"
            )
        if it.indicator in found:
            raise InvalidInput(f"row {number}: {it.indicator} is there twice")
        found[it.indicator] = it
    if not found:
        raise InvalidInput("the table has no row below its head")
    return list(found.values())


def _statistic(row: Mapping[str | None, str], number: int, year: int) -> Statistic:
    if None in row or None in row.values():
        raise InvalidInput(f"row {number} does not have {len(COLUMNS)} cells")
    said = row["time"].strip()
    if said != str(year):
        raise InvalidInput(f"row {number} is of {said[:10]} and not of {year}: a figure needs one "
                           "year; bring each in a table of its own")  # fmt: skip
    if row["indicator"] not in list(Indicator):
        raise InvalidInput(f"row {number}: the indicator '{row['indicator'][:20]}' is none of "
                           f"{', '.join(Indicator)}")  # fmt: skip
    indicator = Indicator(row["indicator"])
    units = [_PEOPLE] if indicator is Indicator.POPULATION else [*_TONNES, *_BY_HEAD]
    if row["unit"] not in units:
        raise InvalidInput(f"row {number}: the unit '{row['unit'][:20]}' is none of "
                           f"{', '.join(units)}")  # fmt: skip
    return Statistic(year, indicator, row["unit"], _value(row["value"], number), row["flag"][:20])


def _value(text: str, number: int) -> float | None:
    if text.strip() in NOT_KNOWN:
        return None
    return number_from_0(text, number, or_else=", nor ':'")


def tonnes(of: Sequence[Statistic], indicator: Indicator) -> float | None:
    """That indicator of one year in tonnes; None where it, or the population, is not known."""
    it = next((one for one in of if one.indicator is indicator), None)
    if it is None or it.value is None:
        return None
    if it.unit in _TONNES:
        return it.value * _TONNES[it.unit]
    people = population(of)
    return None if people is None else it.value * _BY_HEAD[it.unit] * people


def population(of: Sequence[Statistic]) -> float | None:
    """How many people; None where nobody said, and for a city of none."""
    told = (one.value for one in of if one.indicator is Indicator.POPULATION)
    return next(told, None) or None


def consumption_of(of: Sequence[Statistic], source: str) -> Consumption | None:
    """I4 from one year's statistics; None where one of the three is not known."""
    produced, imported, exported = (
        tonnes(of, it) for it in (Indicator.PRODUCTION, Indicator.IMPORTS, Indicator.EXPORTS)
    )
    if produced is None or imported is None or exported is None:
        return None
    year = of[0].year
    return apparent_consumption(
        produced=Tonnes(produced, year),
        imported=Tonnes(imported, year),
        exported=Tonnes(exported, year),
        source=source,
    )


def material_flows(of: Sequence[Statistic], place: Place) -> list[Figure]:
    """DMC and RMC a head and the circular share of one year; InvalidInput where years mix."""
    years = sorted({it.year for it in of})
    if len(years) > 1:
        raise InvalidInput(f"the statistics are of {years[0]} and {years[-1]}: one figure needs "
                           "one year")  # fmt: skip
    people = population(of)
    extracted, circular = tonnes(of, Indicator.EXTRACTION), tonnes(of, Indicator.CIRCULAR_USE)
    dmc = _balance(extracted, tonnes(of, Indicator.IMPORTS), tonnes(of, Indicator.EXPORTS))
    rmc = _balance(extracted, tonnes(of, Indicator.RAW_IMPORTS), tonnes(of, Indicator.RAW_EXPORTS))
    floor = later("what importing cities caused elsewhere is not in it: a floor")
    return [
        _figure("dmc", later("Domestic material consumption a head"), "t",
                _ratio(dmc, people), place, floor),
        _figure("rmc", later("Raw material consumption a head"), "t", _ratio(rmc, people), place,
                later("a footprint, from a model of trade")),
        _figure("circular", later("Circular use of material"), "%",
                _ratio(circular, None if dmc is None or circular is None else dmc + circular, 100),
                place, ""),
    ]  # fmt: skip


def _balance(own: float | None, taken: float | None, given: float | None) -> float | None:
    if own is None or taken is None or given is None:
        return None
    return own + taken - given


def _ratio(part: float | None, whole: float | None, per: float = 1) -> float | None:
    return per * part / whole if part is not None and whole else None


def _figure(
    key: str, label: str, unit: str, value: float | None, place: Place, note: str
) -> Figure:
    if value is None:
        return nothing(key, label, unit, place, later("the statistics do not say enough"))
    half = abs(value) * HALF_WIDTH[State.MODELLED]
    return Figure(key, label, unit, value - half, value, value + half, State.MODELLED, None,
                  **place, note=note)  # fmt: skip
