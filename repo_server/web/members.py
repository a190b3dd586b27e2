"""The people of a lab, their roles and trainings, and what the lab asks of them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.errors import Conflict, InvalidInput, NotAllowed, NotFound
from commons.texts import later
from repo_server import labs, matches, people, trainings
from repo_server.api import auth
from repo_server.api.errors import status_of
from repo_server.api.messages import check
from repo_server.db import reading, transaction
from repo_server.tables.people import LabRole
from repo_server.trainings import NewClass, NewTraining, Revocation
from repo_server.web.forms import NONE_REFUSED, RefusedForm
from repo_server.web.manage import ROLE_NAMES
from repo_server.web.stretches import asked_stretch, told_lists

bp = Blueprint("members", __name__)

REFUSED = (InvalidInput, NotFound, Conflict, NotAllowed)


Act = Callable[[Session, str, str, datetime], object]


@bp.get("/labs/<lab>/people")
@auth.lab_role(LabRole.MEMBER)
def show(lab: str) -> ResponseReturnValue:
    """What the lab asks of its people; for operators, who was trained by whom, too."""
    return _page(lab)


@bp.post("/labs/<lab>/people/trainings")
@auth.lab_role(LabRole.MEMBER)
def sign(lab: str) -> ResponseReturnValue:
    """Back on the page; the person is trained."""
    given = _given()

    def act(session: Session, lab_id: str, by: str, now: datetime) -> None:
        class_id = given.pop("class", "")
        days: dict[str, datetime] = {}
        for name in {"begins_at", "ends_at"} & given.keys():
            days[name] = _midnight(given.pop(name))
        wanted = check(NewTraining, {**given, **days})
        trainings.sign(session, class_id, wanted, lab_id=lab_id, by=by, now=now)

    return _change(lab, "sign", act)


@bp.post("/labs/<lab>/people/trainings/<id>/revoke")
@auth.lab_role(LabRole.MEMBER)
def revoke(lab: str, id: str) -> ResponseReturnValue:
    """Back on the page; the training counts no more."""

    def act(session: Session, lab_id: str, by: str, now: datetime) -> None:
        wanted = check(Revocation, _given())
        trainings.revoke(session, id, wanted.reason, lab_id=lab_id, by=by, now=now)

    return _change(lab, "trainings", act)


@bp.post("/labs/<lab>/people/classes")
@auth.lab_role(LabRole.MANAGER)
def set_class(lab: str) -> ResponseReturnValue:
    """Back on the page; the lab asks for this training."""
    given = _given()

    def act(session: Session, lab_id: str, _by: str, _now: datetime) -> None:
        process, _, machine_id = given.pop("of", "").partition(":")
        trainers = given.pop("trainers", "").replace(",", " ").split()
        ticked = {name: given.pop(name, "") == "yes" for name in ("for_ordering", "for_operating")}
        of = {"process": process or None, "machine_id": machine_id or None}
        wanted = check(NewClass, {**given, **of, **ticked, "trainers": trainers})
        trainings.set_class(session, lab_id, wanted)

    return _change(lab, "classes", act)


def _change(lab: str, form: str, act: Act) -> ResponseReturnValue:
    by, now = auth.current_person().id, datetime.now(UTC)
    try:
        with transaction(current_app.extensions["engine"]) as session:
            act(session, labs.lab_of(session, lab).id, by, now)
    except REFUSED as error:
        return _page(lab, RefusedForm(form, error)), status_of(error)
    return redirect(url_for("members.show", lab=lab, _anchor=form), 303)


def _given() -> dict[str, str]:
    given = {name: text.strip() for name, text in request.form.items()}
    return {name: text for name, text in given.items() if text and name != auth.CSRF_FIELD}


def _midnight(said: str) -> datetime:
    """The day as the form says it, from its first moment on."""
    try:
        return datetime.combine(date.fromisoformat(said), time(), UTC)
    except ValueError as error:
        raise InvalidInput(later("say the day as year-month-day, such as 2027-05-03")) from error


def _page(lab: str, refused: RefusedForm = NONE_REFUSED) -> str:
    me = auth.current_person()
    with reading(current_app.extensions["engine"]) as session:
        row = labs.lab_of(session, lab)
        role = people.lab_roles(session, me.id)[lab]
        classes = trainings.list_classes(session, row.id)
        machines = [(it.id, it.name) for it, _ in matches.machines_of(session, row.id)]
        signs = [it for it in classes if role is LabRole.MANAGER or me.handle in it.trainers]
        lists: dict[str, object] = {}
        if role is not LabRole.MEMBER or signs:
            lists = told_lists(
                url_for("members.show", lab=lab),
                members=labs.list_members(session, row.id, asked_stretch("members")),
                trainings=trainings.of_lab(session, row.id, asked_stretch("trainings")),
            )
    return render_template(
        "members.html",
        lab=row,
        role=role,
        role_words=ROLE_NAMES,
        classes=classes,
        machines=machines,
        names=dict(machines),
        signs=[(it.id, it.name) for it in signs],
        given=request.form if refused.form else {},
        refused=refused,
        **lists,
    )
