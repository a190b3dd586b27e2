"""Whom labs buy from, deliver to and have things carried by."""

from alembic import op
from sqlalchemy import Column, Enum, ForeignKey, UniqueConstraint
from sqlalchemy.dialects.postgresql import ENUM
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0049"
down_revision = "0048"

_RINGS = ("LAB", "CITY", "REGION", "COALITION", "BEYOND", "UNKNOWN")


def upgrade() -> None:
    ring = Enum(*_RINGS, name="ring").with_variant(
        ENUM(*_RINGS, name="ring", create_type=False), "postgresql"
    )
    op.create_table(
        "party",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("name", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("city_id", Text, ForeignKey("city.id")),
        Column("ring", ring, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        UniqueConstraint("lab_id", "kind", "name"),
    )
