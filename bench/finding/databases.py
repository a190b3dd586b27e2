"""A database that is filled with designs, a part at a time, and used again once it is full."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path

from sqlalchemy import Engine, func, insert, text
from sqlmodel import Session, select

from bench import engines
from bench.finding.corpus import CHUNK, Corpus, entries
from bench.finding.questions import places
from repo_server.db import is_postgresql, reading, transaction, upgrade
from repo_server.search import index
from repo_server.tables import DesignRow, LabRow, SearchEntryRow
from tests.floor import furnish
from tests.profiles import printer

LAB = "corner"  # that of tests/floor.py: one printer


class Database:
    """Designs in one database. Beside it stands what filling it has cost, as JSON."""

    def __init__(self, engine: Engine, costs: Path) -> None:
        self.engine = engine
        self._costs = costs

    @property
    def index_s(self) -> float:
        """Seconds that it took to take the designs in, without those to make them up."""
        return float(self._read()["index_s"])

    @property
    def megabytes(self) -> float:
        """What finding takes on the disk: all but the rows of the designs themselves."""
        return self._size() - float(self._read()["empty_mb"])

    def cpu_s(self) -> float:
        """Seconds of CPU so far: of this process, and of PostgreSQL's that answers it."""
        own = time.process_time()
        return own if self._backend is None else own + self._backend_s(self._backend)

    @cached_property
    def _backend(self) -> int | None:
        """The process of the pool's one connection: one question is asked after the other."""
        with reading(self.engine) as session:
            if not is_postgresql(session):
                return None
            return int(session.execute(text("SELECT pg_backend_pid()")).scalar_one())

    @staticmethod
    def _backend_s(process: int) -> float:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9

    def fill(self, of: Corpus, designs: int, *, most: int) -> bool:
        """At most so many more are taken in; whether all are there and in order."""
        if not self._costs.exists():
            self._furnish(designs)
        with reading(self.engine) as session:
            there = session.exec(select(func.count()).select_from(SearchEntryRow)).one()
        for start in range(there, min(designs, there + most), CHUNK):
            made = list(entries(of, min(CHUNK, designs - start), start=start))
            self._spend(partial(index.fill, self.engine, made))
        if there + most < designs:
            return False
        if not self._read().get("settled"):
            self._spend(lambda: index.settle(self.engine))
            self._note(settled=True)
        return True

    def _furnish(self, designs: int) -> None:
        """A lab with a printer, a thousand labs at their places, and the rows of all designs."""
        upgrade(self.engine)
        floor = furnish(self.engine, printer())
        labs = [
            {"id": slug, "slug": slug, "name": slug, "city_id": floor.city_id, "latitude": latitude,
             "longitude": longitude}
            for slug, latitude, longitude in places()
        ]  # fmt: skip
        with transaction(self.engine) as session:
            session.execute(insert(LabRow), labs)
        now = datetime(2026, 1, 1, tzinfo=UTC)
        for start in range(0, designs, CHUNK):
            rows = [
                {"id": f"d{n}", "slug": f"d{n}", "steward_id": floor.manager, "created_at": now}
                for n in range(start, min(start + CHUNK, designs))
            ]
            with transaction(self.engine) as session:
                session.execute(insert(DesignRow), rows)
        index.clear(self.engine)
        self._note(index_s=0.0, empty_mb=self._size())

    def _size(self) -> float:
        with reading(self.engine) as session:
            if is_postgresql(session):
                command = "SELECT pg_database_size(current_database())"
            else:
                command = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
            return float(session.execute(text(command)).scalar_one()) / 1e6

    def _spend(self, what: Callable[[], object]) -> None:
        began = time.perf_counter()
        what()
        self._note(index_s=self.index_s + time.perf_counter() - began)

    def _read(self) -> dict[str, float]:
        return dict(json.loads(self._costs.read_text())) if self._costs.exists() else {}

    def _note(self, **costs: float) -> None:
        self._costs.write_text(json.dumps(self._read() | costs))


@contextmanager
def sqlite(folder: Path) -> Iterator[Database]:
    """The one in a file of this folder."""
    with engines.sqlite(folder / "designs.sqlite") as engine:
        yield Database(engine, folder / "sqlite.json")


@contextmanager
def postgresql(folder: Path) -> Iterator[Database]:
    """The one of a server of its own in this folder."""
    with engines.postgresql(folder) as engine:
        yield Database(engine, folder / "postgresql.json")


def lab_of(session: Session) -> LabRow:
    """The lab whose machines are asked for."""
    return session.exec(select(LabRow).where(LabRow.slug == LAB)).one()
