"""Drafts of releases: saved until they are right, then published."""

from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, Field
from sqlmodel import Session

from commons.errors import FieldProblem
from commons.wire import Asked, Told
from repo_server import drafts, paths
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.designs import PublishedRelease, bom_of
from repo_server.api.designs import publish as publish_upload
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.db import reading, transaction
from repo_server.drafts import Contents, Draft, DraftLine
from repo_server.ids import new_id
from repo_server.people import Scope

bp = Blueprint("api_drafts", __name__, url_prefix="/api/v1")


Files = Annotated[dict[str, str], Field(max_length=paths.MAX_FILES)]


class DraftContents(Asked):
    """As a release is published, but nothing of it need be right yet."""

    manifest: str
    files: Annotated[dict[str, str], Field(max_length=paths.MAX_FILES)] = Field(
        default_factory=dict
    )
    note: str = ""

    def contents(self) -> Contents:
        return Contents(self.manifest, self.files, self.note)


class NewDraft(DraftContents):
    """A draft of the design `slug`, which need not exist yet."""

    slug: str


class SavedDraft(DraftContents):
    """`revision` is the one that was worked on."""

    revision: int


class NewDraftEditor(Asked):
    """Who may work on a draft, too."""

    handle: str


class DraftShown(Told):
    """A draft as it is saved; `problems` hinder it from being published."""

    id: str
    slug: str
    keeper: str
    editors: tuple[str, ...]
    revision: int
    saved_by: str
    saved_at: AwareDatetime
    manifest: str
    files: dict[str, str]
    note: str
    problems: tuple[FieldProblem, ...]


class DraftsListed(Told):
    drafts: tuple[DraftLine, ...]


@bp.post("/drafts")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({201: DraftShown}, refuses=(409,), keyed=True)
def create_draft(asked: NewDraft) -> ResponseReturnValue:
    """201 with the new draft."""
    by, id_ = auth.current_person(), new_id()

    def make(session: Session, now: datetime) -> tuple[int, DraftShown]:
        drafts.begin(session, asked.slug, asked.contents(), id=id_, by=by, now=now)
        return 201, _shown(drafts.show_draft(session, id_, to=by, bom_of=bom_of, now=now))

    return made_once(make)


@bp.get("/drafts")
@auth.signed_in(Scope.READ)
@answers({200: DraftsListed})
def list_drafts(query: From) -> ResponseReturnValue:
    """200 with the drafts that the one who asks may work on, saved last first; `Link` leads to
    older ones."""
    with reading(current_app.extensions["engine"]) as session:
        found = drafts.list_drafts(session, query.stretch, to=auth.current_person())
    return with_next(write(DraftsListed(drafts=tuple(found.entries))), found.after)


@bp.get("/drafts/<draft_id>")
@auth.signed_in(Scope.READ)
@answers({200: DraftShown})
def show_draft(draft_id: str) -> ResponseReturnValue:
    """200 with the draft and what still hinders it from being published."""
    return write(_show(draft_id))


@bp.put("/drafts/<draft_id>")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({200: DraftShown}, refuses=(409,))
def save_draft(draft_id: str, asked: SavedDraft) -> ResponseReturnValue:
    """200 with the draft as saved; 409 `draft_moved` when somebody saved another meanwhile."""
    by, now = auth.current_person(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        drafts.save(session, draft_id, asked.contents(), revision=asked.revision, by=by, now=now)
    return write(_show(draft_id))


@bp.delete("/drafts/<draft_id>")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({204: None}, refuses=(409,))
def discard_draft(draft_id: str) -> ResponseReturnValue:
    """204; the draft is gone."""
    with transaction(current_app.extensions["engine"]) as session:
        drafts.discard(session, draft_id, by=auth.current_person())
    return "", 204


@bp.post("/drafts/<draft_id>/editors")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({204: None}, refuses=(409,))
def add_editor(draft_id: str, asked: NewDraftEditor) -> ResponseReturnValue:
    """204; that person may work on the draft, too."""
    by = auth.current_person()
    with transaction(current_app.extensions["engine"]) as session:
        drafts.let_in(session, draft_id, handle=asked.handle, by=by)
    return "", 204


@bp.post("/drafts/<draft_id>/release")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({201: PublishedRelease}, refuses=(409, 422))
def publish_draft(draft_id: str) -> ResponseReturnValue:
    """201 with the release that the draft became; 422 with everything that is wrong with it."""
    id_, slug = publish(draft_id)
    return write(PublishedRelease(id=id_, slug=slug)), 201


def publish(draft_id: str) -> tuple[str, str]:
    """The draft is a release, and no draft any more: the release's id and the design's slug.

    Raises as `designs.publish_release` does, and DraftMoved; the draft is as it was then.
    """
    draft = draft_for_me(draft_id)
    id_, _ = publish_upload(
        draft.upload, then=lambda s: drafts.close(s, draft.id, revision=draft.revision)
    )
    return id_, draft.slug


def draft_for_me(draft_id: str) -> Draft:
    """The draft, for whoever asks; NotFound when they may not work on it."""
    to, now = auth.current_person(), datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        return drafts.show_draft(session, draft_id, to=to, bom_of=bom_of, now=now)


def _show(draft_id: str) -> DraftShown:
    return _shown(draft_for_me(draft_id))


def _shown(draft: Draft) -> DraftShown:
    return DraftShown(
        id=draft.id,
        slug=draft.slug,
        keeper=draft.keeper.handle,
        editors=draft.editors,
        revision=draft.revision,
        saved_by=draft.saved_by,
        saved_at=draft.saved_at,
        manifest=draft.contents.manifest,
        files=dict(draft.contents.files),
        note=draft.contents.note,
        problems=draft.problems,
    )
