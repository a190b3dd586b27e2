"""Calendars that a lab follows, and the private address of one's own bookings."""

from datetime import UTC, datetime

from flask import Blueprint, current_app, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.wire import Told
from repo_server import calendar_reading, calendar_sources, calendars, labs
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.calendar_sources import NewCalendar, Source
from repo_server.db import reading, ring_after, transaction
from repo_server.ids import new_secret
from repo_server.people import Scope
from repo_server.tables.people import LabRole

bp = Blueprint("api_calendars", __name__, url_prefix="/api/v1")


class CalendarsListed(Told):
    calendars: tuple[Source, ...]


class CalendarShown(Told):
    calendar: Source


class EventsRead(Told):
    events: int


class CalendarAddress(Told):
    """An address that whoever knows it may read; it is shown this once."""

    address: str


@bp.get("/labs/<lab>/calendars")
@auth.lab_role(LabRole.MANAGER)
@answers({200: CalendarsListed})
def list_calendars(lab: str) -> ResponseReturnValue:
    """200 with the calendars that the lab follows, and what was wrong with them."""
    with reading(current_app.extensions["engine"]) as session:
        found = calendar_sources.of_lab(session, labs.lab_of(session, lab).id)
    return write(CalendarsListed(calendars=tuple(found)))


@bp.post("/labs/<lab>/calendars")
@auth.lab_role(LabRole.MANAGER)
@answers({201: CalendarShown}, keyed=True)
def add_calendar(lab: str, asked: NewCalendar) -> ResponseReturnValue:
    """201; the calendar is read soon, and then every hour, or waits for its events."""
    by = auth.current_person().id

    def make(session: Session, now: datetime) -> tuple[int, CalendarShown]:
        lab_id = labs.lab_of(session, lab).id
        made = calendar_sources.add(session, asked, lab_id=lab_id, by=by, now=now)
        if made.url:
            ring_after(session, "read_calendars")
        return 201, CalendarShown(calendar=made)

    return made_once(make)


@bp.put("/labs/<lab>/calendars/<calendar_id>/events")
@auth.lab_role(LabRole.MANAGER, max_bytes=calendar_sources.MAX_BYTES)
@answers({200: EventsRead}, takes=Raw("text/calendar"))
def put_calendar_events(lab: str, calendar_id: str) -> ResponseReturnValue:
    """200 with how many times the iCalendar in the body keeps busy, from now on for 90 days."""
    engine, now = current_app.extensions["engine"], datetime.now(UTC)
    with reading(engine) as session:
        lab_id = labs.lab_of(session, lab).id
    data = request.get_data()
    count = calendar_reading.read_upload(engine, calendar_id, data, lab_id=lab_id, now=now)
    return write(EventsRead(events=count))


@bp.delete("/labs/<lab>/calendars/<calendar_id>")
@auth.lab_role(LabRole.MANAGER)
@answers({204: None})
def remove_calendar(lab: str, calendar_id: str) -> ResponseReturnValue:
    """204; the lab follows it no more, and what it kept is free."""
    now = datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        calendar_sources.remove(session, calendar_id, lab_id=lab_id, now=now)
    return "", 204


@bp.post("/me/calendar")
@auth.signed_in(Scope.PROFILE_WRITE)
@answers({200: CalendarAddress})
def make_calendar_address() -> ResponseReturnValue:
    """200 with a new private address of your bookings; an older one opens nothing more."""
    answer = write(CalendarAddress(address=new_address()))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def new_address() -> str:
    """A private address of the bookings of whoever asks, in place of an older one."""
    secret, now = new_secret(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        calendars.make_token(session, auth.current_person().id, secret, now=now)
    return url_for("calendars.of_person", secret=secret, _external=True)


@bp.delete("/me/calendar")
@auth.signed_in(Scope.PROFILE_WRITE)
@answers({204: None})
def revoke_calendar_address() -> ResponseReturnValue:
    """204; no private address of your bookings opens anything any more."""
    with transaction(current_app.extensions["engine"]) as session:
        calendars.revoke_tokens(session, auth.current_person().id, now=datetime.now(UTC))
    return "", 204
