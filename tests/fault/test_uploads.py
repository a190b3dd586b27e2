"""Uploads to a real server that is killed, or whose disk is full: nothing acknowledged is lost."""

import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx
import pytest

from tests.web_server import Server, files_in

pytestmark = pytest.mark.slow

MB = 1024 * 1024
PIECES = 12


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    """A server that is not running yet, and certainly not any more afterwards."""
    server = Server(tmp_path)
    yield server
    server.kill()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def blob(data: bytes) -> str:
    return f"/blobs/{sha256(data)}"


def pieces(data: bytes, after: Callable[[int], None]) -> Iterator[bytes]:
    """The data in pieces; `after` hears the number of each that was handed over."""
    for number in range(PIECES):
        yield data[number * MB : (number + 1) * MB]
        after(number)


@pytest.mark.parametrize("moment", [0, PIECES // 2, PIECES - 1, "named"])
def test_a_killed_server_keeps_what_it_acknowledged_and_shows_nothing_half(server, moment):
    before, during = (random.Random(seed).randbytes(PIECES * MB) for seed in (1, 2))
    server.start()
    assert server.ask("PUT", blob(before), content=before).status_code == 201
    send_and_kill(server, during, moment)

    server.start()
    assert all(path.name == sha256(path.read_bytes()) for path in files_in(server.blobs))
    assert files_in(server.blobs / "incoming") == []
    assert server.ask("GET", blob(before)).content == before
    assert server.ask("HEAD", blob(during)).status_code in (200, 404)
    assert server.ask("PUT", blob(during), content=during).status_code in (200, 201)
    assert server.ask("GET", blob(during)).content == during


def send_and_kill(server: Server, data: bytes, moment: int | str) -> None:
    """The server dies when that piece was sent, or when the file has just got its name."""
    final = server.blobs / sha256(data)[:2] / sha256(data)
    killer = threading.Thread(target=lambda: (spin_until(final.exists), server.kill()))
    if moment == "named":
        killer.start()
    body = pieces(data, lambda number: server.kill() if number == moment else None)
    # The client sees a broken connection, unless the server was quicker.
    with suppress(httpx.TransportError):
        server.ask("PUT", blob(data), content=body)
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
    assert server.ask("PUT", blob(small), content=small).status_code == 201
    full = server.ask("PUT", blob(large), content=large)
    assert (full.status_code, "disk is full" in full.json()["detail"]) == (507, True)
    assert server.ask("HEAD", blob(large)).status_code == 404
    assert server.ask("GET", blob(small)).content == small
    # What the refused upload had filled is free again.
    assert server.ask("PUT", blob(other), content=other).status_code == 201
