"""The ledger of economic events: appended, corrected by further events, never changed."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from commons.errors import NotFound
from commons.flows import Event, EventDraft, Measure, Ring, Unit
from repo_server import made
from repo_server.ids import new_id
from repo_server.tables import EconomicEventRow


@dataclass(frozen=True, slots=True)
class Occasion:
    """Where and when events happened, and who wrote them down where a person did.

    `process_id` is the attempt that they belong to, `activity_id` what else they are part of; work
    that is given to a design happens in no lab and in neither.
    """

    lab_id: str | None
    process_id: str | None
    simulated: bool
    happened_at: datetime
    activity_id: str | None = None
    recorded_by: str | None = None
    batch_id: str | None = None


def append(
    session: Session, drafts: Iterable[EventDraft], occasion: Occasion, *, now: datetime
) -> list[str]:
    """The events stand in the ledger once the caller's transaction does; their ids."""
    rows = [_row(draft, occasion, now) for draft in drafts]
    session.add_all(rows)
    made.note(session, rows)
    return [row.id for row in rows]


def _row(draft: EventDraft, occasion: Occasion, now: datetime) -> EconomicEventRow:
    mass = draft.mass_g
    return EconomicEventRow(
        id=new_id(),
        action=draft.action,
        resource=draft.resource,
        quantity=draft.quantity.central,
        low=draft.quantity.low,
        high=draft.quantity.high,
        unit=draft.quantity.unit,
        state=draft.quantity.state,
        ring=draft.ring,
        provider=draft.provider,
        receiver=draft.receiver,
        **{name: getattr(draft, name) for name in _AS_DRAFTED},
        mass_g=mass.central if mass else None,
        mass_low_g=mass.low if mass else None,
        mass_high_g=mass.high if mass else None,
        mass_state=mass.state if mass else None,
        **asdict(occasion),
        created_at=now,
    )


# What a row says in the very words of its draft, where it says it at all.
_AS_DRAFTED = (
    "to_ring", "to_resource", "from_city_id", "to_city_id", "distance_km", "mode",
    "price_minor", "currency", "evidence", "note",
)  # fmt: skip


def event(row: EconomicEventRow) -> Event:
    """The row as a value, for whoever reckons with events or tells of them."""
    quantity = Measure(row.quantity, row.unit, row.state, row.low, row.high)
    draft = EventDraft(
        action=row.action,
        resource=row.resource,
        quantity=quantity,
        provider=row.provider,
        receiver=row.receiver,
        ring=row.ring,
        mass_g=_mass(row),
        **{name: getattr(row, name) for name in _AS_DRAFTED},
    )
    return Event(
        id=row.id,
        draft=draft,
        process=row.process_id or row.activity_id,
        lab_id=row.lab_id,
        happened_at=row.happened_at,
        created_at=row.created_at,
        corrects=row.corrects,
        simulated=row.simulated,
    )


def _mass(row: EconomicEventRow) -> Measure | None:
    if row.mass_g is None or row.mass_state is None:
        return None
    low, high = row.mass_low_g, row.mass_high_g
    return Measure(row.mass_g, Unit.GRAM, row.mass_state, low or 0.0, high or 0.0)


def correct(session: Session, event_id: str, right: Measure, *, now: datetime) -> EconomicEventRow:
    """A further event makes the sum over `event_id` and its corrections equal to `right`.

    It carries the signed difference to what the ledger says until now; the first event stays. What
    a count of things weighs follows the count; a price stays where it was said.
    """
    wrong = session.get(EconomicEventRow, event_id)
    if wrong is None or wrong.corrects is not None:
        raise NotFound(f"there is no event {event_id} that could be corrected")
    said = _said_of(session, event_id)
    correction = EconomicEventRow(
        **wrong.model_dump(exclude={*_SAID, "id", "state", "created_at", "price_minor", "outer_id"})
        | {"corrects": event_id},
        id=new_id(),
        quantity=right.central - said["quantity"],
        low=right.low - said["low"],
        high=right.high - said["high"],
        state=right.state,
        created_at=now,
    )
    if said["mass_g"] is not None and said["quantity"]:
        more = right.central / said["quantity"] - 1.0
        correction.mass_g = said["mass_g"] * more
        correction.mass_low_g = said["mass_low_g"] * more
        correction.mass_high_g = said["mass_high_g"] * more
    session.add(correction)
    made.note(session, [correction])
    return correction


def move_ring(session: Session, resource: str, ring: Ring, *, now: datetime) -> None:
    """Everything that the ledger says of the resource counts under that ring.

    What stood under another is taken off there and put down here, by two events that correct it.
    """
    root = func.coalesce(col(EconomicEventRow.corrects), col(EconomicEventRow.id))
    sums = (func.sum(getattr(EconomicEventRow, name)).label(name) for name in _SAID)
    elsewhere = (
        select(root.label("root"), col(EconomicEventRow.ring), *sums)
        .where(EconomicEventRow.resource == resource, col(EconomicEventRow.ring) != ring)
        .group_by(root, col(EconomicEventRow.ring))
    )
    for said in session.execute(elsewhere).mappings().all():
        if not said["quantity"]:
            continue  # moved before
        first = session.get_one(EconomicEventRow, said["root"])
        kept = first.model_dump(
            exclude={*_SAID, "id", "created_at", "ring", "price_minor", "outer_id"}
        )
        for under, sign in ((said["ring"], -1), (ring, 1)):
            masses = {name: said[name] and sign * said[name] for name in _SAID}
            moved = EconomicEventRow(
                **kept | {"corrects": first.id}, **masses, ring=under, id=new_id(), created_at=now
            )
            session.add(moved)
    session.flush()


_SAID = ("quantity", "low", "high", "mass_g", "mass_low_g", "mass_high_g")


def _said_of(session: Session, event_id: str) -> Mapping[str, Any]:
    """The sums of an event and its corrections, by column; a mass that nobody told is None."""
    sums = (func.sum(getattr(EconomicEventRow, name)).label(name) for name in _SAID)
    of_event = (col(EconomicEventRow.id) == event_id) | (EconomicEventRow.corrects == event_id)
    return dict(session.execute(select(*sums).where(of_event)).mappings().one())


def events_of(session: Session, process_id: str) -> list[EconomicEventRow]:
    """Every event of an attempt, oldest first, corrections included."""
    of_attempt = select(EconomicEventRow).where(EconomicEventRow.process_id == process_id)
    ordered = of_attempt.order_by(col(EconomicEventRow.created_at), col(EconomicEventRow.id))
    return list(session.exec(ordered))
