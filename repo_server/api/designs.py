"""Publishing releases, and looking at what is published."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from io import BytesIO
from typing import Annotated, Any

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field
from sqlmodel import Session

from commons import bom
from commons.errors import FieldProblem, InvalidInput, ManifestInvalid, NotFound
from commons.machine import Process
from commons.manifest import Part
from commons.wire import Asked, Sha256, Told
from repo_server import blobs, designs, heads, parsing, paths
from repo_server.api import asking, auth
from repo_server.api.contract import answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.db import reading, transaction
from repo_server.designs import Release, Yank
from repo_server.files import File
from repo_server.heads import ReleaseLine
from repo_server.ids import new_id
from repo_server.paging import PAGE
from repo_server.people import Person, Scope
from repo_server.search import finding, refill
from repo_server.search.entries import NO_TEXTS, Texts
from repo_server.search.finding import Count, Hit
from repo_server.search.labels import Facet
from repo_server.search.snippets import Piece
from repo_server.search.texts import texts_of
from repo_server.submissions import Upload

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


Choices = Annotated[
    tuple[str, ...], BeforeValidator(lambda it: [it] if isinstance(it, str) else it)
]


class WantedDesigns(Asked):
    """What is looked for; a name that comes twice asks for either value."""

    q: Annotated[str, Field(description="words that all occur, slips of the fingers forgiven")] = ""
    licence: Choices = ()
    process: Choices = ()
    material: Choices = ()
    readiness: Choices = ()
    built: Choices = ()
    tag: Choices = ()
    fits: Annotated[str, Field(description="a lab whose machines can make it")] = ""
    near: Annotated[str, Field(description="built near: a lab, or latitude,longitude")] = ""
    km: Annotated[str, Field(description="how far away at most")] = ""
    limit: Annotated[int, Field(ge=1, le=asking.MAX_LIMIT)] = finding.PAGE
    cursor: Annotated[str | None, Field(description="`next` of the page before")] = None


class PublishedRelease(Told):
    id: Sha256
    slug: str


class NewlyPublished(PublishedRelease):
    """`notes` is what strict readers of the manifest mind."""

    notes: tuple[FieldProblem, ...]


class DesignLine(Told):
    """A release as the catalogue shows it; `picture` is a blob."""

    slug: str
    id: Sha256
    version: str
    name: str
    function: str
    license: str
    picture: Sha256 | None
    published_at: AwareDatetime


class HitShown(DesignLine):
    """A design that was found. `snippet` marks what was asked for; `near`: by near words only."""

    processes: tuple[Process, ...]
    near: bool
    snippet: tuple[Piece, ...]


class FacetValue(Told):
    """How many designs have this value; `more`: at least so many."""

    value: str
    number: int
    more: bool


class FoundDesigns(Told):
    """A page of designs. A facet counts those that answer to everything but its own choice.

    `near_words` stood in for words that were asked for; `next` is the page after this one.
    """

    designs: tuple[HitShown, ...]
    total: Count
    facets: dict[Facet, tuple[FacetValue, ...]]
    near_words: tuple[str, ...]
    next: str | None


class PartShown(Told):
    """A part and the file that it is made from, with what was measured of that."""

    name: str
    process: str | None
    file: File | None
    material: str | None
    quantity: int
    mass_g: float | None
    size_mm: tuple[float, ...] | None
    thickness_mm: float | None
    image: str | None


class ReleaseShown(DesignLine):
    """`note` says what changed, `yank` why nobody should begin with it any more."""

    licensors: tuple[str, ...]
    published_by: str
    note: str
    yank: Yank | None
    manifest: dict[str, Any]
    manifest_sha256: Sha256
    parts: tuple[PartShown, ...]
    files: tuple[File, ...]


class VersionLine(Told):
    model_config = ConfigDict(from_attributes=True)

    id: Sha256
    version: str
    published_at: AwareDatetime
    note: str
    yanked: bool


class DesignShown(Told):
    """`head` is the newest release."""

    slug: str
    steward: str
    head: ReleaseShown
    releases: tuple[VersionLine, ...]


class ReleasesListed(Told):
    releases: tuple[VersionLine, ...]


@bp.post("/designs/<slug>/releases")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({201: NewlyPublished, 200: NewlyPublished}, refuses=(409,))
def create_release(slug: str, asked: NewRelease) -> ResponseReturnValue:
    """201 with the release's id and what strict readers mind, 200 when it was published before."""
    upload = Upload(slug, asked.manifest.encode(), asked.files, asked.note)
    id_, new = publish(upload)
    notes = tuple(it.as_problem() for it in upload.read[1])
    return write(NewlyPublished(id=id_, slug=slug, notes=notes)), 201 if new else 200


@bp.get("/designs")
@auth.public
@answers({200: FoundDesigns}, refuses=(404,))
def list_designs(query: WantedDesigns) -> ResponseReturnValue:
    """200 with a page of what is found, and how many there are of each kind."""
    with reading(current_app.extensions["engine"]) as session:
        wanted = asking.read_wanted(session, request.args)
        found = finding.find_designs(session, wanted, cursor=query.cursor, limit=query.limit)
    answer = write(
        FoundDesigns(
            designs=tuple(_hit(hit) for hit in found.hits),
            total=found.total,
            facets={
                facet: tuple(
                    FacetValue(value=value, number=count.number, more=count.more)
                    for value, count in values.items()
                )
                for facet, values in found.facets.items()
            },
            near_words=found.near,
            next=found.next,
        )
    )
    return with_next(answer, found.next, name="cursor")


def _hit(hit: Hit) -> HitShown:
    return HitShown(
        slug=hit.slug,
        id=hit.release_id,
        version=hit.version,
        name="".join(piece.text for piece in hit.name),
        function=hit.function,
        license=hit.license,
        processes=hit.processes,
        picture=hit.picture,
        published_at=hit.published_at,
        near=hit.near,
        snippet=hit.text,
    )


@bp.get("/designs/<slug>")
@auth.public
@answers({200: DesignShown})
def show_design(slug: str) -> ResponseReturnValue:
    """200 with the design's newest release, and its greatest versions, 50 at most."""
    with reading(current_app.extensions["engine"]) as session:
        design = designs.show_design(session, slug)
    return write(
        DesignShown(
            slug=design.slug,
            steward=design.steward.name,
            head=_shown(design.head),
            releases=_versions(design.releases[:PAGE]),
        )
    )


@bp.get("/designs/<slug>/releases")
@auth.public
@answers({200: ReleasesListed})
def list_releases(slug: str, query: From) -> ResponseReturnValue:
    """200 with the design's releases, the greatest version first; `Link` leads to older ones."""
    with reading(current_app.extensions["engine"]) as session:
        found = heads.page_of_releases(session, slug, query.stretch)
    return with_next(write(ReleasesListed(releases=_versions(found.entries))), found.after)


def _versions(lines: Sequence[ReleaseLine]) -> tuple[VersionLine, ...]:
    return tuple(VersionLine.model_validate(line) for line in lines)


@bp.get("/releases/<id>")
@auth.public
@answers({200: ReleaseShown})
def show_release(id: str) -> ResponseReturnValue:
    """200 with the release: manifest, files, and parts with what was measured of them."""
    with reading(current_app.extensions["engine"]) as session:
        release = designs.show_release(session, id)
    return write(_shown(release))


@bp.post("/releases/<id>/yank")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({204: None}, refuses=(409,))
def yank_release(id: str, asked: NewYank) -> ResponseReturnValue:
    """204; nobody is led to the release any more, and who has its id reads why."""
    by, now = auth.current_person(), datetime.now(UTC)
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
    by, queue = auth.current_person(), current_app.extensions["queue"]
    new, id_ = False, _published_before(upload, then, by=by)
    if id_ is None:
        id_, new = _publish(upload, then, by=by)
    queue.inspect(id_, files=sum(parsing.kind_of(path) is not None for path in upload.files))
    return id_, new


def _published_before(upload: Upload, then: Callable[[Session], None], *, by: Person) -> str | None:
    """The id of the release that the upload is already, and `then` has happened; None without."""
    with reading(current_app.extensions["engine"]) as session:
        id_ = designs.published_before(session, upload, by=by)
    if id_ is not None:
        with transaction(current_app.extensions["engine"]) as session:
            then(session)
    return id_


def _publish(upload: Upload, then: Callable[[Session], None], *, by: Person) -> tuple[str, bool]:
    """The upload was read and checked as a whole: the release's id, and whether it is new."""
    store: blobs.BlobStore = current_app.extensions["blobs"]
    now = datetime.now(UTC)
    text = store.put(BytesIO(upload.manifest))
    bom_, texts = bom_of(upload), _texts_of(upload)
    with transaction(current_app.extensions["engine"]) as session:
        blobs.record(session, text, now=now)
        published = designs.publish_release(
            session, upload, by=by, design_id=new_id(), now=now, bom=bom_, texts=texts
        )
        then(session)
    return published


def bom_of(upload: Upload) -> bytes | None:
    """The bill of materials that the upload holds, as far as one is read; None without one."""
    store: blobs.BlobStore = current_app.extensions["blobs"]
    try:
        path = store.path(upload.files.get(upload.read[0].bom or "", ""))
    except (InvalidInput, NotFound):
        return None  # what is wrong is said when it is checked
    with path.open("rb") as file:
        return file.read(bom.MOST_BYTES + 1)


def _texts_of(upload: Upload) -> Texts:
    """What the upload's files say, as far as its manifest can be read."""
    try:
        return texts_of(upload.read[0], upload.files, current_app.extensions["blobs"])
    except ManifestInvalid:
        return NO_TEXTS


def _line(release: Release) -> dict[str, Any]:
    return {
        "slug": release.slug,
        "id": release.id,
        "version": release.version,
        "name": release.manifest.name,
        "function": release.manifest.function,
        "license": release.manifest.license,
        "picture": release.picture,
        "published_at": release.published_at,
    }


def _shown(release: Release) -> ReleaseShown:
    manifest = release.manifest
    return ReleaseShown(
        **_line(release),
        licensors=manifest.licensors,
        published_by=release.published_by.name,
        note=release.note,
        yank=release.yank,
        manifest=dict(manifest.data),
        manifest_sha256=release.manifest_sha256,
        parts=tuple(_part(part, release.file(part.file)) for part in manifest.parts),
        files=release.files,
    )


def _part(part: Part, file: File | None) -> PartShown:
    return PartShown(**{**asdict(part), "file": file})
