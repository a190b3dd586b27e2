"""Files by the hash of their contents: complete and on disk, or not there at all."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from commons.content import require_sha256
from commons.errors import InvalidInput, NotFound
from repo_server.tables import BlobRow

MAX_BYTES = 1024**3
_PIECE = 1024 * 1024


class Readable(Protocol):
    """What a blob is read from: a request's stream, an open file."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that are safely stored. `new` tells whether this call stored them."""

    sha256: str
    size: int
    new: bool


class BlobStore:
    """Files under their SHA-256 in one folder.

    Invariant: a file under its final name is complete, has that hash and has reached the disk.
    It gets its name by a rename, after its bytes were written aside and synced, so a crash at
    any moment leaves at most a nameless file in `incoming`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"

    def put(
        self, stream: Readable, *, expected: str | None = None, max_bytes: int = MAX_BYTES
    ) -> Blob:
        """The stream's bytes are stored; memory stays flat whatever their number.

        Raises InvalidInput when they are more than `max_bytes` or do not have the `expected`
        hash, OSError (ENOSPC) when the disk is full. Nothing is kept then.
        """
        with self._aside() as (path, file):
            sha256, size = _copy(stream, file, max_bytes)
            if expected is not None and sha256 != require_sha256(expected):
                raise InvalidInput(
                    f"the bytes that arrived have the hash {sha256}, not {expected}: "
                    "send the file again, it changed on its way or since it was hashed"
                )
            final = self._path(sha256)
            if final.exists():
                _sync_folder(final.parent)  # whoever named it may not have come to that yet
                return Blob(sha256, size, new=False)
            file.flush()
            os.fsync(file.fileno())
            self._name(path, final)
        return Blob(sha256, size, new=True)

    def path(self, sha256: str) -> Path:
        """Where the file of this hash lies; NotFound when there is none."""
        path = self._path(require_sha256(sha256))
        if not path.is_file():
            raise NotFound(f"no file with the hash {sha256} is stored here")
        return path

    def sweep(self) -> int:
        """Remove what uploads left behind that a crash interrupted; answers how many.

        Only for the start of the server, when no upload is on its way.
        """
        left = list(self._incoming.glob("*"))
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    @contextmanager
    def _aside(self) -> Iterator[tuple[Path, BinaryIO]]:
        self._incoming.mkdir(parents=True, exist_ok=True)
        path = self._incoming / secrets.token_hex(16)
        try:
            with path.open("xb") as file:
                yield path, file
        finally:
            with suppress(FileNotFoundError):  # it has its name by now
                path.unlink()

    def _name(self, aside: Path, final: Path) -> None:
        """The file has its final name, durably: names are written where folders are synced."""
        if not final.parent.is_dir():
            final.parent.mkdir(exist_ok=True)
            _sync_folder(self._folder)
        aside.rename(final)
        _sync_folder(final.parent)


def _copy(stream: Readable, file: BinaryIO, max_bytes: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while piece := stream.read(_PIECE):
        size += len(piece)
        if size > max_bytes:
            raise InvalidInput(f"this file has more than {max_bytes} bytes, the most taken here")
        digest.update(piece)
        file.write(piece)
    return digest.hexdigest(), size


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def record(session: Session, blob: Blob, *, now: datetime) -> None:
    """The database knows the stored file: only then it is there for anybody. Safe to say twice,
    and for two at once.
    """
    if session.get(BlobRow, blob.sha256) is not None:
        return
    with suppress(IntegrityError), session.begin_nested():  # somebody else was quicker
        session.add(BlobRow(sha256=blob.sha256, size=blob.size, stored_at=now))


def require(session: Session, sha256: str) -> None:
    """Pass for a file that is there; NotFound otherwise."""
    if session.get(BlobRow, require_sha256(sha256)) is None:
        raise NotFound(f"no file with the hash {sha256} is stored here")
