"""Sums over events and shares of sums: what cities and years are added up from.

Percentages are never averaged: both parts of a share are added, and divided when it is shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from commons.flows import State


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum over events: interval ends, and how many events it has."""

    low: float
    central: float
    high: float
    events: int
    state: State = State.MEASURED

    def times(self, factor: float) -> "Sum":
        """The sum in another unit, or of an exact number of such things."""
        return Sum(self.low * factor, self.central * factor, self.high * factor, self.events,
                   self.state)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Local:
    """Which part of one thing is local, as an interval within 0…1."""

    low: float
    high: float


HERE, NOT_HERE, WHO_KNOWS = Local(1.0, 1.0), Local(0.0, 0.0), Local(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Share:
    """At least `low` and at most `high` of a `whole` above 0, all in the whole's unit."""

    low: float
    high: float
    whole: float
    state: State = State.MEASURED

    def __add__(self, other: "Share") -> "Share":
        """The share of both wholes together, no better known than the weaker."""
        return Share(self.low + other.low, self.high + other.high, self.whole + other.whole,
                     weaker(self.state, other.state))  # fmt: skip


def share_of(parts: Iterable[tuple[Sum, Local]]) -> Share | None:
    """How much of the parts is local, by their central values; None where they come to nothing."""
    low = high = whole = 0.0
    states = []
    for total, local in parts:
        low += total.central * local.low
        high += total.central * local.high
        whole += total.central
        states.append(total.state)
    if whole <= 0:
        return None
    return Share(low, high, whole, weaker(*states))


def together(parts: Iterable[Sum]) -> Sum | None:
    """The sum of sums, as weak as the weakest of them; None when there is nothing to add."""
    sums = tuple(parts)
    if not sums:
        return None
    return Sum(
        low=sum(part.low for part in sums),
        central=sum(part.central for part in sums),
        high=sum(part.high for part in sums),
        events=sum(part.events for part in sums),
        state=weakest(sums),
    )


def weakest(sums: Iterable[Sum]) -> State:
    """The weakest state among the inputs: a figure is no better known than that."""
    return weaker(*(s.state for s in sums))


def weaker(*states: State) -> State:
    """The weakest of the states; not measured where there is none."""
    order = list(State)
    return max(states, key=order.index, default=State.NOT_MEASURED)
