"""The page of those who worked on a design."""

from datetime import UTC, datetime

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from commons.errors import Conflict, FabError, InvalidInput
from commons.texts import capitalise
from repo_server import contributions, designs
from repo_server.api import auth
from repo_server.api.errors import status_of
from repo_server.api.messages import check
from repo_server.contributions import NewContribution
from repo_server.db import reading, transaction
from repo_server.people import Scope
from repo_server.web import words

bp = Blueprint("contributions", __name__)


@bp.get("/designs/<slug>/contributions")
@auth.public
def show(slug: str) -> ResponseReturnValue:
    """Who gave what to the design, with the form to claim a contribution of one's own."""
    return _page(slug)


@bp.post("/designs/<slug>/contributions")
@auth.signed_in(Scope.DESIGN_WRITE)
def claim(slug: str) -> ResponseReturnValue:
    """Back on the page, with the claim; or the form again with what is wrong."""
    names = ("role", "words", "hours")
    filled = {name: text for name in names if (text := request.form.get(name, "").strip())}
    by, now = auth.current_person(), datetime.now(UTC)
    try:
        wanted = check(NewContribution, filled)
        with transaction(current_app.extensions["engine"]) as session:
            release = request.form.get("release", "")
            contributions.claim(session, release, wanted, by=by, now=now)
    except (InvalidInput, Conflict) as error:
        return _page(slug, error), status_of(error)
    return _back(slug)


@bp.post("/designs/<slug>/contributions/<id>/confirm")
@auth.signed_in(Scope.DESIGN_WRITE)
def confirm(slug: str, id: str) -> ResponseReturnValue:
    """Back on the page; the contribution is confirmed."""
    by, now = auth.current_person(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        contributions.confirm(session, id, by=by, now=now)
    return _back(slug)


@bp.post("/designs/<slug>/contributions/<id>/withdraw")
@auth.signed_in(Scope.DESIGN_WRITE)
def withdraw(slug: str, id: str) -> ResponseReturnValue:
    """Back on the page; the claim is gone."""
    with transaction(current_app.extensions["engine"]) as session:
        contributions.withdraw(session, id, by=auth.current_person())
    return _back(slug)


def _back(slug: str) -> ResponseReturnValue:
    return redirect(url_for("contributions.show", slug=slug), 303)


def _page(slug: str, error: FabError | None = None) -> str:
    with reading(current_app.extensions["engine"]) as session:
        design = designs.show_design(session, slug)
        found = contributions.list_contributions(session, slug, to=auth.current().person)
    return render_template(
        "contributions.html",
        release=design.head,
        choices=[(it.id, it.version) for it in design.releases],
        roles=[(role, capitalise(text)) for role, text in words.ROLE_WORDS.items()],
        contributions=found,
        error=error,
        filled=request.form,
    )
