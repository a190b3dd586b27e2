"""What waits for a person: orders that ask their word, e-mails they owe, trainings that end."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from repo_server import mailings, trainings, waiting


@dataclass(frozen=True, slots=True)
class Counts:
    """How many orders ask for the person's word, how many e-mails they owe, and how many of their
    trainings end soon."""

    orders: int
    mailings: int
    trainings: int

    @property
    def total(self) -> int:
        """How much waits for the person in all."""
        return self.orders + self.mailings + self.trainings


def counts_for(session: Session, person_id: str, *, now: datetime) -> Counts:
    """How much waits for the person, asked in one query: every page of theirs tells it."""
    asked = waiting.number_for(person_id).scalar_subquery()
    owed = mailings.number_for(person_id).scalar_subquery()
    ending = trainings.number_ending(person_id, now).scalar_subquery()
    return Counts(*session.exec(select(asked, owed, ending)).one())
