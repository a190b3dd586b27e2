"""Facts of a lot put right: with a reason and a name, and in the ledger as far back as it was used.

What was counted stays counted, under the ring that is right: nothing in the ledger is changed.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlmodel import Session

from commons.errors import InvalidInput
from commons.texts import later
from repo_server import ledger, lots
from repo_server.lot_events import Act, note
from repo_server.lots import LotFacts, Name
from repo_server.tables import MaterialLotRow

MOST_REASON = 400


class LotCorrection(LotFacts):
    """What was wrong is as it is said here; what is left out stays, what is null is not known."""

    reason: Annotated[str, Field(min_length=3, max_length=MOST_REASON)]
    name: Name = ""


def correct(
    session: Session, lot: MaterialLotRow, wanted: LotCorrection, *, by: str, now: datetime
) -> None:
    """The lot's facts are as they are said; what was made of it counts under its ring of now.

    InvalidInput when nothing would change, or a price lacks its currency.
    """
    said = wanted.model_dump(exclude_unset=True, exclude={"reason"})
    changed = {name: value for name, value in said.items() if getattr(lot, name) != value}
    if not changed:
        raise InvalidInput(later("that is what is known of it already: change what is wrong"))
    lots.require_price(
        changed.get("price_minor", lot.price_minor), changed.get("currency", lot.currency)
    )
    _keep(session, lot, changed)
    if "ring" in changed:
        ledger.move_ring(session, f"lot:{lot.id}", lot.ring, now=now)
    note(session, lot, Act.CORRECTED, by=by, now=now, reason=_told(wanted.reason, changed))


def _keep(session: Session, lot: MaterialLotRow, changed: dict[str, Any]) -> None:
    for name, value in changed.items():
        setattr(lot, name, value)
    session.add(lot)
    session.flush()


def _told(reason: str, changed: dict[str, Any]) -> str:
    return f"{', '.join(sorted(changed))}: {reason.strip()}"
