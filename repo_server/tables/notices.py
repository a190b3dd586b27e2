"""Which notices somebody has put away."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class DismissalRow(SQLModel, table=True):
    """A notice that a lab or a design (`place` is its id) is not shown any more."""

    __tablename__ = "dismissal"
    place: str = Field(primary_key=True)
    notice_id: str = Field(primary_key=True)
    dismissed_by: str = Field(foreign_key="person.id")
    dismissed_at: datetime
