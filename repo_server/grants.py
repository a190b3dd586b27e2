"""Grants: what a design's steward lets one person or lab do beyond what the licence does."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field
from sqlmodel import Session, col, select

from commons.errors import Conflict, FieldProblem, InvalidInput, NotFound
from commons.licences.terms import Event
from commons.texts import filled, later
from commons.wire import Asked
from repo_server import labs, stewards
from repo_server.ids import new_id
from repo_server.leave import holds_now
from repo_server.paging import BEGINNING, Page, Stretch, latest_first, read_page
from repo_server.parties import Party
from repo_server.tables import GrantRow, LabRow, PersonRow

MAX_CONSIDERATION = 300


class NewGrant(Asked):
    """Exactly one of `person` (a handle) and `lab` (a slug) is given the right to `events`.

    Without `starts_at` from now on, without `ends_at` for good. `consideration` is the fee or the
    contribution that was agreed on.
    """

    person: Annotated[str, Field(max_length=40)] | None = None
    lab: Annotated[str, Field(max_length=40)] | None = None
    events: Annotated[tuple[Event, ...], Field(min_length=1, max_length=len(Event))]
    consideration: Annotated[str, Field(max_length=MAX_CONSIDERATION)] = ""
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    revocable: bool = True


@dataclass(frozen=True, slots=True)
class GrantLine:
    """A grant as people read it; `holds`: it does so now."""

    id: str
    to: str
    events: tuple[Event, ...]
    consideration: str
    starts_at: datetime
    ends_at: datetime | None
    revocable: bool
    revoked_at: datetime | None
    granted_by: str
    granted_at: datetime
    holds: bool


def give(session: Session, slug: str, wanted: NewGrant, *, by: str, now: datetime) -> GrantRow:
    """The grant holds from its first day on. InvalidInput names what is wrong with it."""
    design = stewards.stewarded(session, slug, by=by)
    party = _grantee(session, wanted)
    starts_at = wanted.starts_at or now
    if wanted.ends_at is not None and wanted.ends_at <= max(starts_at, now):
        raise _wrong("ends_at", later("must lie behind now and behind starts_at"))
    return give_to(
        session,
        design.id,
        party,
        events=wanted.events,
        consideration=wanted.consideration.strip(),
        days=(starts_at, wanted.ends_at),
        revocable=wanted.revocable,
        by=by,
        now=now,
    )


def give_to(
    session: Session,
    design_id: str,
    party: Party,
    *,
    events: tuple[Event, ...],
    consideration: str,
    days: tuple[datetime, datetime | None],
    revocable: bool,
    by: str,
    now: datetime,
) -> GrantRow:
    """The party may do this with the design for these days, by the word of `by`."""
    row = GrantRow(
        id=new_id(),
        design_id=design_id,
        person_id=party.person_id,
        lab_id=party.lab_id,
        events=list(dict.fromkeys(events)),
        consideration=consideration,
        starts_at=days[0],
        ends_at=days[1],
        revocable=revocable,
        granted_by=by,
        granted_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _grantee(session: Session, wanted: NewGrant) -> Party:
    if (wanted.person is None) == (wanted.lab is None):
        raise _wrong("person", later("name either a person or a lab"))
    if wanted.lab is not None:
        return Party(lab_id=labs.lab_of(session, wanted.lab).id)
    handle = (wanted.person or "").strip().lower()
    person = session.exec(select(PersonRow).where(PersonRow.handle == handle)).first()
    if person is None:
        raise NotFound(filled("nobody here has the handle '%(handle)s'", handle=handle))
    return Party(person_id=person.id)


def _wrong(field: str, problem: str) -> InvalidInput:
    found = FieldProblem(field, problem)
    return InvalidInput(str(found), [found])


def take_back(session: Session, slug: str, grant_id: str, *, by: str, now: datetime) -> None:
    """The grant holds no more; what was made under it stays allowed.

    Conflict when it was given for good.
    """
    design = stewards.stewarded(session, slug, by=by)
    row = session.get(GrantRow, grant_id)
    if row is None or row.design_id != design.id:
        raise NotFound(f"there is no grant {grant_id[:64]} of '{slug}'")
    if not row.revocable:
        raise Conflict(
            filled("grant %(id)s was given so that it cannot be taken back", id=grant_id)
        )
    row.revoked_at = row.revoked_at or now
    session.add(row)
    session.flush()


def list_grants(
    session: Session, slug: str, stretch: Stretch = BEGINNING, *, by: str, now: datetime
) -> Page[GrantLine]:
    """Every grant of the design for its steward, the newest first."""
    design = stewards.stewarded(session, slug, by=by)
    wanted = (
        select(GrantRow, PersonRow.name)
        .join(PersonRow, col(PersonRow.id) == col(GrantRow.granted_by))
        .where(GrantRow.design_id == design.id)
    )
    page = read_page(session, wanted, latest_first(GrantRow.granted_at, GrantRow.id), stretch)
    return page.shown(lambda it: line_of(session, it[0], granted_by=it[1], now=now))


def line_of(session: Session, row: GrantRow, *, granted_by: str, now: datetime) -> GrantLine:
    """The grant as people read it."""
    if row.lab_id is not None:
        to = session.get_one(LabRow, row.lab_id).name
    else:
        to = session.get_one(PersonRow, row.person_id).name
    return GrantLine(
        id=row.id,
        to=to,
        events=tuple(Event(event) for event in row.events),
        consideration=row.consideration,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        revocable=row.revocable,
        revoked_at=row.revoked_at,
        granted_by=granted_by,
        granted_at=row.granted_at,
        holds=holds_now(row, now),
    )
