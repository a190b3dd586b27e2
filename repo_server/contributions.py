"""Contributions to a design: claimed by whoever gave them, confirmed by others who worked on it.

A confirmed contribution is an economic event and stays; one that nobody confirmed is a claim, and
may be taken back. A steward who works alone has nobody who could confirm her: what she designed and
wrote of her own release stands in the ledger as declared, is shown as no more than that, and others
may confirm it later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from commons.errors import Conflict, NotAllowed, NotFound
from commons.fabrication import event_of_contribution
from commons.flows import Role
from commons.texts import filled, later
from commons.wire import Asked
from repo_server import directory, ledger
from repo_server.ids import new_id
from repo_server.paging import Page, Stretch, latest_first, read_page
from repo_server.people import Person
from repo_server.stewards import design_of
from repo_server.tables import ContributionRow, DesignRow, PersonRow, ReleaseRow

MOST_CLAIMS = 20  # of one person for one release
# What a release itself shows that somebody did; a review or a test by its author shows nowhere.
_SHOWN_BY_RELEASE = (Role.DESIGN, Role.DOCUMENTATION)


class NewContribution(Asked):
    """What somebody gave to a release. `hours` is left out where nobody counted them."""

    role: Role
    words: Annotated[str, Field(min_length=1, max_length=500)]
    hours: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """A claim, and by whom it is confirmed: None while it is a claim alone.

    `handle` leads to the page of who claims it, None when they have none. `is_declared`: it counts
    by the word of whoever claims it, since nobody else worked on the design then.
    `may_confirm` and `may_withdraw` tell what the one who looks can do about it.
    """

    id: str
    release_id: str
    version: str
    person: str
    handle: str | None
    role: Role
    words: str
    hours: float | None
    claimed_at: datetime
    is_declared: bool
    confirmed_by: str | None
    may_confirm: bool
    may_withdraw: bool


def claim(
    session: Session, release_id: str, wanted: NewContribution, *, by: Person, now: datetime
) -> str:
    """The claim stands beside the release, for others to confirm; its id. What a steward who works
    alone designed and wrote is in the ledger at once, as declared.

    NotFound when there is no such release; Conflict when it is claimed already, in these words.
    """
    release = session.get(ReleaseRow, release_id)
    if release is None:
        raise NotFound(f"there is no release {release_id[:64]}")
    _require_further(session, release_id, wanted, by)
    row = ContributionRow(
        id=new_id(),
        release_id=release_id,
        person_id=by.id,
        role=wanted.role,
        words=wanted.words.strip(),
        hours=wanted.hours,
        claimed_at=now,
    )
    session.add(row)
    session.flush()
    design = session.get_one(DesignRow, release.design_id)
    if wanted.role in _SHOWN_BY_RELEASE and _works_alone(session, design, release, by.id):
        row.declared_at = now
        _enter(session, row, design, now=now)
    return row.id


def _require_further(
    session: Session, release_id: str, wanted: NewContribution, by: Person
) -> None:
    """Pass for what the person does not claim yet, while they claim less than the most."""
    mine = (ContributionRow.release_id == release_id, ContributionRow.person_id == by.id)
    claims = session.exec(select(ContributionRow).where(*mine)).all()
    if any((it.role, it.words) == (wanted.role, wanted.words.strip()) for it in claims):
        raise Conflict(later("you claim this already"))
    if len(claims) >= MOST_CLAIMS:
        raise Conflict(
            filled(
                "you claim %(most)s contributions to this release; that is the most",
                most=MOST_CLAIMS,
            )
        )


def confirm(session: Session, id: str, *, by: Person, now: datetime) -> None:
    """The contribution is confirmed, and stands in the ledger, once, as work given to the design.

    Raises NotFound, Conflict when it is confirmed already, NotAllowed for one's own claim and for
    those who did not work on the design themselves.
    """
    row, design = _row(session, id)
    if row.confirmed_by is not None:
        raise Conflict(later("this contribution is confirmed already"))
    if row.person_id == by.id:
        raise NotAllowed(later("nobody confirms a claim of their own: others who worked on it can"))
    if not _works_on(session, design, by.id):
        raise NotAllowed(
            "only the design's steward and people with a confirmed contribution can confirm one"
        )
    row.confirmed_by, row.confirmed_at = by.id, now
    session.add(row)
    session.flush()
    if row.declared_at is None:  # else it is there, and counts once
        _enter(session, row, design, now=now)


def _enter(session: Session, row: ContributionRow, design: DesignRow, *, now: datetime) -> None:
    """The contribution stands in the ledger as work given to the design."""
    draft = event_of_contribution(
        role=Role(row.role),
        release_id=row.release_id,
        person=row.person_id,
        steward=design.steward_id,
        hours=row.hours,
    )
    occasion = ledger.Occasion(None, None, False, row.claimed_at)
    ledger.append(session, [draft], occasion, now=now)


def withdraw(session: Session, id: str, *, by: Person) -> None:
    """The claim is gone. NotFound, NotAllowed for somebody else's, Conflict once in the ledger."""
    row, _ = _row(session, id)
    if row.person_id != by.id:
        raise NotAllowed(later("this is somebody else's claim"))
    if _is_entered(row):
        said = "confirmed" if row.confirmed_by is not None else "declared"
        raise Conflict(f"this contribution is {said}; what is in the ledger stays")
    session.delete(row)


def list_contributions(session: Session, slug: str, *, to: Person | None) -> list[Contribution]:
    """What is claimed and confirmed of all releases of the design, confirmed ones first."""
    design = design_of(session, slug)
    order = (col(ContributionRow.confirmed_at).is_(None), col(ContributionRow.claimed_at))
    return _shown(session, design, session.exec(_claims(design).order_by(*order)).all(), to)


def page_of_contributions(
    session: Session, slug: str, stretch: Stretch, *, to: Person | None
) -> Page[Contribution]:
    """The same a page at a time, the latest claim first."""
    design = design_of(session, slug)
    keys = latest_first(ContributionRow.claimed_at, ContributionRow.id)
    page = read_page(session, _claims(design), keys, stretch)
    return page.holding(_shown(session, design, page.entries, to))


_Claim = tuple[ContributionRow, str, str]  # with the release's version and the claimant's name


def _claims(design: DesignRow) -> Select[ContributionRow, str, str]:
    return (
        select(ContributionRow, ReleaseRow.version, PersonRow.name)
        .join(ReleaseRow, col(ReleaseRow.id) == col(ContributionRow.release_id))
        .join(PersonRow, col(PersonRow.id) == col(ContributionRow.person_id))
        .where(ReleaseRow.design_id == design.id)
    )


def _shown(
    session: Session, design: DesignRow, rows: Sequence[_Claim], to: Person | None
) -> list[Contribution]:
    works = to is not None and _works_on(session, design, to.id)
    by = {it.confirmed_by for it, _, _ in rows if it.confirmed_by}
    people = select(PersonRow.id, PersonRow.name).where(col(PersonRow.id).in_(by))
    names = dict(session.exec(people).all())
    pages = directory.handles_of(session, {row.person_id for row, _, _ in rows})
    return [
        Contribution(
            id=row.id,
            release_id=row.release_id,
            version=version,
            person=name,
            handle=pages.get(row.person_id),
            role=Role(row.role),
            words=row.words,
            hours=row.hours,
            claimed_at=row.claimed_at,
            is_declared=row.declared_at is not None,
            confirmed_by=names.get(row.confirmed_by or ""),
            may_confirm=works and row.confirmed_by is None and to is not None
            and row.person_id != to.id,
            may_withdraw=to is not None and row.person_id == to.id and not _is_entered(row),
        )
        for row, version, name in rows
    ]  # fmt: skip


def _is_entered(row: ContributionRow) -> bool:
    return row.confirmed_by is not None or row.declared_at is not None


def _works_alone(session: Session, design: DesignRow, release: ReleaseRow, person_id: str) -> bool:
    """Whether they keep the design and published the release, and nobody else could confirm it."""
    if not design.steward_id == release.published_by == person_id:
        return False
    others = _confirmed_in(design).where(ContributionRow.person_id != person_id)
    return session.exec(others).first() is None


def _works_on(session: Session, design: DesignRow, person_id: str) -> bool:
    """Whether they keep the design, or have a confirmed contribution to one of its releases."""
    if design.steward_id == person_id:
        return True
    theirs = _confirmed_in(design).where(ContributionRow.person_id == person_id)
    return session.exec(theirs).first() is not None


def _confirmed_in(design: DesignRow) -> SelectOfScalar[str]:
    """The confirmed contributions to any release of the design."""
    return (
        select(ContributionRow.id)
        .join(ReleaseRow, col(ReleaseRow.id) == col(ContributionRow.release_id))
        .where(ReleaseRow.design_id == design.id, col(ContributionRow.confirmed_by).is_not(None))
    )


def _row(session: Session, id: str) -> tuple[ContributionRow, DesignRow]:
    row = session.get(ContributionRow, id, with_for_update=True)
    if row is None:
        raise NotFound(f"there is no contribution {id[:64]}")
    release = session.get_one(ReleaseRow, row.release_id)
    return row, session.get_one(DesignRow, release.design_id)
