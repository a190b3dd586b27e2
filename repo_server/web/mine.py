"""What a person has to do with labs: their roles, trainings, bookings, and their calendar."""

from datetime import UTC, datetime, timedelta

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from repo_server import bookings, calendars, people, trainings
from repo_server.api import auth
from repo_server.db import reading
from repo_server.people import Scope
from repo_server.web.manage import ROLE_NAMES
from repo_server.web.stretches import asked_stretch, told_lists

bp = Blueprint("mine", __name__)

AHEAD = timedelta(days=366)


@bp.get("/me/labs")
@auth.signed_in(Scope.READ)
def show() -> ResponseReturnValue:
    """Your labs, trainings and bookings to come."""
    return page()


def page(**more: object) -> str:
    """The page; `more` is what a form has just made."""
    me, now = auth.current_person(), datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        roles = people.lab_roles(session, me.id)
        found = trainings.of_person(session, me.id, asked_stretch("trainings"))
        has_address = calendars.has_token(session, me.id)
        coming = bookings.of_person(session, me.id, now, now + AHEAD, now=now)
    return render_template(
        "mine.html",
        roles=roles,
        role_words=ROLE_NAMES,
        bookings=[it for it in coming if it.cancelled_at is None],
        has_address=has_address,
        **told_lists("/me/labs", trainings=found),
        **more,
    )
