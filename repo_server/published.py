"""Releases as they were published, each read once and then kept by this process: they never change.

A release is known by the hash of its manifest and files, so that what is kept under it is true in
every database that holds it. What may change is asked each time: whether it stands (`heads`), what
was found in its files (`facts`), what its sources draw (`renderings`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from sqlalchemy import bindparam
from sqlalchemy import select as columns
from sqlmodel import Session, col

from commons.errors import NotFound
from commons.licences.scopes import Licences, licences_of
from commons.manifest import Manifest, manifest_of
from repo_server.db import look
from repo_server.tables import BlobRow, ParentRow, ReleaseFileRow, ReleaseRow

# A manifest of the largest kind takes some 100 kB.
_MOST = 256


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of a release: its blob, and how large that is."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """What of a release stands for ever."""

    id: str
    name: str
    version: str
    manifest: Manifest
    licences: Licences
    files: Mapping[str, Stored]


_RELEASE = columns(
    col(ReleaseRow.name), col(ReleaseRow.version), col(ReleaseRow.license), col(ReleaseRow.manifest)
).where(col(ReleaseRow.id) == bindparam("id"))
_FILES = (
    columns(col(ReleaseFileRow.path), col(ReleaseFileRow.sha256), col(BlobRow.size))
    .join(BlobRow, col(BlobRow.sha256) == col(ReleaseFileRow.sha256))
    .where(col(ReleaseFileRow.release_id) == bindparam("id"))
)
_PARENTS = (
    columns(col(ParentRow.parent_id))
    .where(col(ParentRow.release_id).in_(bindparam("ids", expanding=True)))
    .distinct()
    .order_by(col(ParentRow.parent_id))
)
_lock = Lock()
_kept: dict[str, Published] = {}


def show(session: Session, id: str) -> Published:
    """The release of this id; NotFound when there is none."""
    with _lock:
        if (known := _kept.pop(id, None)) is not None:
            _kept[id] = known  # the one that was asked for longest ago comes first
            return known
    release = _read(session, id)
    with _lock:
        _kept[id] = release
        while len(_kept) > _MOST:
            del _kept[next(iter(_kept))]
    return release


def _read(session: Session, id: str) -> Published:
    found = look(session, _RELEASE, id=id).first()
    if found is None:
        raise NotFound(f"there is no release {id[:64]}")
    name, version, license, manifest = found
    return Published(
        id=id,
        name=name,
        version=version,
        manifest=manifest_of(manifest),
        licences=licences_of({**manifest, "license": license}),
        files={path: Stored(sha256, size) for path, sha256, size in look(session, _FILES, id=id)},
    )


def lineage_of(session: Session, id: str) -> list[Published]:
    """The release, and every one that it was made from, the nearest first."""
    found = {id: show(session, id)}
    children = [id]
    while children:
        parents = look(session, _PARENTS, ids=children).scalars()
        children = [it for it in parents if it not in found]
        found |= {it: show(session, it) for it in children}
    return list(found.values())
