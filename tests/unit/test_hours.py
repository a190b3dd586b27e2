"""Hours of a week in a zone of their own, and what they let a machine begin."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from commons.availability import (
    Availability,
    Pause,
    Rest,
    begins_at,
    refused_for_hours,
    refused_for_upkeep,
)
from commons.hours import Week, between, periods, said

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Week.model_validate(dict.fromkeys(Week.model_fields, ("00:00-08:00", "22:00-24:00")))
WORKDAYS = Week.model_validate(dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("09:00-18:00",)))


def at(text: str) -> datetime:
    """A time of Berlin's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("evening", "hours"),
    [("2026-03-28 12:00", 9), ("2026-06-10 12:00", 10), ("2026-10-24 12:00", 11)],
    ids=["the clock is set forward", "an usual night", "the clock is set back"],
)
def test_a_night_is_as_long_as_the_clock_makes_it(evening, hours):
    begin = at(evening)
    (night,) = periods(NIGHT, BERLIN, begin, begin + timedelta(hours=22))
    assert night == (begin + timedelta(hours=10), begin + timedelta(hours=10 + hours))
    assert (night[1].astimezone(BERLIN).hour, night[0].astimezone(BERLIN).hour) == (8, 22)


def test_what_goes_on_over_midnight_and_over_the_end_of_the_week_is_one_period():
    begin = at("2026-06-13 12:00")  # a Saturday
    nights = periods(NIGHT, BERLIN, begin, begin + timedelta(days=2))
    assert nights == [
        (at("2026-06-13 22:00"), at("2026-06-14 08:00")),
        (at("2026-06-14 22:00"), at("2026-06-15 08:00")),
    ]


def test_it_is_closed_between_its_hours_on_weekends_and_on_closed_days():
    begin, end = at("2026-06-12 12:00"), at("2026-06-17 00:00")
    opened = periods(WORKDAYS, BERLIN, begin, end, but=[date(2026, 6, 15)])
    assert between(opened, begin, end) == [
        (at("2026-06-12 18:00"), at("2026-06-16 09:00")),
        (at("2026-06-16 18:00"), end),
    ]


@pytest.mark.parametrize(
    ("week", "sentence"),
    [
        ({"mon": ["22:00-08:00"]}, "mon: 22:00-08:00 ends before it begins; a night is two spans"),
        ({"tue": ["09:00-12:00", "11:00-15:00"]}, "tue: 11:00-15:00 overlaps"),
        ({"wed": ["9-12"]}, "wed"),
        ({"someday": ["09:00-12:00"]}, "someday"),
    ],
)
def test_a_week_that_cannot_be_is_refused(week, sentence):
    with pytest.raises(ValidationError, match=sentence):
        Week.model_validate(week, strict=False)


def available(now: datetime, *pauses: Pause, blocked: str | None = None) -> Availability:
    return Availability(now, BERLIN, tuple(pauses), blocked)


def test_a_loud_machine_is_quiet_until_the_night_is_over_and_nothing_runs_into_the_next_one():
    night = Pause(Rest.QUIET, at("2026-06-10 22:00"), at("2026-06-11 08:00"))
    inside = available(at("2026-06-11 01:00"), night)
    assert refused_for_hours(inside, 10) == "is quiet until 08:00"
    assert begins_at(inside, 10) == at("2026-06-11 08:00")
    before = available(at("2026-06-10 20:00"), night)
    assert refused_for_hours(before, 99) is None  # an hour and 39 minutes, and a fifth of them
    assert refused_for_hours(before, 101) == (
        "has to be quiet from 22:00 on: this takes about 1.7 h"
    )
    assert begins_at(before, 101) == at("2026-06-11 08:00")
    assert refused_for_hours(before, None) is None
    assert refused_for_upkeep(before, 101) is None


def test_what_is_longer_than_every_day_begins_never():
    days = [(at(f"2026-06-{day} 18:00"), at(f"2026-06-{day + 1} 09:00")) for day in range(10, 29)]
    monthly = [*days, (at("2026-06-29 18:00"), at("2026-07-31 09:00"))]
    seen = available(at("2026-06-10 12:00"), *(Pause(Rest.CLOSED, *it) for it in monthly))
    assert refused_for_hours(seen, 24 * 60) == (
        "may not be left alone, and the lab closes at 18:00: this takes about 24.0 h"
    )
    assert begins_at(seen, 24 * 60) is None


def test_a_planned_downtime_lets_work_end_before_it_and_an_open_one_lasts_until_it_is_ended():
    planned = Pause(Rest.DOWN, at("2026-06-12 14:00"), at("2026-06-12 16:00"), "new belts")
    seen = available(at("2026-06-12 11:00"), planned)
    assert refused_for_upkeep(seen, 140) is None
    assert refused_for_upkeep(seen, 180) == (
        "is down from 14:00 on (new belts): this takes about 3.0 h"
    )
    assert begins_at(seen, 180) == at("2026-06-12 16:00")
    torn = available(at("2026-06-12 11:00"), Pause(Rest.DOWN, at("2026-06-11 09:00"), None, "torn"))
    assert refused_for_upkeep(torn, None) == "is down: torn"
    assert begins_at(torn, None) is None
    assert begins_at(available(at("2026-06-12 11:00"), blocked="is to be greased"), 5) is None


def test_times_are_said_as_people_of_the_place_say_them():
    now = at("2026-06-12 23:30")
    assert said(at("2026-06-12 23:45"), now, BERLIN) == "23:45"
    assert said(at("2026-06-13 08:00"), now, BERLIN) == "Sat 08:00"
    assert said(at("2026-07-01 08:00"), now, BERLIN) == "2026-07-01 08:00"
