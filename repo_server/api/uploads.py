"""Resumable uploads as tus 1.0 has them: begin, ask how much arrived, go on from there.

An upload's address is the hash of its file, to everybody their own: begun again it is found again,
and a file that is stored already is an upload that has arrived.
"""

from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from socket import socket

from flask import Blueprint, Response, current_app, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Headers
from werkzeug.exceptions import ClientDisconnected, PreconditionFailed, UnsupportedMediaType
from werkzeug.http import http_date

from commons.errors import InvalidInput, Unavailable
from commons.wire import Told
from repo_server import uploads
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.arrivals import Arrivals
from repo_server.db import reading, transaction
from repo_server.paging import Page, Stretch
from repo_server.people import Scope
from repo_server.pouring import Readable
from repo_server.settings import Settings
from repo_server.uploads import Upload

bp = Blueprint("api_uploads", __name__, url_prefix="/api/v1")

_VERSION = "1.0.0"
_TYPE = "application/offset+octet-stream"
# A link that says nothing for this long is broken: the upload is free for the next one.
_SILENCE_S = 30.0
_MAX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An upload of whoever asks, and how much of it is here."""

    sha256: str
    size: int
    arrived: int
    kept_until: datetime


class UploadsListed(Told):
    """`quota` is how many bytes they may be together."""

    uploads: tuple[Unfinished, ...]
    quota: int


@bp.before_request
def require_version() -> None:
    """412 for a client that speaks another version; one that names none is taken at its word."""
    if request.headers.get("Tus-Resumable", _VERSION) != _VERSION:
        raise PreconditionFailed(f"this server speaks tus {_VERSION}")


@bp.after_request
def name_version(response: Response) -> Response:
    """Every answer says what is spoken here."""
    response.headers["Tus-Resumable"] = _VERSION
    response.headers["Tus-Version"] = _VERSION
    return response


@bp.route("/uploads", methods=["OPTIONS"])
@auth.public
@answers({204: None})
def tell_protocol() -> ResponseReturnValue:
    """204 with what this server can do."""
    answer = Response(status=204)
    answer.headers["Tus-Extension"] = "creation,expiration,termination"
    answer.headers["Tus-Max-Size"] = str(uploads.MAX_BYTES)
    return answer


@bp.post("/uploads")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({201: None}, refuses=(409, 412, 422))
def begin_upload() -> ResponseReturnValue:
    """201 with the upload's address and how much of it is here; 409 while somebody is sending.

    When all of it is here, the file is stored.
    """
    sha256, size = announced(request.headers)
    arrivals = _arrivals()
    with transaction(current_app.extensions["engine"]) as session:
        upload = uploads.begin(
            session,
            person_id=auth.current_person().id,
            sha256=sha256,
            size=size,
            quota=_settings().upload_quota_bytes,
            now=datetime.now(UTC),
        )
        if upload.stored:
            arrivals.drop(upload)
        arrivals.require_free(upload)
        arrivals.require_room(upload.size - arrivals.arrived(upload))
    answer = _told(upload, _arrived(upload), 201)
    answer.headers["Location"] = url_for("api_uploads.show_upload", sha256=sha256)
    return answer


@bp.get("/uploads")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({200: UploadsListed}, refuses=(412,))
def list_uploads(query: From) -> ResponseReturnValue:
    """200 with the person's unfinished uploads, touched last first, and how many bytes they may be
    together; `Link` leads to older ones."""
    found, quota = unfinished(query.stretch), _settings().upload_quota_bytes
    return with_next(write(UploadsListed(uploads=tuple(found.entries), quota=quota)), found.after)


def unfinished(stretch: Stretch) -> Page[Unfinished]:
    """What whoever asks has begun and not finished; the one that was touched last first."""
    with reading(current_app.extensions["engine"]) as session:
        mine = uploads.unfinished(session, auth.current_person().id, stretch)
    kept, arrivals = _settings().upload_kept, _arrivals()
    return mine.shown(
        lambda it: Unfinished(it.sha256, it.size, arrivals.arrived(it), it.touched_at + kept)
    )


@bp.get("/uploads/<sha256>")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({200: None}, refuses=(409, 412, 422))
def show_upload(sha256: str) -> ResponseReturnValue:
    """200 with how much is here. One that arrived when the server died is finished by this."""
    with reading(current_app.extensions["engine"]) as session:
        upload = uploads.find(session, auth.current_person().id, sha256)
    return _told(upload, _arrived(upload), 200)


@bp.patch("/uploads/<sha256>")
@auth.signed_in(Scope.DESIGN_WRITE, max_bytes=uploads.MAX_BYTES)
@answers({204: None}, refuses=(409, 412, 415), takes=Raw(_TYPE))
def append_to_upload(sha256: str) -> ResponseReturnValue:
    """204 with how much is here now; 409 at another offset, or while somebody else is sending.

    The one that completes it stores the file, or is 422 when that has another hash.
    """
    if request.mimetype != _TYPE:
        raise UnsupportedMediaType(f"send the bytes as {_TYPE}")
    at = _number(request.headers, "Upload-Offset")
    with transaction(current_app.extensions["engine"]) as session:
        upload = uploads.go_on(session, auth.current_person().id, sha256, now=datetime.now(UTC))
    with _patience():
        return _told(upload, _append(upload, request.stream, at), 204)


@bp.delete("/uploads/<sha256>")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({204: None}, refuses=(409, 412, 422))
def delete_upload(sha256: str) -> ResponseReturnValue:
    """204 when nothing of it is left; 409 while somebody is sending."""
    drop(sha256)
    return "", 204


def drop(sha256: str) -> None:
    """Nothing is left of the upload of whoever asks; UploadBusy while somebody is sending."""
    with transaction(current_app.extensions["engine"]) as session:
        upload = uploads.find(session, auth.current_person().id, sha256)
        _arrivals().drop(upload)
        uploads.forget(session, upload)


def _arrived(upload: Upload) -> int:
    """How much is here; if all of it is, also the server's last death does not matter any more."""
    arrived = _arrivals().arrived(upload)
    if arrived == upload.size and not upload.stored:
        arrived = _append(upload, BytesIO(), arrived)
    return arrived


def _append(upload: Upload, stream: Readable, at: int) -> int:
    """How much is here when the stream was added; if that is all, it is a file for everybody."""
    arrived, blob = _arrivals().append(upload, stream, at=at)
    if blob is not None:
        with transaction(current_app.extensions["engine"]) as session:
            uploads.finish(session, upload, blob, now=datetime.now(UTC))
    return arrived


@contextmanager
def _patience() -> Iterator[None]:
    """A link that breaks off or falls silent ends the request, and not the upload."""
    link: socket | None = request.environ.get("gunicorn.socket")
    if link is not None:
        link.settimeout(_SILENCE_S)
    try:
        yield
    except ClientDisconnected as error:
        raise Unavailable(
            f"the link broke off, or was silent for {_SILENCE_S:.0f} s; what came is kept, go on "
            "from there"
        ) from error
    finally:
        if link is not None:
            link.settimeout(None)


def _told(upload: Upload, arrived: int, status: int) -> Response:
    answer = Response(status=status)
    answer.headers["Upload-Offset"] = str(arrived)
    answer.headers["Upload-Length"] = str(upload.size)
    answer.headers["Cache-Control"] = "no-store"
    if arrived < upload.size:
        answer.headers["Upload-Expires"] = http_date(upload.touched_at + _settings().upload_kept)
    return answer


def announced(headers: Headers) -> tuple[str, int]:
    """Hash, as it stands there, and size of the file that is to come, as its headers say;
    InvalidInput for the header that says nothing."""
    pairs = (pair.split() for pair in headers.get("Upload-Metadata", "").split(","))
    metadata = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
    try:
        sha256 = b64decode(metadata["sha256"], validate=True).decode("ascii")
    except (KeyError, ValueError) as error:
        raise InvalidInput(
            "Upload-Metadata must hold the word sha256 and, in Base64, the file's hash as 64 hex "
            "digits"
        ) from error
    return sha256, _number(headers, "Upload-Length")


def _number(headers: Headers, name: str) -> int:
    given = headers.get(name, "")
    if not (given.isascii() and given.isdigit() and len(given) <= _MAX_DIGITS):
        raise InvalidInput(f"{name} must be a number of bytes, not '{given[:80]}'")
    return int(given)


def _arrivals() -> Arrivals:
    arrivals: Arrivals = current_app.extensions["arrivals"]
    return arrivals


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
