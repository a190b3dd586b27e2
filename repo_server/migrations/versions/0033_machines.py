"""Rules of labs and machines, counters, maintenance, downtimes, and orders that calibrate."""

from alembic import op
from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Integer
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.add_column("lab", Column("rules", JSON))
    op.add_column("machine", Column("rules", JSON))
    # SQLite adds no constraint to a table that is there, but a column with one.
    op.execute("ALTER TABLE build_order ADD COLUMN calibrates VARCHAR REFERENCES machine (id)")
    op.create_index("ix_build_order_calibrates", "build_order", ["calibrates"])
    _counters()
    _downtimes()


def _counters() -> None:
    op.create_table(
        "machine_counter",
        Column("id", Text, primary_key=True),
        _machine(),
        Column("hours", Float, nullable=False),
        Column("starts", Integer, nullable=False),
        _person("by"),
        Column("at", UTCDateTime, nullable=False),
    )
    op.create_table(
        "maintenance",
        Column("id", Text, primary_key=True),
        _machine(),
        Column("name", Text, nullable=False),
        Column("instructions", Text, nullable=False),
        Column("every_hours", Float),
        Column("every_days", Float),
        Column("every_prints", Integer),
        Column("blocking", Boolean, nullable=False),
        _person("made_by"),
        Column("made_at", UTCDateTime, nullable=False),
        Column("ended_at", UTCDateTime),
    )
    op.create_table(
        "maintenance_done",
        Column("id", Text, primary_key=True),
        Column("maintenance_id", Text, ForeignKey("maintenance.id"), nullable=False),
        _person("by"),
        Column("at", UTCDateTime, nullable=False),
        Column("note", Text, nullable=False),
        Column("hours", Float, nullable=False),
    )


def _downtimes() -> None:
    op.create_table(
        "downtime",
        Column("id", Text, primary_key=True),
        _machine(),
        Column("reason", Text, nullable=False),
        Column("begins_at", UTCDateTime, nullable=False),
        Column("ends_at", UTCDateTime),
        _person("by"),
        Column("said_at", UTCDateTime, nullable=False),
        Column("ended_by", Text, ForeignKey("person.id")),
    )
    for table in ("machine_counter", "maintenance", "downtime"):
        op.create_index(f"ix_{table}_machine_id", table, ["machine_id"])
    op.create_index("ix_maintenance_done_maintenance_id", "maintenance_done", ["maintenance_id"])
    op.create_index("ix_downtime_ends_at", "downtime", ["ends_at"])


def _machine() -> Column[str]:
    return Column("machine_id", Text, ForeignKey("machine.id"), nullable=False)


def _person(name: str) -> Column[str]:
    return Column(name, Text, ForeignKey("person.id"), nullable=False)
