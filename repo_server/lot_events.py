"""What people do with a lot, written down with their names: beside it, in the ledger's words."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from commons.fabrication import event_of_move, event_of_weighing
from commons.flows import EventDraft, Measure
from repo_server import ledger
from repo_server.ids import new_id
from repo_server.tables import LotEventRow, MaterialLotRow


class Act(StrEnum):
    """What somebody did with a lot."""

    ADDED = "added"
    LOADED = "loaded"
    UNLOADED = "unloaded"
    FOLLOWS = "follows"  # it is to follow the lot that is on the machine
    WEIGHED = "weighed"
    CUT = "cut"  # what was left of a sheet was kept as a lot of its own
    CORRECTED = "corrected"
    ARCHIVED = "archived"
    RESTORED = "restored"


def note(
    session: Session, lot: MaterialLotRow, act: Act, *, by: str, now: datetime, **facts: Any
) -> None:
    """It stands beside the lot that `by` did so, with these columns of LotEventRow."""
    session.add(LotEventRow(id=new_id(), lot_id=lot.id, kind=act, person_id=by, at=now, **facts))


def note_move(
    session: Session, lot: MaterialLotRow, act: Act, machine_id: str, *, by: str, now: datetime
) -> None:
    """The lot is on the machine, or off it: so it stands beside it and in the ledger."""
    draft = event_of_move(lab_id=lot.lab_id, lot_id=lot.id, ring=lot.ring)
    event_id = _in_ledger(session, lot, draft, now)
    note(session, lot, act, by=by, now=now, machine_id=machine_id, event_id=event_id)


def note_stock(
    session: Session,
    lot: MaterialLotRow,
    act: Act,
    before: Measure | None,
    after: Measure,
    *,
    by: str,
    now: datetime,
    **facts: Any,
) -> None:
    """What is left was put right: the difference is raised or lowered in the ledger, once."""
    off = _difference(before, after)
    event_id = None
    if off.central:
        draft = event_of_weighing(lab_id=lot.lab_id, lot_id=lot.id, ring=lot.ring, off=off)
        event_id = _in_ledger(session, lot, draft, now)
    before_g = before.central if before else None
    known = {"before_g": before_g, "after_g": after.central, "event_id": event_id}
    note(session, lot, act, by=by, now=now, **known, **facts)


def _difference(before: Measure | None, after: Measure) -> Measure:
    if before is None:
        return after
    return Measure(
        after.central - before.central,
        after.unit,
        after.state,
        after.low - before.high,
        after.high - before.low,
    )


def _in_ledger(session: Session, lot: MaterialLotRow, draft: EventDraft, now: datetime) -> str:
    occasion = ledger.Occasion(lot.lab_id, None, simulated=False, happened_at=now)
    (event_id,) = ledger.append(session, [draft], occasion, now=now)
    session.flush()
    return event_id
