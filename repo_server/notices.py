"""What labs and forks should know of the releases that they use: yanked, or there is a newer one.

Notices are read from what is true now, so none can be lost and none outlives its reason. One that
was dismissed comes again when it says something else, such as a release that is newer still.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, func, select

from commons.content import content_id
from commons.errors import NotAllowed
from commons.job import JobState
from commons.versions import in_order
from repo_server.cursors import Cursor
from repo_server.paging import Page, Stretch, cut
from repo_server.people import Person
from repo_server.stewards import design_of
from repo_server.tables import (
    BuildOrderRow,
    DesignRow,
    DismissalRow,
    JobRow,
    ParentRow,
    ReleaseRow,
    YankRow,
)

_WAITING = (JobState.QUEUED, JobState.LEASED, JobState.STAGED)


class About(StrEnum):
    """What there is to know of a release."""

    YANKED = "yanked"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to know of the release `release_id`; `id` stays the same while it says the same.

    `said` is the reason of a yank, or what changed in the newer release. `instead_id` is the
    release to use, None when there is none. `waiting` counts the lab's jobs that have not begun.
    """

    id: str
    about: About
    slug: str
    name: str
    release_id: str
    version: str
    said: str
    at: datetime
    instead_id: str | None
    instead_version: str | None
    waiting: int = 0


def for_lab(session: Session, lab_id: str) -> list[Notice]:
    """What the lab should know of releases that were ordered there, the latest first.

    A newer release is told of the newest one that was ordered, and of every one that still waits.
    """
    ordered = session.exec(
        select(BuildOrderRow.release_id).where(BuildOrderRow.lab_id == lab_id).distinct()
    )
    used = [id_ for id_ in ordered if id_ is not None]
    waiting = _waiting(session, lab_id)
    newest_used = _newest_used(session, used)
    found = _notices(session, used, waiting)
    return _without_dismissed(
        session,
        lab_id,
        [
            it
            for it in found
            if it.about is About.YANKED or it.waiting or it.release_id in newest_used
        ],
    )


def for_fork(session: Session, slug: str) -> list[Notice]:
    """What the design should know of the releases that its own newest one was made from.

    NotFound when there is no design of this name.
    """
    design = design_of(session, slug)
    parents = select(ParentRow.parent_id).where(ParentRow.release_id == design.head_id)
    known = session.exec(parents).all()
    found = [it for it in _notices(session, known, {}) if it.instead_id not in known]
    return _without_dismissed(session, design.id, found)


def dismiss_for_lab(
    session: Session, lab_id: str, ids: Collection[str], *, by: Person, now: datetime
) -> None:
    """These of the lab's notices are shown no more; of others nothing is kept."""
    _dismiss(session, lab_id, for_lab(session, lab_id), ids, by=by, now=now)


def dismiss_for_fork(
    session: Session, slug: str, ids: Collection[str], *, by: Person, now: datetime
) -> None:
    """These of the design's notices are shown no more; NotAllowed for all but its steward."""
    design = design_of(session, slug)
    if design.steward_id != by.id:
        raise NotAllowed("only the design's steward dismisses what it should know")
    _dismiss(session, design.id, for_fork(session, slug), ids, by=by, now=now)


def page_of(found: Sequence[Notice], stretch: Stretch) -> Page[Notice]:
    """This stretch of the notices."""
    if (after := stretch.after) is not None:
        place = (after.instant("at"), after.text("id"))
        found = [it for it in found if (it.at, it.release_id) < place]
    return cut(found, stretch.most, lambda it: Cursor.of(at=it.at, id=it.release_id))


def _dismiss(
    session: Session,
    place: str,
    standing: Sequence[Notice],
    ids: Collection[str],
    *,
    by: Person,
    now: datetime,
) -> None:
    for id_ in {it.id for it in standing} & set(ids):
        session.add(DismissalRow(place=place, notice_id=id_, dismissed_by=by.id, dismissed_at=now))


def _without_dismissed(session: Session, place: str, found: list[Notice]) -> list[Notice]:
    gone = session.exec(select(DismissalRow.notice_id).where(DismissalRow.place == place)).all()
    return [it for it in found if it.id not in gone]


def _waiting(session: Session, lab_id: str) -> dict[str, int]:
    rows = session.exec(
        select(BuildOrderRow.release_id, func.count())
        .join(JobRow, col(JobRow.order_id) == col(BuildOrderRow.id))
        .where(JobRow.lab_id == lab_id, col(JobRow.state).in_(_WAITING))
        .group_by(col(BuildOrderRow.release_id))
    )
    return {id_: count for id_, count in rows if id_ is not None}


def _newest_used(session: Session, used: Iterable[str]) -> set[str]:
    """Of each design, the greatest of these releases."""
    rows = session.exec(select(ReleaseRow).where(col(ReleaseRow.id).in_(list(used))))
    best: dict[str, ReleaseRow] = {}
    for row in rows:
        known = best.get(row.design_id)
        if known is None or in_order(row.version) > in_order(known.version):
            best[row.design_id] = row
    return {row.id for row in best.values()}


def _notices(session: Session, ids: Iterable[str], waiting: dict[str, int]) -> list[Notice]:
    rows = session.exec(
        select(ReleaseRow, DesignRow, YankRow)
        .join(DesignRow, col(DesignRow.id) == col(ReleaseRow.design_id))
        .join(YankRow, col(YankRow.release_id) == col(ReleaseRow.id), isouter=True)
        .where(col(ReleaseRow.id).in_(list(ids)))
    ).all()
    heads = select(ReleaseRow).where(col(ReleaseRow.id).in_([it.head_id for _, it, _ in rows]))
    head_of = {head.design_id: head for head in session.exec(heads)}
    found = []
    for row, design, yank in rows:
        head = head_of.get(design.id)
        if yank is not None:
            about, said, at = About.YANKED, yank.reason, yank.yanked_at
        elif head is not None and in_order(head.version) > in_order(row.version):
            about, said, at = About.NEWER, head.note, head.published_at
        else:
            continue
        found.append(
            Notice(
                id=content_id(f"{about} {row.id} {head.id if head else ''}".encode())[:16],
                about=about,
                slug=design.slug,
                name=row.name,
                release_id=row.id,
                version=row.version,
                said=said,
                at=at,
                instead_id=head.id if head else None,
                instead_version=head.version if head else None,
                waiting=waiting.get(row.id, 0),
            )
        )
    return sorted(found, key=lambda it: (it.at, it.release_id), reverse=True)
