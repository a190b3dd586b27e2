"""What is left of a lot: taken off by what attempts used, put right by weighing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlmodel import Session, col, select

from commons import lots as stock
from commons.errors import Conflict, FieldProblem, InvalidInput
from commons.flows import Measure, State, Unit
from commons.texts import filled, later
from commons.wire import Asked
from repo_server.lot_events import Act, note_stock
from repo_server.tables import AttemptRow, MachineRow, MaterialLotRow

# What a scale of a workshop carries.
MOST_G = 100_000.0
NO_TARE = later("how heavy is the empty spool? Weigh one like it; of a sheet say 0")
Weight = Annotated[float, Field(ge=0, le=MOST_G, allow_inf_nan=False)]


class Weighing(Asked):
    """What the scale says, with the spool. `tare_g` is the empty spool, where that is not known
    yet, or another than was said; 0 of a sheet."""

    gross_g: Weight
    tare_g: Weight | None = None


@dataclass(frozen=True, slots=True)
class Weighed:
    """What is left by the scale, and in a sentence how far that is from what was reckoned."""

    left: Measure
    before: Measure | None
    sentence: str


def left_of(lot: MaterialLotRow) -> Measure | None:
    """What is left, g; None when nobody knows."""
    if lot.mass_left_g is None:
        return None
    central = lot.mass_left_g
    low = central if lot.mass_low_g is None else lot.mass_low_g
    high = central if lot.mass_high_g is None else lot.mass_high_g
    return Measure(central, Unit.GRAM, State(lot.mass_state or State.DECLARED), low, high)


def keep_left(lot: MaterialLotRow, left: Measure | None) -> None:
    """So much is left of the lot; None: nobody knows."""
    lot.mass_left_g = left.central if left else None
    lot.mass_low_g = left.low if left else None
    lot.mass_high_g = left.high if left else None
    lot.mass_state = left.state if left else None


def take(session: Session, lot: MaterialLotRow, used: Measure) -> None:
    """The lot has less left by what an attempt used; what was not known stays so."""
    _change(session, lot, stock.after_use(_as_it_is(session, lot), used))


def take_unseen(session: Session, lot: MaterialLotRow, most_g: float) -> None:
    """Nobody knows how far a run came: it may have used up to `most_g` of the lot."""
    _change(session, lot, stock.after_unseen(_as_it_is(session, lot), most_g))


def _as_it_is(session: Session, lot: MaterialLotRow) -> Measure | None:
    session.refresh(lot, with_for_update=True)
    return left_of(lot)


def _change(session: Session, lot: MaterialLotRow, left: Measure | None) -> None:
    keep_left(lot, left)
    session.add(lot)


def weigh(
    session: Session, lot: MaterialLotRow, weighing: Weighing, *, by: str, now: datetime
) -> Weighed:
    """What is left of the lot is what the scale says; the difference stands in the ledger.

    InvalidInput for figures that cannot be; Conflict while a machine is at work with it: what
    that uses is taken off when it has ended, and would be twice.
    """
    _require_at_rest(session, lot)
    tare_g = lot.tare_g if weighing.tare_g is None else weighing.tare_g
    if tare_g is None:
        problem = FieldProblem("tare_g", NO_TARE)
        raise InvalidInput(str(problem), [problem])
    stock.require_believable(weighing.gross_g, tare_g, new_g=lot.net_g)
    before, after = left_of(lot), stock.as_weighed(weighing.gross_g, tare_g)
    lot.tare_g = tare_g
    keep_left(lot, after)
    session.add(lot)
    scale = {"gross_g": weighing.gross_g, "tare_g": tare_g}
    note_stock(session, lot, Act.WEIGHED, before, after, by=by, now=now, **scale)
    return Weighed(after, before, stock.difference(before, after))


def _require_at_rest(session: Session, lot: MaterialLotRow) -> None:
    at_work = (
        select(MachineRow.name)
        .join(AttemptRow, col(AttemptRow.id) == col(MachineRow.attempt_id))
        .where(
            AttemptRow.lot_id == lot.id,
            col(AttemptRow.armed_at).is_not(None),
            col(AttemptRow.ended_at).is_(None),
        )
    )
    if name := session.exec(at_work).first():
        raise Conflict(
            filled(
                "%(machine)s is at work with %(lot)s; weigh it once that has ended",
                machine=name,
                lot=lot.name,
            )
        )
