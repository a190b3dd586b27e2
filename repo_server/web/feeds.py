"""What programs follow and gather: feeds (Atom), and manifests at addresses that stay."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, jsonify, render_template, request, send_file
from flask import url_for as path_for
from flask.typing import ResponseReturnValue

from repo_server import designs, heads
from repo_server.api import asking, auth
from repo_server.blobs import BlobStore
from repo_server.db import reading
from repo_server.search.finding import Hit, newest_designs
from repo_server.search.labels import Facet
from repo_server.search.question import Wanted

bp = Blueprint("feeds", __name__)

ENTRIES = 50
MANIFESTS = 1000
_ATOM = "application/atom+xml"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # when an empty feed was last changed
# Characters that XML cannot say at all.
_UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """A release as a feed tells it. `address` is the release's own, for ever."""

    address: str
    page: str
    title: str
    summary: str
    license: str
    at: datetime


def url_for(endpoint: str, **values: object) -> str:
    """The address as others have to know it, with the name of this server."""
    return path_for(endpoint, _external=True, **values)  # type: ignore[arg-type]


@bp.get("/feed.atom")
@auth.public
def of_node() -> ResponseReturnValue:
    """The newest designs, or with the catalogue's parameters those that are looked for."""
    with reading(current_app.extensions["engine"]) as session:
        wanted = asking.read_wanted(session, request.args)
        entries = _entries(newest_designs(session, wanted, limit=ENTRIES))
    title = f"Designs: {wanted.words}" if wanted.words else "Designs"
    page = url_for("catalogue.show_catalogue", **request.args.to_dict(flat=False))
    return _feed(title, page, entries)


@bp.get("/tags/<tag>/feed.atom")
@auth.public
def of_tag(tag: str) -> ResponseReturnValue:
    """The newest designs with this keyword of their designers."""
    with reading(current_app.extensions["engine"]) as session:
        wanted = Wanted(chosen={Facet.TAG: (tag,)})
        entries = _entries(newest_designs(session, wanted, limit=ENTRIES))
    return _feed(f"Designs: {tag}", url_for("catalogue.show_catalogue", tag=tag), entries)


@bp.get("/designs/<slug>/feed.atom")
@auth.public
def of_design(slug: str) -> ResponseReturnValue:
    """The newest releases of the design."""
    with reading(current_app.extensions["engine"]) as session:
        design = designs.show_design(session, slug)
        ids = [line.id for line in design.releases[:ENTRIES]]
        releases = designs.show_releases(session, ids)
    entries = [
        Entry(
            address=url_for("designs.show_release", id=it.id),
            page=url_for("designs.show_release", id=it.id),
            title=f"{it.manifest.name} {it.version}",
            summary=it.manifest.function,
            license=it.manifest.license,
            at=it.published_at,
        )
        for it in releases
    ]
    page = url_for("designs.show_design", slug=slug)
    return _feed(design.head.manifest.name, page, entries)


def _entries(hits: Sequence[Hit]) -> list[Entry]:
    return [
        Entry(
            address=url_for("designs.show_release", id=hit.release_id),
            page=url_for("designs.show_design", slug=hit.slug),
            title="".join(piece.text for piece in hit.name) + f" {hit.version}",
            summary=hit.function,
            license=hit.license,
            at=hit.published_at,
        )
        for hit in hits
    ]


def _feed(title: str, page: str, entries: Sequence[Entry]) -> ResponseReturnValue:
    text = render_template(
        "feed.xml",
        title=title,
        page=page,
        entries=entries,
        updated=max((entry.at for entry in entries), default=NEVER),
    )
    return answer_atom(text)


def answer_atom(text: str) -> ResponseReturnValue:
    """The feed, or 304 to somebody who has it already."""
    answer = Response(_UNSAYABLE.sub("\ufffd", text), mimetype=_ATOM)
    answer.add_etag()
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer.make_conditional(request)


@bp.get("/designs/<slug>/okh.toml")
@auth.public
def manifest_of_design(slug: str) -> ResponseReturnValue:
    """The manifest of the design's newest release, byte for byte as it was written."""
    with reading(current_app.extensions["engine"]) as session:
        sha256 = designs.show_design(session, slug).head.manifest_sha256
    store: BlobStore = current_app.extensions["blobs"]
    answer = send_file(
        store.path(sha256), mimetype="application/toml", conditional=True, etag=sha256, max_age=300
    )
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


@bp.get("/.well-known/okh-manifests.json")
@auth.public
def list_manifests() -> ResponseReturnValue:
    """Where the manifests of all designs are, by slug, a thousand at a time."""
    after = request.args.get("after", "")
    with reading(current_app.extensions["engine"]) as session:
        lines = heads.list_manifests(session, after=after, limit=MANIFESTS + 1)
    shown = lines[:MANIFESTS]
    more = len(lines) > len(shown)
    answer = jsonify(
        manifests=[
            {
                "slug": line.slug,
                "version": line.version,
                "manifest": url_for("feeds.manifest_of_design", slug=line.slug),
                "sha256": line.manifest_sha256,
                "published_at": line.published_at.isoformat(),
            }
            for line in shown
        ],
        next=url_for("feeds.list_manifests", after=shown[-1].slug) if more else None,
    )
    answer.add_etag()
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer.make_conditional(request)
