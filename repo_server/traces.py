"""What the ledger knows of where a thing came from, read step by step, no further than needed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, or_, select

from commons.flows import Action, Event, EventDraft, State, Unit, measure
from commons.tracing import GIVING, trace
from repo_server import ledger
from repo_server.tables import AttemptRow, EconomicEventRow, MaterialLotRow

# No passport is worth reading a lab's whole ledger: a longer past is cut off, and told so.
MOST_EVENTS, MOST_STEPS = 10_000, 40
_LOT = "lot:"
# Where nobody wrote down when: then nothing that is dated can be said to have come before it.
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_ONE = measure(1, Unit.EACH, State.DECLARED)


@dataclass(frozen=True, slots=True)
class Past:
    """What is behind a thing in its lab.

    `lots` are those that are in it or in what it is of, nearest first; `circles` the resources that
    come from each other; `whole` is False where the past is longer than what was read.
    """

    lots: tuple[MaterialLotRow, ...]
    circles: tuple[tuple[str, ...], ...]
    whole: bool


def past_of(session: Session, attempt: AttemptRow, *, lab_id: str) -> Past:
    """What went into what the attempt made, and into that, as far as its lab has told.

    Names such as `scrap:mixed` mean another thing in every lab: what happened in others is not
    followed, and neither is what tools are made of. An offcut comes from its sheet, and an attempt
    takes of its lot, whether or not somebody measured how much.
    """
    found: dict[str, Event] = {}
    known: set[str] = set()
    ahead = [*_read(session, lab_id, _of_processes([attempt.id])), *_taken(attempt, lab_id)]
    for _ in range(MOST_STEPS):
        found |= {event.id: event for event in ahead}
        names = {event.draft.resource for event in ahead} - known
        if not names or len(found) >= MOST_EVENTS:
            break
        known |= names
        ahead = _before(session, lab_id, sorted(names))
    trail = trace(found.values(), attempt.id)
    taken = (event.draft.resource for event in trail.events)
    lots = dict.fromkeys(name.removeprefix(_LOT) for name in taken if name.startswith(_LOT))
    rows = (session.get(MaterialLotRow, lot_id) for lot_id in lots)
    whole = not names and len(found) < MOST_EVENTS
    return Past(tuple(row for row in rows if row is not None), trail.circles, whole)


def _before(session: Session, lab_id: str, names: Sequence[str]) -> list[Event]:
    """The events that gave these things, with the inputs of their processes, and the cutting of
    those that are offcuts."""
    row = EconomicEventRow
    naming = or_(col(row.resource).in_(names), col(row.to_resource).in_(names))
    events = _read(session, lab_id, and_(naming, col(row.action).in_(GIVING)))
    processes = sorted({event.process for event in events if event.process is not None})
    inputs = _read(session, lab_id, _of_processes(processes))
    return [*events, *inputs, *_cuts(session, names)]


def _of_processes(ids: Sequence[str]) -> ColumnElement[bool]:
    row = EconomicEventRow
    return or_(col(row.process_id).in_(ids), col(row.activity_id).in_(ids))


def _read(session: Session, lab_id: str, those: ColumnElement[bool]) -> list[Event]:
    row = EconomicEventRow
    of_lab = select(row).where(row.lab_id == lab_id, row.action != Action.USE, those)
    ordered = of_lab.order_by(col(row.happened_at), col(row.id)).limit(MOST_EVENTS)
    return [ledger.event(told) for told in session.exec(ordered)]


def _cuts(session: Session, names: Iterable[str]) -> list[Event]:
    """That an offcut was cut from its sheet is told by the lots, in the words of an event."""
    ids = [name.removeprefix(_LOT) for name in names if name.startswith(_LOT)]
    of_sheets = select(MaterialLotRow).where(
        col(MaterialLotRow.id).in_(ids), col(MaterialLotRow.parent_id).is_not(None)
    )
    return [_cut(lot) for lot in session.exec(of_sheets)]


def _cut(lot: MaterialLotRow) -> Event:
    at = lot.added_at or _LONG_AGO
    draft = EventDraft(Action.MOVE, f"{_LOT}{lot.parent_id}", _ONE, lot.lab_id, lot.lab_id,
                       to_resource=f"{_LOT}{lot.id}")  # fmt: skip
    return Event(f"cut:{lot.id}", draft, None, lot.lab_id, at, at)


def _taken(attempt: AttemptRow, lab_id: str) -> list[Event]:
    if attempt.lot_id is None:
        return []
    at = attempt.ended_at or attempt.started_at or _LONG_AGO
    draft = EventDraft(Action.CONSUME, f"{_LOT}{attempt.lot_id}", _ONE, lab_id, lab_id)
    return [Event(f"taken:{attempt.id}", draft, attempt.id, lab_id, at, at)]
