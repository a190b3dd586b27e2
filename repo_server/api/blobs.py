"""Files by their hash: streamed in, served for ever as they are, and never run."""

from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, Response, current_app, request, send_file
from flask.typing import ResponseReturnValue
from pydantic import Field

from commons.content import require_sha256
from commons.errors import NotFound
from commons.signing import AGENT_HEADER
from commons.wire import Asked, Sha256, Told
from repo_server import blobs, downloads, paths
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.api.messages import write
from repo_server.db import reading, transaction
from repo_server.downloads import Download, FilesOrigin
from repo_server.files_site import FOR_EVER, FOR_ONE, HARMLESS, UNKNOWN
from repo_server.people import Scope


class Hashes(Asked):
    """Files by their hashes, as many as a release may have."""

    sha256: Annotated[tuple[str, ...], Field(max_length=paths.MAX_FILES)]


bp = Blueprint("api_blobs", __name__, url_prefix="/api/v1")

_BYTES = Raw(UNKNOWN)
# Whoever sends one of these is a program: no page can make a browser send them to us.
_OF_PROGRAMS = ("Authorization", AGENT_HEADER)


class StoredBlob(Told):
    """Bytes that are safe here; `size` counts them."""

    sha256: Sha256
    size: int


class StoredBlobs(Told):
    """In the order in which they were sent."""

    blobs: tuple[StoredBlob, ...]


class MissingBlobs(Told):
    missing: tuple[str, ...]


@bp.put("/blobs/<sha256>")
@auth.signed_in(Scope.DESIGN_WRITE, max_bytes=blobs.MAX_BYTES)
@answers({201: StoredBlob, 200: StoredBlob}, takes=_BYTES)
def put_blob(sha256: str) -> ResponseReturnValue:
    """201 when the file is new, 200 when it was there; 422 when it has another hash."""
    require_sha256(sha256)
    store: blobs.BlobStore = current_app.extensions["blobs"]
    stored = store.put(request.stream, expected=sha256)
    with transaction(current_app.extensions["engine"]) as session:
        blobs.record(session, stored, now=datetime.now(UTC))
    answer = write(StoredBlob(sha256=stored.sha256, size=stored.size))
    return answer, 201 if stored.new else 200


@bp.post("/blobs")
@auth.signed_in(Scope.DESIGN_WRITE, max_bytes=blobs.MAX_BYTES_TOGETHER)
@answers({200: StoredBlobs}, takes=Raw("multipart/form-data"))
def put_blobs() -> ResponseReturnValue:
    """200 with hash and size of each file of a form, in their order: all are stored."""
    store: blobs.BlobStore = current_app.extensions["blobs"]
    stored = [store.put(file.stream) for file in request.files.getlist("file")]
    with transaction(current_app.extensions["engine"]) as session:
        blobs.record(session, *stored, now=datetime.now(UTC))
    told = tuple(StoredBlob(sha256=blob.sha256, size=blob.size) for blob in stored)
    return write(StoredBlobs(blobs=told))


@bp.post("/blobs/missing")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({200: MissingBlobs})
def find_missing(asked: Hashes) -> ResponseReturnValue:
    """200 with those of the hashes under which no file is stored."""
    with reading(current_app.extensions["engine"]) as session:
        return write(MissingBlobs(missing=tuple(blobs.missing(session, asked.sha256))))


@bp.get("/blobs/<sha256>")
@auth.public
@answers({200: _BYTES, 206: _BYTES, 307: None}, refuses=(401, 416, 422))
def get_blob(sha256: str) -> ResponseReturnValue:
    """200, 206 or 304 with the file. A stranger's file is only ever a download, for browsers 307
    to the origin of such files, if this server has one. What is not published is for the people
    of its draft."""
    with reading(current_app.extensions["engine"]) as session:
        public = downloads.published(session, sha256)
    download = public or _unpublished(sha256)
    if download.media_type is not None:
        return _sent(download, FOR_EVER)
    origin: FilesOrigin | None = current_app.extensions["files_origin"]
    if origin is None or any(name in request.headers for name in _OF_PROGRAMS):
        answer = _sent(download, FOR_EVER if public else FOR_ONE)
    else:
        answer = _sent_on(download, origin, signed=public is None)
    answer.vary.update(_OF_PROGRAMS)
    return answer


def _unpublished(sha256: str) -> Download:
    person = auth.current().person
    if person is None:
        raise NotFound(f"no file with the hash {sha256} is stored here")
    with reading(current_app.extensions["engine"]) as session:
        return downloads.unpublished(session, sha256, to=person.id)


def _sent_on(download: Download, origin: FilesOrigin, *, signed: bool) -> Response:
    answer = Response(status=307)
    if signed:
        answer.location = origin.signed_address(download, now=datetime.now(UTC))
    else:
        answer.location = origin.address(download.sha256, download.name)
    answer.headers["Cache-Control"] = FOR_ONE
    return answer


def _sent(download: Download, kept: str) -> Response:
    store: blobs.BlobStore = current_app.extensions["blobs"]
    answer = send_file(
        store.path(download.sha256),
        mimetype=download.media_type or UNKNOWN,
        as_attachment=download.media_type is None,
        download_name=download.name,
        conditional=True,
        etag=download.sha256,
    )
    answer.headers.update(HARMLESS)
    answer.headers["Cache-Control"] = kept
    return answer
