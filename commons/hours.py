"""A week's plan of hours in a place's own time zone, and the spans of time that it names.

Hours are said by the clock on the wall. Where that clock is set back, an hour that comes twice
counts whole; a time that it skips counts as one hour later.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Self

from pydantic import Field, model_validator

from commons.quantities import Value

Period = tuple[datetime, datetime]  # from … until, both UTC

Hours = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
Day = Annotated[tuple[Hours, ...], Field(max_length=12)]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Week(Value):
    """The hours of each day, such as ("09:00-12:30", "14:00-18:00"); a day without any has none."""

    mon: Day = ()
    tue: Day = ()
    wed: Day = ()
    thu: Day = ()
    fri: Day = ()
    sat: Day = ()
    sun: Day = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for day in DAYS:
            before = 0
            for text in getattr(self, day):
                begin, end = _minutes(text)
                if begin >= end:
                    raise ValueError(
                        f"{day}: {text} ends before it begins; a night is two spans, such as "
                        "22:00-24:00 on one day and 00:00-08:00 on the next"
                    )
                if begin < before:
                    raise ValueError(f"{day}: {text} overlaps or precedes the span before it")
                before = end
        return self

    def on(self, day: date) -> Iterator[tuple[int, int]]:
        """The spans of a day of the calendar, in minutes of the clock from midnight on."""
        return map(_minutes, getattr(self, DAYS[day.weekday()]))


def _minutes(text: str) -> tuple[int, int]:
    begin, end = (int(it[:2]) * 60 + int(it[3:]) for it in text.split("-"))
    return begin, end


def periods(
    week: Week, zone: tzinfo, begin: datetime, end: datetime, *, but: Collection[date] = ()
) -> list[Period]:
    """What the plan names between two instants, in order, joined where one goes on into the next.

    Nothing of the days `but`, which are days of the zone's calendar.
    """
    first, last = (at.astimezone(zone).date() for at in (begin, end))
    found = []
    for number in range(-1, (last - first).days + 1):
        day = first + timedelta(days=number)
        if day not in but:
            found += [(_begin(day, a, zone), _end(day, b, zone)) for a, b in week.on(day)]
    return list(joined((max(a, begin), min(b, end)) for a, b in found))


def joined(found: Iterable[Period]) -> Iterator[Period]:
    """The same time in as few periods as can be, in order."""
    held: Period | None = None
    for begin, end in sorted(it for it in found if it[0] < it[1]):
        if held is None or begin > held[1]:
            if held is not None:
                yield held
            held = (begin, end)
        else:
            held = (held[0], max(held[1], end))
    if held is not None:
        yield held


def between(found: Iterable[Period], begin: datetime, end: datetime) -> list[Period]:
    """What of the time from `begin` until `end` is in none of the periods."""
    gaps, at = [], begin
    for a, b in joined(found):
        if at < a:
            gaps.append((at, min(a, end)))
        at = max(at, b)
    if at < end:
        gaps.append((at, end))
    return [it for it in gaps if it[0] < it[1]]


def _begin(day: date, minute: int, zone: tzinfo) -> datetime:
    """The instant of a clock's time; the first one where it comes twice."""
    clock = datetime.combine(day, time()) + timedelta(minutes=minute)
    return clock.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _end(day: date, minute: int, zone: tzinfo) -> datetime:
    """The instant of a clock's time; the last one where it comes twice."""
    clock = datetime.combine(day, time()) + timedelta(minutes=minute)
    return max(clock.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def said(at: datetime, now: datetime, zone: tzinfo) -> str:
    """A time as people of the place say it: 14:00, Mon 14:00, or with its date when it is far."""
    there, here = at.astimezone(zone), now.astimezone(zone)
    days = (there.date() - here.date()).days
    if days == 0:
        return f"{there:%H:%M}"
    if 0 < days < 7:
        return f"{DAYS[there.weekday()].capitalize()} {there:%H:%M}"
    return f"{there:%Y-%m-%d %H:%M}"
