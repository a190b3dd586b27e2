"""Who downloads which file where: strangers' files from an origin of their own.

A browser gives each origin its own rights. What a stranger sent lies where nothing of ours is: no
session, no page, no form. What our parsers made of it (pictures, models) stays with the pages.

Nobody can be signed in there, so a file that is not everybody's has an address that is signed when
somebody follows a link to it, and is soon over.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from urllib.parse import quote

from sqlalchemy import String, cast
from sqlmodel import Session, col, select

from commons.errors import NotFound
from repo_server import blobs, facts, repairs, shape_changes
from repo_server.tables import DraftEditorRow, DraftRow, ReleaseFileRow, ReleaseRow, RenderingRow

SIGNED_FOR = timedelta(minutes=5)
_PURPOSE = b"addresses of files that are not published"
_MANIFEST, _COPY = "manifest", "repaired"


@dataclass(frozen=True, slots=True)
class Download:
    """A stored file as it is handed out under `name`.

    `media_type` is that of a picture or model of ours; None for every file that a stranger sent.
    """

    sha256: str
    name: str
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class FilesOrigin:
    """The origin of strangers' files, and the key by which it knows whom the other one let in."""

    url: str
    key: bytes

    @classmethod
    def of(cls, url: str, secret: bytes) -> "FilesOrigin":
        """The origin at `url` of the server with this secret."""
        return cls(url, hmac.digest(secret, _PURPOSE, "sha256"))

    def address(self, sha256: str, path: str) -> str:
        """Where everybody downloads a published file, under the last part of `path`."""
        return f"{self.url}/{sha256}/{quote(_name(path), safe='')}"

    def signed_address(self, download: Download, *, now: datetime) -> str:
        """Where whoever has this address downloads the file, published or not, for SIGNED_FOR."""
        until = int((now + SIGNED_FOR).timestamp())
        signature = self._signature(download.sha256, download.name, until)
        address = self.address(download.sha256, download.name)
        return f"{address}?until={until}&signature={signature}"

    def admits(self, sha256: str, name: str, *, until: str, signature: str, now: datetime) -> bool:
        """Whether the address was signed for this file under this name, and is not over."""
        if not (until.isascii() and until.isdigit() and len(until) <= 12):
            return False
        expected = self._signature(sha256, name, int(until))
        is_ours = hmac.compare_digest(expected.encode(), signature.encode())
        return is_ours and now < datetime.fromtimestamp(int(until), UTC)

    def _signature(self, sha256: str, name: str, until: int) -> str:
        signed = f"{sha256}\n{until}\n{name}".encode()
        return hmac.new(self.key, signed, hashlib.sha256).hexdigest()


def published(session: Session, sha256: str) -> Download | None:
    """The file if it is everybody's: of a release, drawn by one of its sources, or made here from
    one of its files. None for all others.

    NotFound when no file of this hash is stored.
    """
    blobs.require(session, sha256)
    if media_type := _type_of_ours(session, sha256):
        return Download(sha256, sha256, media_type)
    of_release = select(ReleaseFileRow.path).where(ReleaseFileRow.sha256 == sha256)
    path = session.exec(of_release.limit(1)).first()
    if path is not None:
        return Download(sha256, _name(path))
    if repairs.is_copy(session, sha256):
        return Download(sha256, f"{_COPY}.{repairs.COPY_KIND}")
    drawn = select(RenderingRow.path).where(RenderingRow.mesh_sha256 == sha256)
    if (source := session.exec(drawn.limit(1)).first()) is not None:
        return Download(sha256, f"{PurePosixPath(source).stem}.stl")
    manifest = select(ReleaseRow.id).where(ReleaseRow.manifest_sha256 == sha256)
    is_manifest = session.exec(manifest.limit(1)).first() is not None
    return Download(sha256, _MANIFEST) if is_manifest else None


def _type_of_ours(session: Session, sha256: str) -> str | None:
    """The type of a file that our own parsers and comparisons made; None for all others."""
    if shape_changes.is_preview(session, sha256):
        return shape_changes.PREVIEW_TYPE
    return facts.media_type_of_derived(session, sha256)


def unpublished(session: Session, sha256: str, *, to: str) -> Download:
    """The file, for a person who may work on a draft that names it.

    One that no draft names is for whoever knows its hash: that is who sent it just now. NotFound
    for everybody else.
    """
    names_it = cast(DraftRow.files, String).contains(sha256)
    naming = session.exec(select(DraftRow).where(names_it)).all()
    mine = set(
        session.exec(
            select(DraftEditorRow.draft_id).where(
                DraftEditorRow.person_id == to,
                col(DraftEditorRow.draft_id).in_([draft.id for draft in naming]),
            )
        )
    )
    for draft in naming:
        if draft.keeper_id == to or draft.id in mine:
            path = next(path for path, hash_ in draft.files.items() if hash_ == sha256)
            return Download(sha256, _name(path))
    if naming:
        raise NotFound(f"no file with the hash {sha256} is stored here")
    return Download(sha256, sha256)


def _name(path: str) -> str:
    return PurePosixPath(path).name
