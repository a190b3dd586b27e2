"""What people of a lab write down beside what machines tell: recorded, listed, put right."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from commons.errors import Conflict, FieldProblem, InvalidInput, NotFound
from commons.flows import Action, Mode, Ring, State, Unit, measure
from commons.happenings import (
    Delivery,
    Happening,
    Sides,
    events_of,
    party_named,
    require_past,
)
from commons.texts import filled, later
from commons.wire import Asked
from repo_server import ledger
from repo_server.ids import new_id
from repo_server.lots import require_price
from repo_server.paging import Page, Stretch, latest_first, read_page
from repo_server.tables import (
    ActivityRow,
    EconomicEventRow,
    LabRow,
    MachineRow,
    MaterialLotRow,
    PartyRow,
    PersonRow,
)


class Rightly(Asked):
    """How much it truly was, in the unit of the event: 0 where it never happened."""

    quantity: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
    reason: Annotated[str, Field(min_length=3, max_length=400)]
    measured: bool = False


@dataclass(frozen=True, slots=True)
class Which:
    """Which events of a lab are wanted; None asks for no more than the rest does. Until is not
    included."""

    action: Action | None = None
    ring: Ring | None = None
    kind: str | None = None
    process: str | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """An event as people read it. `attempt` or `activity` is what it is part of; provider and
    receiver are names, and ids where nobody here has one."""

    id: str
    action: Action
    resource: str
    quantity: float
    low: float
    high: float
    unit: Unit
    state: State
    ring: Ring
    to_ring: Ring | None
    provider: str
    receiver: str
    attempt: str | None
    activity: str | None
    kind: str | None
    mass_g: float | None
    distance_km: float | None
    mode: Mode | None
    price_minor: int | None
    currency: str | None
    evidence: str
    note: str
    corrects: str | None
    simulated: bool
    happened_at: datetime
    created_at: datetime


def record(
    session: Session, it: Happening, *, lab_id: str, by: str, now: datetime
) -> tuple[Told, ...]:
    """What happened stands in the ledger, as one activity with its events.

    InvalidInput for what is yet to come, or a currency that there is not; NotFound for a lot or a
    machine that is not the lab's.
    """
    require_past(it.happened_at, now)
    if (currency := getattr(it, "currency", None)) is not None:
        require_price(it.price_minor, currency)  # type: ignore[union-attr]
    for name in (getattr(it, "what", ""), *(part.what for part in getattr(it, "parts", ()))):
        _require_ours(session, name, lab_id)
    party = _party(session, it, lab_id, now)
    activity = ActivityRow(
        id=new_id(), kind=it.kind, lab_id=lab_id, happened_at=it.happened_at, recorded_by=by,
        created_at=now,
    )  # fmt: skip
    session.add(activity)
    session.flush()
    drafts = events_of(it, Sides(lab_id, by, party.id if party else None))
    occasion = ledger.Occasion(
        lab_id, None, simulated=False, happened_at=it.happened_at, activity_id=activity.id,
        recorded_by=by,
    )  # fmt: skip
    ids = ledger.append(session, drafts, occasion, now=now)
    session.flush()
    rows = [session.get_one(EconomicEventRow, id_) for id_ in ids]
    return tuple(_told(session, rows))


def of_lab(session: Session, lab_id: str, which: Which, stretch: Stretch) -> Page[Told]:
    """The lab's events, the latest first, corrections among them."""
    wanted = select(EconomicEventRow).where(EconomicEventRow.lab_id == lab_id, *_asked(which))
    if which.kind is not None:
        wanted = wanted.join(ActivityRow, col(ActivityRow.id) == col(EconomicEventRow.activity_id))
        wanted = wanted.where(ActivityRow.kind == which.kind)
    keys = latest_first(EconomicEventRow.happened_at, EconomicEventRow.id)
    page = read_page(session, wanted, keys, stretch)
    return page.holding(_told(session, page.entries))


def correct(
    session: Session, event_id: str, wanted: Rightly, *, lab_id: str, by: str, now: datetime
) -> Told:
    """A further event of `by`, with the reason, makes the sum of this one what it truly was.

    NotFound for an event that is not the lab's, or a correction itself. Conflict for what follows
    from an attempt or a lot: those are put right where they are judged and weighed.
    """
    row = session.get(EconomicEventRow, event_id, with_for_update=True)
    if row is None or row.lab_id != lab_id or row.corrects is not None:
        raise NotFound(filled("this lab has no event %(id)s to correct", id=event_id[:64]))
    if row.activity_id is None:
        raise Conflict(
            later("this event follows from a job or a lot: put right the verdict or the lot")
        )
    if row.unit is Unit.EACH and not wanted.quantity.is_integer():
        problem = FieldProblem("quantity", later("is a count: give a whole number"))
        raise InvalidInput(str(problem), [problem])
    state = State.MEASURED if wanted.measured else State.DECLARED
    right = measure(wanted.quantity, row.unit, state)
    correction = ledger.correct(session, event_id, right, now=now)
    correction.note, correction.recorded_by = wanted.reason.strip(), by
    session.flush()
    return _told(session, [correction])[0]


def _require_ours(session: Session, name: str, lab_id: str) -> None:
    kind, _, id_ = name.partition(":")
    if kind not in ("lot", "machine"):
        return
    table = MaterialLotRow if kind == "lot" else MachineRow
    owner = session.exec(select(table.lab_id).where(table.id == id_)).first()
    if owner != lab_id:
        raise NotFound(filled("this lab has no %(name)s", name=name[:80]))


def _party(session: Session, it: Happening, lab_id: str, now: datetime) -> PartyRow | None:
    """Whom the form names, who is known from then on; where they are is what was said last."""
    if (named := party_named(it)) is None:
        return None
    name, kind = named[0].strip(), named[1]
    known = select(PartyRow).where(
        PartyRow.lab_id == lab_id, PartyRow.kind == kind, PartyRow.name == name
    )
    party = session.exec(known).first() or PartyRow(
        id=new_id(), lab_id=lab_id, name=name, kind=kind, created_at=now
    )
    if isinstance(it, Delivery) and it.to_ring is not Ring.UNKNOWN:
        party.ring = it.to_ring
        city = session.get_one(LabRow, lab_id).city_id
        party.city_id = city if it.to_ring in (Ring.LAB, Ring.CITY) else None
    session.add(party)
    session.flush()
    return party


def _asked(which: Which) -> list[ColumnElement[bool]]:
    row = EconomicEventRow
    asked = [
        col(row.action) == which.action if which.action else None,
        col(row.ring) == which.ring if which.ring else None,
        col(row.happened_at) >= which.since if which.since else None,
        col(row.happened_at) < which.until if which.until else None,
    ]
    if which.process:
        of_it = (col(row.process_id) == which.process) | (col(row.activity_id) == which.process)
        asked.append(of_it)
    return [it for it in asked if it is not None]


def _told(session: Session, rows: Sequence[EconomicEventRow]) -> list[Told]:
    ids = {id_ for row in rows for id_ in (row.provider, row.receiver)}
    names = _names(session, ids)
    kinds = dict(
        session.exec(
            select(ActivityRow.id, ActivityRow.kind).where(
                col(ActivityRow.id).in_({row.activity_id for row in rows if row.activity_id})
            )
        ).all()
    )
    return [
        Told(
            **row.model_dump(include=_AS_KEPT),
            mode=Mode(row.mode) if row.mode else None,
            provider=names.get(row.provider, row.provider),
            receiver=names.get(row.receiver, row.receiver),
            attempt=row.process_id,
            activity=row.activity_id,
            kind=kinds.get(row.activity_id or ""),
        )
        for row in rows
    ]


_AS_KEPT = {
    "id", "action", "resource", "quantity", "low", "high", "unit", "state", "ring", "to_ring",
    "mass_g", "distance_km", "price_minor", "currency", "evidence", "note", "corrects",
    "simulated", "happened_at", "created_at",
}  # fmt: skip


def _names(session: Session, ids: set[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for table in (LabRow, PersonRow, PartyRow):
        found = select(table.id, table.name).where(col(table.id).in_(ids))
        names |= dict(session.exec(found).all())
    return names
