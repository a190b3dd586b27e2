"""Who this agent is to the server: its own Ed25519 key and the ids it was given.

The private key never leaves `identity.json`, which only the owner can read. The file is
replaced as a whole: an enrolment that fails leaves the earlier identity as it was.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from commons.errors import InvalidInput, Unavailable
from commons.signing import (
    AGENT_HEADER,
    NONCE_HEADER,
    SIGNATURE_HEADER,
    TIME_HEADER,
    SignedRequest,
)
from commons.wire import Enrolled, Id, Sha256
from fab_agent import private_files

_FILE = "identity.json"


class _Kept(BaseModel):
    """The file. `machines` maps names of agent.toml to ids of the server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    agent_id: Id
    lab_id: Id
    machines: dict[str, Id]
    private_key: Annotated[Sha256, Field(repr=False)]


@dataclass(frozen=True, slots=True)
class Identity:
    """An enrolled agent. `machines` maps names of agent.toml to ids of the server."""

    url: str
    agent_id: str
    lab_id: str
    machines: dict[str, str]
    key: Ed25519PrivateKey

    def signed(self, method: str, target: str, body: bytes, *, at: int) -> dict[str, str]:
        """The headers that prove that this request is ours; `at` is UTC seconds since 1970."""
        request = SignedRequest(
            self.agent_id, method, target, body, at=at, nonce=secrets.token_hex(16)
        )
        return {
            AGENT_HEADER: request.agent_id,
            TIME_HEADER: str(request.at),
            NONCE_HEADER: request.nonce,
            SIGNATURE_HEADER: self.key.sign(request.text()).hex(),
        }

    def machine_id(self, name: str) -> str:
        """The server's id of the machine that agent.toml calls `name`; InvalidInput if none."""
        if name not in self.machines:
            raise InvalidInput(
                f"machine {name} is in agent.toml but not enrolled: ask a manager of the lab for "
                "a code and run 'cosmo agent enrol CODE' again"
            )
        return self.machines[name]


def keep_identity(
    folder: Path, enrolled: Enrolled, key: Ed25519PrivateKey, *, url: str
) -> Identity:
    """The identity is durably in `folder`, readable by its owner alone, in place of any other."""
    machines = {machine.name: machine.machine_id for machine in enrolled.machines}
    kept = _Kept(
        url=url,
        agent_id=enrolled.agent_id,
        lab_id=enrolled.lab_id,
        machines=machines,
        private_key=key.private_bytes_raw().hex(),
    )
    try:
        private_files.replace(folder / _FILE, kept.model_dump_json(indent=1).encode())
    except OSError as error:
        raise Unavailable(f"the agent's key cannot be kept in {folder}: {error}") from error
    return _identity(kept)


def load_identity(folder: Path, *, url: str) -> Identity:
    """Who this agent is to the server at `url`.

    Raises:
        InvalidInput: never enrolled, enrolled elsewhere, or a key file that others can read.
    """
    path = folder / _FILE
    try:
        readable_by_others = path.stat().st_mode & 0o077
        kept = _Kept.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise InvalidInput(
            "this agent is not enrolled: ask a manager of the lab for a code, then run "
            "'cosmo agent enrol CODE'"
        ) from error
    except (OSError, ValidationError) as error:
        # The error itself is not shown: it could quote the key.
        raise InvalidInput(f"{path} cannot be read or is damaged: enrol this agent again") from (
            error if isinstance(error, OSError) else None
        )
    if readable_by_others:
        raise InvalidInput(f"{path} holds a private key that others can read: chmod 600 {path}")
    if kept.url != url:
        raise InvalidInput(
            f"this agent is enrolled with {kept.url}, and agent.toml names {url}: change it back "
            "or enrol there"
        )
    return _identity(kept)


def _identity(kept: _Kept) -> Identity:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept.private_key))
    return Identity(kept.url, kept.agent_id, kept.lab_id, dict(kept.machines), key)
