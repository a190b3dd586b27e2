"""Founding a lab, and what its managers set up: agents, material, people."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.errors import FabError
from commons.texts import later
from repo_server import enrolment, labs, lot_loading, lots, matches, retirement
from repo_server.api import auth
from repo_server.api.errors import status_of
from repo_server.api.labs import NewMember
from repo_server.api.messages import check
from repo_server.db import reading, transaction
from repo_server.people import Scope
from repo_server.tables import LabRow
from repo_server.tables.people import LabRole
from repo_server.web.forms import NONE_REFUSED, REFUSED, RefusedForm, filled_in
from repo_server.web.languages import Texts
from repo_server.web.stretches import asked_stretch, told_lists

bp = Blueprint("manage", __name__)

ROLES = Texts(
    {
        LabRole.MEMBER: later("Member: orders builds"),
        LabRole.OPERATOR: later("Operator: also stands at the machines"),
        LabRole.MANAGER: later("Manager: also lets agents and people in"),
    }
)
ROLE_NAMES = Texts(
    {
        LabRole.MEMBER: later("Member"),
        LabRole.OPERATOR: later("Operator"),
        LabRole.MANAGER: later("Manager"),
    }
)
FIRST_CHOICE = {"role": LabRole.MEMBER}


@bp.get("/labs/new")
@auth.signed_in(Scope.LAB_MANAGE)
def found_form() -> ResponseReturnValue:
    """The form to found a lab."""
    return _found_page({})


@bp.post("/labs/new")
@auth.signed_in(Scope.LAB_MANAGE)
def found() -> ResponseReturnValue:
    """Sent on to what the new lab needs next, or the form again with what is wrong."""
    values, by = filled_in(), auth.current_person().id
    try:
        wanted = check(labs.NewLab, values)
        with transaction(current_app.extensions["engine"]) as session:
            labs.create_lab(session, wanted, by=by)
    except REFUSED as error:
        return _found_page(values, error), status_of(error)
    return redirect(url_for("manage.show", lab=wanted.slug), 303)


def _found_page(values: Mapping[str, str], error: FabError | None = None) -> str:
    with reading(current_app.extensions["engine"]) as session:
        cities = [(city.slug, city.name) for city in labs.list_cities(session)]
    return render_template("found.html", cities=cities, values=values, error=error)


@bp.get("/labs/<lab>/manage")
@auth.lab_role(LabRole.MANAGER)
def show(lab: str) -> ResponseReturnValue:
    """The lab's agents, machines with their material, and people, each with its form."""
    return _page(lab)


@bp.post("/labs/<lab>/manage/code")
@auth.lab_role(LabRole.MANAGER)
def make_code(lab: str) -> ResponseReturnValue:
    """The page with a new code for one agent. It is shown this once, and no cache keeps it."""
    now, by = datetime.now(UTC), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        code = enrolment.make_code(session, lab_id=lab_id, by=by, now=now)
    page = _page(lab, code=code, code_ends_at=now + enrolment.CODE_LIFE)
    page.headers["Cache-Control"] = "no-store"
    return page


@bp.post("/labs/<lab>/manage/agents/<id>/revoke")
@auth.lab_role(LabRole.MANAGER)
def revoke_agent(lab: str, id: str) -> ResponseReturnValue:
    """Back on the page; the agent may not speak for the lab's machines any more."""
    now = datetime.now(UTC)

    def revoke(session: Session, lab_id: str) -> None:
        enrolment.revoke(session, id, lab_id=lab_id, now=now)

    return _change(lab, "agents", revoke)


@bp.post("/labs/<lab>/manage/machines/<id>/lot")
@auth.lab_role(LabRole.MANAGER)
def load_lot(lab: str, id: str) -> ResponseReturnValue:
    """Back on the page; the lot that was chosen is on the machine, or none."""

    now, by = datetime.now(UTC), auth.current_person().id

    def load(session: Session, lab_id: str) -> None:
        lot_id = request.form.get("lot") or None
        lot_loading.put_on(session, id, lot_id, lab_id=lab_id, by=by, now=now)

    return _change(lab, "machines", load)


@bp.post("/labs/<lab>/manage/machines/<id>/retire")
@auth.lab_role(LabRole.MANAGER)
def retire_machine(lab: str, id: str) -> ResponseReturnValue:
    """Back on the page; the machine is used no more, and what it prepared is in the queue again."""
    now, by = datetime.now(UTC), auth.current_person().id

    def retire(session: Session, lab_id: str) -> None:
        retirement.retire(session, id, lab_id=lab_id, by=by, now=now)

    return _change(lab, "machines", retire)


@bp.post("/labs/<lab>/manage/machines/<id>/return")
@auth.lab_role(LabRole.MANAGER)
def return_machine(lab: str, id: str) -> ResponseReturnValue:
    """Back on the page; the machine is used again."""

    def take_back(session: Session, lab_id: str) -> None:
        retirement.take_back(session, id, lab_id=lab_id)

    return _change(lab, "machines", take_back)


@bp.post("/labs/<lab>/manage/members")
@auth.lab_role(LabRole.MANAGER)
def set_member(lab: str) -> ResponseReturnValue:
    """Back on the page; the person has this role in the lab."""

    def set_(session: Session, lab_id: str) -> None:
        asked = check(NewMember, filled_in())
        labs.set_role(session, lab_id=lab_id, handle=asked.handle, role=asked.role)

    return _change(lab, "people", set_)


@bp.post("/labs/<lab>/manage/place")
@auth.lab_role(LabRole.MANAGER)
def set_place(lab: str) -> ResponseReturnValue:
    """Back on the page; the lab is at these coordinates."""

    def set_(session: Session, _lab_id: str) -> None:
        labs.set_place(session, lab, check(labs.Place, filled_in()))

    return _change(lab, "place", set_)


def _change(lab: str, form: str, change: Callable[[Session, str], None]) -> ResponseReturnValue:
    """Back on the page's part of that name once it is done, or the page with why it is not."""
    try:
        with transaction(current_app.extensions["engine"]) as session:
            change(session, labs.lab_of(session, lab).id)
    except REFUSED as error:
        return _page(lab, RefusedForm(form, error, filled_in())), status_of(error)
    return redirect(url_for("manage.show", lab=lab, _anchor=form), 303)


def _page(
    lab: str,
    refused: RefusedForm = NONE_REFUSED,
    *,
    code: str = "",
    code_ends_at: datetime | None = None,
) -> Response:
    with reading(current_app.extensions["engine"]) as session:
        row = labs.lab_of(session, lab)
        page = render_template(
            "manage.html",
            lab=row,
            **_lists(session, row),
            machines=matches.machines_of(session, row.id),
            retired=retirement.retired(session, row.id),
            lots_to_load=lots.all_of(session, row.id),
            roles=ROLES.items(),
            role_words=ROLE_NAMES,
            refused=refused,
            place=refused.values if refused.form == "place" else _place_of(row),
            values={**FIRST_CHOICE, **refused.values},
            code=code,
            code_ends_at=code_ends_at,
        )
    return make_response(page)


def _lists(session: Session, lab: LabRow) -> dict[str, object]:
    """A page of the lab's agents and members, each with where it goes on."""
    agents = enrolment.list_agents(session, lab.id, asked_stretch("agents"))
    members = labs.list_members(session, lab.id, asked_stretch("people"))
    here = url_for("manage.show", lab=lab.slug)
    return told_lists(here, agents=agents, people=members)


def _place_of(lab: LabRow) -> dict[str, str]:
    """The coordinates as a form shows them; none while nobody has said them."""
    known = {"latitude": lab.latitude, "longitude": lab.longitude}
    return {name: str(value) for name, value in known.items() if value is not None}
