"""Meshes that were compared."""

from alembic import op
from sqlalchemy import JSON, Column, ForeignKey, Integer
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "shape_change",
        Column("before_sha256", Text, ForeignKey("blob.sha256"), primary_key=True),
        Column("after_sha256", Text, ForeignKey("blob.sha256"), primary_key=True),
        Column("kinds", Text, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("asked_at", UTCDateTime, nullable=False),
        Column("made_at", UTCDateTime),
        Column("facts", JSON),
        Column("problem", Text),
        Column("preview_sha256", Text, ForeignKey("blob.sha256")),
    )
    for column in ("made_at", "preview_sha256"):
        op.create_index(f"ix_shape_change_{column}", "shape_change", [column])
