"""Designs and their releases: publishing one, and what has been published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from commons.content import content_id
from commons.errors import AlreadyPublished, InvalidInput, NotAllowed, NotFound
from commons.manifest import Manifest, Part, manifest_of
from commons.versions import require_next
from repo_server import announcements, components, heads, lineage, mailings, renderings
from repo_server.db import insert_rows
from repo_server.files import File, files_of
from repo_server.heads import ReleaseLine
from repo_server.people import Person
from repo_server.search import builds, index
from repo_server.search.entries import NO_TEXTS, Entry, Texts, entry_of
from repo_server.submissions import Checked, Upload, check
from repo_server.tables import (
    DesignRow,
    PersonRow,
    ReleaseFileRow,
    ReleaseRow,
    YankRow,
)

# Made once: every release that is published asks them.
_DESIGN = select(DesignRow).where(DesignRow.slug == bindparam("slug"))
_DESIGN_OF = select(ReleaseRow.design_id).where(ReleaseRow.id == bindparam("id"))
_PUBLISHED = (
    select(ReleaseRow.id)
    .join(DesignRow, col(DesignRow.id) == col(ReleaseRow.design_id))
    .where(ReleaseRow.id == bindparam("id"), DesignRow.slug == bindparam("slug"))
    .where(DesignRow.steward_id == bindparam("steward_id"))
)


@dataclass(frozen=True, slots=True)
class Yank:
    """Why nobody should begin with a release any more, and who says so."""

    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Release:
    """One published version with its files. `picture` is the PNG that stands for it.

    `note` is what changed, as its publisher says it; `yank` is None while the release stands.
    """

    id: str
    slug: str
    version: str
    manifest: Manifest
    manifest_sha256: str
    published_by: Person
    published_at: datetime
    files: tuple[File, ...]
    note: str = ""
    yank: Yank | None = None

    def file(self, path: str | None) -> File | None:
        """The file of this path, None when there is none."""
        return next((file for file in self.files if file.path == path), None)

    @property
    def hashes(self) -> dict[str, str]:
        """The hash of each file, by its path."""
        return {file.path: file.sha256 for file in self.files}

    def fed(self, part: Part) -> File | None:
        """What machines are fed with for a part: its export, else what its source draws."""
        source = self.file(part.source)
        return self.file(part.file) or (source.drawn if source else None)

    @property
    def picture(self) -> str | None:
        """The manifest's picture, else the first part that has one."""
        parts = self.manifest.parts
        files = [self.file(self.manifest.image)]
        files += [self.file(part.image) or self.fed(part) for part in parts]
        files += [self.fed(part) for part in parts]
        return next((file.thumbnail for file in files if file and file.thumbnail), None)


@dataclass(frozen=True, slots=True)
class Design:
    """A line of work: the release that stands for it, and all of them, the greatest first."""

    slug: str
    steward: Person
    head: Release
    releases: tuple[ReleaseLine, ...]


def publish_release(
    session: Session, upload: Upload, *, by: Person, design_id: str, now: datetime,
    bom: bytes | None = None, texts: Texts = NO_TEXTS,
) -> tuple[str, bool]:  # fmt: skip
    """The release exists for ever; its id, and whether this call made it.

    `design_id` names the design if this is its first release. `bom` is the text of the bill of
    materials, None where there is none to be read; by `texts` the design is found.

    Raises:
        ManifestInvalid: with everything that is wrong with manifest, slug and files.
        NotAllowed: the design is somebody else's.
        AlreadyPublished: this version exists with other contents.
        Conflict: the version goes back behind one that is published.
    """
    checked = check(session, upload, bom=bom, by=by, now=now)
    version, id_ = checked.manifest.version, upload.release_id
    design = _design_of(session, upload.slug, by=by)
    if (there := session.exec(_DESIGN_OF, params={"id": id_}).first()) is not None:
        return _same(session, id_, there, design), False
    if design is None:
        _found(session, design_id, upload, by=by, now=now)
    else:
        require_new_version(session, upload.slug, version)
        design_id = design.id
    _record(session, design_id, checked, upload, by=by, now=now)
    told = {"release_id": id_, "slug": upload.slug, "version": version}
    announcements.tell_of_release(session, told, now=now)
    labs: Sequence[str] = ()
    if design is not None:
        heads.choose_head(session, design)
        if design.head_id != id_:
            return id_, True
        index.forget(session, design_id)
        labs = builds.labs_that_built(session, design_id)
    index.add(session, [_entry_of(design_id, upload, labs=labs, texts=texts, now=now)])
    return id_, True


def _found(session: Session, design_id: str, upload: Upload, *, by: Person, now: datetime) -> None:
    """The design of this slug is there, its head the release that comes next."""
    row = {
        "id": design_id,
        "slug": upload.slug,
        "steward_id": by.id,
        "head_id": upload.release_id,
        "created_at": now,
    }
    insert_rows(session, DesignRow, [row])


def _record(
    session: Session, design_id: str, checked: Checked, upload: Upload, *, by: Person, now: datetime
) -> None:
    """The release is there, with its files, its parents and its components."""
    id_, manifest = upload.release_id, checked.manifest
    insert_rows(session, ReleaseRow, [_row(design_id, manifest, upload, by=by, now=now)])
    files = upload.files.items()
    insert_rows(session, ReleaseFileRow, [
        {"release_id": id_, "path": path, "sha256": sha256} for path, sha256 in files
    ])  # fmt: skip
    if lineage.record_parents(session, id_, manifest):
        mailings.record(session, id_)
    components.record(session, id_, checked.settled)
    renderings.ask_for_files(session, upload.files, now=now)


def published_before(session: Session, upload: Upload, *, by: Person) -> str | None:
    """The id of the release of `by`'s that holds this very upload, found by its hash alone; None
    when there is none, or the upload has to be looked at to say why."""
    try:
        asked = {"id": upload.release_id, "slug": upload.slug, "steward_id": by.id}
    except InvalidInput:
        return None
    return session.exec(_PUBLISHED, params=asked).first()


def _entry_of(
    design_id: str, upload: Upload, *, labs: Sequence[str], texts: Texts, now: datetime
) -> Entry:
    """What the design is found by: this release, which has just become its head."""
    manifest, _ = upload.read
    return entry_of(
        manifest,
        upload.files,
        texts,
        design_id=design_id,
        slug=upload.slug,
        release_id=upload.release_id,
        labs=labs,
        published_at=now,
    )


def _design_of(session: Session, slug: str, *, by: Person) -> DesignRow | None:
    design = session.exec(_DESIGN, params={"slug": slug}).first()
    if design is not None and design.steward_id != by.id:
        steward = session.get_one(PersonRow, design.steward_id)
        raise NotAllowed(
            f"design '{slug}' is kept by {steward.name}; publish yours under a name of its own"
        )
    return design


def _same(session: Session, release_id: str, design_id: str, wanted: DesignRow | None) -> str:
    """The id of the release that holds these very files, if it is the wanted design's."""
    if wanted is None or design_id != wanted.id:
        other = session.get_one(DesignRow, design_id)
        raise AlreadyPublished(f"these very files are published as design '{other.slug}'")
    return release_id


def require_new_version(session: Session, slug: str, version: str) -> None:
    """Pass for a version that the design's next release may have; any while it has none.

    AlreadyPublished, or Conflict for one that goes back.
    """
    published = session.exec(
        select(ReleaseRow.version)
        .join(DesignRow, col(DesignRow.id) == col(ReleaseRow.design_id))
        .where(DesignRow.slug == slug)
    ).all()
    if version in published:
        raise AlreadyPublished(
            f"version {version} of '{slug}' is published with other contents, and a "
            "release never changes; give this one a new version"
        )
    require_next(version, published)


def _row(
    design_id: str, manifest: Manifest, upload: Upload, *, by: Person, now: datetime
) -> dict[str, object]:
    return {
        "id": upload.release_id,
        "design_id": design_id,
        "version": manifest.version,
        "name": manifest.name,
        "function": manifest.function,
        "license": manifest.license,
        "licensors": list(manifest.licensors),
        "manifest": dict(manifest.data),
        "manifest_sha256": content_id(upload.manifest),
        "published_by": by.id,
        "published_at": now,
        "note": upload.note.strip(),
    }


def show_design(session: Session, slug: str) -> Design:
    """The design of this name; NotFound when there is none."""
    design = session.exec(select(DesignRow).where(DesignRow.slug == slug)).first()
    if design is None:
        raise NotFound(f"there is no design '{slug}'")
    if design.head_id is None:
        raise NotFound(f"every release of '{slug}' was yanked; only their own addresses lead there")
    return Design(
        slug=slug,
        steward=_person(session, design.steward_id),
        head=show_release(session, design.head_id),
        releases=heads.list_releases(session, slug),
    )


def show_release(session: Session, id: str) -> Release:
    """The release of this id; NotFound when there is none."""
    shown = show_releases(session, [id])
    if not shown:
        raise NotFound(f"there is no release {id[:64]}")
    return shown[0]


def show_releases(session: Session, ids: Sequence[str]) -> list[Release]:
    """The releases of these ids, in this order; in few queries however many they are."""
    found = session.exec(
        select(ReleaseRow, DesignRow.slug, PersonRow)
        .join(DesignRow, col(DesignRow.id) == col(ReleaseRow.design_id))
        .join(PersonRow, col(PersonRow.id) == col(ReleaseRow.published_by))
        .where(col(ReleaseRow.id).in_(ids))
    ).all()
    files, yanks = files_of(session, ids), _yanks(session, ids)
    shown = {
        row.id: Release(
            id=row.id,
            slug=slug,
            version=row.version,
            manifest=manifest_of(row.manifest),
            manifest_sha256=row.manifest_sha256,
            published_by=Person(person.id, person.handle, person.name, person.is_admin),
            published_at=row.published_at,
            files=tuple(files.get(row.id, ())),
            note=row.note,
            yank=yanks.get(row.id),
        )
        for row, slug, person in found
    }
    return [shown[id_] for id_ in ids if id_ in shown]


def _yanks(session: Session, release_ids: Sequence[str]) -> dict[str, Yank]:
    rows = session.exec(
        select(YankRow, PersonRow.name)
        .join(PersonRow, col(PersonRow.id) == col(YankRow.yanked_by))
        .where(col(YankRow.release_id).in_(release_ids))
    )
    return {row.release_id: Yank(row.reason, name, row.yanked_at) for row, name in rows}


def _person(session: Session, id: str) -> Person:
    row = session.get_one(PersonRow, id)
    return Person(row.id, row.handle, row.name, row.is_admin)
