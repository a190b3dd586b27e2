"""The ledger filled with made-up events, in SQLite or PostgreSQL; indexes are built afterwards."""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module

import psycopg
from sqlalchemy import Engine, insert, text

from bench.counting.corpus import (
    ATTEMPT,
    CITIES,
    EVENT,
    LABS,
    MACHINES,
    RELEASES,
    Chunk,
    Row,
    chunks,
    release,
)
from commons.job import JobState
from commons.machine import Process
from repo_server.db import transaction, upgrade
from repo_server.tables import (
    AgentRow,
    BlobRow,
    BuildOrderRow,
    CityRow,
    DesignRow,
    JobRow,
    LabRow,
    MachineRow,
    PersonRow,
    ReleaseRow,
)

counting = import_module("repo_server.migrations.versions.0045_made").counting
_AT = datetime.fromisoformat("2022-01-01T00:00:00+00:00")
_TABLES = {"attempt": ATTEMPT, "economic_event": EVENT}


def furnish(engine: Engine) -> None:
    """Cities, labs, machines, people and designs that the events speak of."""
    upgrade(engine)
    with transaction(engine) as session:
        for table, values in (_PLACES | _DESIGNS | _WORK).items():
            session.execute(insert(table), values)


def _numbered(count: int, row: Callable[[int], dict[str, object]]) -> list[dict[str, object]]:
    return [row(number) for number in range(count)]


_PLACES = {
    CityRow: _numbered(
        CITIES,
        lambda n: {"id": f"city{n}", "slug": f"city{n}", "name": f"City {n}", "country": "DE"},
    ),
    PersonRow: _numbered(
        50,
        lambda n: {
            "id": f"person{n}", "handle": f"person{n}", "name": f"Person {n}",
            "email": f"{n}@example.org", "password": "-", "created_at": _AT,
        },
    ),
    LabRow: _numbered(
        LABS,
        lambda n: {
            "id": f"lab{n}", "slug": f"lab{n}", "name": f"Lab {n}", "city_id": f"city{n % CITIES}"
        },
    ),
}  # fmt: skip
_DESIGNS = {
    BlobRow: [{"sha256": "0", "size": 0, "stored_at": _AT}],
    DesignRow: _numbered(
        RELEASES,
        lambda n: {
            "id": f"d{n}", "slug": f"d{n}", "steward_id": f"person{n % 50}", "created_at": _AT
        },
    ),
    ReleaseRow: _numbered(
        RELEASES,
        lambda n: {
            "id": release(n), "design_id": f"d{n}", "name": f"Design {n}", "version": "1",
            "function": "", "license": "CC0-1.0", "licensors": [], "manifest": {},
            "manifest_sha256": "0", "published_by": "person0", "published_at": _AT,
        },
    ),
}  # fmt: skip
_WORK = {
    AgentRow: _numbered(
        LABS,
        lambda n: {
            "id": f"agent{n}", "lab_id": f"lab{n}", "name": "", "public_key": f"{n}",
            "enrolled_at": _AT,
        },
    ),
    MachineRow: _numbered(
        LABS * MACHINES,
        lambda n: {
            "id": f"machine{n // MACHINES}-{n % MACHINES}", "lab_id": f"lab{n // MACHINES}",
            "agent_id": f"agent{n // MACHINES}", "name": f"{n}", "profile": {},
            "epoch": 0,
        },
    ),
    BuildOrderRow: _numbered(
        LABS,
        lambda n: {
            "id": f"order{n}", "lab_id": f"lab{n}", "release_id": release(0), "part": "part",
            "copies": 1, "material": "pla", "options": {}, "answers": [],
            "ordered_by": "person0", "ordered_at": _AT,
        },
    ),
    JobRow: _numbered(
        LABS,
        lambda n: {
            "id": f"job{n}", "order_id": f"order{n}", "lab_id": f"lab{n}", "copy_number": 1,
            "process": Process.FDM, "state": JobState.DONE, "fence": 0, "place": n, "begin_by": _AT,
            "claimant": "person0", "queued_at": _AT, "changed_at": _AT,
        },
    ),
}  # fmt: skip


@contextmanager
def without_indexes(engine: Engine) -> Iterator[None]:
    """The indexes of the two tables are there again afterwards; while rows come they would cost
    most of the time."""
    found: list[tuple[str, str]] = []
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            wanted = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        else:
            wanted = "SELECT indexname, indexdef FROM pg_indexes WHERE indexdef NOT LIKE '%UNIQUE%'"
        for name, sql in connection.execute(text(wanted)).all():
            if any(f" ON {table} " in sql or f".{table} " in sql for table in _TABLES):
                found.append((name, sql))
                connection.execute(text(f'DROP INDEX "{name}"'))
    yield
    with engine.begin() as connection:
        for _, sql in found:
            connection.exec_driver_sql(sql)
        connection.exec_driver_sql("ANALYZE")


def fill(engine: Engine, events: int) -> float:
    """The events are there, with the attempts they belong to; seconds that it took."""
    began = time.perf_counter()
    with without_indexes(engine):
        if engine.dialect.name == "sqlite":
            _into_sqlite(str(engine.url.database), chunks(events))
        else:
            _into_postgresql(engine, chunks(events))
    with engine.begin() as connection:  # as a ledger that was there before is counted
        for statement in counting(engine.dialect.name):
            connection.execute(text(statement))
    return time.perf_counter() - began


def _into_sqlite(file: str, made: Iterable[Chunk]) -> None:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA synchronous = OFF")
    for chunk in made:
        for table, columns, rows in _of(chunk):
            names, marks = ", ".join(columns), ", ".join("?" * len(columns))
            written = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
            connection.executemany(written, map(_plain, rows))
        connection.commit()
    connection.close()


def _plain(row: Row) -> Row:
    """As SQLite keeps moments."""
    return tuple(f"{it:%Y-%m-%d %H:%M:%S}.000000" if isinstance(it, datetime) else it for it in row)


def _into_postgresql(engine: Engine, made: Iterable[Chunk]) -> None:
    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        for chunk in made:
            for table, columns, rows in _of(chunk):
                copied = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
                with connection.cursor().copy(copied) as copy:
                    for row in rows:
                        copy.write_row(row)
            connection.commit()


def _of(chunk: Chunk) -> Iterator[tuple[str, Sequence[str], list[Row]]]:
    yield "attempt", ATTEMPT, chunk.attempts
    yield "economic_event", EVENT, chunk.events
