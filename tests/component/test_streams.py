"""Streams of events: many are open at once, and hold none of the web server's threads."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from commons.errors import Unavailable
from repo_server import streams
from repo_server.db import make_engine
from repo_server.settings import Settings
from tests.floor import Floor, furnish
from tests.web_server import Server

MANY = 24  # three for each of the server's threads


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def floor(server: Server, tmp_path: Path) -> Iterator[Floor]:
    engine = make_engine(Settings.from_env({"COSMO_DATA": str(tmp_path)}).database_url)
    yield furnish(engine)
    engine.dispose()


def listen(server: Server, protocol: str) -> socket.socket:
    address = urlsplit(server.url)
    connection = socket.create_connection((address.hostname, address.port), timeout=60)
    head = f"GET /api/v1/labs/corner/wall/events {protocol}\r\nHost: {address.netloc}\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def heard(connection: socket.socket, until: bytes) -> bytes:
    """What comes, up to and with these bytes."""
    data = b""
    while until not in data:
        more = connection.recv(4096)
        assert more, data
        data += more
    return data


def test_more_streams_than_threads_are_told_of_a_change_and_everybody_else_is_answered(
    server: Server, floor: Floor
) -> None:
    with ExitStack() as stack:
        protocols = ("HTTP/1.1", "HTTP/1.0")
        open_ = [stack.enter_context(listen(server, protocols[n % 2])) for n in range(MANY)]
        for connection in open_:
            first = heard(connection, b"event: wall\ndata: ")
            assert b" 200 OK" in first and b"text/event-stream" in first
        assert server.ask("GET", "/labs/corner/wall").status_code == 200
        floor.order()
        for connection in open_:
            heard(connection, b"event: wall\ndata: ")


def test_one_too_many_is_told_to_ask_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST", 0)
    with pytest.raises(Unavailable, match="this one asks now and then"):
        streams.Streams().open({}, "wall", lambda: "")
