"""PostgreSQL keeps the words of every design apart from the row that a search walks over."""

from alembic import op
from sqlalchemy import Column, Text

from repo_server.tables.search import BALLAST, POSTGRESQL_IN_ROW

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("search_entry", Column("ballast", Text))
    if op.get_bind().dialect.name == "postgresql":
        for command in POSTGRESQL_IN_ROW:
            op.execute(command)
        # The whole table is written anew, once, each row as the commands above want it.
        op.execute(
            f"ALTER TABLE search_entry ALTER COLUMN ballast TYPE TEXT USING repeat(' ', {BALLAST})"
        )
