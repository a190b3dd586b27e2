"""Bookings as calendars that other programs follow, and the calendars that a lab follows."""

from collections.abc import Sequence
from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from commons.errors import InvalidInput
from repo_server import (
    booking_rules,
    bookings,
    calendar_reading,
    calendar_sources,
    calendars,
    decisions,
    labs,
)
from repo_server.api import auth
from repo_server.api.calendars import new_address
from repo_server.api.errors import status_of
from repo_server.api.messages import check
from repo_server.bookings import Booking
from repo_server.calendar_sources import MAX_BYTES, NewCalendar
from repo_server.db import reading, ring_after, transaction
from repo_server.people import Scope
from repo_server.tables.people import LabRole
from repo_server.web import mine
from repo_server.web.bookings import REFUSED, page
from repo_server.web.forms import RefusedForm

bp = Blueprint("calendars", __name__)


@bp.get("/labs/<lab>/bookings.ics")
@auth.public
def of_lab(lab: str) -> ResponseReturnValue:
    """When the lab's machines are kept, for nobody's eyes in particular: without names."""
    now = datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        row = labs.lab_of(session, lab)
        span = (now - calendars.BEFORE, now + calendars.AHEAD)
        found = bookings.of_lab(session, row.id, *span, now=now)
    return _answer(found, row.name, named=False)


@bp.get("/labs/<lab>/machines/<id>/bookings.ics")
@auth.public
def of_machine(lab: str, id: str) -> ResponseReturnValue:
    """The same of one machine."""
    now = datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        row = labs.lab_of(session, lab)
        machine = decisions.machine_in(session, id, lab_id=row.id)
        span = (now - calendars.BEFORE, now + calendars.AHEAD)
        found = bookings.of_lab(session, row.id, *span, now=now, machine_id=id)
        name = f"{machine.name}, {row.name}"
    return _answer(found, name, named=False)


@bp.get("/calendars/<secret>.ics")
@auth.public
def of_person(secret: str) -> ResponseReturnValue:
    """What whose secret this is has booked, wherever."""
    now = datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        person_id = calendars.person_of(session, secret)
        span = (now - calendars.BEFORE, now + calendars.AHEAD)
        found = bookings.of_person(session, person_id, *span, now=now)
    return _answer(found, "Cosmolocal", named=True)


def _answer(found: Sequence[Booking], name: str, *, named: bool) -> Response:
    data = calendars.written(found, name=name, host=request.host.partition(":")[0], named=named)
    answer = Response(data, content_type="text/calendar; charset=utf-8")
    answer.headers["Cache-Control"] = "private, no-cache" if named else "public, max-age=300"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.add_etag()
    answer.make_conditional(request)
    return answer


@bp.post("/me/calendar")
@auth.signed_in(Scope.PROFILE_WRITE)
def make_address() -> ResponseReturnValue:
    """Your page with a new private address; it is shown this once, and no cache keeps it."""
    answer = make_response(mine.page(address=new_address()))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/me/calendar/stop")
@auth.signed_in(Scope.PROFILE_WRITE)
def stop_address() -> ResponseReturnValue:
    """Back on your page; no private address opens anything any more."""
    with transaction(current_app.extensions["engine"]) as session:
        calendars.revoke_tokens(session, auth.current_person().id, now=datetime.now(UTC))
    return redirect(url_for("mine.show", _anchor="calendar"), 303)


@bp.post("/labs/<lab>/calendars")
@auth.lab_role(LabRole.MANAGER, max_bytes=MAX_BYTES + 100_000)
def follow(lab: str) -> ResponseReturnValue:
    """Back on the bookings; the calendar at the address, or in the file, keeps machines."""
    try:
        _follow(lab)
    except REFUSED as error:
        refused = RefusedForm("calendars", error, request.form.to_dict())
        return page(lab, {}, refused), status_of(error)
    return redirect(url_for("bookings.show", lab=lab, _anchor="calendars"), 303)


def _follow(lab: str) -> None:
    engine, now, by = current_app.extensions["engine"], datetime.now(UTC), auth.current_person().id
    form = {name: text.strip() for name, text in request.form.items() if text.strip()}
    file = request.files.get("file")
    data = file.read() if file else b""
    if bool(data) == bool(form.get("url")):
        raise InvalidInput("give the calendar's address or a file of it, and not both")
    named = ("name", "url", "machine_id")
    wanted = check(NewCalendar, {it: form[it] for it in named if it in form})
    with transaction(engine) as session:
        lab_id = labs.lab_of(session, lab).id
        if data:  # looked at before anything of it is kept
            zone = booking_rules.rules_of(session, lab_id).time_zone
        else:
            calendar_sources.add(session, wanted, lab_id=lab_id, by=by, now=now)
            ring_after(session, "read_calendars")
    if data:
        events = calendar_reading.events_of(data, zone, now=now)
        with transaction(engine) as session:
            made = calendar_sources.add(session, wanted, lab_id=lab_id, by=by, now=now)
            calendar_sources.record(session, made.id, events, now=now)


@bp.post("/labs/<lab>/calendars/<id>/remove")
@auth.lab_role(LabRole.MANAGER)
def remove(lab: str, id: str) -> ResponseReturnValue:
    """Back on the bookings; what the calendar kept is free."""
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        calendar_sources.remove(session, id, lab_id=lab_id, now=datetime.now(UTC))
    return redirect(url_for("bookings.show", lab=lab, _anchor="calendars"), 303)
