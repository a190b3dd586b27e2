"""What labs and forks should know of the releases that they use: yanked, or there is a newer one.

Notices are read from what is true now, so none can be lost and none outlives its reason.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, func, select

from commons.errors import NotFound
from commons.job import JobState
from commons.versions import in_order
from repo_server.tables import (
    BuildOrderRow,
    DesignRow,
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
    """One thing to know of the release `release_id`.

    `said` is the reason of a yank, or what changed in the newer release. `instead_id` is the
    release to use, None when there is none. `waiting` counts the lab's jobs that have not begun.
    """

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
    used = session.exec(
        select(BuildOrderRow.release_id).where(BuildOrderRow.lab_id == lab_id).distinct()
    ).all()
    waiting = _waiting(session, lab_id)
    found = _notices(session, used, waiting)
    newest_used = _newest_used(session, used)
    return [
        it for it in found if it.about is About.YANKED or it.waiting or it.release_id in newest_used
    ]


def for_fork(session: Session, slug: str) -> list[Notice]:
    """What the design should know of the releases that its own newest one was made from.

    NotFound when there is no design of this name.
    """
    design = session.exec(select(DesignRow).where(DesignRow.slug == slug)).first()
    if design is None:
        raise NotFound(f"there is no design '{slug}'")
    parents = select(ParentRow.parent_id).where(ParentRow.release_id == design.head_id)
    known = session.exec(parents).all()
    return [it for it in _notices(session, known, {}) if it.instead_id not in known]


def _waiting(session: Session, lab_id: str) -> dict[str, int]:
    rows = session.exec(
        select(BuildOrderRow.release_id, func.count())
        .join(JobRow, col(JobRow.order_id) == col(BuildOrderRow.id))
        .where(JobRow.lab_id == lab_id, col(JobRow.state).in_(_WAITING))
        .group_by(col(BuildOrderRow.release_id))
    )
    return dict(rows.all())


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
