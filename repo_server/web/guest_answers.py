"""The page of a lab's operators on which they answer guests' requests, and its managers' desk."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from flask import Blueprint, current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.guests import Stage
from commons.licences.purposes import Purpose
from commons.machine import MATERIALS
from commons.texts import later
from repo_server import guest_answers, guest_desks, labs, people, prices
from repo_server.api import auth
from repo_server.api.errors import status_of
from repo_server.api.messages import check
from repo_server.db import reading, transaction
from repo_server.guest_answers import Approval, Refusal
from repo_server.guest_desks import GuestDesk
from repo_server.licensing import LicenceForbids
from repo_server.order_requests import MAX_COPIES
from repo_server.tables.people import LabRole
from repo_server.web.forms import NONE_REFUSED, REFUSED, RefusedForm, filled_in
from repo_server.web.guests import TONES
from repo_server.web.languages import Texts, gettext
from repo_server.web.stretches import asked_stretch, rest_of

bp = Blueprint("guest_answers", __name__)

STAGES = Texts(
    {
        Stage.ASKED: later("Asked"),
        Stage.HELD_BACK: later("Approved; it waits for a word, or is being rendered"),
        Stage.WAITING: later("Approved, in the queue"),
        Stage.BEING_MADE: later("Being made"),
        Stage.READY: later("Made"),
        Stage.NOT_MADE: later("Not made"),
        Stage.DECLINED: later("Declined"),
        Stage.WITHDRAWN: later("Withdrawn by its guest"),
    }
)
PURPOSES = Texts(
    {
        Purpose.FOR_PAY: later("The guest pays for it"),
        Purpose.GIFT: later("The lab makes it as a gift"),
    }
)
_RELEASE = re.compile(r"[0-9a-f]{64}")


@bp.get("/labs/<lab>/requests")
@auth.lab_role(LabRole.OPERATOR)
def show(lab: str) -> ResponseReturnValue:
    """The lab's requests of guests, those that nobody has answered first."""
    return _page(lab)


@bp.post("/labs/<lab>/requests/<id>/approve")
@auth.lab_role(LabRole.OPERATOR)
def approve(lab: str, id: str) -> ResponseReturnValue:
    """Back on the page; it is an order, in the queue or waiting as others do."""

    def answer(session: Session, lab_id: str, by: str, now: datetime) -> None:
        wanted = check(Approval, _approval())
        guest_answers.approve(session, id, wanted, lab_id=lab_id, by=by, now=now)

    return _change(lab, f"request-{id}", answer)


@bp.post("/labs/<lab>/requests/<id>/decline")
@auth.lab_role(LabRole.OPERATOR)
def decline(lab: str, id: str) -> ResponseReturnValue:
    """Back on the page; its guest reads why."""

    def answer(session: Session, lab_id: str, by: str, now: datetime) -> None:
        wanted = check(Refusal, filled_in())
        guest_answers.decline(session, id, wanted, lab_id=lab_id, by=by, now=now)

    return _change(lab, f"request-{id}", answer)


@bp.post("/labs/<lab>/requests/desk")
@auth.lab_role(LabRole.MANAGER)
def set_desk(lab: str) -> ResponseReturnValue:
    """Back on the page; the lab takes requests of guests from now on, or none."""

    def set_(session: Session, lab_id: str, by: str, now: datetime) -> None:
        given = filled_in()
        desk = {"open": "open" in given, "words": given.get("words", "")}
        guest_desks.set_desk(session, check(GuestDesk, desk), lab_id=lab_id, by=by, now=now)

    return _change(lab, "desk", set_)


def _approval() -> dict[str, str]:
    """What was filled in; a release is named by its id, or by the address of its page."""
    given = filled_in()
    if found := _RELEASE.search(given.get("release_id", "")):
        given["release_id"] = found[0]
    return given


def _change(
    lab: str, form: str, change: Callable[[Session, str, str, datetime], None]
) -> ResponseReturnValue:
    """Back on the page's part of that name once it is done, or the page with why it is not."""
    by, now = auth.current_person().id, datetime.now(UTC)
    try:
        with transaction(current_app.extensions["engine"]) as session:
            change(session, labs.lab_of(session, lab).id, by, now)
    except (*REFUSED, LicenceForbids) as error:
        return _page(lab, RefusedForm(form, error, filled_in())), status_of(error)
    return redirect(url_for("guest_answers.show", lab=lab, _anchor=form), 303)


def _page(lab: str, refused: RefusedForm = NONE_REFUSED) -> str:
    me = auth.current_person().id
    with reading(current_app.extensions["engine"]) as session:
        row = labs.lab_of(session, lab)
        found = guest_answers.of_lab(session, row.id, asked_stretch())
        return render_template(
            "requests.html",
            lab=row,
            requests=found.entries,
            rest=rest_of(found, url_for("guest_answers.show", lab=lab)),
            desk=guest_desks.desk_of(session, row.id),
            manages=people.lab_roles(session, me).get(lab) == LabRole.MANAGER,
            has_prices=prices.prices_of(session, row.id) is not None,
            materials=[(it.key, gettext(it.name)) for it in MATERIALS.values()],
            purposes=PURPOSES.items(),
            stages=STAGES,
            tones=TONES,
            refused=refused,
            max_copies=MAX_COPIES,
            ask_url=url_for("guests.ask_form", lab=lab),
        )
