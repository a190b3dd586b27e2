"""Who has come for what they booked: they said so, cleared the bed, or have their job made."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam
from sqlalchemy import select as columns
from sqlmodel import Session, col

from repo_server.db import look
from repo_server.tables import BookingRow

# Whoever books may come so much before.
EARLY = timedelta(minutes=10)


# Made once: every lease asks it.
_KEPT_NOW = columns(col(BookingRow.id)).where(
    col(BookingRow.machine_id) == bindparam("machine_id"),
    col(BookingRow.person_id) == bindparam("person_id"),
    col(BookingRow.begins_at) <= bindparam("soon"),
    col(BookingRow.ends_at) > bindparam("now"),
    col(BookingRow.here_at).is_(None),
    col(BookingRow.cancelled_at).is_(None),
)


def note(session: Session, machine_id: str, person_id: str, *, now: datetime) -> None:
    """Somebody was seen at the machine: if it is kept for them now, they have come."""
    soon = now + EARLY
    found = look(session, _KEPT_NOW, machine_id=machine_id, person_id=person_id, now=now, soon=soon)
    for id_ in found.scalars().all():
        here(session, session.get_one(BookingRow, id_), now)


def here(session: Session, row: BookingRow, now: datetime) -> None:
    """Whoever booked has come; the first time counts."""
    if row.here_at is None:
        row.here_at = now
        session.add(row)
        session.flush()
