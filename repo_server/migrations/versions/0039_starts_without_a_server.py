"""What people order at a machine's panel while the server is away; fences in steps of 1024."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer
from sqlmodel.sql.sqltypes import AutoString as Text

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.add_column("build_order", Column("at_panel_by", Text))
    if op.get_bind().dialect.name == "postgresql":  # SQLite's integers have 64 bits already
        for table, column in (("machine", "epoch"), ("job", "fence"), ("attempt", "fence")):
            op.alter_column(table, column, existing_type=Integer(), type_=BigInteger())
