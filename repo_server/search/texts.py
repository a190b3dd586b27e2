"""The words of a release's files: its README and bill of materials, as far as they are text."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from commons.errors import NotFound
from commons.manifest import Manifest
from repo_server.blobs import BlobStore
from repo_server.search.entries import MAX_BOM, MAX_README, Texts

_ENDINGS = {"", ".md", ".txt", ".rst", ".csv", ".tsv", ".toml", ".yml", ".yaml", ".json"}
_BYTES_OF_A_CHARACTER = 4


def texts_of(manifest: Manifest, files: Mapping[str, str], blobs: BlobStore) -> Texts:
    """What stands in the release's files; nothing for a file that is no text or is not stored."""
    return Texts(
        readme=_read(manifest.readme, files, blobs, MAX_README),
        bom=_read(manifest.bom, files, blobs, MAX_BOM),
    )


def _read(path: str | None, files: Mapping[str, str], blobs: BlobStore, most: int) -> str:
    if path is None or path not in files:
        return ""
    if PurePosixPath(path).suffix.lower() not in _ENDINGS:
        return ""
    try:
        with blobs.path(files[path]).open("rb") as stored:
            return stored.read(most * _BYTES_OF_A_CHARACTER).decode(errors="replace")[:most]
    except (NotFound, FileNotFoundError):
        return ""
