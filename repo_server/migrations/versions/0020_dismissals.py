"""Notices that somebody has put away."""

from alembic import op
from sqlalchemy import Column, ForeignKey
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "dismissal",
        Column("place", Text, primary_key=True),
        Column("notice_id", Text, primary_key=True),
        Column("dismissed_by", Text, ForeignKey("person.id"), nullable=False),
        Column("dismissed_at", UTCDateTime, nullable=False),
    )
