"""Where this server may go by itself when a stranger names the address, and the way there.

The name is resolved once, every address that it has must be a public one, and the connection goes
to exactly the address that was looked at: a name that changes its mind in between gains nothing.
No redirect is followed, no cookie or credential is sent, and no answer keeps us longer than
`TOTAL_S`.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from commons.errors import InvalidInput, Unavailable

CONNECT_S = 10.0
TOTAL_S = 30.0
MAX_URL = 2000
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Address:
    """A checked web address. `target` is what stands after host and port."""

    scheme: str
    host: str
    port: int
    target: str


def resolve(host: str, port: int) -> list[str]:
    """Every address that the host has now, by the system's own resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@dataclass(frozen=True, slots=True)
class Way:
    """How to get out.

    `lan_hosts` are names in the own network that an operator allows, by http too.
    """

    lan_hosts: frozenset[str] = frozenset()
    resolver: Callable[[str, int], list[str]] = resolve
    tls: ssl.SSLContext | None = None  # the system's authorities


def read_address(url: str, way: Way) -> Address:
    """The address in `url`; InvalidInput says why this server would not go there.

    Nothing is resolved: who may be reached is looked at when somebody is.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError as error:
        raise InvalidInput(f"'{url[:80]}' is no web address: {error}") from error
    host = (parts.hostname or "").rstrip(".")
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidInput(f"an address has at most {MAX_URL} plain characters and no blanks")
    if not host or not port or parts.username is not None or parts.fragment:
        raise InvalidInput("an address is https://, a host and a path, without names or '#'")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in way.lan_hosts):
        raise InvalidInput(f"'{url[:80]}' is not encrypted; give an address with https://")
    if host not in way.lan_hosts and _is_inside(host):
        raise InvalidInput(f"{host} is not on the open internet")
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return Address(parts.scheme, host, port, target)


def pin(address: Address, way: Way) -> str:
    """The one address of the host that will be connected to.

    InvalidInput when any of the host's addresses is not public; Unavailable when it has none.
    """
    try:
        found = way.resolver(address.host, address.port)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"{address.host} is not found: {error}") from error
    if not found:
        raise Unavailable(f"{address.host} has no address")
    if address.host not in way.lan_hosts:
        inside = [one for one in found if not is_public(one)]
        if inside:
            raise InvalidInput(f"{address.host} is {inside[0]}, which is not on the open internet")
    return found[0]


def _is_inside(host: str) -> bool:
    """Whether the host is itself an address that is not public; a name is looked at later."""
    try:
        return not is_public(host)
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether anybody could reach the address, which is in numbers; what wraps an IPv4 address is
    as public as that."""
    ip = ip_address(address.partition("%")[0])
    inner = ip if isinstance(ip, IPv4Address) else ip.ipv4_mapped or ip.sixtofour or _nat64(ip)
    return all(it.is_global and not it.is_multicast for it in (ip, inner or ip))


def _nat64(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address behind a translator's well-known prefix (RFC 6052)."""
    return IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None


def post(url: str, body: bytes, headers: Mapping[str, str], *, way: Way) -> int:
    """The status that was answered to `body`; what else was answered is not read.

    Raises InvalidInput when this server does not go there, Unavailable when nobody answers in time.
    """
    address = read_address(url, way)
    pinned = pin(address, way)
    lines: list[socket.socket] = []
    connection = _connection(address, pinned, way, lines)
    # A timeout counts from each byte to the next; this one counts the whole.
    watch = threading.Timer(TOTAL_S, _cut, (lines,))
    watch.daemon = True
    watch.start()
    try:
        connection.request("POST", address.target, body=body, headers=dict(headers))
        return connection.getresponse().status
    except (OSError, HTTPException, ValueError) as error:
        raise Unavailable(f"{address.host} does not answer ({error})") from error
    finally:
        watch.cancel()
        connection.close()
        for line in lines:
            line.close()


def _connection(
    address: Address, pinned: str, way: Way, lines: list[socket.socket]
) -> HTTPConnection:
    """A connection that says the host's name and goes to `pinned`; `lines` gets a handle of it."""
    connection: HTTPConnection
    if address.scheme == "https":
        connection = HTTPSConnection(address.host, address.port, timeout=CONNECT_S, context=way.tls)
    else:
        connection = HTTPConnection(address.host, address.port, timeout=CONNECT_S)

    def connect(
        place: tuple[str, int], timeout: float | None, source: tuple[str, int] | None
    ) -> socket.socket:
        line = socket.create_connection((pinned, place[1]), timeout, source)
        lines.append(line.dup())  # TLS takes the other one over
        return line

    connection._create_connection = connect  # type: ignore[attr-defined]
    return connection


def _cut(lines: list[socket.socket]) -> None:
    """Whoever waits on the connection stops waiting."""
    for line in lines:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
