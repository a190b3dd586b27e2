"""Drafts, what changed in a release, and releases that were yanked."""

from alembic import op
from sqlalchemy import JSON, Column, ForeignKey, Integer
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("release", Column("note", Text, nullable=False, server_default=""))
    op.create_table(
        "yank",
        Column("release_id", Text, ForeignKey("release.id"), primary_key=True),
        Column("reason", Text, nullable=False),
        Column("yanked_by", Text, ForeignKey("person.id"), nullable=False),
        Column("yanked_at", UTCDateTime, nullable=False),
    )
    op.create_table(
        "draft",
        Column("id", Text, primary_key=True),
        Column("slug", Text, nullable=False, index=True),
        Column("keeper_id", Text, ForeignKey("person.id"), nullable=False, index=True),
        Column("manifest", Text, nullable=False),
        Column("files", JSON, nullable=False),
        Column("note", Text, nullable=False),
        Column("revision", Integer, nullable=False),
        Column("saved_by", Text, ForeignKey("person.id"), nullable=False),
        Column("saved_at", UTCDateTime, nullable=False),
    )
    op.create_table(
        "draft_editor",
        Column("draft_id", Text, ForeignKey("draft.id"), primary_key=True),
        Column("person_id", Text, ForeignKey("person.id"), primary_key=True),
    )
