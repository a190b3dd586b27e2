"""What people say of themselves, and whether the directory lists them."""

from alembic import op
from sqlalchemy import Boolean, Column, true
from sqlmodel.sql.sqltypes import AutoString as Text

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("person", Column("about", Text, nullable=False, server_default=""))
    op.add_column("person", Column("link", Text))
    op.add_column("person", Column("is_listed", Boolean, nullable=False, server_default=true()))
