"""Who wants to be told of what happens, and the outbox of what is still to be told."""

from alembic import op
from sqlalchemy import JSON, Column, ForeignKey, Integer, UniqueConstraint
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "webhook",
        Column("id", Text, primary_key=True),
        Column("place", Text, nullable=False),
        Column("person_id", Text, ForeignKey("person.id"), nullable=False),
        Column("lab_id", Text, ForeignKey("lab.id")),
        Column("url", Text, nullable=False),
        Column("kinds", JSON, nullable=False),
        Column("number", Integer, nullable=False),
        Column("made_at", UTCDateTime, nullable=False),
        Column("off_at", UTCDateTime),
        Column("sentence", Text, nullable=False),
        UniqueConstraint("place", "url"),
    )
    op.create_index("ix_webhook_person_id", "webhook", ["person_id"])
    op.create_index("ix_webhook_lab_id", "webhook", ["lab_id"])
    op.create_table(
        "delivery",
        Column("id", Text, primary_key=True),
        Column("webhook_id", Text, ForeignKey("webhook.id"), nullable=False),
        Column("kind", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("at", UTCDateTime, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("next_at", UTCDateTime),
        Column("delivered_at", UTCDateTime),
        Column("status", Integer),
        Column("sentence", Text, nullable=False),
    )
    op.create_index("ix_delivery_next_at", "delivery", ["next_at"])
    op.create_index("ix_delivery_list", "delivery", ["webhook_id", "at", "id"])
