"""What is kept of each design's newest release, so that it is found. Made again from releases."""

from datetime import datetime

from sqlalchemy import DDL, JSON, Column, Integer, Text, event
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field, SQLModel

# Bytes in their order: what starts with the same letters stands together.
_PLAIN_TEXT = Text().with_variant(Text(collation="C"), "postgresql")


class SearchEntryRow(SQLModel, table=True):
    """What a search walks over: narrow, a thousand of them are read for one answer.

    `doc` counts up and is never used again: a release published later has the greater one.
    `labels` are the facets' values, `licence:MIT process:fdm …`, parted by spaces. `needs` is what
    its parts ask of machines; `print_mm` and `mill_mm` are the longest edge of any part, None
    where none is known. PostgreSQL keeps the words in `tokens`, SQLite in `search_index`; `ballast`
    makes PostgreSQL put the words apart from the row.
    """

    __tablename__ = "search_entry"
    __table_args__ = ({"sqlite_autoincrement": True},)
    doc: int | None = Field(default=None, sa_column=Column(Integer, primary_key=True))
    design_id: str = Field(foreign_key="design.id", unique=True)
    labels: str
    needs: list[list[object]] = Field(sa_column=Column(JSON, nullable=False))
    print_mm: float | None = None
    mill_mm: float | None = None
    tokens: str | None = Field(
        default=None, sa_column=Column(TSVECTOR().with_variant(Text(), "sqlite"))
    )
    ballast: str | None = Field(default=None, sa_column=Column(Text()))


class SearchCardRow(SQLModel, table=True):
    """What the list of found designs shows of one: bounded texts, and files with its pictures."""

    __tablename__ = "search_card"
    doc: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    slug: str
    release_id: str
    version: str
    name: str
    function: str
    license: str
    keywords: list[str] = Field(sa_column=Column(JSON, nullable=False))
    bom: str
    readme: str
    pictures: list[str] = Field(sa_column=Column(JSON, nullable=False))
    published_at: datetime


class SearchWordRow(SQLModel, table=True):
    """A word of some name, purpose or keyword, and of how many releases that were published."""

    __tablename__ = "search_word"
    word: str = Field(sa_column=Column(_PLAIN_TEXT, primary_key=True))
    releases: int


class SearchSlipRow(SQLModel, table=True):
    """A word with letters left out: two words that share one are a slip apart."""

    __tablename__ = "search_slip"
    slip: str = Field(sa_column=Column(_PLAIN_TEXT, primary_key=True))
    word: str = Field(sa_column=Column(_PLAIN_TEXT, primary_key=True))


# Words are made by us; the tokenizer only parts them at spaces. Nothing is kept but which document
# has which word.
SQLITE_INDEX = (
    "CREATE VIRTUAL TABLE search_index USING fts5(tokens, content='', columnsize=0, detail=none, "
    "tokenize=\"ascii tokenchars ':.-+_'\")"
)
# The words lie apart from the row: a walk over rows does not read them. PostgreSQL moves values
# out only of rows over 2,032 bytes, whatever their target; so each gets as many spaces, which it
# presses to some 30. Labels and needs, which every walk wants, stay in the row.
BALLAST = 2032
POSTGRESQL_GIN = "CREATE INDEX IF NOT EXISTS search_index ON search_entry USING gin (tokens)"
POSTGRESQL_INDEX = (
    "ALTER TABLE search_entry SET (toast_tuple_target = 128)",
    "ALTER TABLE search_entry ALTER COLUMN tokens SET STORAGE EXTERNAL",
    POSTGRESQL_GIN,
)
POSTGRESQL_IN_ROW = (
    "ALTER TABLE search_entry ALTER COLUMN labels SET STORAGE MAIN",
    "ALTER TABLE search_entry ALTER COLUMN needs SET STORAGE MAIN",
)


def _after_creation(dialect: str, command: str) -> None:
    made = DDL(command).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
    event.listen(SQLModel.metadata.tables["search_entry"], "after_create", made)


_after_creation("sqlite", SQLITE_INDEX)
for _command in (*POSTGRESQL_INDEX, *POSTGRESQL_IN_ROW):
    _after_creation("postgresql", _command)
