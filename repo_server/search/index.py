"""Keeping what designs are found by. A design has one entry, that of its newest release."""

from collections.abc import Iterable, Sequence
from itertools import islice

from sqlalchemy import ARRAY, Engine, Text, bindparam, cast, delete, func, insert, text
from sqlmodel import Session, col, select

from commons.machine import Process
from repo_server.db import insert_rows, is_postgresql, transaction
from repo_server.search import spelling
from repo_server.search.entries import Entry, Need, about_words, need_of, tokens_of, written_need
from repo_server.tables import (
    DesignRow,
    SearchCardRow,
    SearchEntryRow,
    SearchSlipRow,
    SearchWordRow,
)
from repo_server.tables.search import BALLAST, POSTGRESQL_GIN

# PostgreSQL reads a word's list of documents as a whole. It is cut into blocks of so many
# documents, so that the newest of a frequent word are found without reading all of them.
BLOCK_BITS = 14
_BATCH = 1000


def put(session: Session, entries: Sequence[Entry]) -> None:
    """Each design is found by its entry from now on, and by nothing that it had before."""
    for entry in entries:
        forget(session, entry.design_id)
    add(session, entries)


def forget(session: Session, design_id: str) -> None:
    """The design is found no more.

    SQLite's index keeps the number of a document that is gone: no row answers to it, and the
    number is never used again.
    """
    found = select(SearchEntryRow.doc).where(SearchEntryRow.design_id == design_id)
    for doc in session.exec(found).all():
        session.execute(delete(SearchEntryRow).where(col(SearchEntryRow.doc) == doc))
        session.execute(delete(SearchCardRow).where(col(SearchCardRow.doc) == doc))


def kept(session: Session, design_id: str) -> Entry | None:
    """The design's entry as it was put; None when it has none."""
    rows = (
        select(SearchEntryRow, SearchCardRow)
        .join(SearchCardRow, col(SearchCardRow.doc) == col(SearchEntryRow.doc))
        .where(SearchEntryRow.design_id == design_id)
    )
    if (found := session.exec(rows).first()) is None:
        return None
    row, card = found
    return Entry(
        design_id=design_id,
        slug=card.slug,
        release_id=card.release_id,
        version=card.version,
        name=card.name,
        function=card.function,
        license=card.license,
        keywords=tuple(card.keywords),
        bom=card.bom,
        readme=card.readme,
        pictures=tuple(card.pictures),
        labels=tuple(row.labels.split()),
        needs=tuple(need_of(it) for it in row.needs),
        published_at=card.published_at,
    )


def measure(session: Session, release_id: str, needs: Sequence[Need]) -> None:
    """What the release's parts ask of machines is this; nothing is done where it is no head."""
    of_it = (
        select(SearchEntryRow)
        .join(DesignRow, col(DesignRow.id) == col(SearchEntryRow.design_id))
        .where(DesignRow.head_id == release_id)
    )
    if (row := session.exec(of_it).first()) is not None:
        row.sqlmodel_update(_asked(needs))
        session.add(row)


def _asked(needs: Sequence[Need]) -> dict[str, object]:
    return {
        "needs": [written_need(it) for it in needs],
        "print_mm": _longest(needs, Process.FDM),
        "mill_mm": _longest(needs, Process.CNC),
    }


def _longest(needs: Iterable[Need], process: Process) -> float | None:
    edges = (max(it.size_mm) for it in needs if it.process is process and it.size_mm)
    return max(edges, default=None)


def add(session: Session, entries: Sequence[Entry]) -> None:
    """Each design is found by its entry; it must have none yet."""
    numbered = list(zip(_numbers(session, len(entries)), entries, strict=True))
    rows = [
        {"doc": doc, "design_id": it.design_id, "labels": " ".join(it.labels)} | _asked(it.needs)
        for doc, it in numbered
    ]
    if is_postgresql(session):
        tokens = [in_block(tokens_of(it), doc >> BLOCK_BITS) for doc, it in numbered]
        vector = func.array_to_tsvector(cast(bindparam("words"), ARRAY(Text())))
        given = [row | {"words": own} for row, own in zip(rows, tokens, strict=True)]
        ballast = func.repeat(" ", BALLAST)
        session.execute(insert(SearchEntryRow).values(tokens=vector, ballast=ballast), given)
    else:
        insert_rows(session, SearchEntryRow, rows)
        texts = [(doc, " ".join(tokens_of(it))) for doc, it in numbered]
        command = "INSERT INTO search_index (rowid, tokens) VALUES (?, ?)"
        session.connection().exec_driver_sql(command, texts)
    insert_rows(session, SearchCardRow, [_card(doc, it) for doc, it in numbered])
    spelling.record(session, spelling.vocabulary(about_words(it) for it in entries))


def in_block(tokens: Iterable[str], block: int) -> list[str]:
    """The tokens as PostgreSQL keeps those of this block of documents."""
    return [f"{token}/{block:x}" for token in tokens]


def _numbers(session: Session, count: int) -> Sequence[int]:
    """So many numbers for documents, greater than all before."""
    if is_postgresql(session):
        series = "nextval(pg_get_serial_sequence('search_entry', 'doc'))"
        command = f"SELECT {series} FROM generate_series(1, :count)"  # noqa: S608
        return session.execute(text(command), {"count": count}).scalars().all()
    command = "SELECT seq FROM sqlite_sequence WHERE name = 'search_entry'"
    last = session.connection().exec_driver_sql(command).scalar() or 0
    return range(last + 1, last + 1 + count)


def _card(doc: int, entry: Entry) -> dict[str, object]:
    return {
        "doc": doc,
        "slug": entry.slug,
        "release_id": entry.release_id,
        "version": entry.version,
        "name": entry.name,
        "function": entry.function,
        "license": entry.license,
        "keywords": list(entry.keywords),
        "bom": entry.bom,
        "readme": entry.readme,
        "pictures": list(entry.pictures),
        "published_at": entry.published_at,
    }


def fill(engine: Engine, entries: Iterable[Entry]) -> int:
    """The designs of `entries`, which must have none yet, are found; how many they are.

    A transaction for every thousand. Many are taken in faster with PostgreSQL's index away.
    """
    coming, count = iter(entries), 0
    while batch := list(islice(coming, _BATCH)):
        with transaction(engine) as session:
            add(session, batch)
        count += len(batch)
    return count


def clear(engine: Engine) -> None:
    """Nothing is found. PostgreSQL's index is away until `settle`."""
    with transaction(engine) as session:
        for table in (SearchEntryRow, SearchCardRow, SearchWordRow, SearchSlipRow):
            session.execute(delete(table))
        if is_postgresql(session):
            session.execute(text("DROP INDEX IF EXISTS search_index"))
        else:
            session.execute(text("INSERT INTO search_index (search_index) VALUES ('delete-all')"))


def settle(engine: Engine) -> None:
    """The indexes are whole and in one piece, and the planner knows the tables."""
    with transaction(engine) as session:
        if is_postgresql(session):
            session.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
            session.execute(text(POSTGRESQL_GIN))
        else:
            session.execute(text("INSERT INTO search_index (search_index) VALUES ('optimize')"))
        session.execute(text("ANALYZE"))
