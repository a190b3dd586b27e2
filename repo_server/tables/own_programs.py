"""Programs that people bring, and who may."""

from datetime import datetime

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel


class OwnProgramRow(SQLModel, table=True):
    """A program as somebody brought it; a file of the program store. `traits` are those of
    commons.own_programs."""

    __tablename__ = "own_program"
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id", index=True)
    sha256: str = Field(index=True)
    size: int
    name: str
    traits: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    brought_by: str = Field(foreign_key="person.id")
    brought_at: datetime


class ProgramRightRow(SQLModel, table=True):
    """The right to bring programs to a lab, who gave it, and who took it away again.

    Never removed: whoever has a row that was not taken away has the right.
    """

    __tablename__ = "program_right"
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id", index=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    given_by: str = Field(foreign_key="person.id")
    given_at: datetime
    taken_by: str | None = Field(default=None, foreign_key="person.id")
    taken_at: datetime | None = None
