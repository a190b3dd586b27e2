"""Events beside attempts: what they are part of, where things go, what was paid, who wrote it."""

from alembic import op
from sqlalchemy import Column, Enum, Float, ForeignKey, Integer, UniqueConstraint, text
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0043"
down_revision = "0042"

_ACTIONS = (
    "DELIVER_SERVICE", "PICKUP", "DROPOFF", "ACCEPT", "MODIFY", "COMBINE", "SEPARATE",
    "TRANSFER", "TRANSFER_ALL_RIGHTS", "TRANSFER_CUSTODY", "COPY",
)  # fmt: skip
_OLD_ACTIONS = ("CITE", "CONSUME", "USE", "WORK", "PRODUCE", "MOVE", "RAISE", "LOWER")
_OLD_UNITS = ("EACH", "GRAM", "KILOWATT_HOUR", "HOUR")
_UNITS = ("KILOMETRE", "LITRE", "SQUARE_METRE")
_RINGS = ("LAB", "CITY", "REGION", "COALITION", "BEYOND", "UNKNOWN")
_STATES = (
    "MEASURED", "DECLARED", "MODELLED", "DEFAULT", "CHECKED_EMPTY", "NOT_MEASURED", "OUT_OF_SCOPE",
)  # fmt: skip
_POINTERS = {
    "activity_id": "activity",
    "from_city_id": "city",
    "to_city_id": "city",
    "recorded_by": "person",
    "batch_id": "event_batch",
}


def upgrade() -> None:
    _activity()
    _event_batch()
    if op.get_bind().dialect.name == "postgresql":
        _more_words()
    else:
        _room_for_longer_words()
    _columns()
    for name in ("activity_id", "batch_id"):
        op.create_index(f"ix_economic_event_{name}", "economic_event", [name])
    op.drop_index("ix_economic_event_lab_id", "economic_event")
    op.create_index("ix_economic_event_of_lab", "economic_event", ["lab_id", "happened_at"])


def _columns() -> None:
    for name in ("mass_g", "mass_low_g", "mass_high_g", "distance_km"):
        op.add_column("economic_event", Column(name, Float))
    for name in ("to_resource", "mode", "currency", "outer_id"):
        op.add_column("economic_event", Column(name, Text))
    for name in ("evidence", "note"):
        op.add_column("economic_event", Column(name, Text, nullable=False, server_default=""))
    op.add_column("economic_event", Column("price_minor", Integer))
    op.add_column("economic_event", Column("to_ring", Enum(*_RINGS, name="ring")))
    op.add_column("economic_event", Column("mass_state", Enum(*_STATES, name="state")))
    for name, table in _POINTERS.items():
        op.execute(f"ALTER TABLE economic_event ADD COLUMN {name} VARCHAR REFERENCES {table} (id)")


def _more_words() -> None:
    for type_, names in (("action", _ACTIONS), ("unit", _UNITS)):
        for name in names:
            op.execute(f"ALTER TYPE {type_} ADD VALUE IF NOT EXISTS '{name}'")


def _room_for_longer_words() -> None:
    """SQLite makes the table anew, and would not let go of an old one that rows point to."""
    connection = op.get_bind()
    corrections = connection.execute(
        text("SELECT id, corrects FROM economic_event WHERE corrects IS NOT NULL")
    ).all()
    lot_events = connection.execute(
        text("SELECT id, event_id FROM lot_event WHERE event_id IS NOT NULL")
    ).all()
    connection.execute(text("UPDATE economic_event SET corrects = NULL"))
    connection.execute(text("UPDATE lot_event SET event_id = NULL"))
    with op.batch_alter_table("economic_event") as table:
        table.alter_column("action", type_=Enum(*_OLD_ACTIONS, *_ACTIONS, name="action"))
        table.alter_column("unit", type_=Enum(*_OLD_UNITS, *_UNITS, name="unit"))
    for id_, event in corrections:
        connection.execute(
            text("UPDATE economic_event SET corrects = :event WHERE id = :id"),
            {"id": id_, "event": event},
        )
    for id_, event in lot_events:
        connection.execute(
            text("UPDATE lot_event SET event_id = :event WHERE id = :id"),
            {"id": id_, "event": event},
        )


def _activity() -> None:
    op.create_table(
        "activity",
        Column("id", Text, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False, index=True),
        Column("name", Text, nullable=False),
        Column("happened_at", UTCDateTime, nullable=False),
        Column("recorded_by", Text, ForeignKey("person.id")),
        Column("created_at", UTCDateTime, nullable=False),
    )


def _event_batch() -> None:
    op.create_table(
        "event_batch",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False, index=True),
        Column("kind", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("sha256", Text, nullable=False),
        Column("events", Integer, nullable=False),
        Column("recorded_by", Text, ForeignKey("person.id"), nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        UniqueConstraint("lab_id", "sha256"),
    )
