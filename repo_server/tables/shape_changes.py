"""Meshes that were compared."""

from datetime import datetime

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel


class ShapeChangeRow(SQLModel, table=True):
    """What is different between two meshes; `made_at` is None while the worker has not come to
    it. `kinds` is that of both, `stl+3mf`; `preview_sha256` a GLB of our own making."""

    __tablename__ = "shape_change"
    before_sha256: str = Field(foreign_key="blob.sha256", primary_key=True)
    after_sha256: str = Field(foreign_key="blob.sha256", primary_key=True)
    kinds: str = Field(primary_key=True)
    version: int
    asked_at: datetime
    made_at: datetime | None = Field(default=None, index=True)
    facts: dict[str, object] | None = Field(default=None, sa_column=Column(JSON))
    problem: str | None = None
    preview_sha256: str | None = Field(default=None, foreign_key="blob.sha256", index=True)
