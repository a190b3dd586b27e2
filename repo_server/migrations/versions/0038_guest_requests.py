"""Requests of people without an account; orders and letters that are for one of them."""

from alembic import op
from sqlalchemy import Boolean, Column, Date, ForeignKey, Integer
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.create_table(
        "guest_desk",
        Column("lab_id", Text, ForeignKey("lab.id"), primary_key=True),
        Column("open", Boolean, nullable=False),
        Column("words", Text, nullable=False),
        Column("set_by", Text, ForeignKey("person.id"), nullable=False),
        Column("set_at", UTCDateTime, nullable=False),
    )
    _requests()
    for table in ("build_order", "waiting_order"):
        if op.get_bind().dialect.name == "postgresql":
            op.add_column(table, Column("guest_id", Text, ForeignKey("guest_request.id")))
        else:
            op.execute(
                f"ALTER TABLE {table} ADD COLUMN guest_id VARCHAR REFERENCES guest_request (id)"
            )
        op.create_index(f"ix_{table}_guest_id", table, ["guest_id"])
    with op.batch_alter_table("letter") as letter:
        letter.alter_column("person_id", existing_type=Text(), nullable=True)
        letter.add_column(
            Column("guest_id", Text, ForeignKey("guest_request.id", name="letter_guest_id_fkey"))
        )
    op.create_index("ix_letter_guest_id", "letter", ["guest_id"])


def _requests() -> None:
    op.create_table(
        "guest_request",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("key_sha256", Text, unique=True),
        Column("request_sha256", Text, nullable=False),
        Column("sender", Text),
        Column("name", Text, nullable=False),
        Column("email", Text, index=True),
        Column("reach", Text, nullable=False),
        Column("message", Text, nullable=False),
        Column("wish", Text, nullable=False),
        Column("release_id", Text, ForeignKey("release.id")),
        Column("part", Text),
        Column("copies", Integer, nullable=False),
        Column("material", Text, nullable=False),
        Column("until", Date),
        Column("asked_at", UTCDateTime, nullable=False),
        Column("letter_at", UTCDateTime),
        Column("confirmed_at", UTCDateTime),
        Column("answer", Text, nullable=False),
        Column("answered_by", Text, ForeignKey("person.id")),
        Column("answered_at", UTCDateTime),
        Column("word", Text, nullable=False),
        Column("erased_at", UTCDateTime),
    )
    op.create_index("ix_guest_request_of_lab", "guest_request", ["lab_id", "answer", "asked_at"])
    op.create_index("ix_guest_request_sent", "guest_request", ["sender", "asked_at"])
