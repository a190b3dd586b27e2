"""I4 to I8: what a city consumes, how much of that is made here, and what could be.

Capacity is what could be made; self-supply is what was. Neither ever stands for the other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from commons.errors import InvalidInput
from commons.flows import State
from commons.indicators.figure import Figure, Place, nothing
from commons.indicators.sums import Local, Sum, share_of, weaker
from commons.texts import later

PER_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Consumption:
    """The city's apparent consumption in one calendar year, kg, from whose statistics."""

    kg: float
    year: int
    source: str


def apparent_consumption(
    *, produced: "Tonnes", imported: "Tonnes", exported: "Tonnes", source: str
) -> Consumption:
    """I4: production of the whole city + imports − exports, of one year; InvalidInput else."""
    years = sorted({produced.year, imported.year, exported.year})
    if len(years) > 1:
        named = " and ".join(str(year) for year in years)
        raise InvalidInput(f"the statistics are of {named}: one figure needs one year")
    tonnes = produced.value + imported.value - exported.value
    return Consumption(1000 * tonnes, years[0], source)


@dataclass(frozen=True, slots=True)
class Tonnes:
    """A number of tonnes from statistics, of a calendar year."""

    value: float
    year: int


def consumption(of: Consumption | None, place: Place) -> Figure:
    """I4 as it is told; modelled, for statistics are."""
    key, label = "apparent_consumption", later("Apparent consumption")
    if of is None:
        return nothing(key, label, "kg", place, later("no statistics were brought"))
    half = 0.2 * abs(of.kg)
    return Figure(key, label, "kg", of.kg - half, of.kg, of.kg + half, State.MODELLED, None,
                  **place, note=f"{of.source}, {of.year}")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Delivered:
    """What receivers got, kg; whether they are here, and how local its material is.

    None as the mass is a delivery that nobody weighed.
    """

    kg: Sum | None
    to: Local
    material: Local


def self_supply(
    delivered: Sequence[Delivered], of: Consumption | None, place: Place
) -> tuple[Figure, Figure]:
    """I5 and I6, in parts per million of the city's apparent consumption.

    Deliveries outside are exports and in neither. A receiver of whom nobody knows where they are
    is outside at the low end and here at the high end. Where a delivery was not weighed, both are
    "at least".
    """
    made, content = (
        ("self_supply", later("Made here of what is consumed")),
        ("content_self_supply", later("Made here of local material, of what is consumed")),
    )
    missing = _missing(delivered, of)
    if missing or of is None:
        return nothing(*made, "ppm", place, missing), nothing(*content, "ppm", place, missing)
    weighed = [(it.kg, it) for it in delivered if it.kg is not None]
    whole = all(it.kg is not None for it in delivered)
    return (
        _supply(*made, [(kg, it.to) for kg, it in weighed], of, place, whole=whole),
        _supply(*content, [(kg, _both(it)) for kg, it in weighed], of, place, whole=whole),
    )


def _missing(delivered: Sequence[Delivered], of: Consumption | None) -> str:
    if of is None or of.kg <= 0:
        return later("no statistics were brought")
    if not any(it.kg for it in delivered):
        return later("no delivery was weighed")
    return ""


def _both(it: Delivered) -> Local:
    return Local(it.to.low * it.material.low, it.to.high * it.material.high)


def _supply(
    key: str,
    label: str,
    parts: Sequence[tuple[Sum, Local]],
    of: Consumption,
    place: Place,
    *,
    whole: bool,
) -> Figure:
    """Low ends of masses and of what is local at the low end, high ones at the high end."""
    per_kg = PER_MILLION / of.kg
    low = per_kg * sum(kg.low * local.low for kg, local in parts)
    high = per_kg * sum(kg.high * local.high for kg, local in parts)
    sure = all(local.low == local.high for _, local in parts)
    central = per_kg * sum(kg.central * local.low for kg, local in parts) if sure else None
    state = weaker(State.MODELLED, *(kg.state for kg, _ in parts))
    if whole:
        return Figure(key, label, "ppm", low, central, high, state, None, **place)
    note = later("incomplete: some deliveries were not weighed")
    return Figure(key, label, "ppm", low, None, None, state, None, **place, note=note)


@dataclass(frozen=True, slots=True)
class Sector:
    """A sector's weight in what people buy, and its yearly production, consumption and, where it
    is known, how much of the production is sold abroad, in one unit."""

    weight: float
    production: float
    consumption: float
    sold_abroad: float | None = None


def capacity(sectors: Sequence[Sector], place: Place) -> Figure:
    """I7: the goods that could be made here, 0…100: an upper bound, and never self-supply.

    The low end leaves out what is sold abroad, and is not known where that is not. The note tells
    the value without the cap at 100 a sector.
    """
    key, label = "capacity", later("Goods capacity (an upper bound)")
    if not sectors or any(it.consumption <= 0 or it.weight <= 0 for it in sectors):
        return nothing(key, label, "of 100", place, later("no statistics of sectors were brought"))
    high = _weighted((it.weight, min(1.0, it.production / it.consumption)) for it in sectors)
    bare = _weighted((it.weight, it.production / it.consumption) for it in sectors)
    kept = [(it, it.production - it.sold_abroad) for it in sectors if it.sold_abroad is not None]
    low = None
    if len(kept) == len(sectors):
        low = _weighted((it.weight, min(1.0, own / it.consumption)) for it, own in kept)
    note = f"{bare:.3g} where no sector is capped; capacity is not self-supply"
    return Figure(key, label, "of 100", low, None, high, State.MODELLED, None, **place, note=note)


def _weighted(parts: Iterable[tuple[float, float]]) -> float:
    told = tuple(parts)
    whole = share_of((Sum(w, w, w, 1), Local(part, part)) for w, part in told)
    return 100 * whole.low / whole.whole if whole else 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """A share in % that a city promised to reach in `year`, from the share of its first year."""

    percent: float
    year: int
    first_percent: float
    first_year: int


def pledge_path(target: Target | None, years: Iterable[int]) -> list[tuple[int, float]]:
    """I8: the straight line to the target by year; empty where the pledge names none.

    The straight line is our convention and no part of any pledge.
    """
    if target is None or target.year <= target.first_year:
        return []
    slope = (target.percent - target.first_percent) / (target.year - target.first_year)
    return [
        (year, target.first_percent + slope * (year - target.first_year))
        for year in years
        if target.first_year <= year <= target.year
    ]
