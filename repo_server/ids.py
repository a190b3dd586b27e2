"""Ids and secrets, made at the edge and handed inwards as arguments."""

import secrets


def new_id() -> str:
    """A name that nothing else has: 16 hex digits (64 random bits)."""
    return secrets.token_hex(8)


def new_secret() -> str:
    """Text that nobody can guess: 256 random bits, safe in addresses and headers."""
    return secrets.token_urlsafe(32)
