"""Bookings as an iCalendar (RFC 5545) that other programs follow, and the private addresses of it.

Whoever reads the calendar of a lab or a machine sees when it is kept, never for whom.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event
from sqlmodel import Session, col, select, update

from commons.content import content_id
from commons.errors import NotFound
from commons.texts import later
from repo_server.bookings import Booking
from repo_server.tables import CalendarTokenRow

# What has been stays for a while, so that programs see what was cancelled.
BEFORE, AHEAD = timedelta(days=60), timedelta(days=400)
REFRESH = timedelta(hours=1)


def written(bookings: Sequence[Booking], *, name: str, host: str, named: bool) -> bytes:
    """The bookings as the bytes of a calendar. `host` makes their ids unique in the world;
    `named`: those who may know read whose they are."""
    calendar = Calendar()
    calendar.add("prodid", "-//Cosmolocal//Bookings//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("name", name)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    for booking in bookings:
        calendar.add_component(_event(booking, host, named=named))
    data: bytes = calendar.to_ical()
    return data


def _event(booking: Booking, host: str, *, named: bool) -> Event:
    over = booking.cancelled_at is not None or booking.missed
    machine = booking.machine or booking.lab_name
    event = Event()
    event.add("uid", f"{booking.id}@{host}")
    event.add("dtstamp", booking.changed_at.astimezone(UTC))
    event.add("last-modified", booking.changed_at.astimezone(UTC))
    event.add("dtstart", booking.begins_at.astimezone(UTC))
    event.add("dtend", booking.ends_at.astimezone(UTC))
    # That nobody came changes no row, and is a change all the same.
    event.add("sequence", booking.sequence + (1 if booking.missed else 0))
    event.add("status", "CANCELLED" if over else "CONFIRMED")
    event.add("location", booking.lab_name)
    said = f": {booking.title}" if named and booking.title else ""
    event.add("summary", f"{machine}{said}" if named else f"{machine} is booked")
    if named and booking.reason:
        event.add("description", f"cancelled by {booking.cancelled_by}: {booking.reason}")
    return event


def make_token(session: Session, person_id: str, secret: str, *, now: datetime) -> None:
    """Whoever knows the secret reads the person's bookings; older secrets open nothing more."""
    revoke_tokens(session, person_id, now=now)
    session.add(
        CalendarTokenRow(
            secret_sha256=content_id(secret.encode()), person_id=person_id, made_at=now
        )
    )


def revoke_tokens(session: Session, person_id: str, *, now: datetime) -> None:
    """No private address of the person's bookings works any more."""
    theirs = (col(CalendarTokenRow.person_id) == person_id) & col(CalendarTokenRow.revoked_at).is_(
        None
    )
    session.exec(update(CalendarTokenRow).where(theirs).values(revoked_at=now))


def has_token(session: Session, person_id: str) -> bool:
    """Whether a private address of the person's bookings works."""
    theirs = select(CalendarTokenRow).where(
        CalendarTokenRow.person_id == person_id, col(CalendarTokenRow.revoked_at).is_(None)
    )
    return session.exec(theirs).first() is not None


def person_of(session: Session, secret: str) -> str:
    """Whose bookings this secret opens; NotFound for one that opens nothing."""
    row = session.get(CalendarTokenRow, content_id(secret.encode()))
    if row is None or row.revoked_at is not None:
        raise NotFound(later("there is no calendar at this address, or it was taken back"))
    return row.person_id
