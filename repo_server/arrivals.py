"""Files on their way in: what has arrived of each lies on the disk, however often it was cut."""

import errno
import fcntl
import os
import shutil
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from io import FileIO
from pathlib import Path
from threading import Lock

from commons.errors import InvalidInput, UploadBusy, UploadMoved
from repo_server.blobs import Blob, BlobStore, require_hash, sync_folder
from repo_server.pouring import Readable, Sum, pour
from repo_server.uploads import Upload

_MAX_SUMS = 256
_BUSY = "somebody else is sending this very file right now; wait until they are done, or stop them"
_Mark = tuple[int, int, int]


class Arrivals:
    """One file for each upload, on the disk of the store that it will be part of.

    Invariant: a file holds the first bytes of its upload, in order. Only who holds its lock, which
    ends with the process at the latest, adds to it or removes it. When an addition has ended, well
    or badly, each of its bytes has reached the disk or is gone.
    """

    def __init__(self, folder: Path, store: BlobStore) -> None:
        self._folder = folder
        self._store = store
        # Only to save reading again what this process hashed when it came.
        self._sums: OrderedDict[str, tuple[_Mark, Sum]] = OrderedDict()
        self._lock = Lock()

    def arrived(self, upload: Upload) -> int:
        """How many bytes are here."""
        try:
            return self._path(upload).stat().st_size
        except FileNotFoundError:
            return upload.size if self._store.holds(upload.sha256) else 0

    def require_free(self, upload: Upload) -> None:
        """Pass unless somebody is sending right now; UploadBusy then."""
        with suppress(FileNotFoundError), self._path(upload).open("rb") as file:
            _claim(file.fileno())

    def require_room(self, size: int) -> None:
        """Pass if the disk has room for so many bytes; OSError (ENOSPC) otherwise."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._folder).free < size:
            raise OSError(errno.ENOSPC, f"no room for {size} bytes", str(self._folder))

    def append(self, upload: Upload, stream: Readable, *, at: int) -> tuple[int, Blob | None]:
        """The stream's bytes follow the first `at`: how many are here now, and the stored file
        when these are all. When the stream breaks off, what came is kept. Memory stays flat.

        Raises:
            UploadBusy: somebody else is sending.
            UploadMoved: `at` is not how many bytes are here; says how many are.
            InvalidInput: more bytes than announced: nothing of this call is kept; or another hash
                than announced: nothing of the upload is.
            OSError: ENOSPC when the disk is full: nothing of this call is kept.
        """
        if not self._path(upload).exists() and self._store.holds(upload.sha256):
            # The server died when the file had its name and nobody knew it yet.
            _require_offset(at, upload.size)
            return upload.size, Blob(upload.sha256, upload.size, new=False)
        with self._held(upload) as file, self._sum(upload, file) as sum_:
            _require_offset(at, sum_.size)
            try:
                _pour_durably(stream, file, sum_, most=upload.size)
            except (OSError, InvalidInput):
                file.truncate(at)
                raise
            return sum_.size, self._finish(upload, sum_) if sum_.size == upload.size else None

    def drop(self, upload: Upload) -> None:
        """Nothing of it is here any more. UploadBusy while somebody is sending."""
        path = self._path(upload)
        with suppress(FileNotFoundError), path.open("rb") as file:
            _claim(file.fileno())
            path.unlink()

    def drop_abandoned(self, before: datetime) -> int:
        """Files that nothing was added to since `before` are gone; answers how many."""
        dropped = 0
        for path in self._folder.glob("*"):
            with suppress(FileNotFoundError, UploadBusy), path.open("rb") as file:
                _claim(file.fileno())
                if os.fstat(file.fileno()).st_mtime < before.timestamp():
                    path.unlink()
                    dropped += 1
        return dropped

    def _path(self, upload: Upload) -> Path:
        return self._folder / f"{upload.sha256}.{upload.person_id}"

    def _finish(self, upload: Upload, sum_: Sum) -> Blob:
        path = self._path(upload)
        try:
            require_hash(sum_.sha256(), upload.sha256)
            return Blob(upload.sha256, upload.size, new=self._store.adopt(path, upload.sha256))
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def _held(self, upload: Upload) -> Iterator[FileIO]:
        """The upload's file, made if need be, which nobody else adds to meanwhile."""
        path = self._path(upload)
        self._folder.mkdir(parents=True, exist_ok=True)
        with FileIO(path, "ab+") as file:
            _claim(file.fileno())
            if not (path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno()))):
                raise UploadBusy(_BUSY)  # it was finished or dropped a moment ago
            if not os.fstat(file.fileno()).st_size:
                sync_folder(self._folder)
            yield file

    @contextmanager
    def _sum(self, upload: Upload, file: FileIO) -> Iterator[Sum]:
        """The sum of what is in the file, which is kept if it still is afterwards."""
        name = self._path(upload).name
        with self._lock:
            mark, sum_ = self._sums.pop(name, (None, Sum()))
        if mark != _mark(file):
            sum_ = Sum()
            file.seek(0)
            sum_.add_all(file)
        try:
            yield sum_
        finally:
            mark = _mark(file)
            if sum_.size == os.fstat(file.fileno()).st_size:
                with self._lock:
                    self._sums[name] = (mark, sum_)
                    if len(self._sums) > _MAX_SUMS:
                        self._sums.popitem(last=False)


def _claim(descriptor: int) -> None:
    """The open file's lock is held until it is closed. UploadBusy when somebody else holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UploadBusy(_BUSY) from error


def _mark(file: FileIO) -> _Mark:
    """Differs when somebody else has changed the file."""
    stat = os.fstat(file.fileno())
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _pour_durably(stream: Readable, file: FileIO, sum_: Sum, *, most: int) -> None:
    """As `pour`; what came has reached the disk, also when the stream has broken off."""
    try:
        pour(stream, file, sum_, most=most)
    finally:
        os.fsync(file.fileno())


def _require_offset(given: int, here: int) -> None:
    if given != here:
        raise UploadMoved(f"{here} bytes of this file are here, not {given}: go on from there")
