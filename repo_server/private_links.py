"""Private addresses: whoever has one may see what stands there, and nobody guesses it.

The secret in one is made of its path and the server's own secret, and is stored nowhere: a copy of
the database opens none.
"""

import hmac
from hashlib import sha256

from commons.errors import NotFound
from commons.texts import later

_DIGITS = 43  # of base 16: 172 bits


def private(path: str, secret: bytes) -> str:
    """The private address below this path."""
    return f"{path}/{_token(path, secret)}"


def require_private(path: str, token: str, secret: bytes) -> None:
    """Pass for the token of this path; NotFound for any other, as where there is nothing."""
    if not hmac.compare_digest(_token(path, secret).encode(), token.encode()):
        raise NotFound(later("there is nothing at this address; is it copied whole?"))


def _token(path: str, secret: bytes) -> str:
    return hmac.new(secret, f"private {path}".encode(), sha256).hexdigest()[:_DIGITS]
