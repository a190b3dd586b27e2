"""The grants that somebody holds now, for those who ask a licence."""

from datetime import datetime

from sqlmodel import Session, col, select

from commons.licences.answers import Grant, holds
from commons.licences.terms import Event
from repo_server.parties import Party
from repo_server.tables import GrantRow


def held_by(session: Session, design_id: str, party: Party, *, now: datetime) -> list[Grant]:
    """What the party may do with the design now beyond its licence."""
    is_theirs = (
        col(GrantRow.person_id) == party.person_id
        if party.person_id is not None
        else col(GrantRow.lab_id) == party.lab_id
    )
    rows = session.exec(
        select(GrantRow).where(GrantRow.design_id == design_id, is_theirs).order_by(GrantRow.id)
    )
    return [
        Grant(row.id, frozenset(Event(event) for event in row.events), row.consideration)
        for row in rows
        if holds_now(row, now)
    ]


def holds_now(row: GrantRow, now: datetime) -> bool:
    """Whether the grant has begun, has not ended and was not taken back."""
    return row.revoked_at is None and holds(row.starts_at, row.ends_at, at=now)
