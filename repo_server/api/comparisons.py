"""What changed between two releases."""

from dataclasses import asdict

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from repo_server import blobs, comparisons
from repo_server.api import auth
from repo_server.comparisons import Comparison, FileComparison
from repo_server.db import reading

bp = Blueprint("api_comparisons", __name__, url_prefix="/api/v1")


@bp.get("/releases/<before>/changes/<after>")
@auth.public
def show_changes(before: str, after: str) -> ResponseReturnValue:
    """200 with what changed from the one release to the other."""
    found = compare(before, after)
    return jsonify(
        before={"id": found.before.id, "slug": found.before.slug, "version": found.before.version},
        after={"id": found.after.id, "slug": found.after.slug, "version": found.after.version},
        manifest=[asdict(it) for it in found.keys],
        bom=[asdict(it) for it in found.bom],
        files=[_file(it) for it in found.files],
    )


def compare(before: str, after: str) -> Comparison:
    """What changed; the texts are read from the store."""
    with reading(current_app.extensions["engine"]) as session:
        return comparisons.compare(session, before, after, read=read_blob)


def read_blob(sha256: str) -> bytes:
    """The bytes of the stored file of that hash; whoever asks knows that it is small."""
    store: blobs.BlobStore = current_app.extensions["blobs"]
    return store.path(sha256).read_bytes()


def _file(it: FileComparison) -> dict[str, object]:
    lines = None if it.lines is None else [asdict(line) for line in it.lines]
    return {**asdict(it.change), "lines": lines}
