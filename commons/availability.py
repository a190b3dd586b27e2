"""When a machine may be given work: pauses in which it rests, and what forbids it altogether.

A pause is a time in which nothing may begin and nothing may run: the lab is closed and nobody may
leave the machine alone, quiet hours of a loud one, a downtime. What begins has to be over before
the next one does, by an estimate with a margin; where nobody knows how long it takes it may begin,
and is asked again once its program is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from commons.hours import said

# Estimates of slicers and of our own proof lie some tenths below what machines take.
MARGIN = 1.2
# How far ahead hours are looked at; what is further off is said to be more than a month away.
HORIZON = timedelta(days=31)


class Rest(StrEnum):
    """Why a machine rests."""

    CLOSED = "closed"
    QUIET = "quiet"
    DOWN = "down"


OF_HOURS = frozenset({Rest.CLOSED, Rest.QUIET})
OF_UPKEEP = frozenset({Rest.DOWN})


@dataclass(frozen=True, slots=True)
class Pause:
    """A machine rests from `begins_at` until `ends_at` (None: until somebody ends it)."""

    rest: Rest
    begins_at: datetime
    ends_at: datetime | None
    because: str = ""

    def covers(self, at: datetime) -> bool:
        """Whether it rests at this moment."""
        return self.begins_at <= at and (self.ends_at is None or at < self.ends_at)


@dataclass(frozen=True, slots=True)
class Availability:
    """A machine's pauses as they are seen at `now`, by their beginnings, and what forbids it all.

    `blocked` is a sentence about the machine that says what to do; None when nothing forbids it.
    """

    now: datetime
    zone: tzinfo = UTC
    pauses: tuple[Pause, ...] = ()
    blocked: str | None = None

    def down(self) -> Pause | None:
        """The downtime that the machine has now."""
        rests = (it for it in self.pauses if it.rest is Rest.DOWN and it.covers(self.now))
        return next(rests, None)


def in_the_way(pauses: Sequence[Pause], at: datetime, minutes: float | None) -> Pause | None:
    """The first pause that forbids to begin at `at` what takes so many minutes, or how long nobody
    knows."""
    over = at if minutes is None else at + timedelta(minutes=minutes * MARGIN)
    return next((it for it in pauses if it.covers(at) or at < it.begins_at < over), None)


def begins_at(seen: Availability, minutes: float | None) -> datetime | None:
    """The first moment from now on at which it may begin; None when nobody can tell it."""
    at = seen.now
    if seen.blocked is not None:
        return None
    while pause := in_the_way(seen.pauses, at, minutes):
        if pause.ends_at is None or pause.ends_at >= seen.now + HORIZON:
            return None
        at = max(at, pause.ends_at)
    return at


def refused_for_hours(seen: Availability | None, minutes: float | None) -> str | None:
    """What the machine says to work of so many minutes that its hours forbid now."""
    return None if seen is None else _refused(seen, minutes, OF_HOURS)


def refused_for_upkeep(seen: Availability | None, minutes: float | None) -> str | None:
    """The same of its downtimes and of what is to be done to it first."""
    if seen is None:
        return None
    return seen.blocked or _refused(seen, minutes, OF_UPKEEP)


def _refused(seen: Availability, minutes: float | None, rests: frozenset[Rest]) -> str | None:
    pauses = [it for it in seen.pauses if it.rest in rests]
    pause = in_the_way(pauses, seen.now, minutes)
    if pause is None:
        return None
    if pause.covers(seen.now):
        return resting(pause, seen)
    begins = said(pause.begins_at, seen.now, seen.zone)
    takes = f"this takes about {lasting(minutes or 0.0)}"
    match pause.rest:
        case Rest.CLOSED:
            return f"may not be left alone, and the lab closes at {begins}: {takes}"
        case Rest.QUIET:
            return f"has to be quiet from {begins} on: {takes}"
        case Rest.DOWN:
            return f"is down from {begins} on ({pause.because}): {takes}"


def resting(pause: Pause, seen: Availability) -> str:
    """What a machine says while it rests."""
    until = ""
    if pause.ends_at is not None and pause.ends_at < seen.now + HORIZON:
        until = f" until {said(pause.ends_at, seen.now, seen.zone)}"
    match pause.rest:
        case Rest.CLOSED:
            return f"may not be left alone, and the lab is closed{until or ' for a month'}"
        case Rest.QUIET:
            return f"is quiet{until or ' for a month'}"
        case Rest.DOWN:
            return f"is down{until}: {pause.because}"


def lasting(minutes: float) -> str:
    """So long, as people say it."""
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
