"""A design's family, its proposals, and forking on the pages."""

from datetime import UTC, datetime

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from commons.errors import Conflict, FabError, InvalidInput, NotFound
from repo_server import designs, lineage, notices, proposals
from repo_server.api import auth
from repo_server.api import lineage as forking
from repo_server.api.errors import status_of
from repo_server.db import reading, transaction
from repo_server.people import Scope
from repo_server.web.lineage_picture import picture_of
from repo_server.web.stretches import asked_stretch, told_lists

bp = Blueprint("lineage", __name__)

_REFUSED = (InvalidInput, Conflict, NotFound)


@bp.get("/designs/<slug>/lineage")
@auth.public
def show(slug: str) -> ResponseReturnValue:
    """What the design was made from, what was made from it, and what is proposed to it."""
    return _page(slug)


@bp.get("/releases/<id>/fork")
@auth.signed_in(Scope.DESIGN_WRITE)
def fork_form(id: str) -> ResponseReturnValue:
    """The form to fork this release; why not, where its licence forbids it."""
    return _fork_page(id)


@bp.post("/releases/<id>/fork")
@auth.signed_in(Scope.DESIGN_WRITE)
def fork(id: str) -> ResponseReturnValue:
    """Sent on to the draft of the fork, or the form again with why there is none."""
    try:
        begin = forking.forking(id, request.form.get("slug", ""), request.form.get("change", ""))
        with transaction(current_app.extensions["engine"]) as session:
            draft = begin(session)
    except (InvalidInput, Conflict) as error:
        return _fork_page(id, error), status_of(error)
    return redirect(url_for("drafts.show", draft_id=draft), 303)


@bp.post("/designs/<slug>/proposals")
@auth.signed_in(Scope.DESIGN_WRITE)
def propose(slug: str) -> ResponseReturnValue:
    """Back on the family's page; the design's steward sees the proposal there."""
    by, now = auth.current_person(), datetime.now(UTC)
    release, message = request.form.get("release", ""), request.form.get("message", "")
    try:
        with transaction(current_app.extensions["engine"]) as session:
            proposals.propose(session, slug, release, message=message, by=by, now=now)
    except _REFUSED as error:
        return _page(slug, error), status_of(error)
    return redirect(url_for("lineage.show", slug=slug, _anchor="proposals"), 303)


@bp.post("/designs/<slug>/proposals/<id>/accept")
@auth.signed_in(Scope.DESIGN_WRITE)
def accept(slug: str, id: str) -> ResponseReturnValue:
    """Sent on to the draft with which the proposal can be merged."""
    try:
        begin = forking.accepting(id, request.form.get("word", ""))
        with transaction(current_app.extensions["engine"]) as session:
            draft = begin(session)
    except _REFUSED as error:
        return _page(slug, error), status_of(error)
    return redirect(url_for("drafts.show", draft_id=draft), 303)


@bp.post("/designs/<slug>/proposals/<id>/decline")
@auth.signed_in(Scope.DESIGN_WRITE)
def decline(slug: str, id: str) -> ResponseReturnValue:
    """Back on the family's page, which shows the word with which it was declined."""
    by, now = auth.current_person(), datetime.now(UTC)
    try:
        with transaction(current_app.extensions["engine"]) as session:
            word = request.form.get("word", "")
            proposals.decline(session, id, word=word, by=by, now=now)
    except _REFUSED as error:
        return _page(slug, error), status_of(error)
    return redirect(url_for("lineage.show", slug=slug, _anchor="proposals"), 303)


def _page(slug: str, error: FabError | None = None) -> str:
    with reading(current_app.extensions["engine"]) as session:
        family = lineage.family_of(session, slug)
        found = notices.for_fork(session, slug)
        proposed = proposals.list_proposals(session, slug, asked_stretch("proposals"))
        steward = lineage.steward_of(session, slug)
    me = auth.current().person
    return render_template(
        "lineage.html",
        slug=slug,
        family=family,
        names={it.id: f"{it.name} {it.version}" for it in family.members},
        picture=picture_of(family),
        notices=found,
        **told_lists(url_for("lineage.show", slug=slug), proposals=proposed),
        is_steward=me is not None and me.id == steward.id,
        steward=steward,
        others=[it for it in family.members if it.slug != slug],
        error=error,
        filled=request.form,
    )


def _fork_page(id: str, error: FabError | None = None) -> str:
    with reading(current_app.extensions["engine"]) as session:
        release = designs.show_release(session, id)
        try:
            by, now = auth.current_person(), datetime.now(UTC)
            lineage.require_forkable(session, id, by=by, now=now)
            refused = None
        except InvalidInput as forbidden:
            refused = forbidden
    return render_template(
        "fork.html", release=release, refused=refused, error=error, filled=request.form
    )
