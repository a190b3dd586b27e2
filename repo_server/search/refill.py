"""Making what designs are found by from the releases: for old databases, and all of it anew."""

from collections.abc import Iterator

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from commons.manifest import manifest_of
from repo_server.blobs import BlobStore
from repo_server.db import reading
from repo_server.search import builds, index
from repo_server.search.entries import Entry, entry_of
from repo_server.search.texts import texts_of
from repo_server.tables import DesignRow, ReleaseFileRow, ReleaseRow, SearchEntryRow

_BATCH = 200


def refill(engine: Engine, blobs: BlobStore, *, everything: bool = False) -> int:
    """Every design is found by its newest release; how many were not, or had to be made anew."""
    if everything:
        index.clear(engine)
    count = index.fill(engine, _entries(engine, blobs))
    if everything or count:
        index.settle(engine)
    return count


def follow_head(session: Session, release_id: str, blobs: BlobStore) -> None:
    """The design of this release is found by the release that is its head now, or not at all."""
    design = session.get_one(DesignRow, session.get_one(ReleaseRow, release_id).design_id)
    entry = index.kept(session, design.id)
    if entry is not None and entry.release_id != design.head_id:
        index.forget(session, design.id)
        if design.head_id is not None:
            index.put(session, [_entry(session, design.head_id, blobs)])


def _entries(engine: Engine, blobs: BlobStore) -> Iterator[Entry]:
    """Entries of the designs that have none, in the order in which they came to be the newest:
    by their release, or by the first build of the lab that was the last to build them."""
    missing = (
        select(ReleaseRow.id, DesignRow.id, ReleaseRow.published_at)
        .join(DesignRow, col(DesignRow.head_id) == col(ReleaseRow.id))
        .join(SearchEntryRow, col(SearchEntryRow.design_id) == col(DesignRow.id), isouter=True)
        .where(col(SearchEntryRow.doc).is_(None))
    )
    with reading(engine) as session:
        built = builds.last_joined(session)
        came = [
            (max(published, built.get(design, published)), release)
            for release, design, published in session.exec(missing)
        ]
    ids = [release for _, release in sorted(came)]
    for start in range(0, len(ids), _BATCH):
        with reading(engine) as session:
            made = [_entry(session, id_, blobs) for id_ in ids[start : start + _BATCH]]
        yield from made


def _entry(session: Session, release_id: str, blobs: BlobStore) -> Entry:
    release = session.get_one(ReleaseRow, release_id)
    design = session.get_one(DesignRow, release.design_id)
    listed = select(ReleaseFileRow.path, ReleaseFileRow.sha256)
    files = dict(session.exec(listed.where(ReleaseFileRow.release_id == release_id)).all())
    manifest = manifest_of(release.manifest)
    return entry_of(
        manifest,
        files,
        texts_of(manifest, files, blobs),
        design_id=design.id,
        slug=design.slug,
        release_id=release_id,
        labs=builds.labs_that_built(session, design.id),
        published_at=release.published_at,
    )
