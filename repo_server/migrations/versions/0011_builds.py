"""What labs say of the things that they built: words, a photo, and what no machine here counted."""

from alembic import op
from sqlalchemy import Column, ForeignKey, Integer
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "build_report",
        Column("id", Text, primary_key=True),
        Column("release_id", Text, ForeignKey("release.id"), nullable=False, index=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False, index=True),
        Column("attempt_id", Text, ForeignKey("attempt.id"), unique=True),
        Column("part", Text, nullable=False),
        Column("material", Text, nullable=False),
        Column("machine", Text, nullable=False),
        Column("good", Integer, nullable=False),
        Column("failed", Integer, nullable=False),
        Column("words", Text, nullable=False),
        Column("photo_sha256", Text, ForeignKey("blob.sha256")),
        Column("reported_by", Text, ForeignKey("person.id"), nullable=False),
        Column("reported_at", UTCDateTime, nullable=False),
    )
