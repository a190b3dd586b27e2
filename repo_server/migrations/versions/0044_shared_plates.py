"""Plates that several orders share: who leads, what each has of it, who wants to be alone."""

from alembic import op
from sqlalchemy import Boolean, Column, Float, false, text

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    for table in ("job", "build_order"):
        op.add_column(table, Column("alone", Boolean, nullable=False, server_default=false()))
    op.add_column("attempt", Column("share", Float, nullable=False, server_default="1"))
    # SQLite adds no constraint to a table that is there, but a column with one.
    op.execute("ALTER TABLE attempt ADD COLUMN led_by VARCHAR REFERENCES attempt (id)")
    op.create_index("ix_attempt_led_by", "attempt", ["led_by"])
    # What is urgent is shown first, however far behind it stands.
    op.create_index(
        "ix_job_urgent",
        "job",
        ["lab_id", "place"],
        sqlite_where=text("urgent"),
        postgresql_where=text("urgent"),
    )
