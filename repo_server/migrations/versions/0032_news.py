"""News for whoever ordered something, and e-mails on their way."""

from alembic import op
from sqlalchemy import JSON, Column, ForeignKey, Integer
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.create_table(
        "news",
        Column("id", Text, primary_key=True),
        Column("person_id", Text, ForeignKey("person.id"), nullable=False),
        Column("order_id", Text, ForeignKey("build_order.id")),
        Column("kind", Text, nullable=False),
        Column("title", Text, nullable=False),
        Column("sentence", Text, nullable=False),
        Column("path", Text, nullable=False),
        Column("at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_news_person", "news", ["person_id", "at"])
    op.create_index("ix_news_order_id", "news", ["order_id"])
    op.create_table(
        "news_choice",
        Column("person_id", Text, ForeignKey("person.id"), primary_key=True),
        Column("mailed", JSON, nullable=False),
        Column("feed", Integer),
        Column("feeds_made", Integer, nullable=False),
    )
    op.create_table(
        "letter",
        Column("id", Text, primary_key=True),
        Column("person_id", Text, ForeignKey("person.id"), nullable=False),
        Column("subject", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("path", Text, nullable=False),
        Column("at", UTCDateTime, nullable=False),
        Column("next_at", UTCDateTime),
        Column("tries", Integer, nullable=False),
        Column("sentence", Text, nullable=False),
    )
    op.create_index("ix_letter_next_at", "letter", ["next_at"])
