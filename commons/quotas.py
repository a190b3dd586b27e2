"""How much somebody may have made in a term, and what of that waiting jobs may take."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

_SLACK = 1e-6  # what adding floats may be off by


class Kind(StrEnum):
    """What is counted."""

    PRINTS = "prints"
    GRAMS = "grams"
    MINUTES = "minutes"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class Amounts:
    """So many copies, g, machine minutes and smallest units of money."""

    prints: float = 0
    grams: float = 0
    minutes: float = 0
    money: float = 0

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(*(getattr(self, it) + getattr(other, it) for it in Kind))


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of each there is; None is without limit."""

    prints: float | None = None
    grams: float | None = None
    minutes: float | None = None
    money: float | None = None

    @property
    def are_none(self) -> bool:
        """Whether nothing at all is limited."""
        return all(getattr(self, it.name) is None for it in fields(self))


@dataclass(frozen=True, slots=True)
class Shortage:
    """Of `limit` there is `left`, and `need` is wanted."""

    kind: Kind
    limit: float
    left: float
    need: float


@dataclass(frozen=True, slots=True)
class Claim:
    """What one job takes. One that has `begun` has taken it already."""

    amounts: Amounts
    begun: bool = False


def shortage(limits: Limits, taken: Amounts, need: Amounts) -> Shortage | None:
    """What is too little for `need`, once `taken` is gone; None when there is enough."""
    for kind in Kind:
        limit, wanted = getattr(limits, kind), getattr(need, kind)
        if limit is None:
            continue
        left = max(0.0, limit - getattr(taken, kind))
        if wanted > left + _SLACK:
            return Shortage(kind, limit, left, wanted)
    return None


def allot(limits: Limits, used: Amounts, claims: Iterable[Claim]) -> Iterator[Shortage | None]:
    """For each claim in its order, None when there is enough for it, or what is too little.

    A claim that is left out takes nothing: one behind it may be smaller, and fit. Together those
    that fit never take more than there is, but for what had begun before the limits were set.
    """
    taken = used
    for claim in claims:
        lacks = None if claim.begun else shortage(limits, taken, claim.amounts)
        if lacks is None:
            taken = taken + claim.amounts
        yield lacks


@dataclass(frozen=True, slots=True)
class Term:
    """From `begins_at` until just before `ends_at`, UTC."""

    begins_at: datetime
    ends_at: datetime

    @property
    def last_day(self) -> date:
        """The last day that belongs to it."""
        return (self.ends_at - timedelta(microseconds=1)).date()


def month_of(now: datetime) -> Term:
    """The month of the calendar that `now` lies in."""
    first = datetime(now.year, now.month, 1, tzinfo=UTC)
    following = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
    return Term(first, following)


def days(first: date, last: date) -> Term:
    """From the beginning of the first day to the end of the last one."""
    begins_at = datetime(first.year, first.month, first.day, tzinfo=UTC)
    following = last + timedelta(days=1)
    return Term(begins_at, datetime(following.year, following.month, following.day, tzinfo=UTC))
