"""Zips that are one document (3MF, AMF): opened within the limits of every archive."""

import errno
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from commons.errors import InvalidInput, MeshInvalid
from repo_server.parsing import unpack

Parts = dict[str, Callable[[], IO[bytes]]]
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError,
           UnicodeDecodeError)  # fmt: skip


@contextmanager
def parts_of(path: Path, kind: str) -> Iterator[Parts]:
    """What opens each file of the package, by its path in small letters.

    A stream gives no more bytes than its entry of the directory says, and the directory says no
    more than is taken. MeshInvalid for what is damaged, or made to harm, while it is read too.
    """
    damaged = f"this is not {kind}, or only a part of one"
    try:
        with zipfile.ZipFile(path) as archive:
            yield _checked(archive, path.stat().st_size, kind)
    except _BROKEN as error:
        raise MeshInvalid(damaged) from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # it names a place before its beginning
            raise
        raise MeshInvalid(damaged) from error


def _checked(archive: zipfile.ZipFile, size: int, kind: str) -> Parts:
    try:
        entries = list(unpack.entries_of(archive))
    except InvalidInput as refused:
        raise MeshInvalid(str(refused)) from refused
    unpacked = sum(info.file_size for _, info in entries)
    if unpacked > max(unpack.RATIO_COUNTS_FROM, unpack.MOST_RATIO * size):
        raise MeshInvalid(f"{kind} of this size unpacks to {unpacked >> 20} MB: it is a bomb")

    def opener(info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
        return lambda: archive.open(info)

    return {name.casefold(): opener(info) for name, info in entries}
