"""Many threads write at once: each has its turn, and nobody is refused for bad luck."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import text
from sqlalchemy.pool import QueuePool

from commons.errors import Unavailable
from repo_server import db

WRITERS = 12


def test_writers_of_a_process_stand_in_line_before_they_ask_sqlite(tmp_path: Path) -> None:
    """Those who wait hold no connection, so that SQLite never has to choose among them."""
    engine = db.make_engine(f"sqlite:///{tmp_path}/line.db")
    with db.transaction(engine) as session:
        session.connection().execute(text("CREATE TABLE counts (n INTEGER)"))
    assert isinstance(engine.pool, QueuePool)
    pool, together = engine.pool, Barrier(WRITERS)

    def write(number: int) -> list[int]:
        together.wait()
        asking = []
        for _ in range(5):
            with db.transaction(engine) as session:
                row = {"n": number}
                session.connection().execute(text("INSERT INTO counts VALUES (:n)"), row)
                asking.append(pool.checkedout())
        return asking

    with ThreadPoolExecutor(WRITERS) as threads:
        asking = [n for counts in threads.map(write, range(WRITERS)) for n in counts]
    assert asking == [1] * (5 * WRITERS)
    with db.reading(engine) as session:
        assert session.connection().execute(text("SELECT count(*) FROM counts")).scalar() == 60
    engine.dispose()


def test_who_waited_too_long_is_told_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The turn is not waited for without end; after a failed one the next has its turn."""
    monkeypatch.setattr(db, "_BUSY_MS", 1)
    engine = db.make_engine(f"sqlite:///{tmp_path}/line.db")
    refused = pytest.raises(Unavailable, match="try again")
    with db.transaction(engine), refused, db.transaction(engine):
        pass
    with pytest.raises(ZeroDivisionError), db.transaction(engine):
        _ = 1 / 0
    with db.transaction(engine):
        pass
    engine.dispose()
