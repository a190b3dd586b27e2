"""The releases that stand behind lines of a bill of materials."""

from alembic import op
from sqlalchemy import Column, ForeignKey, Integer
from sqlmodel.sql.sqltypes import AutoString as Text

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "component",
        Column("release_id", Text, ForeignKey("release.id"), primary_key=True),
        Column("line", Integer, primary_key=True, autoincrement=False),
        Column("component_id", Text, ForeignKey("release.id"), nullable=False, index=True),
    )
