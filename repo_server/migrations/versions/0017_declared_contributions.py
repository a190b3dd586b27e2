"""Contributions that stand by their author's word alone, where nobody else could confirm them."""

from alembic import op
from sqlalchemy import Column
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("contribution", Column("declared_at", UTCDateTime))
