"""The journal: what labs, designs and this node tell, in posts that people write for them.

| a post is from | who may write it |
|---|---|
| a lab | its managers |
| a design | its steward |
| this node | its admins |

Nobody changes another's words: its author edits and publishes a post while they may write from
there, and only they see its draft. Whoever may write from there, and an admin, can withdraw it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from commons.errors import Changed, Conflict, FieldProblem, InvalidInput, NotAllowed, NotFound
from commons.texts import filled, later
from commons.wire import Asked
from repo_server import directory
from repo_server.ids import new_id
from repo_server.labs import lab_of
from repo_server.paging import BEGINNING, Page, Stretch, latest_first, read_page
from repo_server.people import Person
from repo_server.stewards import design_of
from repo_server.tables import DesignRow, LabRoleRow, LabRow, PersonRow, PostRow, ReleaseRow
from repo_server.tables.people import LabRole

LATEST = 3  # posts on the page of whom they are from
MOST_DRAFTS = 100  # of one person
MOST_TEXT = 50_000


class VoiceKind(StrEnum):
    """Whose voice a post speaks with."""

    NODE = "node"
    LAB = "lab"
    DESIGN = "design"


@dataclass(frozen=True, slots=True)
class Voice:
    """A lab, a design, or this node, which has no slug."""

    kind: VoiceKind
    slug: str = ""
    name: str = ""


class PostText(Asked):
    """What a post says; `text` is Markdown."""

    title: Annotated[str, Field(min_length=1, max_length=120)]
    text: Annotated[str, Field(min_length=1, max_length=MOST_TEXT)]


class NewPost(PostText):
    """A post from a lab, or from a design, or with neither from this node."""

    lab: Annotated[str, Field(max_length=80)] | None = None
    design: Annotated[str, Field(max_length=80)] | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """A post. `author` is their name, `handle` where their page is, None when they have none.

    Of a withdrawn one title and text are empty.
    """

    id: str
    voice: Voice
    author: str
    handle: str | None
    title: str
    text: str
    revision: int
    saved_at: datetime
    published_at: datetime | None
    withdrawn_at: datetime | None

    @property
    def changed_at(self) -> datetime | None:
        """When it was changed after it was published; None when it was not."""
        at = self.published_at
        return self.saved_at if at is not None and self.saved_at > at else None


@dataclass(frozen=True, slots=True)
class Gone:
    """A post that was published and withdrawn."""

    id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody can do about a post."""

    edit: bool = False
    withdraw: bool = False


Of = tuple[ColumnElement[bool], ...]


def of(session: Session, *, lab: str = "", design: str = "") -> Of:
    """What picks the posts of a lab or a design, or all; NotFound when there is none such."""
    if lab:
        return (col(PostRow.lab_id) == lab_of(session, lab).id,)
    if design:
        return (col(PostRow.design_id) == design_of(session, design).id,)
    return ()


def list_posts(session: Session, which: Of = (), stretch: Stretch = BEGINNING) -> Page[Post]:
    """What is published, the latest first."""
    standing = (col(PostRow.published_at).is_not(None), col(PostRow.withdrawn_at).is_(None))
    wanted = select(PostRow).where(*which, *standing)
    page = read_page(session, wanted, latest_first(PostRow.published_at, PostRow.id), stretch)
    return page.holding(_posts(session, page.entries))


def latest(session: Session, *, lab: str = "", design: str = "") -> Sequence[Post]:
    """The latest posts of a lab or a design, as their page shows them."""
    which = of(session, lab=lab, design=design)
    return list_posts(session, which, Stretch(most=LATEST)).entries


def list_own(session: Session, author: Person, stretch: Stretch = BEGINNING) -> Page[Post]:
    """What the person has written, drafts too, and not withdrawn; begun last first."""
    mine = (col(PostRow.author_id) == author.id, col(PostRow.withdrawn_at).is_(None))
    wanted = select(PostRow).where(*mine)
    page = read_page(session, wanted, latest_first(PostRow.begun_at, PostRow.id), stretch)
    return page.holding(_posts(session, page.entries))


def list_gone(session: Session, which: Of = (), *, most: int) -> list[Gone]:
    """What was published and withdrawn, the latest first: those who have it should know."""
    wanted = (
        select(PostRow.id, PostRow.withdrawn_at)
        .where(*which, col(PostRow.withdrawn_at).is_not(None))
        .order_by(col(PostRow.withdrawn_at).desc(), PostRow.id)
    )
    return [Gone(id_, at) for id_, at in session.exec(wanted.limit(most)) if at is not None]


def show_post(session: Session, id: str, *, to: Person | None) -> Post:
    """The post; NotFound for a draft of somebody else, just as for none."""
    return _posts(session, [_visible(session, id, to)])[0]


def rights(session: Session, id: str, person: Person | None) -> Rights:
    """What the person can do about the post."""
    row = session.get(PostRow, id)
    if row is None or person is None or row.withdrawn_at is not None:
        return Rights()
    mine, may = row.author_id == person.id, _may_write(session, row, person)
    return Rights(edit=mine and may, withdraw=mine or may or person.is_admin)


def voices_of(session: Session, person: Person) -> list[Voice]:
    """From where the person may write: this node, labs, then designs, by name."""
    labs = (
        select(LabRow.slug, LabRow.name)
        .join(LabRoleRow, col(LabRoleRow.lab_id) == col(LabRow.id))
        .where(LabRoleRow.person_id == person.id, LabRoleRow.role == LabRole.MANAGER)
        .order_by(LabRow.name)
    )
    designs = (
        select(DesignRow.slug, ReleaseRow.name)
        .join(ReleaseRow, col(ReleaseRow.id) == col(DesignRow.head_id))
        .where(DesignRow.steward_id == person.id)
        .order_by(ReleaseRow.name)
    )
    return [
        *([Voice(VoiceKind.NODE)] if person.is_admin else []),
        *(Voice(VoiceKind.LAB, slug, name) for slug, name in session.exec(labs)),
        *(Voice(VoiceKind.DESIGN, slug, name) for slug, name in session.exec(designs)),
    ]


def begin(session: Session, wanted: NewPost, *, by: Person, now: datetime) -> str:
    """A draft is there, which only its author sees; its id.

    Raises NotFound, NotAllowed for whoever may not write from there, Conflict for too many drafts.
    """
    if wanted.lab is not None and wanted.design is not None:
        problem = FieldProblem(
            "design", later("a post is from a lab or from a design, not from both")
        )
        raise InvalidInput(str(problem), [problem])
    title, text = _words(wanted)
    row = PostRow(
        id=new_id(),
        author_id=by.id,
        lab_id=None if wanted.lab is None else lab_of(session, wanted.lab).id,
        design_id=None if wanted.design is None else design_of(session, wanted.design).id,
        title=title,
        text=text,
        begun_at=now,
        saved_at=now,
    )
    _require_writer(session, row, by)
    drafts = select(PostRow.id).where(
        PostRow.author_id == by.id, col(PostRow.published_at).is_(None)
    )
    if len(session.exec(drafts.limit(MOST_DRAFTS)).all()) >= MOST_DRAFTS:
        raise Conflict(
            filled(
                "you have %(most)s drafts of posts; publish or withdraw one first", most=MOST_DRAFTS
            )
        )
    session.add(row)
    session.flush()
    return row.id


def edit(
    session: Session,
    id: str,
    said: PostText,
    *,
    by: Person,
    now: datetime,
    known: Collection[int] = (),
) -> None:
    """The post says this. Changed when `known` names revisions and it is at another one."""
    row = _mine(session, id, by)
    if known and row.revision not in known:
        raise Changed("this post was changed since you read it; read it again")
    words = _words(said)
    if (row.title, row.text) != words:
        row.title, row.text = words
        _step(session, row, now)


def publish(session: Session, id: str, *, by: Person, now: datetime) -> None:
    """Everybody can read the post; published before, it stays as it is."""
    row = _mine(session, id, by)
    if row.published_at is None:
        row.published_at = now
        _step(session, row, now)


def withdraw(session: Session, id: str, *, by: Person, now: datetime) -> None:
    """The words are gone, for good. That something was published there, and when, stays."""
    row = _visible(session, id, by, lock=True)
    if row.withdrawn_at is not None:
        return
    if not rights(session, id, by).withdraw:
        raise NotAllowed("only who may write from there can withdraw a post")
    if row.published_at is None:
        session.delete(row)
        return
    row.title = row.text = ""
    row.withdrawn_at, row.withdrawn_by = now, by.id
    _step(session, row, now)


def _step(session: Session, row: PostRow, now: datetime) -> None:
    row.revision += 1
    row.saved_at = now
    session.add(row)
    session.flush()


def _words(said: PostText) -> tuple[str, str]:
    """Title and text as they are kept; InvalidInput for blanks, and for a title of two lines."""
    title, text = said.title.strip(), said.text.strip().replace("\r\n", "\n")
    problems = []
    if not title or not title.isprintable():
        problems.append(FieldProblem("title", later("must be one line that says something")))
    if not text or "\0" in text:
        problems.append(
            FieldProblem("text", later("must say something, without the character U+0000"))
        )
    if problems:
        raise InvalidInput("; ".join(str(it) for it in problems), problems)
    return title, text


def _visible(session: Session, id: str, to: Person | None, *, lock: bool = False) -> PostRow:
    row = session.get(PostRow, id, with_for_update=lock)
    is_mine = row is not None and to is not None and row.author_id == to.id
    if row is None or not (row.published_at is not None or is_mine):
        raise NotFound(f"there is no post {id[:64]}")
    return row


def _mine(session: Session, id: str, by: Person) -> PostRow:
    """The post, for its author while they may write from there, kept for this transaction."""
    row = _visible(session, id, by, lock=True)
    if row.author_id != by.id:
        raise NotAllowed(later("only its author edits a post"))
    _require_writer(session, row, by)
    if row.withdrawn_at is not None:
        raise Conflict("this post was withdrawn; write another one")
    return row


def _require_writer(session: Session, row: PostRow, person: Person) -> None:
    if not _may_write(session, row, person):
        raise NotAllowed(
            "a lab's managers write from it, a design's steward from it, an admin from this node"
        )


def _may_write(session: Session, row: PostRow, person: Person) -> bool:
    if row.lab_id is not None:
        held = session.get(LabRoleRow, (person.id, row.lab_id))
        return held is not None and held.role is LabRole.MANAGER
    if row.design_id is not None:
        return session.get_one(DesignRow, row.design_id).steward_id == person.id
    return person.is_admin


def _posts(session: Session, rows: Collection[PostRow]) -> list[Post]:
    authors = {row.author_id for row in rows}
    people = select(PersonRow.id, PersonRow.name).where(col(PersonRow.id).in_(authors))
    names = dict(session.exec(people).all())
    pages = directory.handles_of(session, authors)
    voices = _voices(session, rows)
    return [
        Post(
            id=row.id,
            voice=voices.get(row.lab_id or row.design_id or "", Voice(VoiceKind.NODE)),
            author=names[row.author_id],
            handle=pages.get(row.author_id),
            title=row.title,
            text=row.text,
            revision=row.revision,
            saved_at=row.saved_at,
            published_at=row.published_at,
            withdrawn_at=row.withdrawn_at,
        )
        for row in rows
    ]


def _voices(session: Session, rows: Collection[PostRow]) -> dict[str, Voice]:
    """The labs and designs that these posts are from, by id; a design without a head by slug."""
    labs = select(LabRow).where(col(LabRow.id).in_({row.lab_id for row in rows}))
    designs = (
        select(DesignRow, ReleaseRow.name)
        .join(ReleaseRow, col(ReleaseRow.id) == col(DesignRow.head_id), isouter=True)
        .where(col(DesignRow.id).in_({row.design_id for row in rows}))
    )
    found = {it.id: Voice(VoiceKind.LAB, it.slug, it.name) for it in session.exec(labs)}
    for it, name in session.exec(designs):
        found[it.id] = Voice(VoiceKind.DESIGN, it.slug, name or it.slug)
    return found
