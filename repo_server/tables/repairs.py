"""Repaired copies of meshes."""

from datetime import datetime

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel


class RepairRow(SQLModel, table=True):
    """A copy of a file that somebody asked for; `made_at` is None while the worker has not come
    to it. Then there is `copy_sha256` and what is different in it, or the `problem`."""

    __tablename__ = "repair"
    sha256: str = Field(foreign_key="blob.sha256", primary_key=True)
    kind: str = Field(primary_key=True)
    version: int
    asked_by: str = Field(foreign_key="person.id")
    asked_at: datetime
    made_at: datetime | None = Field(default=None, index=True)
    facts: dict[str, object] | None = Field(default=None, sa_column=Column(JSON))
    problem: str | None = None
    copy_sha256: str | None = Field(default=None, foreign_key="blob.sha256")
