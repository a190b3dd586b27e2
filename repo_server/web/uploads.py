"""A browser's upload form becomes a manifest and files with their paths in the release."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

from flask import current_app
from werkzeug.datastructures import FileStorage, MultiDict

from commons.errors import FieldProblem, InvalidInput, ManifestInvalid
from commons.manifest import MANIFEST_NAMES, MAX_BYTES, read_manifest
from repo_server import blobs
from repo_server.db import transaction
from repo_server.pouring import Readable


@dataclass(frozen=True, slots=True)
class Sent:
    """What the form held: the manifest as written, and each other file under its path."""

    manifest: bytes
    files: Mapping[str, FileStorage]


def read_form(files: MultiDict[str, FileStorage]) -> Sent:
    """The folder that was chosen, or the single files.

    InvalidInput when there is no manifest, or when two files would have the same path.
    """
    folder = _inside(files.getlist("folder"))
    single = [file for file in files.getlist("files") if file.filename]
    manifest = files.get("manifest") or _taken(folder)
    if manifest is None or not manifest.filename:
        raise _wrong(
            "manifest", "is missing: choose the folder that has okh.toml or okh.yml at its top"
        )
    text = manifest.stream.read(MAX_BYTES + 1)
    return Sent(text, {**folder, **_placed(single, text)})


def read_files(files: MultiDict[str, FileStorage], manifest: bytes) -> Mapping[str, FileStorage]:
    """The files that were chosen to go beside `manifest`, by their paths in the release.

    InvalidInput when two would have the same path.
    """
    single = [file for file in files.getlist("files") if file.filename]
    folder = _inside(files.getlist("folder"))
    _taken(folder)  # what is in the form's text counts
    return {**folder, **_placed(single, manifest)}


def store(stream: Readable) -> str:
    """The hash under which the stream's bytes are stored now."""
    store: blobs.BlobStore = current_app.extensions["blobs"]
    stored = store.put(stream)
    with transaction(current_app.extensions["engine"]) as session:
        blobs.record(session, stored, now=datetime.now(UTC))
    return stored.sha256


def _inside(files: Iterable[FileStorage]) -> dict[str, FileStorage]:
    """A folder's files by their path below it. Browsers put the folder's own name first."""
    found = {}
    for file in files:
        _, _, path = (file.filename or "").partition("/")
        # What editors and systems leave behind belongs to no release.
        if path and not any(_is_left_behind(part) for part in path.split("/")):
            found[path] = file
    return found


def _taken(folder: dict[str, FileStorage]) -> FileStorage | None:
    """The folder's manifest, which is no longer in it; None when it has none."""
    name = next((name for name in MANIFEST_NAMES if name in folder), None)
    return folder.pop(name) if name else None


def _is_left_behind(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__"


def _placed(files: Iterable[FileStorage], manifest: bytes) -> dict[str, FileStorage]:
    """Single files where the manifest names a path that ends in their name, else at the top."""
    named = {PurePosixPath(path).name: path.removeprefix("/") for path in _paths(manifest)}
    placed: dict[str, FileStorage] = {}
    for file in files:
        name = PurePosixPath(file.filename or "").name
        path = named.get(name, name)
        if path in placed:
            raise _wrong("files", f"two files are named '{name}'; choose the folder instead")
        placed[path] = file
    return placed


def _paths(manifest: bytes) -> list[str]:
    try:
        return list(_texts(read_manifest(manifest).data))
    except ManifestInvalid:
        return []  # what is wrong with it is said when it is published


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str) and "://" not in value and len(value) < 256:
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _wrong(field: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{field}: {problem}", [FieldProblem(field, problem)])
