"""Where a request comes from: a mark that tells senders apart and names nobody."""

import hmac
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from flask import current_app, request

_DIGITS = 32
_A_HOUSEHOLD = 64  # bits: what a provider gives to one


def sender() -> str:
    """The mark of whoever sends this request. Addresses themselves are kept nowhere."""
    place = network(request.remote_addr or "", request.headers.get("X-Forwarded-For", ""))
    secret: bytes = current_app.extensions["secret"]
    return hmac.new(secret, f"sender {place}".encode(), sha256).hexdigest()[:_DIGITS]


def network(peer: str, forwarded: str) -> str:
    """From which address somebody sends; of IPv6, from which network.

    A proxy on this computer is believed about the one who asked it, and about nobody before that:
    anybody may write the rest.
    """
    address = _read(peer)
    if address is None or address.is_loopback:
        address = _read(forwarded.rpartition(",")[2].strip()) or address
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _A_HOUSEHOLD), strict=False))
    return str(address or peer)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
