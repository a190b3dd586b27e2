"""Times for which machines are booked: what may be booked, and which job may still run before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from commons.errors import InvalidInput
from commons.texts import filled, later

# Programs take longer than their estimates say: so much is kept free before a booking.
MARGIN = 1.2
# What is expected of a job that nobody has any estimate of, as in forecasts.
ROUGH_MINUTES = 60.0


@dataclass(frozen=True, slots=True)
class Booked:
    """A machine is kept for somebody, in the lab's own zone. `person_id` is None where a calendar
    says so."""

    begins_at: datetime
    ends_at: datetime
    person_id: str | None
    who: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What a lab lets people book: for how long, how far ahead, how many that are still to come.

    Whoever has not shown up `no_show_minutes` after the begin leaves the machine to others; None:
    it stays booked.
    """

    longest_minutes: int = 240
    ahead_days: int = 30
    open_at_once: int = 3
    no_show_minutes: int | None = 15
    time_zone: str = "UTC"


def crossed(
    booked: Iterable[Booked], *, by: str | None, at: datetime, minutes: float | None
) -> Booked | None:
    """The first booking that a job of `by`, begun at that moment, would cross; None for none.

    Within somebody's own booking their own jobs are welcome.
    """
    expected = ROUGH_MINUTES if minutes is None else minutes * MARGIN
    until = at + timedelta(minutes=expected)
    for it in sorted(booked, key=lambda it: it.begins_at):
        own = by is not None and it.person_id == by and it.begins_at <= at
        if it.begins_at < until and it.ends_at > at and not own:
            return it
    return None


def told(booked: Booked, *, at: datetime, minutes: float | None) -> str:
    """Why a job that would begin at that moment has to wait, in words. Times are told in the
    zone of the booking."""
    if booked.begins_at <= at:
        return f"is booked by {booked.who} until {clock(booked.ends_at, at)}"
    begins = clock(booked.begins_at, at)
    if minutes is None:
        return (
            f"is booked by {booked.who} from {begins}, and how long this takes is not known: "
            f"{length(round(ROUGH_MINUTES))} are kept free"
        )
    takes = length(round(minutes * MARGIN))
    return f"is booked by {booked.who} from {begins}, and this may take {takes}"


def clock(at: datetime, now: datetime) -> str:
    """The time of day in the zone of `at`, with its day where that is not today there."""
    said = f"{at:%H:%M %Z}"
    today = now.astimezone(at.tzinfo).date()
    return said if at.date() == today else f"{at.day} {at:%B} {said}"


def problem(
    begins_at: datetime, ends_at: datetime, rules: Rules, *, now: datetime, coming: int
) -> str | None:
    """Why the lab's rules do not let somebody book this who has `coming` bookings to come."""
    if ends_at <= begins_at:
        return later("the end is not after the begin: choose a later end")
    if begins_at < now - timedelta(minutes=1):
        return later("the begin has passed already: choose a later one")
    if ends_at - begins_at > timedelta(minutes=rules.longest_minutes):
        return filled(
            "that is longer than the %(most)s that this lab lets people book at once",
            most=length(rules.longest_minutes),
        )
    if begins_at > now + timedelta(days=rules.ahead_days):
        return filled(
            "that is more than %(days)s days ahead, the most that this lab lets people book",
            days=rules.ahead_days,
        )
    if coming >= rules.open_at_once:
        return filled(
            "you have %(count)s bookings to come, the most that this lab allows: cancel one first",
            count=coming,
        )
    return None


def at_local(clock_time: datetime, zone: tzinfo) -> datetime:
    """The instant that clocks of the zone show so; of two in the night when clocks go back, the
    first. InvalidInput in the hour that clocks leave out."""
    found = clock_time.replace(tzinfo=zone)
    if found.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != clock_time:
        raise InvalidInput(
            filled(
                "%(time)s is left out that night, because the clocks go forward: choose another",
                time=f"{clock_time:%H:%M}",
            )
        )
    return found.astimezone(UTC)


def length(minutes: int) -> str:
    """A time span as people say it."""
    hours, rest = divmod(minutes, 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{rest} min"] if rest else [])])


def next_free(booked: Sequence[Booked], begins_at: datetime, span: timedelta) -> datetime:
    """The first moment from `begins_at` on when the machine is free for so long."""
    at = begins_at
    for it in sorted(booked, key=lambda it: it.begins_at):
        if it.begins_at < at + span and it.ends_at > at:
            at = it.ends_at
    return at


def is_missed(
    begins_at: datetime, here_at: datetime | None, rules: Rules, *, now: datetime
) -> bool:
    """Whether nobody has come for a booking that has begun, and it counts no more."""
    if here_at is not None or rules.no_show_minutes is None:
        return False
    return now >= begins_at + timedelta(minutes=rules.no_show_minutes)
