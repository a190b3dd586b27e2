"""What is fetched from elsewhere: public servers alone, each redirection looked at, all counted.

The servers are real ones on loopback; the name service and the dialling are given, so that the rule
is held against public addresses and nothing of it is weakened.
"""

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from commons.errors import InvalidInput, Unavailable
from repo_server.fetching import Fetcher

PUBLIC = "93.184.215.14"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if to := {"/moved": "/file", "/round": "/round", "/inside": "https://lab.local/x",
                  "/plain": "http://example.org/file"}.get(self.path):  # fmt: skip
            self.send_response(302)
            self.send_header("Location", to)
            self.end_headers()
            return
        if self.path == "/drip":
            self.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
            self.wfile.flush()
            self.rfile.read(1)  # until the other side hangs up
            return
        if self.path == "/short":
            self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nabc")
            return
        self.send_response(404 if self.path == "/none" else 200)
        self.end_headers()
        self.wfile.write(f"{self.headers['Host']}{self.path}".encode() * 10)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


NAMES = {
    "example.org": [PUBLIC], "lab.local": ["192.168.1.7"], "mixed.org": [PUBLIC, "10.0.0.1"],
    "loop.org": ["127.0.0.1"], "link.org": ["169.254.169.254"], "six.org": ["::1"],
    "mapped.org": ["::ffff:10.0.0.1"], "local6.org": ["fe80::1%eth0"],
    "tunnel.org": ["2002:a00:1::"],
    "shared.org": ["100.64.0.1"], "zero.org": ["0.0.0.1"], "none.org": [],
}  # fmt: skip


@pytest.fixture
def dialled() -> list[str]:
    return []


@pytest.fixture
def fetcher(port: int, dialled: list[str]) -> Fetcher:
    def connect(address: str, host: str, timeout_s: float) -> socket.socket:
        dialled.append(address)
        return socket.create_connection(("127.0.0.1", port), timeout=timeout_s)

    def resolve(host: str) -> list[str]:
        if host not in NAMES:
            raise socket.gaierror("no such name")
        return NAMES[host]

    return Fetcher(resolve=resolve, connect=connect)


def test_a_file_comes_from_the_address_that_was_looked_at(
    fetcher: Fetcher, dialled: list[str]
) -> None:
    got = fetcher.fetch("https://example.org/file?x=1", max_bytes=1000)
    assert got == b"example.org/file?x=1" * 10
    assert dialled == [PUBLIC]


@pytest.mark.parametrize("host", sorted(NAMES.keys() - {"example.org"}))
def test_a_name_that_has_any_address_of_an_inner_network_is_never_dialled(
    fetcher: Fetcher, dialled: list[str], host: str
) -> None:
    with pytest.raises(InvalidInput, match="is not a public server"):
        fetcher.fetch(f"https://{host}/file", max_bytes=1000)
    assert dialled == []


@pytest.mark.parametrize(
    "url",
    ["http://example.org/x", "file:///etc/passwd", "https://", "https://example.org:8443/x",
     "https://me:secret@example.org/x", "https://example.org/a b",
     "https://example.org/\r\nHost: x",
     "https://[::1", "https://example.org:x/", "gopher://example.org", "https://gone.org/x"],
)  # fmt: skip
def test_an_address_of_another_form_is_never_dialled(
    fetcher: Fetcher, dialled: list[str], url: str
) -> None:
    with pytest.raises(InvalidInput):
        fetcher.fetch(url, max_bytes=1000)
    assert dialled == []


def test_a_redirection_is_followed_where_it_is_public(fetcher: Fetcher) -> None:
    assert fetcher.fetch("https://example.org/moved", max_bytes=1000) == b"example.org/file" * 10


@pytest.mark.parametrize(
    ("path", "said"),
    [("inside", "is not a public server"), ("plain", "begin with https"), ("round", "more than 3")],
)
def test_a_redirection_that_leads_elsewhere_is_not_followed(
    fetcher: Fetcher, path: str, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        fetcher.fetch(f"https://example.org/{path}", max_bytes=1000)


def test_bytes_are_counted_for_one_file_and_for_all(fetcher: Fetcher) -> None:
    with pytest.raises(InvalidInput, match="more than 20 bytes"):
        fetcher.fetch("https://example.org/file", max_bytes=20)
    fetcher.bytes_left = 200
    fetcher.fetch("https://example.org/file", max_bytes=1000)
    with pytest.raises(InvalidInput, match="more than 40 bytes"):
        fetcher.fetch("https://example.org/file", max_bytes=1000)


def test_an_answer_that_is_no_file_is_told_with_its_number(fetcher: Fetcher) -> None:
    with pytest.raises(InvalidInput, match="answered 404"):
        fetcher.fetch("https://example.org/none", max_bytes=1000)


def test_seconds_are_counted_for_all_files_together(fetcher: Fetcher) -> None:
    fetcher.clock = lambda: float("inf")
    with pytest.raises(Unavailable, match="longer than 30 s"):
        fetcher.fetch("https://example.org/file", max_bytes=1000)


def test_a_file_that_breaks_off_is_not_taken_for_whole(fetcher: Fetcher) -> None:
    with pytest.raises(Unavailable, match="6 bytes are missing"):
        fetcher.fetch("https://example.org/short", max_bytes=1000)


def test_a_server_that_never_ends_its_head_is_left(fetcher: Fetcher) -> None:
    hurried = Fetcher(seconds=0.2, resolve=fetcher.resolve, connect=fetcher.connect)
    with pytest.raises(Unavailable):
        hurried.fetch("https://example.org/drip", max_bytes=1000)


def test_a_server_that_does_not_answer_is_named(fetcher: Fetcher) -> None:
    def refuse(address: str, host: str, timeout_s: float) -> socket.socket:
        raise ConnectionRefusedError("refused")

    fetcher.connect = refuse
    with pytest.raises(Unavailable, match=r"example\.org does not answer"):
        fetcher.fetch("https://example.org/file", max_bytes=1000)
