"""Uploads that were begun and not finished."""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "upload",
        Column("person_id", Text, ForeignKey("person.id"), primary_key=True),
        Column("sha256", Text, primary_key=True),
        Column("size", BigInteger, nullable=False),
        Column("touched_at", UTCDateTime, nullable=False, index=True),
    )
