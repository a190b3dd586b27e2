"""Bringing a design from elsewhere on the pages: an archive or an address, then one form."""

from datetime import UTC, datetime

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from commons.errors import FabError, FieldProblem, InvalidInput
from commons.manifest import QUESTIONS
from commons.texts import later
from repo_server import drafts, imports
from repo_server.api import auth
from repo_server.api import imports as bringing
from repo_server.api.drafts import draft_for_me
from repo_server.api.errors import status_of
from repo_server.db import transaction
from repo_server.drafts import Contents
from repo_server.parsing import archives
from repo_server.people import Scope
from repo_server.web.languages import Texts

bp = Blueprint("imports", __name__)

LABELS = Texts(
    {
        "name": later("What it is called"),
        "version": later("Version"),
        "license": later("Licence"),
        "licensor": later("Who grants it"),
        "function": later("What it does, and for whom"),
        "repo": later("Where it is developed"),
    }
)
HINTS = Texts(
    {
        "version": later("Three numbers, such as 1.0.0."),
        "license": later("An SPDX id, such as CERN-OHL-S-2.0. You choose."),
        "licensor": later("A name, and an address if you like: Ada Maker <ada@example.org>"),
        "repo": later("A web address that begins with https://"),
    }
)


@bp.get("/import")
@auth.public
def form() -> ResponseReturnValue:
    """The form that takes an archive or a manifest's address."""
    return render_template("import.html", values={})


@bp.post("/import")
@auth.signed_in(Scope.DESIGN_WRITE, max_bytes=archives.MAX_BYTES)
def bring() -> ResponseReturnValue:
    """Sent on to the questions that are open, or the form again with what is wrong."""
    slug = request.form.get("slug", "").strip()
    try:
        draft_id = bringing.bring(slug, _brought())
    except FabError as error:
        page = render_template("import.html", values=request.form, error=error)
        return page, status_of(error)
    return redirect(url_for("imports.ask", draft_id=draft_id), 303)


@bp.get("/drafts/<draft_id>/questions")
@auth.signed_in(Scope.READ)
def ask(draft_id: str) -> ResponseReturnValue:
    """What the draft's manifest leaves open, with guesses; the draft itself when nothing is."""
    draft = draft_for_me(draft_id)
    questions = imports.questions_of(draft.contents, bringing.read_stored)
    if not questions:
        return redirect(url_for("drafts.show", draft_id=draft_id), 303)
    return render_template(
        "questions.html", draft=draft, questions=questions, labels=LABELS, hints=HINTS
    )


@bp.post("/drafts/<draft_id>/questions")
@auth.signed_in(Scope.DESIGN_WRITE)
def answer(draft_id: str) -> ResponseReturnValue:
    """The answers stand in the draft's manifest; on to what is still open."""
    draft, by, now = draft_for_me(draft_id), auth.current_person(), datetime.now(UTC)
    answers = {key: request.form[key] for key in QUESTIONS if key in request.form}
    contents = imports.with_answers(draft.contents, answers)
    with transaction(current_app.extensions["engine"]) as session:
        drafts.save(session, draft_id, contents, revision=_revision(), by=by, now=now)
    return redirect(url_for("imports.ask", draft_id=draft_id), 303)


def _brought() -> Contents:
    archive, url = request.files.get("archive"), request.form.get("url", "").strip()
    if archive is not None and archive.filename:
        return bringing.contents_of_archive(archive.stream)
    if url:
        return bringing.contents_of_url(url)
    problem = "choose a zip or tar.gz, or give a manifest's address"
    raise InvalidInput(f"archive: {problem}", [FieldProblem("archive", problem)])


def _revision() -> int:
    said = request.form.get("revision", "")
    if not said.isdecimal() or len(said) > 9:
        raise InvalidInput("the form came broken; load the questions again")
    return int(said)
