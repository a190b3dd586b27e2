"""The directory of people: those whose work is public here, and what that work is.

A person is listed once there is something to show: a design that they keep, a contribution that
others confirmed, a report of a build, or a post. An account alone is nobody's business, and so is
an address; whoever does not want to be listed is not. Nothing is summed up per person: the lists
are what there is to say.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, or_, select

from commons.errors import NotFound
from commons.flows import Action, Role
from repo_server.paging import BEGINNING, Keys, Page, Stretch, read_page
from repo_server.tables import (
    BuildReportRow,
    ContributionRow,
    DesignRow,
    EconomicEventRow,
    LabRow,
    PersonRow,
    PostRow,
    ReleaseRow,
)

MOST_LISTED = 100  # entries of each list of one person


@dataclass(frozen=True, slots=True)
class PersonLine:
    """Somebody as lists show them."""

    handle: str
    name: str


@dataclass(frozen=True, slots=True)
class KeptDesign:
    """A design that the person is the steward of, as its newest release that stands says."""

    slug: str
    name: str
    function: str


@dataclass(frozen=True, slots=True)
class ConfirmedContribution:
    """What the person gave to a release, as somebody else who worked on the design confirms."""

    slug: str
    design: str
    version: str
    role: Role
    words: str
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class ToldBuild:
    """A build that the person reported. `is_stated`: no machine here counted it."""

    slug: str
    design: str
    version: str
    lab_slug: str
    lab: str
    part: str
    reported_at: datetime
    is_stated: bool


@dataclass(frozen=True, slots=True)
class WrittenPost:
    """A post that the person wrote."""

    id: str
    title: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Profile:
    """A person, and their public work: the latest first, at most `MOST_LISTED` of each kind.

    `about` and `link` are what they say of themselves.
    """

    handle: str
    name: str
    about: str
    link: str | None
    designs: tuple[KeptDesign, ...]
    contributions: tuple[ConfirmedContribution, ...]
    builds: tuple[ToldBuild, ...]
    posts: tuple[WrittenPost, ...]


def list_people(
    session: Session, words: str = "", stretch: Stretch = BEGINNING
) -> Page[PersonLine]:
    """Those with public work whose handle or name has `words` in it, by handle."""
    wanted = select(PersonRow).where(_is_listed())
    if text := words.strip():
        handle, name = (
            col(it).icontains(text, autoescape=True) for it in (PersonRow.handle, PersonRow.name)
        )
        wanted = wanted.where(or_(handle, name))
    page = read_page(session, wanted, Keys(handle=PersonRow.handle), stretch)
    return page.shown(lambda it: PersonLine(it.handle, it.name))


def show_person(session: Session, handle: str) -> Profile:
    """The person's public work; NotFound for whoever has none, just as for nobody at all."""
    wanted = select(PersonRow).where(PersonRow.handle == handle, _is_listed())
    person = session.exec(wanted).first()
    if person is None:
        raise NotFound(f"nobody with public work here has the handle '{handle[:40]}'")
    return Profile(
        person.handle,
        person.name,
        person.about,
        person.link,
        _designs(session, person.id),
        _contributions(session, person.id),
        _builds(session, person.id),
        _posts(session, person.id),
    )


def handles_of(session: Session, ids: Collection[str]) -> dict[str, str]:
    """By their ids, the handles of those among these people who have a page here."""
    listed = select(PersonRow.id, PersonRow.handle).where(col(PersonRow.id).in_(ids), _is_listed())
    return dict(session.exec(listed).all())


def _is_listed() -> ColumnElement[bool]:
    designs = select(DesignRow.steward_id).where(col(DesignRow.head_id).is_not(None))
    gave = select(ContributionRow.person_id).where(col(ContributionRow.confirmed_by).is_not(None))
    told = select(BuildReportRow.reported_by).where(_is_no_rehearsal())
    wrote = select(PostRow.author_id).where(*_is_post())
    works = or_(*(col(PersonRow.id).in_(ids) for ids in (designs, gave, told, wrote)))
    return and_(col(PersonRow.is_listed), works)


def _is_post() -> tuple[ColumnElement[bool], ...]:
    """It can be read."""
    return col(PostRow.published_at).is_not(None), col(PostRow.withdrawn_at).is_(None)


def _is_no_rehearsal() -> ColumnElement[bool]:
    """No simulated machine made it: of an attempt, the event that cites its design tells."""
    rehearsed = select(EconomicEventRow.process_id).where(
        EconomicEventRow.action == Action.CITE,
        col(EconomicEventRow.simulated).is_(True),
        col(EconomicEventRow.process_id).is_not(None),
    )
    attempt = col(BuildReportRow.attempt_id)
    return or_(attempt.is_(None), attempt.not_in(rehearsed))


def _designs(session: Session, person_id: str) -> tuple[KeptDesign, ...]:
    rows = session.exec(
        select(DesignRow.slug, ReleaseRow.name, ReleaseRow.function)
        .join(ReleaseRow, col(ReleaseRow.id) == col(DesignRow.head_id))
        .where(DesignRow.steward_id == person_id)
        .order_by(col(ReleaseRow.published_at).desc(), DesignRow.slug)
        .limit(MOST_LISTED)
    )
    return tuple(KeptDesign(*row) for row in rows)


def _contributions(session: Session, person_id: str) -> tuple[ConfirmedContribution, ...]:
    rows = session.exec(
        select(ContributionRow, ReleaseRow, DesignRow.slug)
        .join(ReleaseRow, col(ReleaseRow.id) == col(ContributionRow.release_id))
        .join(DesignRow, col(DesignRow.id) == col(ReleaseRow.design_id))
        .where(ContributionRow.person_id == person_id)
        .where(col(ContributionRow.confirmed_at).is_not(None))
        .order_by(col(ContributionRow.confirmed_at).desc(), ContributionRow.id)
        .limit(MOST_LISTED)
    )
    return tuple(
        ConfirmedContribution(
            slug, release.name, release.version, Role(row.role), row.words, row.confirmed_at
        )
        for row, release, slug in rows
        if row.confirmed_at is not None
    )


def _builds(session: Session, person_id: str) -> tuple[ToldBuild, ...]:
    rows = session.exec(
        select(BuildReportRow, ReleaseRow, DesignRow.slug, LabRow)
        .join(ReleaseRow, col(ReleaseRow.id) == col(BuildReportRow.release_id))
        .join(DesignRow, col(DesignRow.id) == col(ReleaseRow.design_id))
        .join(LabRow, col(LabRow.id) == col(BuildReportRow.lab_id))
        .where(BuildReportRow.reported_by == person_id, _is_no_rehearsal())
        .order_by(col(BuildReportRow.reported_at).desc(), BuildReportRow.id)
        .limit(MOST_LISTED)
    )
    return tuple(
        ToldBuild(
            slug=slug,
            design=release.name,
            version=release.version,
            lab_slug=lab.slug,
            lab=lab.name,
            part=row.part,
            reported_at=row.reported_at,
            is_stated=row.attempt_id is None,
        )
        for row, release, slug, lab in rows
    )


def _posts(session: Session, person_id: str) -> tuple[WrittenPost, ...]:
    rows = session.exec(
        select(PostRow)
        .where(PostRow.author_id == person_id, *_is_post())
        .order_by(col(PostRow.published_at).desc(), PostRow.id)
        .limit(MOST_LISTED)
    )
    return tuple(
        WrittenPost(row.id, row.title, row.published_at)
        for row in rows
        if row.published_at is not None
    )
