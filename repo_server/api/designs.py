"""Publishing releases, and looking at what is published."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Annotated

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import Field
from sqlmodel import Session

from commons import bom
from commons.errors import InvalidInput, ManifestInvalid, NotFound
from commons.manifest import Part, check_manifest, read_manifest
from commons.wire import Asked
from repo_server import blobs, designs, heads, paths
from repo_server.api import asking, auth
from repo_server.api.messages import read
from repo_server.db import reading, transaction
from repo_server.designs import File, Release, Upload, Yank
from repo_server.ids import new_id
from repo_server.people import Scope
from repo_server.search import finding, refill
from repo_server.search.finding import Hit
from repo_server.search.texts import texts_of

bp = Blueprint("api_designs", __name__, url_prefix="/api/v1")


class NewRelease(Asked):
    """`manifest` is the okh.toml or okh.yml as written; `files` maps paths to the hashes of stored
    files; `note` says what changed."""

    manifest: str
    files: Annotated[dict[str, str], Field(max_length=paths.MAX_FILES)]
    note: str = ""


class NewYank(Asked):
    """What is wrong with a release, for those who have it."""

    reason: str


@bp.post("/designs/<slug>/releases")
@auth.signed_in(Scope.DESIGN_WRITE)
def create_release(slug: str) -> ResponseReturnValue:
    """201 with the release's id and what strict readers mind, 200 when it was published before."""
    asked = read(NewRelease)
    id_, new = publish(Upload(slug, asked.manifest.encode(), asked.files, asked.note))
    notes = [asdict(it.as_problem()) for it in check_manifest(asked.manifest.encode()).strict]
    return jsonify(id=id_, slug=slug, notes=notes), 201 if new else 200


@bp.get("/designs")
@auth.public
def list_designs() -> ResponseReturnValue:
    """200 with a page of what is found, and how many there are of each kind."""
    limit = asking.read_limit(request.args, default=finding.PAGE)
    with reading(current_app.extensions["engine"]) as session:
        wanted = asking.read_wanted(session, request.args)
        found = finding.find_designs(
            session, wanted, cursor=request.args.get("cursor"), limit=limit
        )
    return jsonify(
        designs=[_hit(hit) for hit in found.hits],
        total=asdict(found.total),
        facets={
            facet: [{"value": value, **asdict(count)} for value, count in values.items()]
            for facet, values in found.facets.items()
        },
        near_words=found.near,
        next=found.next,
    )


def _hit(hit: Hit) -> dict[str, object]:
    return {
        "slug": hit.slug,
        "id": hit.release_id,
        "version": hit.version,
        "name": "".join(piece.text for piece in hit.name),
        "function": hit.function,
        "license": hit.license,
        "processes": hit.processes,
        "picture": hit.picture,
        "published_at": hit.published_at.isoformat(),
        "near": hit.near,
        "snippet": [asdict(piece) for piece in hit.text],
    }


@bp.get("/designs/<slug>")
@auth.public
def show_design(slug: str) -> ResponseReturnValue:
    """200 with the design's newest release, and the list of all."""
    with reading(current_app.extensions["engine"]) as session:
        design = designs.show_design(session, slug)
    return jsonify(
        slug=design.slug,
        steward=design.steward.name,
        head=_shown(design.head),
        releases=[
            {"id": it.id, "version": it.version, "published_at": it.published_at.isoformat(),
             "note": it.note, "yanked": it.yanked}
            for it in design.releases
        ],
    )  # fmt: skip


@bp.get("/releases/<id>")
@auth.public
def show_release(id: str) -> ResponseReturnValue:
    """200 with the release: manifest, files, and parts with what was measured of them."""
    with reading(current_app.extensions["engine"]) as session:
        release = designs.show_release(session, id)
    return jsonify(_shown(release))


@bp.post("/releases/<id>/yank")
@auth.signed_in(Scope.DESIGN_WRITE)
def yank_release(id: str) -> ResponseReturnValue:
    """204; nobody is led to the release any more, and who has its id reads why."""
    asked, by, now = read(NewYank), auth.current_person(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        heads.yank(session, id, reason=asked.reason, by=by, now=now)
        refill.follow_head(session, id, current_app.extensions["blobs"])
    return "", 204


def publish(
    upload: Upload, *, then: Callable[[Session], None] = lambda _: None
) -> tuple[str, bool]:
    """The release is published by the person who asks, and the worker was rung to inspect it.

    Its id, and whether it is new. `then` happens with it or not at all. Raises as
    `designs.publish_release` does.
    """
    store: blobs.BlobStore = current_app.extensions["blobs"]
    by, now = auth.current_person(), datetime.now(UTC)
    text = store.put(BytesIO(upload.manifest))
    upload = replace(upload, bom=bom_of(upload))
    with suppress(ManifestInvalid):  # said below, with everything else that is wrong
        manifest = read_manifest(upload.manifest)
        upload = replace(upload, texts=texts_of(manifest, upload.files, store))
    with transaction(current_app.extensions["engine"]) as session:
        blobs.record(session, text, now=now)
        id_, new = designs.publish_release(session, upload, by=by, design_id=new_id(), now=now)
        then(session)
    current_app.extensions["queue"].enqueue("inspect_release", id_)
    return id_, new


def bom_of(upload: Upload) -> bytes | None:
    """The bill of materials that the upload holds, as far as one is read; None without one."""
    store: blobs.BlobStore = current_app.extensions["blobs"]
    try:
        path = store.path(upload.files.get(read_manifest(upload.manifest).bom or "", ""))
    except (InvalidInput, NotFound):
        return None  # what is wrong is said when it is checked
    with path.open("rb") as file:
        return file.read(bom.MOST_BYTES + 1)


def _line(release: Release) -> dict[str, object]:
    return {
        "slug": release.slug,
        "id": release.id,
        "version": release.version,
        "name": release.manifest.name,
        "function": release.manifest.function,
        "license": release.manifest.license,
        "picture": release.picture,
        "published_at": release.published_at.isoformat(),
    }


def _yanked(yank: Yank | None) -> dict[str, object] | None:
    return (
        None if yank is None else {"reason": yank.reason, "by": yank.by, "at": yank.at.isoformat()}
    )


def _shown(release: Release) -> dict[str, object]:
    manifest = release.manifest
    return {
        **_line(release),
        "licensors": manifest.licensors,
        "published_by": release.published_by.name,
        "note": release.note,
        "yank": _yanked(release.yank),
        "manifest": manifest.data,
        "manifest_sha256": release.manifest_sha256,
        "parts": [_part(part, release.file(part.file)) for part in manifest.parts],
        "files": [asdict(file) for file in release.files],
    }


def _part(part: Part, file: File | None) -> dict[str, object]:
    return {**asdict(part), "file": asdict(file) if file else None}
