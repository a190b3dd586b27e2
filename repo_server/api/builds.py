"""Builds: who made a design where and how it came out, and photos of what was made."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from flask import Blueprint, current_app, request, send_file
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.errors import InvalidInput
from commons.wire import Told
from repo_server import blobs, builds, labs
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.blobs import Blob
from repo_server.builds import BuildReport, NewBuild, Tally
from repo_server.db import reading, transaction
from repo_server.parsing.inspection import inspect
from repo_server.pouring import Readable
from repo_server.tables.people import LabRole

bp = Blueprint("api_builds", __name__, url_prefix="/api/v1")

MOST_PHOTO_BYTES = 20 * 1024 * 1024
_PIECE = 1 << 20


class BuildsListed(Told):
    tallies: tuple[Tally, ...]
    reports: tuple[BuildReport, ...]


class MadeReport(Told):
    id: str


@bp.get("/designs/<slug>/builds")
@auth.public
@answers({200: BuildsListed})
def list_builds(slug: str, query: From) -> ResponseReturnValue:
    """200 with how often each release was made in each lab, and what people tell of it."""
    with reading(current_app.extensions["engine"]) as session:
        counted = builds.tallies(session, slug)
        told = builds.list_reports(session, slug, query.stretch)
    listed = BuildsListed(tallies=tuple(counted), reports=tuple(told.entries))
    return with_next(write(listed), told.after)


@bp.post("/labs/<lab>/builds")
@auth.lab_role(LabRole.MEMBER)
@answers({201: MadeReport}, refuses=(409,), keyed=True)
def create_build(lab: str, asked: NewBuild) -> ResponseReturnValue:
    """201 with the id of the report."""
    by = auth.current_person()

    def make(session: Session, now: datetime) -> tuple[int, MadeReport]:
        lab_id = labs.lab_of(session, lab).id
        return 201, MadeReport(id=builds.report(session, asked, lab_id=lab_id, by=by, now=now))

    return made_once(make)


@bp.put("/labs/<lab>/builds/<build_id>/photo")
@auth.lab_role(LabRole.MEMBER, max_bytes=MOST_PHOTO_BYTES)
@answers({204: None}, refuses=(409,), takes=Raw("application/octet-stream"))
def put_photo(lab: str, build_id: str) -> ResponseReturnValue:
    """204; the report shows our own copy of the picture. The original is not kept."""
    photo = repaint(request.stream)
    now = datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        builds.add_photo(session, build_id, photo, lab_id=lab_id, now=now)
    return "", 204


@bp.get("/builds/<build_id>/photo")
@auth.public
@answers({200: Raw("image/png"), 206: Raw("image/png")}, refuses=(416,))
def get_photo(build_id: str) -> ResponseReturnValue:
    """200 with the picture, as PNG."""
    with reading(current_app.extensions["engine"]) as session:
        sha256 = builds.photo_of(session, build_id)
    store: blobs.BlobStore = current_app.extensions["blobs"]
    answer = send_file(store.path(sha256), mimetype="image/png", etag=sha256, conditional=True)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


def report(lab: str, wanted: NewBuild, photo: Blob | None = None) -> str:
    """The report stands, with its photo if there is one; its id."""
    by, now = auth.current_person(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        id_ = builds.report(session, wanted, lab_id=lab_id, by=by, now=now)
        if photo is not None:
            builds.add_photo(session, id_, photo, lab_id=lab_id, now=now)
    return id_


def repaint(stream: Readable) -> Blob:
    """A small PNG of the picture, without what its camera wrote of place and time.

    A limited child process reads it. InvalidInput when it is no picture that can be read.
    """
    with tempfile.NamedTemporaryFile(prefix="photo-") as file:
        while piece := stream.read(_PIECE):
            file.write(piece)
        file.flush()
        findings = inspect(Path(file.name), "jpg", current_app.extensions["blobs"])
    if findings.thumbnail is None:
        why = findings.problem or "this is no picture"
        raise InvalidInput(f"photo: {why}; send another JPEG, PNG or WebP")
    return findings.thumbnail
