"""When a bed was said to be clear, and what each machine was said to be able to do."""

from alembic import op
from sqlalchemy import JSON, Column, ForeignKey, Integer
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("machine", Column("cleared_at", UTCDateTime))
    op.create_table(
        "machine_profile",
        Column("machine_id", Text, ForeignKey("machine.id"), primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("profile", JSON, nullable=False),
        Column("agent_id", Text, ForeignKey("agent.id"), nullable=False),
        Column("at", UTCDateTime, nullable=False),
    )
