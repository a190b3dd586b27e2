"""What each release was made from, and what is proposed to be merged back."""

from alembic import op
from sqlalchemy import Boolean, Column, ForeignKey
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "release_parent",
        Column("release_id", Text, ForeignKey("release.id"), primary_key=True),
        Column("parent_id", Text, ForeignKey("release.id"), primary_key=True, index=True),
    )
    op.create_table(
        "proposal",
        Column("id", Text, primary_key=True),
        Column("design_id", Text, ForeignKey("design.id"), nullable=False, index=True),
        Column("release_id", Text, ForeignKey("release.id"), nullable=False, index=True),
        Column("message", Text, nullable=False),
        Column("proposed_by", Text, ForeignKey("person.id"), nullable=False),
        Column("proposed_at", UTCDateTime, nullable=False),
        Column("accepted", Boolean),
        Column("word", Text, nullable=False),
        Column("answered_at", UTCDateTime),
    )
