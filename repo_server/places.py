"""Places in a lab's line: numbers that say which job stands before which.

A job's place is the moment at which it was queued, told finely enough that others fit in between,
so that what is put somewhere else by hand is from then on as old as what it stands beside. Places
are given while the lab's line is held: no two jobs get the same one, however many ask at once.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlmodel import Session, col, func, select, update

from commons.job import JobState
from repo_server.db import is_postgresql, look
from repo_server.tables import JobRow, LabRow

# Places in a microsecond: so many others fit in between.
_FINE = 1024
# What an order takes, whatever it holds: about a millisecond.
SLOT = 1024 * _FINE
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
# Made once: every order asks them.
_LINE = (
    sa.select(col(LabRow.id))
    .where(col(LabRow.id) == bindparam("lab_id"))
    .with_for_update(key_share=True)
)
_NEAR = (
    sa.select(col(JobRow.id))
    .where(
        col(JobRow.lab_id) == bindparam("lab_id"),
        col(JobRow.place) > bindparam("behind"),
        col(JobRow.place) < bindparam("before"),
    )
    .limit(1)
)


def place_of(at: datetime) -> int:
    """The first place of the moment."""
    return (at - _BEGINNING) // timedelta(microseconds=1) * _FINE


def moment_of(place: int) -> datetime:
    """When it was, of the place of a moment or one behind it within the microsecond."""
    return _BEGINNING + timedelta(microseconds=place // _FINE)


def hold_line(session: Session, lab_id: str) -> None:
    """Until the transaction ends nobody else gives places in the lab's line or takes a job out of
    it. Whoever holds a line and keeps jobs holds the line first."""
    if is_postgresql(session):  # SQLite has one writer, and it is whoever has begun to write
        look(session, _LINE, lab_id=lab_id)


def next_places(session: Session, lab_id: str, count: int, *, queued_at: datetime) -> Sequence[int]:
    """So many places behind all that was queued until then; the line is held."""
    hold_line(session, lab_id)
    first = _free_slot(session, lab_id, place_of(queued_at))
    step = max(1, SLOT // count)
    return range(first, first + count * step, step)


def _free_slot(session: Session, lab_id: str, wanted: int) -> int:
    """The first place from `wanted` on with a slot before and behind it that is nobody's."""
    place = col(JobRow.place)
    of_lab = col(JobRow.lab_id) == lab_id
    near = look(session, _NEAR, lab_id=lab_id, behind=wanted - SLOT, before=wanted + SLOT)
    if near.first() is None:
        return wanted
    following = func.lead(place).over(order_by=place)
    steps = sa.select(place.label("place"), following.label("following"))
    line = steps.where(of_lab, place > wanted - SLOT).subquery()
    gap = (line.c.following.is_(None)) | (line.c.following >= line.c.place + 2 * SLOT)
    return SLOT + int(session.scalar(select(func.min(line.c.place)).where(gap)) or wanted)


def place_beside(session: Session, job: JobRow, *, before: bool) -> int:
    """A free place next to the job's own, which nobody can get in between; the line is held.

    Where so many were put there that there is none left, all that wait behind it move up.
    """
    place = col(JobRow.place)
    of_lab = col(JobRow.lab_id) == job.lab_id
    if before:
        before_it = select(func.max(place)).where(of_lab, place < job.place)
        low, high = session.exec(before_it).one() or job.place - 2 * SLOT, job.place
    else:
        behind_it = select(func.min(place)).where(of_lab, place > job.place)
        low, high = job.place, session.exec(behind_it).one() or job.place + 2 * SLOT
    if high - low < 2:
        waiting = (of_lab, col(JobRow.state) == JobState.QUEUED, place >= high)
        session.exec(update(JobRow).where(*waiting).values(place=place + SLOT))
        session.refresh(job)
        high += SLOT
    return (low + high) // 2
