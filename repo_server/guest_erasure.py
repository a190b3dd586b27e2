"""Whose a guest's request was is forgotten some time after its end; orders and ledger never knew.

It ends when it is declined or withdrawn, when nothing of its order is to be made any more, and when
nobody has answered it for as long.
"""

from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, exists, null, or_, select, update
from sqlmodel.sql.expression import SelectOfScalar

from commons.guests import OVER, WINDOW, Answer
from commons.job import JobState
from commons.texts import later
from repo_server.tables import (
    BuildOrderRow,
    GuestRequestRow,
    JobRow,
    LetterRow,
    WaitingOrderRow,
)

# What failed or was refused is made only if somebody says so; for whoever waits it is over.
_ENDED = (*OVER, JobState.FAILED, JobState.REFUSED)


def erase(session: Session, kept: timedelta, *, now: datetime) -> None:
    """What ended longer than `kept` ago says no more whose it was; what nobody answered for as long
    is declined. A mark of a sender is gone once nothing is counted by it."""
    before = now - kept
    request = col(GuestRequestRow.answer)
    session.exec(
        update(GuestRequestRow)
        .where(request == Answer.OPEN, col(GuestRequestRow.asked_at) < before)
        .values(
            answer=Answer.DECLINED,
            answered_at=now,
            word=later("nobody at the lab answered it in time"),
        )
    )
    session.exec(
        update(GuestRequestRow)
        .where(
            col(GuestRequestRow.sender).is_not(None), col(GuestRequestRow.asked_at) < now - WINDOW
        )
        .values(sender=None)
    )
    ended = session.exec(
        select(GuestRequestRow.id).where(
            col(GuestRequestRow.erased_at).is_(None),
            request != Answer.OPEN,
            col(GuestRequestRow.answered_at) < before,
            ~exists(_still_made(before)),
            ~exists(_still_held_back(before)),
        )
    ).all()
    if ended:
        _forget(session, list(ended), now)


def _still_made(before: datetime) -> SelectOfScalar[str]:
    """A job for the request that is to be made, or was until lately."""
    stands = or_(col(JobRow.state).not_in(_ENDED), col(JobRow.changed_at) >= before)
    return (
        select(JobRow.id)
        .join(BuildOrderRow, col(BuildOrderRow.id) == col(JobRow.order_id))
        .where(col(BuildOrderRow.guest_id) == col(GuestRequestRow.id), stands)
    )


def _still_held_back(before: datetime) -> SelectOfScalar[str]:
    """Its order while it waits, or waited until lately."""
    settled = col(WaitingOrderRow.settled_at)
    return select(WaitingOrderRow.id).where(
        col(WaitingOrderRow.guest_id) == col(GuestRequestRow.id),
        or_(settled.is_(None), settled >= before),
    )


def _forget(session: Session, ids: list[str], now: datetime) -> None:
    session.exec(delete(LetterRow).where(col(LetterRow.guest_id).in_(ids)))
    nothing = dict.fromkeys(("name", "reach", "message", "wish", "material", "word"), "")
    session.exec(
        update(GuestRequestRow)
        .where(col(GuestRequestRow.id).in_(ids))
        .values(**nothing, email=None, variant=null(), key_sha256=None, sender=None, erased_at=now)
    )
