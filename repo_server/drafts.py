"""Drafts: what is to become a release, kept until it is right, by one or by several people.

Each save names the revision that it began with. A second one that began with the same is refused,
and whoever sent it still has its text: neither of two people ever writes over the other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, delete, or_, select, update

from commons.errors import Conflict, FieldProblem, InvalidInput, ManifestInvalid, NotFound
from commons.manifest import MAX_BYTES
from commons.texts import filled, later
from repo_server import designs
from repo_server.paging import BEGINNING, Page, Stretch, latest_first, read_page
from repo_server.paths import MAX_FILES
from repo_server.people import Person
from repo_server.submissions import MOST_NOTE, SLUG, Upload, check
from repo_server.tables import DraftEditorRow, DraftRow, PersonRow

MOST_DRAFTS = 100  # of one person
# The text of the bill of materials that an upload holds, None where there is none to be read.
BomOf = Callable[[Upload], bytes | None]


class DraftMoved(Conflict):
    """Somebody saved the draft meanwhile."""

    reason = "draft_moved"


@dataclass(frozen=True, slots=True)
class Contents:
    """What somebody wants a draft to hold; the manifest as text that need not be right yet."""

    manifest: str
    files: Mapping[str, str]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as it is saved. `editors` are handles; `problems` hinder it from being published."""

    id: str
    slug: str
    keeper: Person
    editors: tuple[str, ...]
    contents: Contents
    revision: int
    saved_by: str
    saved_at: datetime
    problems: tuple[FieldProblem, ...]

    @property
    def upload(self) -> Upload:
        """The release that it would become."""
        it = self.contents
        return Upload(self.slug, it.manifest.encode(), it.files, it.note)


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A draft in a list of drafts."""

    id: str
    slug: str
    revision: int
    saved_by: str
    saved_at: datetime


def begin(
    session: Session, slug: str, contents: Contents, *, id: str, by: Person, now: datetime
) -> None:
    """A draft `id` of the design `slug` is there, kept by `by`.

    The design may not exist yet. InvalidInput for a name or contents that no draft can have.
    """
    _require_savable(contents)
    if not SLUG.fullmatch(slug):
        problem = later("must be 2 to 63 lower-case letters, digits or single hyphens")
        raise InvalidInput(f"slug: {problem}", [FieldProblem("slug", problem)])
    mine = session.exec(select(DraftRow.id).where(DraftRow.keeper_id == by.id)).all()
    if len(mine) >= MOST_DRAFTS:
        raise Conflict(
            filled("you keep %(most)s drafts; publish or discard one first", most=MOST_DRAFTS)
        )
    session.add(
        DraftRow(
            id=id,
            slug=slug,
            keeper_id=by.id,
            manifest=contents.manifest,
            files=dict(contents.files),
            note=contents.note,
            saved_by=by.id,
            saved_at=now,
        )
    )
    session.flush()


def save(
    session: Session, id: str, contents: Contents, *, revision: int, by: Person, now: datetime
) -> int:
    """The draft holds `contents`; the number of its new revision.

    Raises DraftMoved when `revision` is not the newest any more: nothing was changed, and the
    sentence tells who saved it. Saving what it holds already is no new revision.
    """
    _require_savable(contents)
    row = _row_for(session, id, by)
    if _contents(row) == contents:
        return row.revision
    values = {
        "manifest": contents.manifest,
        "files": dict(contents.files),
        "note": contents.note,
        "revision": revision + 1,
        "saved_by": by.id,
        "saved_at": now,
    }
    as_it_was = (col(DraftRow.id) == id) & (col(DraftRow.revision) == revision)
    if session.exec(update(DraftRow).where(as_it_was).values(values)).rowcount != 1:
        session.refresh(row)
        who = session.get_one(PersonRow, row.saved_by).name
        raise DraftMoved(
            filled(
                "%(who)s saved revision %(theirs)s of this draft while you worked on %(yours)s; "
                "nothing of yours was saved over it: bring the two together and save again",
                who=who,
                theirs=row.revision,
                yours=revision,
            )
        )
    session.expire(row)
    return revision + 1


def let_in(session: Session, id: str, *, handle: str, by: Person) -> None:
    """The person of that handle may work on the draft, too. Only its keeper says so."""
    row = _row_for(session, id, by)
    if row.keeper_id != by.id:
        keeper = session.get_one(PersonRow, row.keeper_id).name
        raise Conflict(
            filled("this draft is kept by %(keeper)s: only they let others in", keeper=keeper)
        )
    wanted = handle.strip().lower()
    person = session.exec(select(PersonRow).where(PersonRow.handle == wanted)).first()
    if person is None:
        raise NotFound(
            filled(
                "nobody here has the handle '%(handle)s'; they have to sign up first",
                handle=handle[:40],
            )
        )
    if person.id != by.id:
        session.merge(DraftEditorRow(draft_id=id, person_id=person.id))


def discard(session: Session, id: str, *, by: Person) -> None:
    """The draft is gone; only its keeper can do that. Files that it named stay stored."""
    row = _row_for(session, id, by)
    if row.keeper_id != by.id:
        keeper = session.get_one(PersonRow, row.keeper_id).name
        raise Conflict(
            filled("this draft is kept by %(keeper)s: only they can discard it", keeper=keeper)
        )
    close(session, id, revision=row.revision)


def close(session: Session, id: str, *, revision: int) -> None:
    """The draft became a release, or is not wanted: it is gone.

    DraftMoved when somebody saved it meanwhile: that would be lost.
    """
    as_it_was = (col(DraftRow.id) == id) & (col(DraftRow.revision) == revision)
    session.exec(delete(DraftEditorRow).where(col(DraftEditorRow.draft_id) == id))
    if session.exec(delete(DraftRow).where(as_it_was)).rowcount != 1:
        raise DraftMoved(
            later("somebody saved this draft at this moment; look at it and try again")
        )


def show_draft(session: Session, id: str, *, to: Person, bom_of: BomOf, now: datetime) -> Draft:
    """The draft, with all that still hinders it from being published.

    NotFound when there is none that `to` may work on.
    """
    row = _row_for(session, id, to)
    keeper = session.get_one(PersonRow, row.keeper_id)
    editors = (
        select(PersonRow.handle)
        .join(DraftEditorRow, col(DraftEditorRow.person_id) == col(PersonRow.id))
        .where(DraftEditorRow.draft_id == id)
        .order_by(PersonRow.handle)
    )
    return Draft(
        id=row.id,
        slug=row.slug,
        keeper=Person(keeper.id, keeper.handle, keeper.name, keeper.is_admin),
        editors=tuple(session.exec(editors)),
        contents=_contents(row),
        revision=row.revision,
        saved_by=session.get_one(PersonRow, row.saved_by).name,
        saved_at=row.saved_at,
        problems=_problems(session, row, by=to, bom_of=bom_of, now=now),
    )


def list_drafts(session: Session, stretch: Stretch = BEGINNING, *, to: Person) -> Page[DraftLine]:
    """The drafts that `to` may work on, the latest first."""
    let = select(DraftEditorRow.draft_id).where(DraftEditorRow.person_id == to.id)
    wanted = (
        select(DraftRow, PersonRow.name)
        .join(PersonRow, col(PersonRow.id) == col(DraftRow.saved_by))
        .where(or_(col(DraftRow.keeper_id) == to.id, col(DraftRow.id).in_(let)))
    )
    return read_page(session, wanted, latest_first(DraftRow.saved_at, DraftRow.id), stretch).shown(
        lambda it: _line(*it)
    )


def _line(row: DraftRow, saved_by: str) -> DraftLine:
    return DraftLine(row.id, row.slug, row.revision, saved_by, row.saved_at)


def find_holding(
    session: Session, slug: str, path: str, sha256: str, *, by: Person
) -> tuple[str, int, Contents] | None:
    """Id, revision and contents of the latest draft of the design that `by` keeps and that holds
    this file at this path; None when there is none."""
    rows = session.exec(
        select(DraftRow)
        .where(DraftRow.slug == slug, DraftRow.keeper_id == by.id)
        .order_by(col(DraftRow.saved_at).desc(), DraftRow.id)
    )
    held = (it for it in rows if it.files.get(path) == sha256)
    return next(((it.id, it.revision, _contents(it)) for it in held), None)


def _row_for(session: Session, id: str, person: Person) -> DraftRow:
    row = session.get(DraftRow, id)
    is_editor = session.get(DraftEditorRow, (id, person.id)) is not None
    if row is None or not (row.keeper_id == person.id or is_editor):
        raise NotFound(f"there is no draft {id[:64]} that you may work on")
    return row


def _contents(row: DraftRow) -> Contents:
    return Contents(row.manifest, row.files, row.note)


def _problems(
    session: Session, row: DraftRow, *, by: Person, bom_of: BomOf, now: datetime
) -> tuple[FieldProblem, ...]:
    """Everything that a publication would be refused for, but who asks for it."""
    it = _contents(row)
    try:
        upload = Upload(row.slug, it.manifest.encode(), it.files, it.note)
        checked = check(session, upload, bom=bom_of(upload), by=by, now=now)
        designs.require_new_version(session, row.slug, checked.manifest.version)
    except ManifestInvalid as error:
        return error.fields
    except Conflict as error:
        return (FieldProblem("version", error.sentence),)
    return ()


def _require_savable(contents: Contents) -> None:
    """Pass for what fits into a draft; whether it is right is asked when it is published."""
    problems = []
    if len(contents.manifest.encode()) > MAX_BYTES:
        problems.append(
            FieldProblem("manifest", filled("has more than %(most)s bytes", most=MAX_BYTES))
        )
    if len(contents.note) > MOST_NOTE:
        problems.append(
            FieldProblem("note", filled("has more than %(most)s characters", most=MOST_NOTE))
        )
    for name in ("manifest", "note"):
        if "\0" in getattr(contents, name):
            problems.append(FieldProblem(name, "holds the character U+0000; remove it"))
    if len(contents.files) > MAX_FILES:
        problems.append(FieldProblem("files", f"are more than {MAX_FILES}"))
    if problems:
        raise InvalidInput("; ".join(str(problem) for problem in problems), problems)
