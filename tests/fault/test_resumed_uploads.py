"""Uploads that go on after the server was killed, the link cut or the disk full, from any byte."""

import hashlib
import random
import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from tests.web_server import Server, files_in

pytestmark = pytest.mark.slow

MB = 1024 * 1024
DATA = random.Random(3).randbytes(7 * MB + 4321)
NAME = hashlib.sha256(DATA).hexdigest()
TYPE = "application/offset+octet-stream"


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.kill()


def begin(server: Server, data: bytes = DATA) -> httpx.Response:
    name = b64encode(hashlib.sha256(data).hexdigest().encode()).decode()
    headers = {"Upload-Length": str(len(data)), "Upload-Metadata": f"sha256 {name}"}
    return server.ask("POST", "/uploads", headers)


def arrived(server: Server) -> int:
    answer = begin(server)
    assert answer.status_code == 201, answer.text
    return int(answer.headers["Upload-Offset"])


def add(server: Server, at: int, content: bytes | Iterator[bytes], length: int = 0) -> int:
    """The status of the answer."""
    headers = {"Upload-Offset": str(at), "Content-Type": TYPE}
    if length:  # so that what comes in pieces is not sent chunked
        headers["Content-Length"] = str(length)
    return server.ask("PATCH", f"/uploads/{NAME}", headers, content=content).status_code


def cut_by_kill(server: Server, at: int, after: int) -> Iterator[bytes]:
    """The rest of the data, and after so many of its bytes kill -9 for the server."""
    yield DATA[at : at + after]
    server.kill()
    yield DATA[at + after :]


@pytest.mark.parametrize("seed", range(3))
def test_a_server_that_is_killed_at_any_byte_loses_nothing_that_it_told(server, seed):
    dice, told = random.Random(seed), 0
    for _ in range(3):
        at = arrived(server)
        assert at >= told
        told = at
        with suppress(httpx.TransportError):
            rest = len(DATA) - at
            body = cut_by_kill(server, at, dice.randrange(rest // 2))
            add(server, at, body, rest if seed % 2 else 0)
        server.start()
    at = arrived(server)
    assert at >= told
    assert add(server, at, DATA[at:]) == 204
    assert server.ask("GET", f"/blobs/{NAME}").content == DATA
    assert [path.name for path in files_in(server.blobs)] == [NAME]


def test_a_cut_link_keeps_what_came_and_frees_the_upload(server):
    assert arrived(server) == 0
    host, port = server.url.removeprefix("http://").split(":")
    head = (
        f"PATCH /api/v1/uploads/{NAME} HTTP/1.1\r\nHost: {host}\r\nUpload-Offset: 0\r\n"
        f"Authorization: Bearer {server.token}\r\nContent-Type: {TYPE}\r\n"
        f"Content-Length: {len(DATA)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as link:
        link.sendall(head.encode() + DATA[: 2 * MB])
        link.shutdown(socket.SHUT_WR)
        told = link.recv(4096).decode()
    assert f"\r\nUpload-Offset: {2 * MB}\r\n" in told
    assert arrived(server) == 2 * MB
    assert add(server, 2 * MB, DATA[2 * MB :]) == 204


def test_two_at_once_are_told_and_the_first_one_ends_well(server):
    seen: list[httpx.Response] = []

    def while_another_comes() -> Iterator[bytes]:
        yield DATA[:MB]
        while not (told := begin(server)).is_error:  # until the server has begun to read
            pass
        seen.append(told)
        yield DATA[MB:]

    arrived(server)
    assert add(server, 0, while_another_comes()) == 204
    (told,) = seen
    assert (told.status_code, told.json()["reason"]) == (409, "upload_busy")
    assert server.ask("GET", f"/blobs/{NAME}").content == DATA


def test_a_disk_that_fills_up_is_a_sentence_and_the_upload_goes_on_later(tmp_path):
    (tmp_path / "blobs").mkdir()
    small = ("--size", str(12 * MB), "--tmpfs", str(tmp_path / "blobs"))
    server = Server(tmp_path, ("bwrap", "--dev-bind", "/", "/", *small))
    server.start()
    other = random.Random(4).randbytes(7 * MB)
    try:
        assert arrived(server) == 0
        assert add(server, 0, DATA[: 3 * MB]) == 204
        put = f"/blobs/{hashlib.sha256(other).hexdigest()}"
        assert server.ask("PUT", put, content=other).status_code == 201
        assert begin(server).status_code == 507  # there is no room for the rest
        headers = {"Upload-Offset": str(3 * MB), "Content-Type": TYPE}
        full = server.ask("PATCH", f"/uploads/{NAME}", headers, content=DATA[3 * MB :])
        assert (full.status_code, "disk is full" in full.json()["detail"]) == (507, True)
        told = server.ask("GET", f"/uploads/{NAME}")
        assert int(told.headers["Upload-Offset"]) == 3 * MB
        assert add(server, 3 * MB, DATA[3 * MB : 4 * MB]) == 204
    finally:
        server.kill()
