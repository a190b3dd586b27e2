"""Merging back: a fork's release is proposed, and the design's steward accepts or declines it."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, case, col, select

from commons.errors import Conflict, FieldProblem, InvalidInput, NotAllowed, NotFound
from commons.lineage import name_parents
from commons.texts import filled, later
from repo_server import drafts
from repo_server.drafts import Contents
from repo_server.ids import new_id
from repo_server.paging import BEGINNING, Keys, Page, Stretch, read_page
from repo_server.people import Person
from repo_server.stewards import design_of
from repo_server.submissions import MOST_NOTE
from repo_server.tables import DesignRow, PersonRow, ProposalRow, ReleaseRow

MOST_WORDS = 2000


@dataclass(frozen=True, slots=True)
class Proposal:
    """A release that is proposed to a design. `accepted` is None while nobody has answered."""

    id: str
    slug: str
    release_id: str
    title: str
    from_slug: str
    message: str
    by: str
    at: datetime
    accepted: bool | None
    word: str


def propose(
    session: Session, slug: str, release_id: str, *, message: str, by: Person, now: datetime
) -> str:
    """The steward of `slug` sees that this release should be merged; the proposal's id.

    Raises NotFound, InvalidInput for words that are none, Conflict for a release of the design
    itself or one that waits for an answer already.
    """
    design = design_of(session, slug)
    release = session.get(ReleaseRow, release_id)
    if release is None:
        raise NotFound(f"there is no release {release_id[:64]}")
    if release.design_id == design.id:
        raise Conflict(
            filled(
                "%(release)s is a release of '%(slug)s' itself", release=_name(release), slug=slug
            )
        )
    _require_words("message", message)
    same = (ProposalRow.design_id == design.id, ProposalRow.release_id == release_id)
    open_ = col(ProposalRow.accepted).is_(None)
    if session.exec(select(ProposalRow.id).where(*same, open_)).first() is not None:
        raise Conflict(
            filled("%(release)s is proposed and waits for an answer", release=_name(release))
        )
    row = ProposalRow(
        id=new_id(),
        design_id=design.id,
        release_id=release_id,
        message=message.strip(),
        proposed_by=by.id,
        proposed_at=now,
    )
    session.add(row)
    session.flush()
    return row.id


def list_proposals(session: Session, slug: str, stretch: Stretch = BEGINNING) -> Page[Proposal]:
    """What was proposed to the design, what waits first; NotFound when there is no such design."""
    design = design_of(session, slug)
    waits = case((col(ProposalRow.answered_at).is_(None), 1), else_=0)
    wanted = (
        select(ProposalRow, ReleaseRow, DesignRow.slug, PersonRow.name)
        .join(ReleaseRow, col(ReleaseRow.id) == col(ProposalRow.release_id))
        .join(DesignRow, col(DesignRow.id) == col(ReleaseRow.design_id))
        .join(PersonRow, col(PersonRow.id) == col(ProposalRow.proposed_by))
        .where(ProposalRow.design_id == design.id)
    )
    keys = Keys(falls=True, waits=waits, at=ProposalRow.proposed_at, id=ProposalRow.id)
    return read_page(session, wanted, keys, stretch).shown(lambda it: _shown(slug, *it))


def _shown(slug: str, row: ProposalRow, release: ReleaseRow, from_slug: str, name: str) -> Proposal:
    return Proposal(
        id=row.id,
        slug=slug,
        release_id=release.id,
        title=_name(release),
        from_slug=from_slug,
        message=row.message,
        by=name,
        at=row.proposed_at,
        accepted=row.accepted,
        word=row.word,
    )


def proposed_release(session: Session, proposal_id: str) -> str:
    """The id of the release that is proposed; NotFound when there is no such proposal."""
    return _row(session, proposal_id).release_id


def accept(
    session: Session, id: str, contents: Contents, *, word: str, by: Person, now: datetime
) -> str:
    """The proposal is accepted with a word, and its steward has a draft to merge it with.

    `contents` is what the proposed release holds; the draft names it as a parent. The id of the
    draft. Raises as `decline` does.
    """
    row = _answer(session, id, accepted=True, word=word, by=by, now=now)
    slug = session.get_one(DesignRow, row.design_id).slug
    manifest = name_parents(contents.manifest, (row.release_id,))
    draft_id = new_id()
    merged = Contents(manifest, contents.files, f"Merged: {row.message}"[:MOST_NOTE])
    drafts.begin(session, slug, merged, id=draft_id, by=by, now=now)
    return draft_id


def decline(session: Session, id: str, *, word: str, by: Person, now: datetime) -> None:
    """The proposal is declined with a word.

    Raises NotFound, NotAllowed for all but the steward, Conflict when it is answered already,
    InvalidInput without a word.
    """
    _answer(session, id, accepted=False, word=word, by=by, now=now)


def _answer(
    session: Session, id: str, *, accepted: bool, word: str, by: Person, now: datetime
) -> ProposalRow:
    row = _row(session, id)
    design = session.get_one(DesignRow, row.design_id)
    if design.steward_id != by.id:
        steward = session.get_one(PersonRow, design.steward_id)
        raise NotAllowed(
            filled(
                "'%(slug)s' is kept by %(steward)s: only they can answer",
                slug=design.slug,
                steward=steward.name,
            )
        )
    if row.accepted is not None:
        raise Conflict(later("this proposal is answered already"))
    _require_words("word", word)
    row.accepted, row.word, row.answered_at = accepted, word.strip(), now
    session.add(row)
    session.flush()
    return row


def _row(session: Session, id: str) -> ProposalRow:
    row = session.get(ProposalRow, id, with_for_update=True)
    if row is None:
        raise NotFound(f"there is no proposal {id[:64]}")
    return row


def _require_words(field: str, text: str) -> None:
    if not 1 <= len(text.strip()) <= MOST_WORDS:
        said = filled("say in 1 to %(most)s characters what you mean", most=MOST_WORDS)
        problem = FieldProblem(field, said)
        raise InvalidInput(str(problem), [problem])


def _name(release: ReleaseRow) -> str:
    return f"{release.name} {release.version}"
