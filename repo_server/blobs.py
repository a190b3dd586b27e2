"""Files by the hash of their contents: complete and on disk, or not there at all."""

import fcntl
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from io import FileIO
from pathlib import Path

from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from commons.content import require_sha256
from commons.errors import InvalidInput, NotFound
from repo_server.pouring import Readable, Sum, pour
from repo_server.tables import BlobRow

# Made once: every file that is stored asks them.
_INSERT = {
    "sqlite": sqlite.insert(BlobRow).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(BlobRow).on_conflict_do_nothing(),
}
_STORED = select(BlobRow.sha256).where(col(BlobRow.sha256).in_(bindparam("hashes", expanding=True)))
MAX_BYTES = 1024**3  # in one go; repo_server/uploads.py takes more, in several
MAX_BYTES_TOGETHER = 64 * 1024**2  # of many small files in one form


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
            sum_ = Sum()
            pour(stream, file, sum_, most=max_bytes)
            sha256 = sum_.sha256()
            if expected is not None:
                require_hash(sha256, require_sha256(expected))
            if not self.holds(sha256):
                os.fsync(file.fileno())
            return Blob(sha256, sum_.size, new=self.adopt(path, sha256))

    def holds(self, sha256: str) -> bool:
        """Whether the file of this hash lies here, recorded or not."""
        return self._path(sha256).exists()

    def adopt(self, aside: Path, sha256: str) -> bool:
        """The file `aside` is the store's, under its final name; whether that was new.

        Only for a file on this disk that is complete, has this hash and, unless the store has
        it already, was synced. Nothing is left at `aside` when it was new.
        """
        final = self._path(sha256)
        if final.exists():
            sync_folder(final.parent)  # whoever named it may not have come to that yet
            return False
        self._name(aside, final)
        return True

    @contextmanager
    def claimed(self, sha256: str) -> Iterator[bool]:
        """Whether nobody else has claimed the file of this hash; then it is claimed until the end
        of the block, or of this process."""
        with self.path(sha256).open("rb") as file:
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def path(self, sha256: str) -> Path:
        """Where the file of this hash lies; NotFound when there is none."""
        path = self._path(require_sha256(sha256))
        if not path.is_file():
            raise NotFound(f"no file with the hash {sha256} is stored here")
        return path

    def sweep(self) -> int:
        """Remove what uploads left behind that a crash interrupted; answers how many. Every folder
        that a file may lie in is there, so that no upload has to make one.

        Only for the start of the server, when no upload is on its way.
        """
        for byte in range(256):
            (self._folder / f"{byte:02x}").mkdir(parents=True, exist_ok=True)
        sync_folder(self._folder)
        left = list(self._incoming.glob("*"))
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    @contextmanager
    def _aside(self) -> Iterator[tuple[Path, FileIO]]:
        self._incoming.mkdir(parents=True, exist_ok=True)
        path = self._incoming / secrets.token_hex(16)
        try:
            with FileIO(path, "xb") as file:
                yield path, file
        finally:
            with suppress(FileNotFoundError):  # it has its name by now
                path.unlink()

    def _name(self, aside: Path, final: Path) -> None:
        """The file has its final name, durably: names are written where folders are synced."""
        if not final.parent.is_dir():
            final.parent.mkdir(exist_ok=True)
            sync_folder(self._folder)
        aside.rename(final)
        sync_folder(final.parent)


def require_hash(found: str, expected: str) -> None:
    """Pass for bytes that have the hash they were announced with; InvalidInput otherwise."""
    if found != expected:
        raise InvalidInput(
            f"the bytes that arrived have the hash {found}, not {expected}: "
            "send the file again, it changed on its way or since it was hashed"
        )


def sync_folder(folder: Path) -> None:
    """The names in this folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def record(session: Session, *stored: Blob, now: datetime) -> None:
    """The database knows the stored files: only then they are there for anybody. Safe to say
    twice, and for two at once.
    """
    rows = [{"sha256": it.sha256, "size": it.size, "stored_at": now} for it in stored]
    if rows:
        session.connection().execute(_INSERT[session.get_bind().dialect.name], rows)


def missing(session: Session, hashes: Sequence[str]) -> list[str]:
    """Those of the hashes under which no file is there, in their order, each once."""
    stored = set(session.exec(_STORED, params={"hashes": hashes}))
    return [sha256 for sha256 in dict.fromkeys(hashes) if sha256 not in stored]


def require(session: Session, sha256: str) -> None:
    """Pass for a file that is there; NotFound otherwise."""
    if session.get(BlobRow, require_sha256(sha256)) is None:
        raise NotFound(f"no file with the hash {sha256} is stored here")
