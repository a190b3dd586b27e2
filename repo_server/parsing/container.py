"""Zip files and FreeCAD's documents, which are zips: listed within limits, never executed."""

import zipfile
from pathlib import Path
from typing import IO, Any

from commons.errors import InvalidInput
from repo_server.parsing import image, unpack

_PICTURE, _DOCUMENT = "thumbnails/Thumbnail.png", "Document.xml"
_ARCHIVES = {"zip", "7z", "rar", "tar", "gz", "tgz", "bz2", "tbz2", "xz", "txz", "zst"}
_MARKS = (b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\x1f\x8b", b"\xfd7zXZ", b"BZh")
# Zips by their inside, documents by what they are for.
_DOCUMENTS = {"3mf", "fcstd", "f3z", "odt", "ods", "odg", "odp", "docx", "xlsx", "pptx", "epub"}
_MAX_PICTURE_BYTES = 4 * 1024**2


def inspect(path: Path, kind: str, out: Path) -> dict[str, Any]:
    """How many files it holds and how many bytes they say to unpack to; of a FreeCAD document
    its own picture too, painted anew.

    Raises InvalidInput for what an honest archive never holds, and for a document without one.
    """
    with zipfile.ZipFile(path) as archive:
        told = sum(info.file_size for info in archive.infolist())
    if told > max(unpack.RATIO_COUNTS_FROM, unpack.MOST_RATIO * path.stat().st_size):
        raise InvalidInput(f"this archive unpacks to {told >> 20} MB: it is a bomb")
    files, is_document = 0, False
    for name, stream in unpack.files_of_zip(path):
        files += 1
        if kind == "zip":
            _require_no_archive(name, stream)
        is_document |= name == _DOCUMENT
        if kind == "fcstd" and name == _PICTURE:
            image.paint(stream.read(_MAX_PICTURE_BYTES), out)
    if kind == "fcstd" and not is_document:
        raise InvalidInput("this is no FreeCAD document: it holds no Document.xml")
    if not files:
        raise InvalidInput("this archive holds no file")
    return {"facts": {"files": files, "unpacked_bytes": told}}


def _require_no_archive(name: str, stream: IO[bytes]) -> None:
    """What an archive in an archive holds is listed by nobody. A document that is a zip is none."""
    ending = name.lower().rpartition(".")[2]
    begins = stream.read(6)
    packed = any(begins.startswith(mark) for mark in _MARKS)
    if ending in _ARCHIVES or (packed and ending not in _DOCUMENTS):
        raise InvalidInput(f"this archive holds another one, {name[:80]!r}; unpack it first")
