"""What changed between two releases."""

from dataclasses import asdict, replace
from datetime import UTC, datetime

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from commons.compare import BomChange, KeyChange, Line, Sign
from commons.wire import Sha256, Told
from repo_server import blobs, comparisons, shape_changes
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.messages import write
from repo_server.comparisons import Comparison
from repo_server.db import reading, transaction
from repo_server.designs import Release
from repo_server.shape_changes import PartChange, State
from repo_server.shape_facts import ShapeFacts

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


class PartCompared(Told):
    """A part that both have; `was` is its name before. `preview` is the hash of a GLB."""

    part: str
    was: str
    state: State
    before: Sha256
    after: Sha256
    facts: ShapeFacts | None
    problem: str | None
    preview: Sha256 | None


class Changes(Told):
    before: Compared
    after: Compared
    manifest: tuple[KeyChange, ...]
    bom: tuple[BomChange, ...]
    files: tuple[FileCompared, ...]
    parts: tuple[PartCompared, ...]


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
            parts=tuple(_part(it) for it in found.parts),
        )
    )


def compare(before: str, after: str) -> Comparison:
    """What changed; the texts are read from the store. Shapes that nobody has compared yet are
    going to be."""
    engine = current_app.extensions["engine"]
    with reading(engine) as session:
        found = comparisons.compare(session, before, after, read=read_blob)
    if all(it.state is not State.NOT_ASKED for it in found.parts):
        return found
    with transaction(engine) as session:
        shape_changes.ask(session, list(found.parts), now=datetime.now(UTC))
        session.flush()
        parts = shape_changes.show(session, found.before, found.after)
    return replace(found, parts=tuple(parts))


def read_blob(sha256: str) -> bytes:
    """The bytes of the stored file of that hash; whoever asks knows that it is small."""
    store: blobs.BlobStore = current_app.extensions["blobs"]
    return store.path(sha256).read_bytes()


def _part(it: PartChange) -> PartCompared:
    return PartCompared(
        part=it.pair.part,
        was=it.pair.was,
        state=it.state,
        before=it.pair.before.sha256,
        after=it.pair.after.sha256,
        facts=it.facts,
        problem=it.problem,
        preview=it.preview,
    )


def _named(release: Release) -> Compared:
    return Compared(id=release.id, slug=release.slug, version=release.version)
