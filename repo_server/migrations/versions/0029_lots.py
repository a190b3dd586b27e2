"""Spools and sheets, whole: what is left and how well that is known, whose they are, what was done.

A lot is on one machine at a time from here on: where it was said to be on several, it stays on the
first.
"""

from alembic import op
from sqlalchemy import Column, Date, Float, ForeignKey, Integer
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0029"
down_revision = "0028"

_TEXTS = ("mass_state", "colour", "colour_hex", "maker", "maker_lot", "currency")


def upgrade() -> None:
    for name in ("mass_low_g", "mass_high_g", "net_g", "tare_g"):
        op.add_column("material_lot", Column(name, Float))
    for name in _TEXTS:
        op.add_column("material_lot", Column(name, Text))
    op.add_column("material_lot", Column("price_minor", Integer))
    op.add_column("material_lot", Column("bought_on", Date))
    for name in ("added_at", "archived_at"):
        op.add_column("material_lot", Column(name, UTCDateTime))
    # SQLite adds no constraint to a table that is there, but a column with one.
    for table, name in (("material_lot", "parent_id"), ("machine", "next_lot_id")):
        op.execute(f"ALTER TABLE {table} ADD COLUMN {name} VARCHAR REFERENCES material_lot (id)")
    op.create_index("ix_material_lot_parent_id", "material_lot", ["parent_id"])
    # What is known of them was said by people, and machines have taken from it.
    op.execute(
        "UPDATE material_lot SET mass_state = 'modelled', mass_low_g = mass_left_g * 0.8, "
        "mass_high_g = mass_left_g * 1.2 WHERE mass_left_g IS NOT NULL"
    )
    op.execute(
        "UPDATE machine SET lot_id = NULL WHERE lot_id IS NOT NULL AND id NOT IN "
        "(SELECT min(id) FROM machine WHERE lot_id IS NOT NULL GROUP BY lot_id)"
    )
    op.create_index("ix_machine_lot_id", "machine", ["lot_id"], unique=True)
    _what_was_done()


def _what_was_done() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for action in ("MOVE", "RAISE", "LOWER"):
            op.execute(f"ALTER TYPE action ADD VALUE IF NOT EXISTS '{action}'")
    op.create_table(
        "lot_event",
        Column("id", Text, primary_key=True),
        Column("lot_id", Text, ForeignKey("material_lot.id"), nullable=False),
        Column("kind", Text, nullable=False),
        Column("person_id", Text, ForeignKey("person.id"), nullable=False),
        Column("at", UTCDateTime, nullable=False),
        Column("machine_id", Text, ForeignKey("machine.id")),
        Column("gross_g", Float),
        Column("tare_g", Float),
        Column("before_g", Float),
        Column("after_g", Float),
        Column("event_id", Text, ForeignKey("economic_event.id")),
    )
    op.create_index("ix_lot_event_lot_id", "lot_event", ["lot_id"])
