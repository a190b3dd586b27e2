"""What is kept of designs so that they are found. It is empty: the server's start fills it."""

from alembic import op
from sqlalchemy import JSON, Column, Float, ForeignKey, Integer, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from repo_server.tables.search import POSTGRESQL_INDEX, SQLITE_INDEX

revision = "0016"
down_revision = "0015"

PLAIN = Text().with_variant(Text(collation="C"), "postgresql")


def _entry() -> None:
    op.create_table(
        "search_entry",
        Column("doc", Integer, primary_key=True),
        Column("design_id", AutoString, ForeignKey("design.id"), nullable=False),
        Column("labels", AutoString, nullable=False),
        Column("needs", JSON, nullable=False),
        Column("print_mm", Float),
        Column("mill_mm", Float),
        Column("tokens", TSVECTOR().with_variant(Text(), "sqlite")),
        UniqueConstraint("design_id"),
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(SQLITE_INDEX)
        return
    for command in POSTGRESQL_INDEX:
        op.execute(command)


def _card() -> None:
    op.create_table(
        "search_card",
        Column("doc", Integer, primary_key=True, autoincrement=False),
        Column("slug", AutoString, nullable=False),
        Column("release_id", AutoString, nullable=False),
        Column("version", AutoString, nullable=False),
        Column("name", AutoString, nullable=False),
        Column("function", AutoString, nullable=False),
        Column("license", AutoString, nullable=False),
        Column("keywords", JSON, nullable=False),
        Column("bom", AutoString, nullable=False),
        Column("readme", AutoString, nullable=False),
        Column("pictures", JSON, nullable=False),
        Column("published_at", UTCDateTime, nullable=False),
    )


def upgrade() -> None:
    _entry()
    _card()
    op.create_table(
        "search_word",
        Column("word", PLAIN, primary_key=True),
        Column("releases", Integer, nullable=False),
    )
    op.create_table(
        "search_slip",
        Column("slip", PLAIN, primary_key=True),
        Column("word", PLAIN, primary_key=True),
    )
