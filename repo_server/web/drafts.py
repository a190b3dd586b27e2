"""Drafts on the pages: begun from a release or from nothing, saved, published."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from commons.compare import compare_text
from commons.errors import FabError, InvalidInput
from repo_server import blobs, designs, drafts, heads
from repo_server.api import auth
from repo_server.api import drafts as publishing
from repo_server.api.errors import status_of
from repo_server.api.lineage import contents_of
from repo_server.db import reading, transaction
from repo_server.drafts import Contents, Draft, DraftMoved
from repo_server.ids import new_id
from repo_server.people import Scope
from repo_server.search import refill
from repo_server.web import uploads
from repo_server.web.stretches import asked_stretch, rest_of

bp = Blueprint("drafts", __name__)


@bp.get("/drafts")
@auth.signed_in(Scope.READ)
def list_drafts() -> ResponseReturnValue:
    """The drafts that the one who looks may work on."""
    with reading(current_app.extensions["engine"]) as session:
        found = drafts.list_drafts(session, asked_stretch(), to=auth.current_person())
    older = rest_of(found, url_for("drafts.list_drafts"))
    return render_template("drafts.html", drafts=found.entries, older=older)


@bp.post("/releases/<id>/draft")
@auth.signed_in(Scope.DESIGN_WRITE)
def begin(id: str) -> ResponseReturnValue:
    """Sent on to a draft that holds what this release holds."""
    draft_id, by, now = new_id(), auth.current_person(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        release = designs.show_release(session, id)
        contents = contents_of(release)
        drafts.begin(session, release.slug, contents, id=draft_id, by=by, now=now)
    return redirect(url_for("drafts.show", draft_id=draft_id), 303)


@bp.get("/drafts/<draft_id>")
@auth.signed_in(Scope.READ)
def show(draft_id: str) -> ResponseReturnValue:
    """The draft with its form, and what still hinders it from being published."""
    draft = publishing.draft_for_me(draft_id)
    return _page(draft, draft.contents)


@bp.post("/drafts/<draft_id>")
@auth.signed_in(Scope.DESIGN_WRITE, max_bytes=blobs.MAX_BYTES)
def save(draft_id: str) -> ResponseReturnValue:
    """Back on the draft, or the form again with what was filled in and why it was not saved."""
    by, now = auth.current_person(), datetime.now(UTC)
    draft = publishing.draft_for_me(draft_id)  # before any file is stored: it may be none of theirs
    mine = replace(_written(), files=draft.contents.files)
    try:
        mine = replace(mine, files=_files(mine.manifest))
        with transaction(current_app.extensions["engine"]) as session:
            drafts.save(session, draft_id, mine, revision=_revision(), by=by, now=now)
    except DraftMoved as error:
        theirs = publishing.draft_for_me(draft_id)
        return _page(theirs, mine, error, against=theirs.contents), status_of(error)
    except InvalidInput as error:
        return _page(draft, mine, error), status_of(error)
    return redirect(url_for("drafts.show", draft_id=draft_id, _anchor="state"), 303)


@bp.post("/drafts/<draft_id>/publish")
@auth.signed_in(Scope.DESIGN_WRITE)
def publish(draft_id: str) -> ResponseReturnValue:
    """Sent on to the release that the draft became, or the draft with everything that is wrong."""
    try:
        id_, _ = publishing.publish(draft_id)
    except FabError as error:
        draft = publishing.draft_for_me(draft_id)
        return _page(draft, draft.contents, error), status_of(error)
    return redirect(url_for("designs.show_release", id=id_), 303)


@bp.post("/drafts/<draft_id>/editors")
@auth.signed_in(Scope.DESIGN_WRITE)
def let_in(draft_id: str) -> ResponseReturnValue:
    """Back on the draft; that person may work on it, too."""
    with transaction(current_app.extensions["engine"]) as session:
        handle = request.form.get("handle", "")
        drafts.let_in(session, draft_id, handle=handle, by=auth.current_person())
    return redirect(url_for("drafts.show", draft_id=draft_id, _anchor="people"), 303)


@bp.post("/drafts/<draft_id>/discard")
@auth.signed_in(Scope.DESIGN_WRITE)
def discard(draft_id: str) -> ResponseReturnValue:
    """The list of drafts; this one is gone."""
    with transaction(current_app.extensions["engine"]) as session:
        drafts.discard(session, draft_id, by=auth.current_person())
    return redirect(url_for("drafts.list_drafts"), 303)


@bp.post("/releases/<id>/yank")
@auth.signed_in(Scope.DESIGN_WRITE)
def yank(id: str) -> ResponseReturnValue:
    """Back on the release, which says why nobody should begin with it any more."""
    by, now = auth.current_person(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        heads.yank(session, id, reason=request.form.get("reason", ""), by=by, now=now)
        refill.follow_head(session, id, current_app.extensions["blobs"])
    return redirect(url_for("designs.show_release", id=id), 303)


def _page(
    draft: Draft, mine: Contents, error: FabError | None = None, against: Contents | None = None
) -> str:
    """`mine` fills the form; `against` is what somebody else saved meanwhile."""
    lines = against and compare_text(against.manifest.encode(), mine.manifest.encode())
    return render_template(
        "draft.html",
        draft=draft,
        mine=mine,
        files=sorted(mine.files.items()),
        kept=json.dumps(dict(mine.files)),
        error=error,
        against=against,
        lines=lines,
    )


def _written() -> Contents:
    """The texts that the form holds."""
    manifest, note = (request.form.get(name, "") for name in ("manifest", "note"))
    return Contents(manifest.replace("\r\n", "\n"), {}, note.replace("\r\n", "\n"))


def _files(manifest: str) -> dict[str, str]:
    """The files that stay, and those that were chosen now."""
    kept = _kept()
    sent = uploads.read_files(request.files, manifest.encode())
    return kept | {path: uploads.store(file.stream) for path, file in sent.items()}


def _kept() -> dict[str, str]:
    """The files of the draft as the form was shown, without those that are to go."""
    try:
        files = json.loads(request.form.get("kept", "{}"))
    except (ValueError, RecursionError):
        files = None
    if not isinstance(files, dict):
        raise InvalidInput("the form came broken; load the draft again")
    gone = set(request.form.getlist("remove"))
    return {str(path): str(sha256) for path, sha256 in files.items() if path not in gone}


def _revision() -> int:
    said = request.form.get("revision", "")
    if not said.isdecimal() or len(said) > 9:
        raise InvalidInput("the form came broken; load the draft again")
    return int(said)
