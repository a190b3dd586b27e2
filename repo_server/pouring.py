"""Bytes from a stream to the disk: hashed as they come, memory flat, the disk kept busy."""

import hashlib
import os
from io import FileIO
from typing import Protocol

from commons.errors import InvalidInput

# What a slow link loses when it breaks off is less than one of these.
_PIECE = 256 * 1024
# The disk writes this much while the next comes, so that a sync at the end has little to wait for.
_AHEAD = 8 * 1024 * 1024


class Readable(Protocol):
    """What files are read from: a request's stream, an open file."""

    def read(self, size: int, /) -> bytes: ...


class Sum:
    """The SHA-256 of the first `size` bytes of a file."""

    def __init__(self) -> None:
        self.size = 0
        self._digest = hashlib.sha256()

    def add(self, piece: bytes) -> None:
        """The sum is also of these bytes, which follow."""
        self._digest.update(piece)
        self.size += len(piece)

    def add_all(self, file: Readable) -> None:
        """The sum is also of everything that can be read from `file`."""
        while piece := file.read(_PIECE):
            self.add(piece)

    def sha256(self) -> str:
        """64 hex digits."""
        return self._digest.hexdigest()


def pour(stream: Readable, file: FileIO, sum_: Sum, *, most: int) -> None:
    """Everything that the stream gives is written to `file`, unsynced, and in its sum.

    When reading fails, both hold what came before. Raises InvalidInput when the sum's bytes
    would be more than `most`, OSError when the disk is full; the file may be longer then.
    """
    started = sum_.size
    while piece := stream.read(_PIECE):
        if sum_.size + len(piece) > most:
            raise InvalidInput(f"more than {most} bytes came, and no more are taken here")
        _write(file, piece)
        sum_.add(piece)
        if sum_.size - started >= _AHEAD:
            _start_writing(file, started, sum_.size)
            started = sum_.size


def _write(file: FileIO, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def _start_writing(file: FileIO, begin: int, end: int) -> None:
    """Linux starts to write what it is told that nobody needs; others do so at the sync."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), begin, end - begin, os.POSIX_FADV_DONTNEED)
