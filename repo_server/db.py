"""The database: one engine, one way to open a transaction, one way to bring it up to date."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import TypeVarTuple

from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    Insert,
    Select,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session, SQLModel

import repo_server.tables  # noqa: F401  (the metadata knows every table)
from commons.errors import Unavailable

# A writer waits this long for another one; every transaction of ours is shorter by far.
_BUSY_MS = 10_000
_READING = "reading"
_RING = "ring"
_TURN = "turn"
Columns = TypeVarTuple("Columns")


def make_engine(url: str) -> Engine:
    """An engine for SQLite or PostgreSQL; nothing is opened yet.

    SQLite: WAL with synchronous=FULL, so that what was committed survives a power cut; foreign
    keys are checked; a transaction that may write takes the lock when it begins, so that it can
    never fail half-way for having read first.
    """
    address = make_url(url)
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
        return create_engine(address, pool_pre_ping=True, pool_size=16, max_overflow=64)
    if address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    # SQLite lets whoever happens to ask at the right moment write next; of many that ask, some
    # would never be lucky. Threads of one process therefore stand in line before they ask.
    engine = create_engine(
        address, pool_size=16, max_overflow=64, execution_options={_TURN: Lock()}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # BEGIN is ours to say
    # Its own lower() knows the letters of ASCII alone, and people are called Östlund, too.
    connection.create_function("lower", 1, _lower, deterministic=True)
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {_BUSY_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _lower(text: object) -> str | None:
    return None if text is None else str(text).lower()


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get(_READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """A session whose changes are all committed at the end, or none of them after an error.

    Raises Unavailable when others wrote all the time that one may be kept waiting.
    """
    with Session(engine, expire_on_commit=False) as session:
        with _turn(engine), session.begin():
            yield session
        ring = engine.get_execution_options().get(_RING)
        if ring is not None:
            for task in session.info.get(_RING, ()):
                ring(task)


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """No other thread of this process writes meanwhile, where the database has one writer."""
    turn: Lock | None = engine.get_execution_options().get(_TURN)
    if turn is None:
        yield
        return
    if not turn.acquire(timeout=_BUSY_MS / 1000):
        raise Unavailable("too many others write to the database now; try again in a moment")
    try:
        yield
    finally:
        turn.release()


def with_doorbell(engine: Engine, ring: Callable[[str], None]) -> Engine:
    """The engine, whose transactions call `ring` with each task that they want rung for."""
    return engine.execution_options(**{_RING: ring})


def ring_after(session: Session, task: str) -> None:
    """Once the session's transaction is committed, the worker is rung for `task`, once."""
    session.info.setdefault(_RING, set()).add(task)


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that sees one state of the database and never keeps a writer waiting."""
    connection = engine.connect()
    if engine.dialect.name == "sqlite":
        connection = connection.execution_options(**{_READING: True})
    else:
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
    with connection, Session(connection) as session:
        yield session


def insert_rows(
    session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, object]]
) -> None:
    """The rows, each a value for every column without a default, are in the table.

    In one statement, and not as objects of the session: that is several times as quick where
    nobody goes on working with them. What the session holds unflushed is not written before it.
    """
    if rows:
        session.connection().execute(_insert(table)[0], list(rows))


def look(session: Session, statement: Select[*Columns], **values: object) -> CursorResult[*Columns]:
    """What the statement finds, which was made once and asks for columns.

    A third of what `session.exec` costs: nothing is put together, compiled or kept in the session.
    What the session holds unflushed is written before it.
    """
    session.flush()
    return session.connection().execute(statement, values)


def keep_new(session: Session, *rows: SQLModel) -> None:
    """The new rows are in their tables, written in this order, and the session holds them as though
    it had read them.

    A third of what `add` and `flush` cost, which find out what has changed and in which order it is
    to be written. What the session holds unflushed is written before it.
    """
    session.flush()
    for table, alike in groupby(rows, key=type):
        statement, names = _insert(table)
        values = [{name: getattr(row, name) for name in names} for row in alike]
        session.connection().execute(statement, values)
    for row in rows:
        make_transient_to_detached(row)
    session.add_all(rows)


@cache
def _insert(table: type[SQLModel]) -> tuple[Insert, tuple[str, ...]]:
    columns = inspect(table).local_table
    return insert(columns), tuple(columns.c.keys())


def is_postgresql(session: Session) -> bool:
    """Whether this is PostgreSQL; it is SQLite otherwise."""
    return session.get_bind().dialect.name == "postgresql"


def upgrade(engine: Engine) -> None:
    """The database has every table and column that this version of the code needs."""
    # Here and not above: the start needs it once, and no request ever.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


class Stamp:
    """Tells whether anything was committed meanwhile: equal stamps, the same database.

    It asks on a connection of its own, on which nothing is ever written: SQLite counts what all
    others commit, PostgreSQL tells which transactions a query would see.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._connection: DBAPIConnection | None = None
        sqlite = engine.dialect.name == "sqlite"
        self._ask = "PRAGMA data_version" if sqlite else "SELECT pg_current_snapshot()::text"

    def read(self) -> str:
        """The stamp of what a transaction that begins now would see."""
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
            cursor = self._connection.cursor()
            try:
                cursor.execute(self._ask)
                return str(cursor.fetchall()[0][0])
            except Exception:  # the database went away: the next one asks on a new connection
                self._close()
                raise
            finally:
                cursor.close()

    def close(self) -> None:
        """Nothing stays open; it opens again when it is asked."""
        with self._lock:
            self._close()

    def _connect(self) -> DBAPIConnection:
        lent = self._engine.raw_connection()
        lent.detach()
        if (connection := lent.dbapi_connection) is None:
            raise RuntimeError("a connection that was just lent is none")
        if self._engine.dialect.name != "sqlite":
            connection.autocommit = True
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
