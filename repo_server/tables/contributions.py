"""Who says that they gave what to a release, and who confirms it."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class ContributionRow(SQLModel, table=True):
    """A person's claim of work in one role; confirmed by somebody else who worked on the design.

    `hours` is None where nobody counted them. `declared_at` is set where nobody else worked on the
    design who could confirm it: then it stands by the claimant's word alone.
    """

    __tablename__ = "contribution"
    id: str = Field(primary_key=True)
    release_id: str = Field(foreign_key="release.id", index=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    role: str
    words: str
    hours: float | None = None
    claimed_at: datetime
    declared_at: datetime | None = None
    confirmed_by: str | None = Field(default=None, foreign_key="person.id")
    confirmed_at: datetime | None = None
