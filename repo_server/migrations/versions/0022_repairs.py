"""Repaired copies of meshes."""

from alembic import op
from sqlalchemy import JSON, Column, ForeignKey, Integer
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "repair",
        Column("sha256", Text, ForeignKey("blob.sha256"), primary_key=True),
        Column("kind", Text, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("asked_by", Text, ForeignKey("person.id"), nullable=False),
        Column("asked_at", UTCDateTime, nullable=False),
        Column("made_at", UTCDateTime),
        Column("facts", JSON),
        Column("problem", Text),
        Column("copy_sha256", Text, ForeignKey("blob.sha256")),
    )
    op.create_index("ix_repair_made_at", "repair", ["made_at"])
