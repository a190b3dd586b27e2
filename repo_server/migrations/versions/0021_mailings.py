"""E-mails that forks owe to licensors, and who has sent them."""

from alembic import op
from sqlalchemy import Column, ForeignKey
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "mailing",
        Column("id", Text, primary_key=True),
        Column("release_id", Text, ForeignKey("release.id"), nullable=False),
        Column("parent_id", Text, ForeignKey("release.id"), nullable=False),
        Column("name", Text, nullable=False),
        Column("address", Text, nullable=False),
        Column("sent_by", Text, ForeignKey("person.id")),
        Column("sent_at", UTCDateTime),
    )
    op.create_index("ix_mailing_release_id", "mailing", ["release_id"])
