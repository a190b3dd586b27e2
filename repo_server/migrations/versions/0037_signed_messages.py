"""What agents said of attempts, as they signed it."""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.create_table(
        "signed_message",
        Column("id", Text, primary_key=True),
        Column("agent_id", Text, ForeignKey("agent.id"), nullable=False),
        Column("method", Text, nullable=False),
        Column("target", Text, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("nonce", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("signature", Text, nullable=False),
        Column("received_at", UTCDateTime, nullable=False),
    )
    op.create_table(
        "signed_message_of",
        Column("attempt_id", Text, ForeignKey("attempt.id"), primary_key=True),
        Column("message_id", Text, ForeignKey("signed_message.id"), primary_key=True),
    )
