"""Bookings of a lab's machines, and what the lab lets people book."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, Field
from sqlmodel import Session

from commons.wire import Asked, Told
from repo_server import booking_rules, bookings, labs
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.booking_rules import BookingRules
from repo_server.bookings import Booking, NewBooking
from repo_server.db import reading, transaction
from repo_server.people import Scope
from repo_server.tables.people import LabRole

bp = Blueprint("api_bookings", __name__, url_prefix="/api/v1")

MOST_DAYS = 62


class During(Asked):
    """The first moment that is asked about, and for how many days."""

    begins: Annotated[AwareDatetime | None, Field(description="now where nothing is said")] = None
    days: Annotated[int, Field(ge=1, le=MOST_DAYS, description="how many days")] = 7

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """Both ends of it."""
        begins = max(self.begins or now, datetime(2000, 1, 1, tzinfo=UTC))
        begins = min(begins, datetime(9000, 1, 1, tzinfo=UTC))
        return begins, begins + timedelta(days=self.days)


class Why(Asked):
    """Why a booking is cancelled; whose own it is need not say."""

    reason: Annotated[str, Field(max_length=400)] = ""


class BookingsListed(Told):
    bookings: tuple[Booking, ...]


class BookingShown(Told):
    booking: Booking


class RulesShown(Told):
    longest_minutes: int
    ahead_days: int
    open_at_once: int
    no_show_minutes: int | None
    time_zone: str


@bp.get("/labs/<lab>/bookings")
@auth.lab_role(LabRole.MEMBER)
@answers({200: BookingsListed})
def list_bookings(lab: str, query: During) -> ResponseReturnValue:
    """200 with what is or was booked then, cancelled or not, by begin."""
    now = datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        found = bookings.of_lab(session, lab_id, *query.span(now), now=now)
    return write(BookingsListed(bookings=tuple(found)))


@bp.post("/labs/<lab>/bookings")
@auth.lab_role(LabRole.MEMBER)
@answers({201: BookingShown}, refuses=(409,), keyed=True)
def create_booking(lab: str, asked: NewBooking) -> ResponseReturnValue:
    """201 with the booking; 409 with the next free time when the machine is booked already."""
    by = auth.current_person().id

    def make(session: Session, now: datetime) -> tuple[int, BookingShown]:
        lab_id = labs.lab_of(session, lab).id
        made = bookings.book(session, asked, lab_id=lab_id, by=by, now=now)
        return 201, BookingShown(booking=made)

    return made_once(make)


@bp.post("/labs/<lab>/bookings/<booking_id>/cancel")
@auth.lab_role(LabRole.MEMBER)
@answers({200: BookingShown}, refuses=(409,))
def cancel_booking(lab: str, booking_id: str, asked: Why) -> ResponseReturnValue:
    """200; the machine is free then. Somebody else's booking a manager cancels, with a reason."""

    def cancel(session: Session, lab_id: str, by: str, now: datetime) -> Booking:
        return bookings.cancel(session, booking_id, asked.reason, lab_id=lab_id, by=by, now=now)

    return _change(lab, cancel)


@bp.post("/labs/<lab>/bookings/<booking_id>/here")
@auth.lab_role(LabRole.MEMBER)
@answers({200: BookingShown}, refuses=(409,))
def come_to_booking(lab: str, booking_id: str) -> ResponseReturnValue:
    """200; you are here, and keep the machine until your time is over."""

    def come(session: Session, lab_id: str, by: str, now: datetime) -> Booking:
        return bookings.come(session, booking_id, lab_id=lab_id, by=by, now=now)

    return _change(lab, come)


def _change(
    lab: str, change: Callable[[Session, str, str, datetime], Booking]
) -> ResponseReturnValue:
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        found = change(session, labs.lab_of(session, lab).id, by, now)
    return write(BookingShown(booking=found))


@bp.get("/labs/<lab>/booking-rules")
@auth.lab_role(LabRole.MEMBER)
@answers({200: RulesShown})
def show_booking_rules(lab: str) -> ResponseReturnValue:
    """200 with what the lab lets people book, and the time zone it lives in."""
    with reading(current_app.extensions["engine"]) as session:
        found = booking_rules.rules_of(session, labs.lab_of(session, lab).id)
    return write(RulesShown(**asdict(found)))


@bp.put("/labs/<lab>/booking-rules")
@auth.lab_role(LabRole.MANAGER)
@answers({200: RulesShown})
def set_booking_rules(lab: str, asked: BookingRules) -> ResponseReturnValue:
    """200; these are the lab's rules from now on. What is booked already stays."""
    with transaction(current_app.extensions["engine"]) as session:
        found = booking_rules.set_rules(session, labs.lab_of(session, lab).id, asked)
    return write(RulesShown(**asdict(found)))


@bp.get("/me/bookings")
@auth.signed_in(Scope.READ)
@answers({200: BookingsListed})
def list_my_bookings(query: During) -> ResponseReturnValue:
    """200 with what you have booked then, wherever, by begin."""
    now, me = datetime.now(UTC), auth.current_person().id
    with reading(current_app.extensions["engine"]) as session:
        found = bookings.of_person(session, me, *query.span(now), now=now)
    return write(BookingsListed(bookings=tuple(found)))
