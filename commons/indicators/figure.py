"""What a figure says of itself, and the ways in which one comes to be."""

from collections.abc import Mapping
from dataclasses import dataclass

from commons.flows import State
from commons.indicators.sums import Share, Sum

METHOD = "cosmolocal-1"

# `period` and `boundary`, as a figure says them.
Place = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with everything needed to believe or doubt it.

    low, central and high are None when nothing is known; central alone is None when only an
    interval is; central and high are when the figure is "at least low" and incomplete.
    `coverage` is the share of the underlying quantity that is known (0…1).
    """

    key: str
    label: str
    unit: str
    low: float | None
    central: float | None
    high: float | None
    state: State
    coverage: float | None
    period: str
    boundary: str
    method: str = METHOD
    note: str = ""


def nothing(key: str, label: str, unit: str, place: Place, note: str) -> Figure:
    """Nobody knows; `note` says what is missing."""
    return Figure(key, label, unit, None, None, None, State.NOT_MEASURED, None, **place, note=note)


def summed(
    key: str,
    label: str,
    unit: str,
    total: Sum,
    place: Place,
    *,
    coverage: float | None = None,
    note: str = "",
) -> Figure:
    """The sum as it is; "at least its low end" where `coverage` says that some of it is unknown."""
    if coverage is not None and coverage < 1:
        return Figure(key, label, unit, total.low, None, None, total.state, coverage, **place,
                      note=note)  # fmt: skip
    return Figure(key, label, unit, total.low, total.central, total.high, total.state, coverage,
                  **place, note=note)  # fmt: skip


def shared(
    key: str, label: str, unit: str, share: Share, place: Place, *, per: float = 100, note: str = ""
) -> Figure:
    """The share as so many `per` (100: %); one number where its two ends are."""
    low, high = per * share.low / share.whole, per * share.high / share.whole
    central = low if share.low == share.high else None
    known = 1 - (share.high - share.low) / share.whole
    return Figure(key, label, unit, low, central, high, share.state, known, **place, note=note)
