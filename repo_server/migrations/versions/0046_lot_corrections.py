"""Why somebody put the facts of a lot right."""

from alembic import op
from sqlalchemy import Column
from sqlmodel.sql.sqltypes import AutoString as Text

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    op.add_column("lot_event", Column("reason", Text, nullable=False, server_default=""))
