"""Requests that may be sent again: the answer is kept under the sender's key, and given again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam
from sqlalchemy import select as columns
from sqlmodel import Session, col

from commons.content import content_id
from commons.errors import Conflict, InvalidInput
from repo_server.db import insert_rows, look
from repo_server.tables import IdempotencyRow

_MAX_KEY = 128
# Made once: every keyed request asks it.
_KNOWN = columns(
    col(IdempotencyRow.request_sha256), col(IdempotencyRow.status), col(IdempotencyRow.answer)
).where(
    col(IdempotencyRow.person_id) == bindparam("person_id"),
    col(IdempotencyRow.key) == bindparam("key"),
)
Answer = tuple[int, dict[str, object]]  # status and body


@dataclass(frozen=True, slots=True)
class Key:
    """The key that a person sent with a request, and the request that it stands for."""

    person_id: str
    key: str
    request: bytes


def once(session: Session, key: Key, make: Callable[[], Answer], *, now: datetime) -> Answer:
    """The answer of `make`, which runs once for a key; the same answer for the same request.

    The answer is kept in the transaction that `make` runs in: both are there, or neither.
    Raises Conflict when another request came under this key.
    """
    require_key(key.key)
    digest = content_id(key.request)
    known = look(session, _KNOWN, person_id=key.person_id, key=key.key).first()
    if known is None:
        status, body = make()
        session.flush()
        row = {
            "person_id": key.person_id,
            "key": key.key,
            "request_sha256": digest,
            "status": status,
            "answer": body,
            "at": now,
        }
        insert_rows(session, IdempotencyRow, [row])
        return status, body
    request_sha256, status, body = known
    if request_sha256 != digest:
        raise Conflict(f"Idempotency-Key '{key.key}' came with another request; use a new one")
    return status, body


def require_key(key: str) -> None:
    """Pass for what can be a key."""
    if not 0 < len(key) <= _MAX_KEY or not key.isprintable():
        raise InvalidInput(f"Idempotency-Key must be 1 to {_MAX_KEY} printable characters")
