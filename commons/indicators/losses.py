"""I9, I11, I14: whether mass adds up, what was lost of it, and how far it came."""

from collections.abc import Mapping
from dataclasses import dataclass

from commons.flows import Mode
from commons.indicators.figure import Figure, Place, nothing, shared, summed
from commons.indicators.sums import HERE, NOT_HERE, Share, Sum, share_of, together, weakest
from commons.texts import later

CLOSES_WITHIN = 0.05  # our convention


@dataclass(frozen=True, slots=True)
class Balance:
    """What went into a lab and what became of it in a period, g; `stock` is what it grew by."""

    put_in: Sum
    out: Sum
    scrap: Sum
    waste: Sum
    stock: Sum


def closure(balance: Balance | None, place: Place) -> Figure:
    """I9: the part of what went in that nobody accounts for; below 0 where more came out."""
    key, label = "closure", later("Mass not accounted for")
    if balance is None or balance.put_in.central <= 0:
        return nothing(key, label, "%", place, later("what went in or came out was not weighed"))
    whole = balance.put_in.central
    ends = [
        100 * (getattr(balance.put_in, end) - sum(getattr(it, other) for it in _fates(balance)))
        / whole
        for end, other in (("low", "high"), ("central", "central"), ("high", "low"))
    ]  # fmt: skip
    off = abs(ends[1]) > 100 * CLOSES_WITHIN
    note = later("it does not close: most often offcuts were not weighed") if off else ""
    state = weakest([balance.put_in, *_fates(balance)])
    return Figure(key, label, "%", ends[0], ends[1], ends[2], state, None, **place, note=note)


def _fates(balance: Balance) -> tuple[Sum, ...]:
    return balance.out, balance.scrap, balance.waste, balance.stock


def scrap_share(scrap: Sum | None, used: Sum | None, place: Place) -> Figure:
    """I11, by mass: what became scrap of what was used; no scrap weighed is not no scrap."""
    key, label = "scrap", later("Material that became scrap")
    if scrap is None or used is None or used.central <= 0:
        return nothing(key, label, "%", place, later("no scrap was weighed"))
    rest = max(0.0, used.central - scrap.central)
    share = share_of([(scrap, HERE), (Sum(rest, rest, rest, 0, used.state), NOT_HERE)])
    return shared(key, label, "%", share or Share(0, 0, 1), place)


@dataclass(frozen=True, slots=True)
class Freight:
    """Tonne-kilometres by mode, and how many journeys lack their mass or their way."""

    by_mode: Mapping[Mode, Sum]
    unknown: int


def freight(of: Freight, place: Place) -> Figure:
    """I14: the sum over modes; "at least" where a journey is not known."""
    key, label = "freight", later("Freight of inputs")
    total = together(of.by_mode.values())
    if total is None:
        return nothing(key, label, "t·km", place, later("no journey has both a mass and a way"))
    coverage = total.events / (total.events + of.unknown)
    note = (
        later("incomplete: the mass or the way of some journeys is unknown") if of.unknown else ""
    )
    return summed(key, label, "t·km", total, place, coverage=coverage, note=note)
