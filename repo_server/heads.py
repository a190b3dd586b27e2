"""A design's releases in their order, and which of them stands for it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from commons.errors import Conflict, FieldProblem, InvalidInput, NotAllowed, NotFound
from commons.texts import filled
from commons.versions import in_order, newest, read_version
from repo_server import announcements
from repo_server.cursors import Cursor
from repo_server.db import look
from repo_server.paging import Page, Stretch, cut
from repo_server.people import Person
from repo_server.tables import DesignRow, PersonRow, ReleaseRow, YankRow

MOST_REASON = 1000
# Made once: every order asks it. Why a release was yanked; None while it stands.
_STANDING = (
    columns(col(YankRow.reason))
    .select_from(ReleaseRow)
    .join(YankRow, col(YankRow.release_id) == col(ReleaseRow.id), isouter=True)
    .where(col(ReleaseRow.id) == bindparam("release_id"))
)


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """A release as a list of releases shows it."""

    id: str
    version: str
    published_at: datetime
    note: str
    yanked: bool
    is_head: bool


def list_releases(session: Session, slug: str) -> tuple[ReleaseLine, ...]:
    """All releases of the design, the greatest version first, yanked ones in their place."""
    rows = session.exec(
        select(ReleaseRow, DesignRow.head_id, YankRow)
        .join(DesignRow, col(DesignRow.id) == col(ReleaseRow.design_id))
        .join(YankRow, col(YankRow.release_id) == col(ReleaseRow.id), isouter=True)
        .where(DesignRow.slug == slug)
        .order_by(col(ReleaseRow.published_at).desc(), ReleaseRow.id)
    )
    lines = [
        ReleaseLine(
            id=row.id,
            version=row.version,
            published_at=row.published_at,
            note=row.note,
            yanked=yank is not None,
            is_head=row.id == head_id,
        )
        for row, head_id, yank in rows
    ]
    return tuple(sorted(lines, key=lambda it: in_order(it.version), reverse=True))


def page_of_releases(session: Session, slug: str, stretch: Stretch) -> Page[ReleaseLine]:
    """The design's releases a page at a time, the greatest version first; NotFound for no design.

    No database knows the order of versions, so they are all put in order and then cut.
    """
    if session.exec(select(DesignRow.id).where(DesignRow.slug == slug)).first() is None:
        raise NotFound(filled("there is no design '%(slug)s'", slug=slug[:80]))
    lines = list_releases(session, slug)
    if (after := stretch.after) is not None:
        place = (in_order(after.text("version")), after.instant("at"))
        lines = tuple(it for it in lines if (in_order(it.version), it.published_at) < place)
    return cut(lines, stretch.most, lambda it: Cursor.of(version=it.version, at=it.published_at))


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """Where a design's manifest is, as a list for those who gather them tells it."""

    slug: str
    version: str
    manifest_sha256: str
    published_at: datetime


def list_manifests(session: Session, *, after: str, limit: int) -> list[ManifestLine]:
    """Every design's newest release by slug, from the one after `after` on."""
    rows = session.exec(
        select(
            DesignRow.slug, ReleaseRow.version, ReleaseRow.manifest_sha256, ReleaseRow.published_at
        )
        .join(ReleaseRow, col(ReleaseRow.id) == col(DesignRow.head_id))
        .where(DesignRow.slug > after)
        .order_by(DesignRow.slug)
        .limit(limit)
    )
    return [ManifestLine(*row) for row in rows]


def choose_head(session: Session, design: DesignRow) -> None:
    """The design's head is its newest release that stands; none when all were yanked.

    Releases from before versions had an order stand behind all others, the latest first.
    """
    standing = session.exec(
        select(ReleaseRow.id, ReleaseRow.version)
        .join(YankRow, col(YankRow.release_id) == col(ReleaseRow.id), isouter=True)
        .where(ReleaseRow.design_id == design.id, col(YankRow.release_id).is_(None))
        .order_by(col(ReleaseRow.published_at).desc(), ReleaseRow.id)
    ).all()
    known = {version: id_ for id_, text in standing if (version := read_version(text))}
    best = newest(known)
    if best is not None:
        design.head_id = known[best]
    else:
        design.head_id = standing[0][0] if standing else None
    session.add(design)
    session.flush()


def yank(session: Session, release_id: str, *, reason: str, by: Person, now: datetime) -> None:
    """Nobody is led to the release any more; whoever has its id still gets it, with the reason.

    Raises NotFound, NotAllowed for all but the steward, InvalidInput without a reason, Conflict
    when it was yanked before.
    """
    release = session.get(ReleaseRow, release_id)
    if release is None:
        raise NotFound(f"there is no release {release_id[:64]}")
    design = session.get_one(DesignRow, release.design_id)
    if design.steward_id != by.id:
        steward = session.get_one(PersonRow, design.steward_id)
        raise NotAllowed(
            filled(
                "'%(slug)s' is kept by %(steward)s: only they can yank a release",
                slug=design.slug,
                steward=steward.name,
            )
        )
    if not 1 <= len(reason.strip()) <= MOST_REASON:
        problem = filled(
            "say in 1 to %(most)s characters what is wrong with this release", most=MOST_REASON
        )
        raise InvalidInput(f"reason: {problem}", [FieldProblem("reason", problem)])
    if session.get(YankRow, release_id) is not None:
        which = f"{design.slug} {release.version}"
        raise Conflict(filled("%(release)s was yanked before", release=which))
    session.add(
        YankRow(release_id=release_id, reason=reason.strip(), yanked_by=by.id, yanked_at=now)
    )
    session.flush()
    choose_head(session, design)
    told = {
        "release_id": release_id,
        "slug": design.slug,
        "version": release.version,
        "reason": reason.strip(),
        "head_id": design.head_id,
    }
    announcements.tell_of_yank(session, told, now=now)


def require_standing(session: Session, release_id: str) -> None:
    """Pass for a release that was not yanked; Conflict with the reason and what to take instead,
    NotFound when there is none."""
    found = look(session, _STANDING, release_id=release_id).first()
    if found is None:
        raise NotFound(f"there is no release {release_id[:64]}")
    (reason,) = found
    if reason is None:
        return
    release = session.get_one(ReleaseRow, release_id)
    head_id = session.get_one(DesignRow, release.design_id).head_id
    head = session.get(ReleaseRow, head_id) if head_id else None
    instead = f"take {head.version} instead" if head else "no other release of it stands"
    raise Conflict(f"{release.name} {release.version} was yanked: {reason}; {instead}")
