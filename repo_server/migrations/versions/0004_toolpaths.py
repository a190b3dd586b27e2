"""What an attempt's program looks like, the program itself, and why it was refused."""

from alembic import op
from sqlalchemy import JSON, Column, ForeignKey, Integer
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("attempt", Column("refusal", JSON))
    op.create_table(
        "toolpath",
        Column("attempt_id", Text, ForeignKey("attempt.id"), primary_key=True),
        Column("program_sha256", Text, nullable=False),
        Column("sketch_sha256", Text, nullable=False),
        Column("packed_sha256", Text),
        Column("packed_size", Integer),
        Column("told_at", UTCDateTime, nullable=False),
    )
