"""Bodies that OpenSCAD draws, the variants that are ordered, and orders that wait for theirs."""

from alembic import op
from sqlalchemy import JSON, Column, ForeignKey
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "rendering",
        Column("id", Text, primary_key=True),
        Column("path", Text, nullable=False),
        Column("sources", JSON, nullable=False),
        Column("values", JSON, nullable=False),
        Column("asked_at", UTCDateTime, nullable=False),
        Column("made_at", UTCDateTime),
        Column("made_with", Text, nullable=False),
        Column("mesh_sha256", Text, ForeignKey("blob.sha256")),
        Column("sentence", Text, nullable=False),
    )
    op.create_index("ix_rendering_made_at", "rendering", ["made_at"])
    op.create_index("ix_rendering_mesh_sha256", "rendering", ["mesh_sha256"])
    for table in ("build_order", "waiting_order"):
        # SQLite adds no constraint to a table that is there, but a column with one.
        op.execute(f"ALTER TABLE {table} ADD COLUMN rendering_id VARCHAR REFERENCES rendering (id)")
    op.add_column("build_order", Column("variant", JSON))
    op.create_index("ix_waiting_order_rendering_id", "waiting_order", ["rendering_id"])
