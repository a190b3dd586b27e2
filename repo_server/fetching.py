"""Files from other people's servers, fetched so that nobody can use us to reach our own network.

https alone; a name is resolved once, every address it has must be public, and the connection goes
to that very address (whoever answers otherwise a second later gains nothing). Each redirection is
looked at like the first address. No cookies, no credentials; bytes and seconds are counted.
"""

import http.client
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Timer
from time import monotonic
from urllib.parse import urljoin, urlsplit

from commons.errors import InvalidInput, Unavailable
from repo_server import outgoing
from repo_server.outgoing import is_public

CONNECT_S = 10.0
MOST_REDIRECTIONS = 3
_CHUNK = 1 << 16
_PORT = 443


def resolve(host: str) -> list[str]:
    """Every address that the name has now."""
    return outgoing.resolve(host, _PORT)


def connect(address: str, host: str, timeout_s: float) -> socket.socket:
    """An encrypted connection to this address, which has proved to be `host`."""
    plain = socket.create_connection((address, _PORT), timeout=timeout_s)
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


@dataclass(slots=True)
class Fetcher:
    """Fetches files within one budget of seconds and bytes.

    Invariant: nothing is connected to but an address that is public and was resolved from the name
    just now, and only on port 443.
    """

    seconds: float = 30.0
    bytes_left: int = 256 * 1024**2
    resolve: Callable[[str], list[str]] = resolve
    connect: Callable[[str, str, float], socket.socket] = connect
    clock: Callable[[], float] = monotonic
    _ends: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._ends = self.clock() + self.seconds

    def fetch(self, url: str, *, max_bytes: int) -> bytes:
        """The bytes at `url`. InvalidInput when the address may not be asked, or answers otherwise
        than with at most `max_bytes`; Unavailable when nobody answers."""
        for _ in range(MOST_REDIRECTIONS + 1):
            found = self._ask(url, min(max_bytes, self.bytes_left))
            if isinstance(found, bytes):
                self.bytes_left -= len(found)
                return found
            url = urljoin(url, found)
        raise InvalidInput(f"{_short(url)} is redirected more than {MOST_REDIRECTIONS} times")

    def _ask(self, url: str, most: int) -> bytes | str:
        """The bytes, or where to ask instead."""
        host, path = _host_and_path(url)
        address = self._public_address(host)
        remote = http.client.HTTPConnection(host)
        hanging_up = Timer(self._left(), _hang_up, [remote])
        try:
            remote.sock = self.connect(address, host, min(CONNECT_S, self._left()))
            hanging_up.start()  # a server may say one letter of its head every nine seconds
            remote.request("GET", path, headers={"User-Agent": "cosmolocal", "Accept": "*/*",
                                                 "Accept-Encoding": "identity"})  # fmt: skip
            answer = remote.getresponse()
            if answer.status in (301, 302, 303, 307, 308) and (to := answer.getheader("Location")):
                return to
            if answer.status != 200:
                raise InvalidInput(f"{_short(url)} answered {answer.status}; is the address right?")
            return self._body(answer, url, most)
        except (OSError, http.client.HTTPException) as error:
            said = str(error) or type(error).__name__
            raise Unavailable(f"{host} does not answer as it should: {said[:120]}") from error
        finally:
            hanging_up.cancel()
            remote.close()

    def _body(self, answer: http.client.HTTPResponse, url: str, most: int) -> bytes:
        found = bytearray()
        while chunk := answer.read1(_CHUNK):
            found += chunk
            self._left()
            if len(found) > most:
                raise InvalidInput(f"{_short(url)} has more than {most} bytes, the most taken")
        self._left()  # who was hung up on has not said all
        if answer.length:
            raise Unavailable(f"{_short(url)} broke off; {answer.length} bytes are missing")
        return bytes(found)

    def _left(self) -> float:
        left = self._ends - self.clock()
        if left <= 0:
            raise Unavailable(
                f"this took longer than {self.seconds:.0f} s; try again, or send an archive"
            )
        return left

    def _public_address(self, host: str) -> str:
        try:
            addresses = self.resolve(host)
        except (OSError, UnicodeError) as error:
            raise InvalidInput(f"there is no server named {host[:80]}") from error
        if not addresses or not all(is_public(address) for address in addresses):
            raise InvalidInput(f"{host[:80]} is not a public server; only those are asked")
        return addresses[0]


def _hang_up(remote: http.client.HTTPConnection) -> None:
    if (line := remote.sock) is not None:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)


def _host_and_path(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput(f"{_short(url)} is not a web address") from error
    if parts.scheme != "https" or not parts.hostname:
        raise InvalidInput(f"{_short(url)}: only addresses that begin with https:// are asked")
    if parts.username or parts.password or port not in (None, _PORT):
        raise InvalidInput(f"{_short(url)}: an address with a name, password or port is not asked")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidInput(f"{_short(url)}: write what is no plain letter in its % form")
    return parts.hostname, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _short(url: str) -> str:
    return repr(url[:100])
