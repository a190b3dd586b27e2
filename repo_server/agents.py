"""The agents of the labs: software that speaks for machines, known by its own key."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import bindparam, delete
from sqlalchemy import select as columns
from sqlmodel import Session, col

from commons.errors import NotSignedIn
from commons.signing import MAX_SKEW_S, SignedRequest
from repo_server.db import keep_new, look
from repo_server.tables import AgentRow, NonceRow

_MAX_SKEW = timedelta(seconds=MAX_SKEW_S)
_NONCE_LENGTHS = range(16, 65)


# Made once: every request of every agent asks them.
_AGENT = columns(
    col(AgentRow.id), col(AgentRow.lab_id), col(AgentRow.name), col(AgentRow.public_key),
    col(AgentRow.revoked_at),
).where(col(AgentRow.id) == bindparam("id"))  # fmt: skip
_SPENT = columns(col(NonceRow.nonce)).where(
    col(NonceRow.agent_id) == bindparam("agent_id"), col(NonceRow.nonce) == bindparam("nonce")
)
_FORGET = delete(NonceRow).where(col(NonceRow.at) < bindparam("before"))


@dataclass(frozen=True, slots=True)
class Agent:
    """An enrolled agent and the lab that it works for."""

    id: str
    lab_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Signed:
    """A request and the signature that its agent put to it."""

    request: SignedRequest
    signature: bytes


def accept(session: Session, signed: Signed, *, now: datetime) -> Agent:
    """The agent that signed this request, which will never be accepted again.

    Raises NotSignedIn when the agent is unknown or revoked, its clock is off, the signature is
    not its own, or the request was seen before.
    """
    request = signed.request
    row = look(session, _AGENT, id=request.agent_id).first()
    if row is None or row.revoked_at is not None:
        raise NotSignedIn(f"agent '{request.agent_id[:64]}' is not enrolled here; enrol it anew")
    if abs(_instant(request.at) - now) > _MAX_SKEW:
        raise NotSignedIn(f"the agent's clock is more than {MAX_SKEW_S} s off; set it right")
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(row.public_key))
        key.verify(signed.signature, request.text())
    except InvalidSignature as error:
        raise NotSignedIn("the signature is not by the key that this agent enrolled") from error
    _use_up(session, request, now)
    return Agent(row.id, row.lab_id, row.name)


def _instant(at: int) -> datetime:
    try:
        return datetime.fromtimestamp(at, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise NotSignedIn(f"'{at}' is not a time") from error


def _use_up(session: Session, request: SignedRequest, now: datetime) -> None:
    """The nonce is spent. Older ones are forgotten: their requests are too old by their time."""
    if len(request.nonce) not in _NONCE_LENGTHS or not request.nonce.isascii():
        raise NotSignedIn("the nonce must be 16 to 64 characters of ASCII")
    # At most one per key: the row is locked or refused by the primary key, never doubled.
    session.connection().execute(_FORGET, {"before": now - 2 * _MAX_SKEW})
    if look(session, _SPENT, agent_id=request.agent_id, nonce=request.nonce).first():
        raise NotSignedIn("this request was accepted before; sign a new one")
    keep_new(session, NonceRow(agent_id=request.agent_id, nonce=request.nonce, at=now))
