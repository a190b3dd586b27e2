"""Forks and what they came from, and what is proposed to be merged."""

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.lineage import NOTICE, Parent, change_notice, name_parents, require_change
from commons.wire import Asked, Told
from repo_server import blobs, designs, drafts, lineage, proposals
from repo_server.api import auth
from repo_server.api.comparisons import read_blob
from repo_server.api.contract import answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.db import reading, transaction
from repo_server.designs import Release
from repo_server.drafts import Contents
from repo_server.ids import new_id
from repo_server.lineage import Member
from repo_server.people import Scope
from repo_server.proposals import Proposal

bp = Blueprint("api_lineage", __name__, url_prefix="/api/v1")


class NewFork(Asked):
    """A design of one's own name, and what is to be changed."""

    slug: str
    change: str


class NewProposal(Asked):
    """A release that should be merged, and why."""

    release_id: str
    message: str


class Said(Asked):
    """What the steward says to a proposal."""

    word: str


class FamilyShown(Told):
    """`steps` and `forks` lead from one release or design to the one made from it."""

    releases: tuple[Member, ...]
    steps: tuple[tuple[str, str], ...]
    forks: tuple[tuple[str, str], ...]
    is_whole: bool


class BegunDraft(Told):
    draft_id: str


class BegunFork(BegunDraft):
    slug: str


class MadeProposal(Told):
    id: str


class ProposalsListed(Told):
    proposals: tuple[Proposal, ...]


@bp.get("/designs/<slug>/lineage")
@auth.public
@answers({200: FamilyShown})
def show_lineage(slug: str) -> ResponseReturnValue:
    """200 with every release of the design's family, and which was made from which."""
    with reading(current_app.extensions["engine"]) as session:
        family = lineage.family_of(session, slug)
    return write(
        FamilyShown(
            releases=family.members,
            steps=family.steps,
            forks=family.forks,
            is_whole=family.is_whole,
        )
    )


@bp.post("/releases/<id>/fork")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({201: BegunFork}, refuses=(409,), keyed=True)
def fork_release(id: str, asked: NewFork) -> ResponseReturnValue:
    """201 with the id of a draft that names the release as its parent."""
    begin = forking(id, asked.slug, asked.change)
    return made_once(
        lambda session, _now: (201, BegunFork(draft_id=begin(session), slug=asked.slug))
    )


@bp.post("/designs/<slug>/proposals")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({201: MadeProposal}, refuses=(409,), keyed=True)
def create_proposal(slug: str, asked: NewProposal) -> ResponseReturnValue:
    """201; the design's steward sees that this release should be merged."""
    by = auth.current_person()

    def make(session: Session, now: datetime) -> tuple[int, MadeProposal]:
        id_ = proposals.propose(
            session, slug, asked.release_id, message=asked.message, by=by, now=now
        )
        return 201, MadeProposal(id=id_)

    return made_once(make)


@bp.get("/designs/<slug>/proposals")
@auth.public
@answers({200: ProposalsListed})
def list_proposals(slug: str, query: From) -> ResponseReturnValue:
    """200 with what was proposed to the design, what waits for an answer first, then the latest;
    `Link` leads to the rest."""
    with reading(current_app.extensions["engine"]) as session:
        found = proposals.list_proposals(session, slug, query.stretch)
    return with_next(write(ProposalsListed(proposals=tuple(found.entries))), found.after)


@bp.post("/proposals/<proposal_id>/accept")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({201: BegunDraft}, refuses=(409,), keyed=True)
def accept_proposal(proposal_id: str, asked: Said) -> ResponseReturnValue:
    """201 with the id of the draft that its steward may merge it with."""
    begin = accepting(proposal_id, asked.word)
    return made_once(lambda session, _now: (201, BegunDraft(draft_id=begin(session))))


@bp.post("/proposals/<proposal_id>/decline")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({204: None}, refuses=(409,))
def decline_proposal(proposal_id: str, asked: Said) -> ResponseReturnValue:
    """204; whoever proposed it reads why not."""
    by, now = auth.current_person(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        proposals.decline(session, proposal_id, word=asked.word, by=by, now=now)
    return "", 204


def forking(release_id: str, slug: str, change: str) -> Callable[[Session], str]:
    """What begins a draft and answers its id: this release, its parent named, its change notice
    written.

    Raises NotFound, InvalidInput when the licence forbids every fork or nobody says what is
    changed. What it gives back raises Conflict for a name that is taken.
    """
    require_change(change)
    by, now, slug = auth.current_person(), datetime.now(UTC), slug.strip()
    with reading(current_app.extensions["engine"]) as session:
        lineage.require_forkable(session, release_id, by=by, now=now)
        release = designs.show_release(session, release_id)
    old = release.file(NOTICE)
    before = read_blob(old.sha256).decode("utf-8", errors="replace") if old else ""
    notice = change_notice(before, _parent(release), by=by.name, change=change, on=now.date())
    store: blobs.BlobStore = current_app.extensions["blobs"]
    stored = store.put(BytesIO(notice.encode()))
    contents = contents_of(release)
    said = Contents(
        name_parents(contents.manifest, (release.id,)),
        {**contents.files, NOTICE: stored.sha256},
        change.strip(),
    )
    draft_id = new_id()

    def begin(session: Session) -> str:
        lineage.require_free(session, slug)
        blobs.record(session, stored, now=now)
        drafts.begin(session, slug, said, id=draft_id, by=by, now=now)
        return draft_id

    return begin


def accepting(proposal_id: str, word: str) -> Callable[[Session], str]:
    """What accepts the proposal and answers the id of the draft with which it can be merged."""
    by, now = auth.current_person(), datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        release = designs.show_release(session, proposals.proposed_release(session, proposal_id))
    contents = contents_of(release)
    return lambda session: proposals.accept(
        session, proposal_id, contents, word=word, by=by, now=now
    )


def contents_of(release: Release) -> Contents:
    """What a draft holds that begins as this release."""
    text = read_blob(release.manifest_sha256).decode("utf-8", errors="replace")
    return Contents(text, {file.path: file.sha256 for file in release.files})


def _parent(release: Release) -> Parent:
    base = current_app.extensions["settings"].base_url
    about = release.manifest
    return Parent(
        id=release.id,
        title=about.name,
        version=release.version,
        license=about.license,
        address=f"{base}/releases/{release.id}",
    )
