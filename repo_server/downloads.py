"""Who downloads which file where: strangers' files from an origin of their own.

A browser gives each origin its own rights. What a stranger sent lies where nothing of ours is: no
session, no page, no form. What our parsers made of it (pictures, models) stays with the pages.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote

from sqlmodel import Session, select

from repo_server import blobs, facts
from repo_server.tables import ReleaseFileRow


@dataclass(frozen=True, slots=True)
class Download:
    """A stored file as it is handed out under `name`.

    `media_type` is that of a picture or model of ours; None for every file that a stranger sent.
    """

    sha256: str
    name: str
    media_type: str | None


@dataclass(frozen=True, slots=True)
class FilesOrigin:
    """The origin of strangers' files."""

    url: str

    def address(self, sha256: str, path: str) -> str:
        """Where everybody downloads a published file, under the last part of `path`."""
        return f"{self.url}/{sha256}/{quote(PurePosixPath(path).name, safe='')}"


def find(session: Session, sha256: str) -> Download:
    """The file of this hash; NotFound when there is none."""
    blobs.require(session, sha256)
    if media_type := facts.media_type_of_derived(session, sha256):
        return Download(sha256, sha256, media_type)
    path = session.exec(
        select(ReleaseFileRow.path).where(ReleaseFileRow.sha256 == sha256).limit(1)
    ).first()
    return Download(sha256, PurePosixPath(path or sha256).name, None)
