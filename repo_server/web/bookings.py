"""A week of a lab's bookings, to look at and to book."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons import bookings as rules_of_time
from commons.bookings import Rules
from commons.errors import Conflict, InvalidInput, NotAllowed, NotFound
from commons.texts import later
from repo_server import booking_rules, bookings, calendar_sources, labs, matches, people
from repo_server.api import auth
from repo_server.api.errors import status_of
from repo_server.api.messages import check
from repo_server.booking_rules import BookingRules
from repo_server.bookings import Booking, NewBooking
from repo_server.db import reading, transaction
from repo_server.tables import LabRow
from repo_server.tables.people import LabRole
from repo_server.web import languages
from repo_server.web.forms import NONE_REFUSED, RefusedForm

bp = Blueprint("bookings", __name__)

REFUSED = (InvalidInput, NotFound, Conflict, NotAllowed)
LENGTHS = (30, 60, 90, 120, 180, 240, 360, 480, 720, 1440)


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the week that is shown."""

    at: date
    bookings: tuple[Booking, ...]


@bp.get("/labs/<lab>/bookings")
@auth.lab_role(LabRole.MEMBER)
def show(lab: str) -> ResponseReturnValue:
    """The week's bookings, of one machine or all, and the form to book."""
    return page(lab, request.args)


@bp.post("/labs/<lab>/bookings")
@auth.lab_role(LabRole.MEMBER)
def book(lab: str) -> ResponseReturnValue:
    """Back on the week with the booking in it, or the form again with the next free time."""
    form = request.form.to_dict()

    def make(session: Session, lab_id: str, by: str, now: datetime) -> Booking:
        wanted = _wanted(form, booking_rules.rules_of(session, lab_id))
        return bookings.book(session, wanted, lab_id=lab_id, by=by, now=now)

    return _change(lab, "book", make)


@bp.post("/labs/<lab>/bookings/<id>/cancel")
@auth.lab_role(LabRole.MEMBER)
def cancel(lab: str, id: str) -> ResponseReturnValue:
    """Back on the week; the machine is free then."""

    def act(session: Session, lab_id: str, by: str, now: datetime) -> Booking:
        reason = request.form.get("reason", "")[:400]
        return bookings.cancel(session, id, reason, lab_id=lab_id, by=by, now=now)

    return _change(lab, "week", act)


@bp.post("/labs/<lab>/bookings/<id>/here")
@auth.lab_role(LabRole.MEMBER)
def come(lab: str, id: str) -> ResponseReturnValue:
    """Back on the week; whoever booked is here."""

    def act(session: Session, lab_id: str, by: str, now: datetime) -> Booking:
        return bookings.come(session, id, lab_id=lab_id, by=by, now=now)

    return _change(lab, "week", act)


@bp.post("/labs/<lab>/bookings/rules")
@auth.lab_role(LabRole.MANAGER)
def set_rules(lab: str) -> ResponseReturnValue:
    """Back on the week; these are the lab's rules."""
    given = {name: text.strip() for name, text in request.form.items() if text.strip()}
    given.pop(auth.CSRF_FIELD, None)

    def act(session: Session, lab_id: str, _by: str, _now: datetime) -> None:
        wanted = check(BookingRules, {"no_show_minutes": None, **given})
        booking_rules.set_rules(session, lab_id, wanted)

    return _change(lab, "rules", act)


def _change(
    lab: str, form: str, act: Callable[[Session, str, str, datetime], Booking | None]
) -> ResponseReturnValue:
    now, by = datetime.now(UTC), auth.current_person().id
    try:
        with transaction(current_app.extensions["engine"]) as session:
            lab_id = labs.lab_of(session, lab).id
            done = act(session, lab_id, by, now)
            zone = booking_rules.zone_of(booking_rules.rules_of(session, lab_id))
    except REFUSED as error:
        again = request.form.to_dict()
        return page(lab, again, RefusedForm(form, error, again)), status_of(error)
    day = done and done.begins_at.astimezone(zone).date().isoformat()
    shown = request.form.get("shown") or None
    place = url_for("bookings.show", lab=lab, day=day, machine=shown, _anchor=form)
    return redirect(place, 303)


def _wanted(form: Mapping[str, str], rules: Rules) -> NewBooking:
    """The form as a booking: begin by the lab's own clocks, and how long."""
    try:
        naive = datetime.fromisoformat(form.get("begins", "")).replace(tzinfo=None)
        minutes = int(form.get("minutes", ""))
        begins_at = rules_of_time.at_local(naive, booking_rules.zone_of(rules))
        ends_at = begins_at + timedelta(minutes=minutes)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(later("say from when and for how long the machine is booked")) from error
    wanted = {"machine_id": form.get("machine", ""), "title": form.get("title", "")}
    return check(NewBooking, {**wanted, "begins_at": begins_at, "ends_at": ends_at})


def page(lab: str, asked: Mapping[str, str], refused: RefusedForm = NONE_REFUSED) -> str:
    """The week that is asked for; with a form that was refused, and why."""
    now, me = datetime.now(UTC), auth.current_person()
    with reading(current_app.extensions["engine"]) as session:
        row = labs.lab_of(session, lab)
        rules = booking_rules.rules_of(session, row.id)
        zone = booking_rules.zone_of(rules)
        machines = {machine.id: machine.name for machine, _ in matches.machines_of(session, row.id)}
        shown = asked.get("shown") or request.args.get("machine", "")
        shown = shown if shown in machines else ""
        first = _monday(asked.get("day", ""), zone, now)
        week = _week(session, row, first, shown, zone, now)
        role = people.lab_roles(session, me.id)[lab]
        followed = calendar_sources.of_lab(session, row.id) if role is LabRole.MANAGER else []
    return render_template(
        "bookings.html",
        lab=row,
        machines=machines,
        shown=shown,
        week=week,
        today=now.astimezone(zone).date(),
        before=(first - timedelta(7)).isoformat(),
        after=(first + timedelta(7)).isoformat(),
        zone=zone,
        rules=refused.values if refused.form == "rules" else asdict(rules),
        lengths=[(str(it), rules_of_time.length(it)) for it in _lengths(rules)],
        refused=refused,
        values=refused.values or {"begins": _next_hour(zone, now), "minutes": "60"},
        role=role,
        followed=followed,
    )


def _lengths(rules: Rules) -> list[int]:
    return [it for it in LENGTHS if it <= rules.longest_minutes] or [rules.longest_minutes]


def _next_hour(zone: ZoneInfo, now: datetime) -> str:
    hour = now.astimezone(zone).replace(minute=0, second=0, microsecond=0, tzinfo=None)
    return (hour + timedelta(hours=1)).isoformat(timespec="minutes")


def _monday(said: str, zone: ZoneInfo, now: datetime) -> date:
    """The first day of the week that is asked for, or of this one."""
    today = now.astimezone(zone).date()
    try:
        day = date.fromisoformat(said)
    except ValueError:
        day = today
    day = min(max(day, today - timedelta(3660)), today + timedelta(3660))
    return day - timedelta(day.weekday())


def _week(
    session: Session, lab: LabRow, first: date, machine_id: str, zone: ZoneInfo, now: datetime
) -> list[Day]:
    midnights = [datetime.combine(first + timedelta(n), time(), zone) for n in range(8)]
    found = [
        it
        for it in bookings.of_lab(
            session, lab.id, midnights[0], midnights[7], now=now, machine_id=machine_id or None
        )
        if it.cancelled_at is None
    ]
    return [
        Day(
            begin.date(),
            tuple(it for it in found if it.begins_at < end and it.ends_at > begin),
        )
        for begin, end in pairwise(midnights)
    ]


@bp.app_template_filter("date_of")
def date_of(day: date) -> str:
    """A day of the week, with its date."""
    return format_skeleton("MMMEd", day, locale=languages.current().locale)


@bp.app_template_filter("clock")
def clock(at: datetime, zone: ZoneInfo) -> str:
    """The time of day in that zone."""
    return f"{at.astimezone(zone):%H:%M}"
