"""Trainings, bookings and calendars."""

from alembic import op
from sqlalchemy import Boolean, Column, ForeignKey, Integer, UniqueConstraint
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    _trainings()
    _calendars()
    _bookings()


def _trainings() -> None:
    op.create_table(
        "training_class",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("name", Text, nullable=False),
        Column("process", Text),
        Column("machine_id", Text, ForeignKey("machine.id")),
        Column("for_ordering", Boolean, nullable=False),
        Column("for_operating", Boolean, nullable=False),
        Column("days", Integer),
        UniqueConstraint("lab_id", "name"),
    )
    op.create_index("ix_training_class_lab_id", "training_class", ["lab_id"])
    op.create_table(
        "trainer",
        Column("class_id", Text, ForeignKey("training_class.id"), primary_key=True),
        Column("person_id", Text, ForeignKey("person.id"), primary_key=True),
    )
    op.create_table(
        "training",
        Column("id", Text, primary_key=True),
        Column("class_id", Text, ForeignKey("training_class.id"), nullable=False),
        Column("person_id", Text, ForeignKey("person.id"), nullable=False),
        Column("begins_at", UTCDateTime, nullable=False),
        Column("ends_at", UTCDateTime),
        Column("note", Text, nullable=False),
        Column("signed_by", Text, ForeignKey("person.id"), nullable=False),
        Column("signed_at", UTCDateTime, nullable=False),
    )
    for column in ("class_id", "person_id", "ends_at"):
        op.create_index(f"ix_training_{column}", "training", [column])
    op.create_table(
        "training_revocation",
        Column("training_id", Text, ForeignKey("training.id"), primary_key=True),
        Column("reason", Text, nullable=False),
        Column("revoked_by", Text, ForeignKey("person.id"), nullable=False),
        Column("revoked_at", UTCDateTime, nullable=False),
    )


def _calendars() -> None:
    op.create_table(
        "booking_rules",
        Column("lab_id", Text, ForeignKey("lab.id"), primary_key=True),
        Column("longest_minutes", Integer, nullable=False),
        Column("ahead_days", Integer, nullable=False),
        Column("open_at_once", Integer, nullable=False),
        Column("no_show_minutes", Integer),
        Column("time_zone", Text, nullable=False),
    )
    op.create_table(
        "calendar",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("machine_id", Text, ForeignKey("machine.id")),
        Column("name", Text, nullable=False),
        Column("url", Text),
        Column("added_by", Text, ForeignKey("person.id"), nullable=False),
        Column("added_at", UTCDateTime, nullable=False),
        Column("read_at", UTCDateTime),
        Column("asked_at", UTCDateTime),
        Column("problem", Text, nullable=False),
        Column("removed_at", UTCDateTime),
    )
    op.create_index("ix_calendar_lab_id", "calendar", ["lab_id"])


def _bookings() -> None:
    op.create_table(
        "booking",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("machine_id", Text, ForeignKey("machine.id")),
        Column("person_id", Text, ForeignKey("person.id")),
        Column("calendar_id", Text, ForeignKey("calendar.id")),
        Column("title", Text, nullable=False),
        Column("begins_at", UTCDateTime, nullable=False),
        Column("ends_at", UTCDateTime, nullable=False),
        Column("changed_at", UTCDateTime, nullable=False),
        Column("sequence", Integer, nullable=False),
        Column("here_at", UTCDateTime),
        Column("cancelled_at", UTCDateTime),
        Column("cancelled_by", Text, ForeignKey("person.id")),
        Column("reason", Text, nullable=False),
    )
    op.create_index("ix_booking_lab", "booking", ["lab_id", "ends_at"])
    for column in ("machine_id", "person_id", "calendar_id"):
        op.create_index(f"ix_booking_{column}", "booking", [column])
    op.create_table(
        "calendar_token",
        Column("secret_sha256", Text, primary_key=True),
        Column("person_id", Text, ForeignKey("person.id"), nullable=False),
        Column("made_at", UTCDateTime, nullable=False),
        Column("revoked_at", UTCDateTime),
    )
    op.create_index("ix_calendar_token_person_id", "calendar_token", ["person_id"])
