"""A lab's page for those who do not know it yet, and the page on which it is brought as OKW."""

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from commons.errors import InvalidInput
from commons.facility import Brought
from repo_server import facilities, guest_desks, journal, labs, people, portraits
from repo_server.api import auth
from repo_server.api.errors import status_of
from repo_server.api.facilities import MOST_BYTES, read_json
from repo_server.db import reading, transaction
from repo_server.tables.people import LabRole

bp = Blueprint("portraits", __name__)


@bp.get("/labs/<lab>/about")
@auth.public
def show_lab(lab: str) -> ResponseReturnValue:
    """Where the lab is, what stands there, what was made, and what it tells."""
    me = auth.current().person
    with reading(current_app.extensions["engine"]) as session:
        portrait = portraits.show_lab(session, lab)
        posts = journal.latest(session, lab=lab)
        role = people.lab_roles(session, me.id).get(lab) if me else None
        asks = guest_desks.desk_of(session, labs.lab_of(session, lab).id).open
    return render_template(
        "about_lab.html", lab=portrait, posts=posts, manages=role is LabRole.MANAGER, asks=asks
    )


@bp.get("/labs/<lab>/manage/okw")
@auth.lab_role(LabRole.MANAGER)
def okw_form(lab: str) -> ResponseReturnValue:
    """The form to bring the lab as Open Know-Where."""
    return _okw_page(lab)


@bp.post("/labs/<lab>/manage/okw")
@auth.lab_role(LabRole.MANAGER)
def bring_okw(lab: str) -> ResponseReturnValue:
    """The lab's page, or the form again: with what is wrong, or with what a strict reader minds."""
    file = request.files.get("file")
    text = file.stream.read(MOST_BYTES + 1) if file else request.form.get("okw", "").encode()
    try:
        data = read_json(text)
        with transaction(current_app.extensions["engine"]) as session:
            brought = facilities.bring_facility(session, lab, data)
    except InvalidInput as error:
        return _okw_page(lab, error=error), status_of(error)
    if brought.notes:
        return _okw_page(lab, brought=brought)
    return redirect(url_for("portraits.show_lab", lab=lab), 303)


def _okw_page(
    lab: str, *, error: InvalidInput | None = None, brought: Brought | None = None
) -> str:
    with reading(current_app.extensions["engine"]) as session:
        row = labs.lab_of(session, lab)
    written = request.form.get("okw", "")
    return render_template("bring_lab.html", lab=row, written=written, error=error, brought=brought)
