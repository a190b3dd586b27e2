"""Bookings as iCalendar, out and in; and calendars that mean no good."""

import signal
from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import Engine

from commons.errors import InvalidInput, Unavailable
from repo_server import bookings, calendar_reading, calendar_sources, calendars
from repo_server.bookings import Booking
from repo_server.calendar_sources import NewCalendar
from repo_server.parsing import calendar as reader
from tests.floor import Floor, furnish

ON_ONE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ics(*events: str) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//EN"]
    for number, event in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:{number}", "DTSTAMP:20260101T000000Z", *event.split("|"),
                  "END:VEVENT"]  # fmt: skip
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


COURSE = "SUMMARY:Course|DTSTART:20260302T170000Z|DTEND:20260302T190000Z"
WEEKLY = ("SUMMARY:Open night|DTSTART;TZID=Europe/Berlin:20260326T180000|"
          "DTEND;TZID=Europe/Berlin:20260326T200000|RRULE:FREQ=WEEKLY;COUNT=2")  # fmt: skip


@pytest.fixture
def floor(engine: Engine) -> Floor:
    return furnish(engine)


def add(floor: Floor, **more: object) -> str:
    with floor.session() as session:
        wanted = NewCalendar(name="Courses", **more)
        return calendar_sources.add(
            session, wanted, lab_id=floor.lab_id, by=floor.manager, now=floor.now
        ).id


def kept(floor: Floor) -> list[Booking]:
    with floor.session() as session:
        ends = floor.now + timedelta(days=90)
        return bookings.of_lab(session, floor.lab_id, floor.now, ends, now=floor.now)


@ON_ONE
def test_what_a_calendar_says_is_booked_follows_its_changes_and_is_written_again(
    floor: Floor,
) -> None:
    id_ = add(floor)
    title = "Wörkshop, part 1; " + "ö" * 60
    upload = ics(COURSE.replace("Course", title.replace(",", "\\,").replace(";", "\\;")), WEEKLY)

    def read(data: bytes) -> list[Booking]:
        calendar_reading.read_upload(
            floor.engine, id_, data, lab_id=floor.lab_id, now=floor.now
        )  # in the real child
        return kept(floor)

    course, before, after = read(upload)
    assert (course.machine, course.person, course.title) == (None, None, title)
    # The same hour on the clocks, before and after they went forward.
    assert (before.begins_at.hour, after.begins_at.hour) == (17, 16)
    assert read(upload) == [course, before, after]
    shorter = ics(COURSE.replace("190000", "180000"))
    changed, gone, _ = read(shorter)
    assert (changed.id, changed.sequence) == (course.id, 1)
    assert gone.cancelled_at == floor.now

    data = calendars.written(kept(floor), name="Lab", host="a.example", named=True)
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    told = Calendar.from_ical(data).walk("VEVENT")
    assert [str(it["STATUS"]) for it in told] == ["CONFIRMED", "CANCELLED", "CANCELLED"]
    assert str(told[0]["UID"]) == f"{course.id}@a.example"
    assert [int(it["SEQUENCE"]) for it in told] == [1, 1, 1]
    assert told[1]["DTSTART"].dt == before.begins_at
    public = calendars.written(kept(floor), name="Lab", host="a.example", named=False)
    assert "Course" not in public.decode() and b"Corner Lab is booked" in public


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "no calendar that can be read"),
        (b"\xff\xfe" * 50, "no calendar that can be read"),
        (ics("DTSTART:20261399T990000Z"), "no calendar that can be read"),
        (ics("SUMMARY:no begin"), "no calendar that can be read"),
        (ics("DTSTART:20260302T170000Z|RRULE:FREQ=SECONDLY"), "every minute or more often"),
        (ics("DTSTART:20260302T170000Z|DURATION:PT1M|RRULE:FREQ=HOURLY"), "more than 1000 events"),
    ],
)
def test_a_calendar_that_cannot_be_kept_is_told_in_a_sentence(tmp_path, data, sentence) -> None:
    file = tmp_path / "a.ics"
    file.write_bytes(data)
    kind = f"ics,{NOW.isoformat()},{(NOW + timedelta(days=90)).isoformat()},Europe/Berlin"
    with pytest.raises(InvalidInput, match=sentence):
        reader.inspect(file, kind, tmp_path)
    assert signal.getitimer(signal.ITIMER_VIRTUAL)[0] == 0  # nothing is left that could ring


class Web:
    """What somebody else's server answers."""

    answer: bytes | Exception = b""

    def __init__(self, *, seconds: float) -> None:
        assert seconds <= 30

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        assert url == "https://example.org/a.ics" and max_bytes <= 2 * 1024**2
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@ON_ONE
def test_a_calendar_is_fetched_every_hour_and_what_it_kept_stays_when_it_fails(
    floor: Floor, monkeypatch
) -> None:
    add(floor, url="webcal://example.org/a.ics", machine_id=floor.machines["Printer"])
    for wrong in ("https://10.0.0.1/a.ics", "http://example.org/a.ics", "file:///etc/passwd"):
        with pytest.raises(InvalidInput):
            add(floor, url=wrong)
    Web.answer = ics(COURSE)
    calendar_reading.read_due(floor.engine, Web, now=floor.now)
    assert [it.machine for it in kept(floor)] == ["Printer"]
    Web.answer = AssertionError("asked twice within an hour")
    calendar_reading.read_due(floor.engine, Web, now=floor.later(minutes=59))
    Web.answer = Unavailable("example.org does not answer")
    calendar_reading.read_due(floor.engine, Web, now=floor.later(minutes=1))
    with floor.session() as session:
        (source,) = calendar_sources.of_lab(session, floor.lab_id)
        assert source.problem == "example.org does not answer"
    assert kept(floor)[0].cancelled_at is None
    with floor.session() as session:
        calendar_sources.remove(session, source.id, lab_id=floor.lab_id, now=floor.now)
    assert kept(floor)[0].cancelled_at == floor.now


def test_ten_megabytes_are_refused_before_anything_reads_them() -> None:
    with pytest.raises(InvalidInput, match="more than 2 MB, the most that is read"):
        calendar_reading.events_of(b" " * (10 * 1024**2), "UTC", now=NOW)
