"""Calendars from elsewhere whose events keep machines: followed at an address, or uploaded."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field
from sqlmodel import Session, col, select

from commons.content import content_id
from commons.errors import NotFound
from commons.texts import filled
from commons.wire import Asked
from repo_server import booking_rules, decisions, outgoing
from repo_server.ids import new_id
from repo_server.outgoing import Way
from repo_server.parsing.inspection import CalendarEvent
from repo_server.tables import BookingRow, CalendarRow

MAX_BYTES = 2 * 1024**2
READ_AHEAD = timedelta(days=90)
READ_EVERY = timedelta(hours=1)
GONE = "it is no longer in the calendar"


class NewCalendar(Asked):
    """A calendar keeps one machine, or without `machine_id` all of the lab. Without `url` its
    events are uploaded."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    url: Annotated[str, Field(max_length=2000)] | None = None
    machine_id: Annotated[str, Field(max_length=64)] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A calendar as people read it. `problem` is why it could not be read the last time."""

    id: str
    name: str
    url: str | None
    machine_id: str | None
    read_at: datetime | None
    problem: str


@dataclass(frozen=True, slots=True)
class Due:
    """A calendar that is to be fetched now, and the zone of what has none."""

    id: str
    url: str
    zone: str


def add(session: Session, wanted: NewCalendar, *, lab_id: str, by: str, now: datetime) -> Source:
    """The lab follows the calendar; InvalidInput for an address where this server does not go."""
    if wanted.machine_id is not None:
        decisions.machine_in(session, wanted.machine_id, lab_id=lab_id)
    url = wanted.url
    if url is not None:
        if url.startswith("webcal://"):  # as calendars call https
            url = f"https://{url.removeprefix('webcal://')}"
        outgoing.read_address(url, Way())
    row = CalendarRow(
        id=new_id(),
        lab_id=lab_id,
        machine_id=wanted.machine_id,
        name=wanted.name,
        url=url,
        added_by=by,
        added_at=now,
    )
    session.add(row)
    session.flush()
    return _shown(row)


def of_lab(session: Session, lab_id: str) -> list[Source]:
    """The calendars that the lab follows, by name."""
    rows = select(CalendarRow).where(
        CalendarRow.lab_id == lab_id, col(CalendarRow.removed_at).is_(None)
    )
    return [_shown(it) for it in session.exec(rows.order_by(CalendarRow.name, CalendarRow.id))]


def remove(session: Session, calendar_id: str, *, lab_id: str, now: datetime) -> None:
    """The lab follows it no more, and what it kept is free."""
    row = calendar_in(session, calendar_id, lab_id)
    row.removed_at = now
    session.add(row)
    record(session, calendar_id, (), now=now)


def calendar_in(session: Session, calendar_id: str, lab_id: str) -> CalendarRow:
    """The lab's calendar; NotFound when it follows none of this id."""
    row = session.get(CalendarRow, calendar_id, with_for_update=True)
    if row is None or row.lab_id != lab_id or row.removed_at is not None:
        raise NotFound(filled("this lab follows no calendar %(id)s", id=calendar_id[:64]))
    return row


def due(session: Session, now: datetime) -> list[Due]:
    """Calendars that nobody has asked for an hour; they count as asked now."""
    rows = session.exec(
        select(CalendarRow)
        .where(
            col(CalendarRow.url).is_not(None),
            col(CalendarRow.removed_at).is_(None),
            col(CalendarRow.asked_at).is_(None) | (col(CalendarRow.asked_at) <= now - READ_EVERY),
        )
        .order_by(CalendarRow.id)
        .limit(50)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.asked_at = now
        session.add(row)
    return [Due(it.id, it.url, zone_of(session, it)) for it in rows if it.url]


def zone_of(session: Session, calendar: CalendarRow) -> str:
    """The zone of what has none in the calendar: the lab's."""
    return booking_rules.rules_of(session, calendar.lab_id).time_zone


def record(
    session: Session, calendar_id: str, events: Iterable[CalendarEvent], *, now: datetime
) -> None:
    """What is to come is booked as the calendar says; what it says no more is free.

    People's own bookings stay, too: who has the machine is for them to settle.
    """
    row = session.get_one(CalendarRow, calendar_id)
    row.read_at, row.problem = now, ""
    session.add(row)
    known = {
        it.id: it
        for it in session.exec(
            select(BookingRow).where(
                BookingRow.calendar_id == calendar_id, col(BookingRow.ends_at) > now
            )
        )
    }
    said = {_id_of(calendar_id, it): it for it in events}
    for id_, event in said.items():
        _keep(session, known.get(id_) or _new(row, id_, event, now), event, now)
    for id_, gone in known.items():
        if id_ not in said and gone.cancelled_at is None:
            gone.cancelled_at, gone.reason = now, GONE
            _change(session, gone, now)


def record_problem(session: Session, calendar_id: str, problem: str) -> None:
    """Why it could not be read is told; what it kept before stays kept."""
    row = session.get_one(CalendarRow, calendar_id)
    row.problem = problem
    session.add(row)


def _id_of(calendar_id: str, event: CalendarEvent) -> str:
    """One event stays one booking, however often it is read."""
    named = f"{calendar_id}\n{event.uid}\n{event.begins_at.isoformat()}"
    return content_id(named.encode())[:32]


def _new(row: CalendarRow, id_: str, event: CalendarEvent, now: datetime) -> BookingRow:
    return BookingRow(
        id=id_,
        lab_id=row.lab_id,
        machine_id=row.machine_id,
        calendar_id=row.id,
        title=event.title,
        begins_at=event.begins_at,
        ends_at=event.ends_at,
        changed_at=now,
    )


def _keep(session: Session, booking: BookingRow, event: CalendarEvent, now: datetime) -> None:
    session.add(booking)
    said = (event.title, event.ends_at, None)
    if (booking.title, booking.ends_at, booking.cancelled_at) != said:
        booking.title, booking.ends_at, booking.cancelled_at = said
        booking.reason = ""
        _change(session, booking, now)


def _change(session: Session, booking: BookingRow, now: datetime) -> None:
    booking.sequence, booking.changed_at = booking.sequence + 1, now
    session.add(booking)


def _shown(row: CalendarRow) -> Source:
    return Source(row.id, row.name, row.url, row.machine_id, row.read_at, row.problem)
