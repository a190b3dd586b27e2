"""What may be booked, and which job crosses a booking."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from commons.bookings import (
    Booked,
    Rules,
    at_local,
    crossed,
    is_missed,
    next_free,
    problem,
    told,
)
from commons.errors import InvalidInput

NOW = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")


def booked(begin: float, end: float, by: str | None = "ada") -> Booked:
    begins, ends = (NOW + hours * HOUR for hours in (begin, end))
    return Booked(begins.astimezone(BERLIN), ends.astimezone(BERLIN), by, "Ada")


@pytest.mark.parametrize(
    ("by", "minutes", "bookings", "crosses"),
    [
        ("ben", 49, [booked(1, 2)], False),  # with a fifth more it ends before
        ("ben", 51, [booked(1, 2)], True),
        ("ben", None, [booked(1, 2)], False),  # an hour is kept free
        ("ben", None, [booked(0.9, 2)], True),
        ("ben", 5, [booked(-1, 1)], True),
        ("ben", 5, [booked(-2, 0)], False),
        ("ada", 500, [booked(-1, 1)], False),  # within their own
        ("ada", 500, [booked(-1, 1), booked(2, 3, "ben")], True),
        ("ada", 90, [booked(1, 2)], True),  # not before it: they booked the machine free
        (None, 5, [booked(-1, 1, None)], True),
    ],
)
def test_a_job_crosses_no_booking_but_within_its_own(by, minutes, bookings, crosses):
    assert (crossed(bookings, by=by, at=NOW, minutes=minutes) is not None) is crosses


def test_it_is_told_in_the_labs_own_time():
    now, soon = booked(-1, 1), booked(2, 3)
    assert told(now, at=NOW, minutes=5) == "is booked by Ada until 15:00 CEST"
    assert told(soon, at=NOW, minutes=200) == (
        "is booked by Ada from 16:00 CEST, and this may take 4 h"
    )
    assert told(soon, at=NOW - 24 * HOUR, minutes=None) == (
        "is booked by Ada from 10 May 16:00 CEST, and how long this takes is not known: 1 h are "
        "kept free"
    )


@pytest.mark.parametrize(
    ("begin", "end", "coming", "sentence"),
    [
        (1, 1, 0, "the end is not after the begin"),
        (2, 1, 0, "the end is not after the begin"),
        (-1, 1, 0, "has passed already"),
        (1, 6, 0, "longer than the 4 h that this lab"),
        (24 * 31, 24 * 31 + 1, 0, "more than 30 days ahead"),
        (1, 2, 3, "you have 3 bookings to come"),
        (1, 5, 2, None),
    ],
)
def test_a_lab_has_rules_for_what_is_booked(begin, end, coming, sentence):
    why = problem(NOW + begin * HOUR, NOW + end * HOUR, Rules(), now=NOW, coming=coming)
    assert (why is None) if sentence is None else sentence in why


def test_the_next_free_time_is_long_enough():
    taken = [booked(3, 4), booked(0, 1), booked(1.5, 2)]
    assert next_free(taken, NOW, HOUR) == NOW + 2 * HOUR
    assert next_free(taken, NOW, HOUR / 2) == NOW + HOUR
    assert next_free(taken, NOW, 2 * HOUR) == NOW + 4 * HOUR


def test_who_does_not_come_loses_the_machine_where_the_lab_says_so():
    late = NOW + timedelta(minutes=15)
    assert is_missed(NOW, None, Rules(), now=late)
    assert not is_missed(NOW, None, Rules(), now=late - timedelta(seconds=1))
    assert not is_missed(NOW, NOW, Rules(), now=late)
    assert not is_missed(NOW, None, Rules(no_show_minutes=None), now=late)


def test_a_time_of_the_night_of_the_clocks_is_what_they_show_and_one_left_out_is_refused():
    spring, autumn = datetime(2026, 3, 29), datetime(2026, 10, 25)  # noqa: DTZ001
    assert at_local(spring.replace(hour=3), BERLIN) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert at_local(autumn.replace(hour=2), BERLIN) == datetime(2026, 10, 25, 0, tzinfo=UTC)
    with pytest.raises(InvalidInput, match="02:30 is left out that night"):
        at_local(spring.replace(hour=2, minute=30), BERLIN)
