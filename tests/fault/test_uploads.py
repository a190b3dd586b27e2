"""Uploads to a real server that is killed, or whose disk is full: nothing acknowledged is lost."""

import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from repo_server import people
from repo_server.db import make_engine, transaction
from repo_server.ids import new_id
from repo_server.server import prepare
from repo_server.settings import Settings

pytestmark = pytest.mark.slow

MB = 1024 * 1024
PIECES = 12


class Server:
    """The web process as `cosmo server run` starts it, and a token that may upload.

    `disk` wraps its command, to give it a disk of its own.
    """

    def __init__(self, folder: Path, disk: tuple[str, ...] = ()) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._settings = Settings.from_env({"COSMO_DATA": str(folder)})
        self._disk = disk
        self._process: subprocess.Popen[str] | None = None
        self.blobs = folder / "blobs"
        prepare(self._settings)
        self._token = _token(self._settings)

    def start(self) -> None:
        prepare(self._settings)
        others = {key: value for key, value in os.environ.items() if not key.startswith("COSMO_")}
        command = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "8",
                   "--bind", f"127.0.0.1:{self._port}", "--no-control-socket",
                   "repo_server.wsgi:app"]  # fmt: skip
        self._process = subprocess.Popen(
            [*self._disk, *command],
            env={**others, **self._settings.environment()},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert any("Listening at" in line for line in self._process.stderr)

    def kill(self) -> None:
        """kill -9 for every process of the server, wherever it stands."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()
            self._process = None

    def ask(self, method: str, sha256: str, **more: object) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self._token}"}
        address = f"http://127.0.0.1:{self._port}/api/v1/blobs/{sha256}"
        return httpx.request(method, address, headers=bearer, timeout=60, **more)


def _token(settings: Settings) -> str:
    engine, now = make_engine(settings.database_url), datetime.now(UTC)
    with transaction(engine) as session:
        person = people.sign_up(session, id=new_id(), handle="ada", name="Ada", email="a@b.org",
                                password_hash="", now=now)  # fmt: skip
        people.issue_token(session, id=new_id(), secret="cl_test", person_id=person.id, name="t",
                           scopes=["design:write"], days=1, now=now)  # fmt: skip
    engine.dispose()
    return "cl_test"


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    """A server that is not running yet, and certainly not any more afterwards."""
    server = Server(tmp_path)
    yield server
    server.kill()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def pieces(data: bytes, after: Callable[[int], None]) -> Iterator[bytes]:
    """The data in pieces; `after` hears the number of each that was handed over."""
    for number in range(PIECES):
        yield data[number * MB : (number + 1) * MB]
        after(number)


@pytest.mark.parametrize("moment", [0, PIECES // 2, PIECES - 1, "named"])
def test_a_killed_server_keeps_what_it_acknowledged_and_shows_nothing_half(server, moment):
    before, during = (random.Random(seed).randbytes(PIECES * MB) for seed in (1, 2))
    server.start()
    assert server.ask("PUT", sha256(before), content=before).status_code == 201
    send_and_kill(server, during, moment)

    server.start()
    assert all(path.name == sha256(path.read_bytes()) for path in files_in(server.blobs))
    assert files_in(server.blobs / "incoming") == []
    assert server.ask("GET", sha256(before)).content == before
    assert server.ask("HEAD", sha256(during)).status_code in (200, 404)
    assert server.ask("PUT", sha256(during), content=during).status_code in (200, 201)
    assert server.ask("GET", sha256(during)).content == during


def send_and_kill(server: Server, data: bytes, moment: int | str) -> None:
    """The server dies when that piece was sent, or when the file has just got its name."""
    final = server.blobs / sha256(data)[:2] / sha256(data)
    killer = threading.Thread(target=lambda: (spin_until(final.exists), server.kill()))
    if moment == "named":
        killer.start()
    body = pieces(data, lambda number: server.kill() if number == moment else None)
    # The client sees a broken connection, unless the server was quicker.
    with suppress(httpx.TransportError):
        server.ask("PUT", sha256(data), content=body)
    if moment == "named":
        killer.join()


def spin_until(condition: Callable[[], bool]) -> None:
    while not condition():
        pass


@pytest.fixture
def server_on_16_mb(tmp_path) -> Iterator[Server]:
    """Its blobs lie on a small disk, made of memory in a name space of the user's own."""
    (tmp_path / "blobs").mkdir()
    small = ("--size", str(16 * MB), "--tmpfs", str(tmp_path / "blobs"))
    server = Server(tmp_path, ("bwrap", "--dev-bind", "/", "/", *small))
    server.start()
    yield server
    server.kill()


def test_a_full_disk_is_a_sentence_and_costs_nothing_that_is_there(server_on_16_mb):
    server = server_on_16_mb
    small, large, other = (random.Random(mb).randbytes(mb * MB) for mb in (6, 32, 8))
    assert server.ask("PUT", sha256(small), content=small).status_code == 201
    full = server.ask("PUT", sha256(large), content=large)
    assert (full.status_code, "disk is full" in full.json()["detail"]) == (507, True)
    assert server.ask("HEAD", sha256(large)).status_code == 404
    assert server.ask("GET", sha256(small)).content == small
    # What the refused upload had filled is free again.
    assert server.ask("PUT", sha256(other), content=other).status_code == 201
