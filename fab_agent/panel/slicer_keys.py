"""Keys by which slicers bring programs to the panel: each is one person's, and shown once."""

import hashlib
import secrets
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, Field, ValidationError

from commons.errors import Conflict, InvalidInput, NotFound, Unavailable
from commons.quantities import Value
from fab_agent import private_files

_FILE = "slicer_keys.json"
_MOST = 100
_PREFIX = "cs_"


class SlicerKey(Value):
    """A key as it is kept: whose it is by their handle on the server, and only its SHA-256."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    handle: Annotated[str, Field(min_length=2, max_length=39)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    made_at: AwareDatetime


class _File(Value):
    keys: tuple[SlicerKey, ...] = ()


class SlicerKeys:
    """The keys in a folder. What one process writes another reads at its next look."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def all(self) -> tuple[SlicerKey, ...]:
        """Every key that lets somebody in, the oldest first."""
        return self._read().keys

    def add(self, handle: str, *, now: datetime) -> tuple[SlicerKey, str]:
        """A new key of the person with this handle, and its secret, which is kept nowhere.

        Raises:
            InvalidInput: no handle. Conflict: there are too many keys.
        """
        handle = handle.strip().lower()
        kept = self._read().keys
        if len(kept) >= _MOST:
            raise Conflict(f"there are {_MOST} keys already: remove one that nobody uses")
        secret = _PREFIX + secrets.token_urlsafe(24)
        try:
            key = SlicerKey(
                id=secrets.token_hex(4), handle=handle, sha256=_digest(secret), made_at=now
            )
        except ValidationError as error:
            raise InvalidInput("say the handle that the person has on the server") from error
        self._write(_File(keys=(*kept, key)))
        return key, secret

    def remove(self, id_: str) -> SlicerKey:
        """The key lets nobody in any more; NotFound when there is none of this id."""
        kept = self._read().keys
        gone = next((key for key in kept if key.id == id_), None)
        if gone is None:
            known = ", ".join(key.id for key in kept) or "there is none"
            raise NotFound(f"there is no key {id_[:20]}: {known}")
        self._write(_File(keys=tuple(key for key in kept if key is not gone)))
        return gone

    def holder_of(self, secret: str) -> str | None:
        """The handle of whoever the secret was made for; None when it lets nobody in."""
        digest = _digest(secret)
        return next((key.handle for key in self._read().keys if key.sha256 == digest), None)

    def _read(self) -> _File:
        try:
            return _File.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return _File()
        except (OSError, ValidationError) as error:
            raise Unavailable(
                f"{self._path} cannot be read or is damaged: remove it and make the keys anew"
            ) from error

    def _write(self, kept: _File) -> None:
        try:
            private_files.replace(self._path, kept.model_dump_json(indent=1).encode())
        except OSError as error:
            raise Unavailable(f"the keys cannot be kept in {self._path}: {error}") from error


def _digest(secret: str) -> str:
    """A secret of 192 random bits needs no slow hash: nobody guesses it."""
    return hashlib.sha256(secret.encode()).hexdigest()
