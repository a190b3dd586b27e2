"""Databases of a bench's own, in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from repo_server.db import make_engine
from tests.component.conftest import PostgresCluster


@contextmanager
def sqlite(file: Path) -> Iterator[Engine]:
    """The one in this file."""
    engine = make_engine(f"sqlite:///{file}")
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def postgresql(folder: Path) -> Iterator[Engine]:
    """The one of a server of its own in this folder: its settings as they come, without fsync."""
    place = folder / "pg"
    place.mkdir(exist_ok=True)
    cluster = PostgresCluster(place)
    cluster.start()
    engine = make_engine(cluster.url)
    try:
        yield engine
    finally:
        engine.dispose()
        cluster.stop()
