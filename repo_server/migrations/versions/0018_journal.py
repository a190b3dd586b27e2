"""Posts: what labs, designs and this node tell."""

from alembic import op
from sqlalchemy import Column, ForeignKey, Integer
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "post",
        Column("id", Text, primary_key=True),
        Column("author_id", Text, ForeignKey("person.id"), nullable=False, index=True),
        Column("lab_id", Text, ForeignKey("lab.id"), index=True),
        Column("design_id", Text, ForeignKey("design.id"), index=True),
        Column("title", Text, nullable=False),
        Column("text", Text, nullable=False),
        Column("revision", Integer, nullable=False),
        Column("begun_at", UTCDateTime, nullable=False),
        Column("saved_at", UTCDateTime, nullable=False),
        Column("published_at", UTCDateTime, index=True),
        Column("withdrawn_at", UTCDateTime),
        Column("withdrawn_by", Text, ForeignKey("person.id")),
    )
