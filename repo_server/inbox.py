"""What waits for a person as the steward of designs: orders that ask, e-mails that are owed."""

from dataclasses import dataclass

from sqlmodel import Session, select

from repo_server import mailings, waiting


@dataclass(frozen=True, slots=True)
class Counts:
    """How many orders ask for the person's word, and how many e-mails they owe."""

    orders: int
    mailings: int


def counts_for(session: Session, person_id: str) -> Counts:
    """How much waits for the person, asked in one query: every page of theirs tells it."""
    asked = waiting.number_for(person_id).scalar_subquery()
    owed = mailings.number_for(person_id).scalar_subquery()
    return Counts(*session.exec(select(asked, owed)).one())
