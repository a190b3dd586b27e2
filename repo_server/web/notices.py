"""The page of a lab's notices, and dismissing those of labs and designs."""

from datetime import UTC, datetime

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from repo_server import labs, notices, people
from repo_server.api import auth
from repo_server.db import reading, transaction
from repo_server.people import Scope
from repo_server.tables.people import LabRole

bp = Blueprint("notices", __name__)


@bp.get("/labs/<lab>/notices")
@auth.public
def of_lab(lab: str) -> ResponseReturnValue:
    """What the lab should know of the releases that were ordered there."""
    me = auth.current().person
    with reading(current_app.extensions["engine"]) as session:
        place = labs.lab_of(session, lab)
        found = notices.for_lab(session, place.id)
        role = people.lab_roles(session, me.id).get(lab) if me else None
    may = role in (LabRole.OPERATOR, LabRole.MANAGER)
    return render_template("notices.html", lab=place, notices=found, may_dismiss=may)


@bp.post("/labs/<lab>/notices/dismiss")
@auth.lab_role(LabRole.OPERATOR)
def dismiss_of_lab(lab: str) -> ResponseReturnValue:
    """Back on the page, without these."""
    by, now = auth.current_person(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        notices.dismiss_for_lab(session, lab_id, request.form.getlist("id"), by=by, now=now)
    return redirect(url_for("notices.of_lab", lab=lab), 303)


@bp.post("/designs/<slug>/notices/dismiss")
@auth.signed_in(Scope.DESIGN_WRITE)
def dismiss_of_design(slug: str) -> ResponseReturnValue:
    """Back on the family's page, without these."""
    by, now = auth.current_person(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        notices.dismiss_for_fork(session, slug, request.form.getlist("id"), by=by, now=now)
    return redirect(url_for("lineage.show", slug=slug), 303)
