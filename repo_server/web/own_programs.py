"""Bringing a program of one's own to a lab, and who may."""

from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from commons.errors import FabError, InvalidInput
from commons.machine import MATERIALS
from commons.own_programs import MAX_PROGRAM_BYTES, SUFFIXES
from commons.texts import later
from repo_server import labs, matches, people, program_rights
from repo_server.api import auth
from repo_server.api import own_programs as bringing
from repo_server.api.errors import status_of
from repo_server.api.messages import check
from repo_server.db import reading, transaction
from repo_server.ids import new_id
from repo_server.own_programs import ProgramRequest
from repo_server.tables.people import LabRole
from repo_server.web import sentences

bp = Blueprint("web_own_programs", __name__)

_FORM_BYTES = 64 * 1024


@bp.get("/labs/<lab>/programs")
@auth.lab_role(LabRole.MEMBER)
def show(lab: str) -> ResponseReturnValue:
    """The form that takes a program, for those who may; for managers, who that is."""
    return _page(lab, {})


@bp.post("/labs/<lab>/programs")
@auth.lab_role(LabRole.MEMBER, max_bytes=MAX_PROGRAM_BYTES + _FORM_BYTES)
def bring(lab: str) -> ResponseReturnValue:
    """Sent on to the program's job on the board, or the form again with what is wrong."""
    by, form = auth.current_person().id, request.form.to_dict()
    with reading(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        program_rights.require(session, lab_id=lab_id, person_id=by)
    try:
        file = request.files.get("program")
        if file is None or not file.filename:
            raise InvalidInput(later("choose the program that your slicer has exported"))
        said: dict[str, str | list[str]] = {
            name: form[name].strip() for name in ("copies", "material") if form.get(name)
        }
        if chosen := request.form.getlist("machine"):
            said["machines"] = chosen
        wanted = check(ProgramRequest, {"name": file.filename, **said})
        stored, traits = bringing.store_program(file.stream)
        bringing.order_once(
            wanted, stored, traits, lab_id=lab_id, by=by, key=form.get("key") or None
        )
    except FabError as error:
        return _page(lab, form, error), status_of(error)
    return redirect(url_for("labs.show_board", lab=lab, _anchor="jobs"), 303)


@bp.post("/labs/<lab>/programs/rights")
@auth.lab_role(LabRole.MANAGER)
def change_right(lab: str) -> ResponseReturnValue:
    """Back on the page; the person may bring programs from now on, or may no longer."""
    now, by = datetime.now(UTC), auth.current_person().id
    handle = request.form.get("handle", "")
    act = program_rights.take if request.form.get("take") else program_rights.give
    try:
        with transaction(current_app.extensions["engine"]) as session:
            lab_id = labs.lab_of(session, lab).id
            act(session, lab_id=lab_id, handle=handle, by=by, now=now)
    except FabError as error:
        return _page(lab, {"handle": handle}, error), status_of(error)
    return redirect(url_for("web_own_programs.show", lab=lab, _anchor="who"), 303)


def _page(lab: str, values: Mapping[str, str], error: FabError | None = None) -> str:
    person = auth.current_person()
    with reading(current_app.extensions["engine"]) as session:
        row = labs.lab_of(session, lab)
        manages = people.lab_roles(session, person.id).get(lab) is LabRole.MANAGER
        return render_template(
            "own_programs.html",
            lab=row,
            may=program_rights.holds(session, lab_id=row.id, person_id=person.id),
            manages=manages,
            rights=program_rights.of_lab(session, row.id) if manages else [],
            machines=[(it.id, it.name) for it, _ in matches.machines_of(session, row.id)],
            chosen=request.form.getlist("machine"),
            materials=[(key, sentences.material(key)) for key in MATERIALS],
            suffixes=",".join(SUFFIXES),
            most_mb=MAX_PROGRAM_BYTES // 1024**2,
            values=values,
            error=error,
            key=new_id(),
        )
