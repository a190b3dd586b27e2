"""What changed between two releases."""

from dataclasses import asdict

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from commons.compare import BomChange, KeyChange, Line, Sign
from commons.wire import Sha256, Told
from repo_server import blobs, comparisons
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.messages import write
from repo_server.comparisons import Comparison
from repo_server.db import reading
from repo_server.designs import Release

bp = Blueprint("api_comparisons", __name__, url_prefix="/api/v1")


class Compared(Told):
    id: Sha256
    slug: str
    version: str


class FileCompared(Told):
    """`lines` is null for what is no text, too long, or one text too many."""

    path: str
    sign: Sign
    before: Sha256 | None
    after: Sha256 | None
    lines: tuple[Line, ...] | None


class Changes(Told):
    before: Compared
    after: Compared
    manifest: tuple[KeyChange, ...]
    bom: tuple[BomChange, ...]
    files: tuple[FileCompared, ...]


@bp.get("/releases/<before>/changes/<after>")
@auth.public
@answers({200: Changes})
def show_changes(before: str, after: str) -> ResponseReturnValue:
    """200 with what changed from the one release to the other."""
    found = compare(before, after)
    return write(
        Changes(
            before=_named(found.before),
            after=_named(found.after),
            manifest=found.keys,
            bom=found.bom,
            files=tuple(FileCompared(**asdict(it.change), lines=it.lines) for it in found.files),
        )
    )


def compare(before: str, after: str) -> Comparison:
    """What changed; the texts are read from the store."""
    with reading(current_app.extensions["engine"]) as session:
        return comparisons.compare(session, before, after, read=read_blob)


def read_blob(sha256: str) -> bytes:
    """The bytes of the stored file of that hash; whoever asks knows that it is small."""
    store: blobs.BlobStore = current_app.extensions["blobs"]
    return store.path(sha256).read_bytes()


def _named(release: Release) -> Compared:
    return Compared(id=release.id, slug=release.slug, version=release.version)
