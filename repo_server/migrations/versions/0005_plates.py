"""Several copies in one job, and how many of them are good. Jobs until now made one each."""

from alembic import op
from sqlalchemy import Column, Integer

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("job", Column("copies", Integer, nullable=False, server_default="1"))
    op.add_column("attempt", Column("good_copies", Integer))
