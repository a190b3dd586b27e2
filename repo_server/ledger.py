"""The ledger of economic events: appended, corrected by further events, never changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from commons.errors import NotFound
from commons.flows import EventDraft, Measure
from repo_server.ids import new_id
from repo_server.tables import EconomicEventRow


@dataclass(frozen=True, slots=True)
class Occasion:
    """Where and when events happened. `process_id` is the attempt that they belong to; work that is
    given to a design happens in no lab and in no attempt."""

    lab_id: str | None
    process_id: str | None
    simulated: bool
    happened_at: datetime


def append(
    session: Session, drafts: Iterable[EventDraft], occasion: Occasion, *, now: datetime
) -> list[str]:
    """The events stand in the ledger once the caller's transaction does; their ids."""
    ids = []
    for draft in drafts:
        ids.append(new_id())
        session.add(
            EconomicEventRow(
                id=ids[-1],
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
                lab_id=occasion.lab_id,
                process_id=occasion.process_id,
                simulated=occasion.simulated,
                happened_at=occasion.happened_at,
                created_at=now,
            )
        )
    return ids


def correct(session: Session, event_id: str, right: Measure, *, now: datetime) -> EconomicEventRow:
    """A further event makes the sum over `event_id` and its corrections equal to `right`.

    It carries the signed difference to what the ledger says until now; the first event stays.
    """
    wrong = session.get(EconomicEventRow, event_id)
    if wrong is None or wrong.corrects is not None:
        raise NotFound(f"there is no event {event_id} that could be corrected")
    of_event = (col(EconomicEventRow.id) == event_id) | (EconomicEventRow.corrects == event_id)
    quantity, low, high = session.exec(
        select(
            func.sum(EconomicEventRow.quantity),
            func.sum(EconomicEventRow.low),
            func.sum(EconomicEventRow.high),
        ).where(of_event)
    ).one()
    correction = EconomicEventRow(
        **wrong.model_dump(exclude={"id", "quantity", "low", "high", "state", "created_at"})
        | {"corrects": event_id},
        id=new_id(),
        quantity=right.central - quantity,
        low=right.low - low,
        high=right.high - high,
        state=right.state,
        created_at=now,
    )
    session.add(correction)
    return correction


def events_of(session: Session, process_id: str) -> list[EconomicEventRow]:
    """Every event of an attempt, oldest first, corrections included."""
    of_attempt = select(EconomicEventRow).where(EconomicEventRow.process_id == process_id)
    ordered = of_attempt.order_by(col(EconomicEventRow.created_at), col(EconomicEventRow.id))
    return list(session.exec(ordered))
