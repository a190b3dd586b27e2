"""Zip files and FreeCAD's documents, which are zips: listed within limits, never executed."""

import zipfile
from pathlib import Path
from typing import IO, Any

from commons.errors import InvalidInput
from repo_server.parsing import image, unpack

_PICTURE, _DOCUMENT = "thumbnails/Thumbnail.png", "Document.xml"
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
        is_document |= name == _DOCUMENT
        if kind == "fcstd" and name == _PICTURE:
            _paint(stream, out)
    if kind == "fcstd" and not is_document:
        raise InvalidInput("this is no FreeCAD document: it holds no Document.xml")
    if not files:
        raise InvalidInput("this archive holds no file")
    return {"facts": {"files": files, "unpacked_bytes": told}}


def _paint(stream: IO[bytes], out: Path) -> None:
    """The thumbnail is there, unless the picture is none: that harms nothing but itself."""
    picture = out / "picture"
    picture.write_bytes(stream.read(_MAX_PICTURE_BYTES))
    try:
        image.inspect(picture, "png", out)
    except InvalidInput:
        return
    finally:
        picture.unlink()
