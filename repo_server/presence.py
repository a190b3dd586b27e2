"""Who has come for what they booked: they said so, cleared the bed, or have their job made."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from repo_server.tables import BookingRow

# Whoever books may come so much before.
EARLY = timedelta(minutes=10)


def note(session: Session, machine_id: str, person_id: str, *, now: datetime) -> None:
    """Somebody was seen at the machine: if it is kept for them now, they have come."""
    rows = session.exec(
        select(BookingRow).where(
            BookingRow.machine_id == machine_id,
            BookingRow.person_id == person_id,
            col(BookingRow.begins_at) <= now + EARLY,
            col(BookingRow.ends_at) > now,
            col(BookingRow.here_at).is_(None),
            col(BookingRow.cancelled_at).is_(None),
        )
    )
    for row in rows:
        here(session, row, now)


def here(session: Session, row: BookingRow, now: datetime) -> None:
    """Whoever booked has come; the first time counts."""
    if row.here_at is None:
        row.here_at = now
        session.add(row)
        session.flush()
