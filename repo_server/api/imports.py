"""Designs from elsewhere: an archive, or a manifest's address, becomes a draft."""

import tempfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from commons.errors import InvalidInput, Unavailable
from commons.manifest import MAX_BYTES, manifest_name
from commons.wire import Asked, Told
from repo_server import blobs, drafts, imports
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.api.drafts import draft_for_me
from repo_server.api.messages import write
from repo_server.db import transaction
from repo_server.drafts import Contents
from repo_server.fetching import Fetcher
from repo_server.ids import new_id
from repo_server.parsing import archives
from repo_server.people import Scope
from repo_server.pouring import Readable

bp = Blueprint("api_imports", __name__, url_prefix="/api/v1")

_MOST_OF_ONE_FILE = 64 * 1024**2
_PIECE = 1 << 20


class ManifestAddress(Asked):
    """The https address of a manifest whose files lie beside it."""

    url: str


class OpenQuestion(Told):
    """A field that is still open; `guess` is what it may be, and `why` where that was seen."""

    field: str
    problem: str
    line: int | None
    guess: str | None
    why: str | None


class Imported(Told):
    """The draft that was begun, how many files it has, and what its manifest leaves open."""

    draft: str
    slug: str
    revision: int
    files: int
    questions: tuple[OpenQuestion, ...]


@bp.post("/designs/<slug>/imports/archive")
@auth.signed_in(Scope.DESIGN_WRITE, max_bytes=archives.MAX_BYTES)
@answers({201: Imported}, refuses=(409,), takes=Raw("application/zip", "application/gzip"))
def import_archive(slug: str) -> ResponseReturnValue:
    """201 with the draft that the zip or tar.gz in the body became, and what it leaves open."""
    return write(_told(bring(slug, contents_of_archive(request.stream)))), 201


@bp.post("/designs/<slug>/imports/url")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({201: Imported}, refuses=(409,))
def import_url(slug: str, asked: ManifestAddress) -> ResponseReturnValue:
    """201 with the draft that the manifest at an address became, and what it leaves open."""
    return write(_told(bring(slug, contents_of_url(asked.url)))), 201


def bring(slug: str, contents: Contents) -> str:
    """A draft of the design `slug` holds what was brought; its id."""
    id_, by, now = new_id(), auth.current_person(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        drafts.begin(session, slug, contents, id=id_, by=by, now=now)
    return id_


def contents_of_archive(stream: Readable) -> Contents:
    """What the archive holds, each file stored. InvalidInput for one that is made to harm."""
    files: dict[str, str] = {}

    def keep(path: str, file: IO[bytes]) -> None:
        files[path] = _store(file)

    with tempfile.TemporaryDirectory() as folder:
        aside = Path(folder) / "archive"
        with aside.open("wb") as file:
            while piece := stream.read(_PIECE):
                file.write(piece)
        archives.open_archive(aside, keep)
    return imports.contents_of(files, read_stored)


def contents_of_url(url: str) -> Contents:
    """The manifest at this address, and the files that it names beside itself; what does not come
    is told as missing by the draft."""
    fetcher: Fetcher = current_app.extensions["fetcher"]()
    manifest = fetcher.fetch(url, max_bytes=MAX_BYTES)
    files = {manifest_name(manifest): _store(BytesIO(manifest))}
    for path, address in imports.named_files(manifest, url).items():
        try:
            got = fetcher.fetch(address, max_bytes=_MOST_OF_ONE_FILE)
        except (InvalidInput, Unavailable):
            continue
        files.setdefault(path, _store(BytesIO(got)))
    return imports.contents_of(files, read_stored)


def read_stored(sha256: str, most: int) -> bytes:
    """The first `most` bytes of a stored file."""
    store: blobs.BlobStore = current_app.extensions["blobs"]
    with store.path(sha256).open("rb") as file:
        return file.read(most)


def _store(stream: Readable) -> str:
    store: blobs.BlobStore = current_app.extensions["blobs"]
    stored = store.put(stream)
    with transaction(current_app.extensions["engine"]) as session:
        blobs.record(session, stored, now=datetime.now(UTC))
    return stored.sha256


def _told(draft_id: str) -> Imported:
    draft = draft_for_me(draft_id)
    return Imported(
        draft=draft.id,
        slug=draft.slug,
        revision=draft.revision,
        files=len(draft.contents.files),
        questions=tuple(
            OpenQuestion(
                field=it.field,
                problem=it.problem,
                line=it.line,
                guess=it.guess.value if it.guess else None,
                why=it.guess.why if it.guess else None,
            )
            for it in imports.questions_of(draft.contents, read_stored)
        ),
    )
