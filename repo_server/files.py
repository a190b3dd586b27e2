"""The files of releases, each with what was found in it; and the bodies that sources draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session, col, select

from commons.manifest.contents import draws
from repo_server import renderings
from repo_server.parsing import kind_of
from repo_server.parsing.openscad import NOTHING
from repo_server.renderings import Rendered
from repo_server.tables import BlobRow, FileFactsRow, ReleaseFileRow


@dataclass(frozen=True, slots=True)
class File:
    """One file of a release, with what its parser found. All hashes are blobs.

    `facts` is None until it was inspected, and for ever when `problem` says why. `preview` is
    GLB or SVG, `thumbnail` PNG; both are our own making. `drawn` is the body that a source draws
    as it stands: its facts and pictures are shown as the source's.
    """

    path: str
    sha256: str
    size: int
    kind: str | None
    facts: Mapping[str, object] | None = None
    problem: str | None = None
    preview: str | None = None
    thumbnail: str | None = None
    drawn: "File | None" = None


def files_of(session: Session, release_ids: Sequence[str]) -> dict[str, list[File]]:
    """The files of each of the releases by path, with what was found in them; in few queries."""
    rows = session.exec(
        select(ReleaseFileRow, BlobRow.size)
        .join(BlobRow, col(BlobRow.sha256) == col(ReleaseFileRow.sha256))
        .where(col(ReleaseFileRow.release_id).in_(release_ids))
        .order_by(ReleaseFileRow.path)
    ).all()
    hashes = {file.sha256 for file, _ in rows}
    facts = {
        (row.sha256, row.kind): row
        for row in session.exec(select(FileFactsRow).where(col(FileFactsRow.sha256).in_(hashes)))
    }
    drawn = _drawn(session, [row for row, _ in rows])
    files: dict[str, list[File]] = {}
    for row, size in rows:
        kind = kind_of(row.path)
        file = _file(row, size, kind, facts.get((row.sha256, kind or "")))
        if rendered := drawn.get((row.release_id, row.path)):
            file = _with_drawn(file, rendered)
        files.setdefault(row.release_id, []).append(file)
    return files


def _file(row: ReleaseFileRow, size: int, kind: str | None, known: FileFactsRow | None) -> File:
    file = File(row.path, row.sha256, size, kind)
    return file if known is None else _with_facts(file, known)


def _with_facts(file: File, known: FileFactsRow) -> File:
    return replace(
        file,
        facts=known.facts,
        problem=known.problem,
        preview=known.preview_sha256,
        thumbnail=known.thumbnail_sha256,
    )


def _drawn(session: Session, rows: Sequence[ReleaseFileRow]) -> dict[tuple[str, str], Rendered]:
    """What the sources among the files draw as they stand, by release and path."""
    sources = [row for row in rows if draws(row.path)]
    of: dict[str, dict[str, str]] = {}
    for row in sources:
        of.setdefault(row.release_id, {})[row.path] = row.sha256
    ids = {
        (row.release_id, row.path): renderings.recipe_of(of[row.release_id], row.path).id
        for row in sources
    }
    known = renderings.shown(session, set(ids.values()))
    return {place: known[id_] for place, id_ in ids.items() if id_ in known}


def body_of(rendered: Rendered) -> File | None:
    """The body that a source has drawn, as a file; None where there is none."""
    if rendered.mesh is None:
        return None
    name = f"{rendered.path.rpartition('.')[0]}.{renderings.MESH_KIND}"
    body = File(name, rendered.mesh, rendered.size, renderings.MESH_KIND)
    if rendered.facts is None:
        return body
    body = _with_facts(body, rendered.facts)
    # OpenSCAD draws in millimetres: there is nothing to guess.
    measured = {key: it for key, it in (body.facts or {}).items() if key != "unit_guess"}
    return replace(body, facts=measured or None)


def _with_drawn(source: File, rendered: Rendered) -> File:
    """The source, shown as the body that it draws; or why it draws none. One that only holds what
    others use is none the worse."""
    body = body_of(rendered)
    if body is None and rendered.sentence == NOTHING:
        return source
    if body is None:
        return replace(source, problem=source.problem or rendered.sentence or None)
    return replace(
        source,
        facts={**(source.facts or {}), **(body.facts or {})},
        problem=source.problem or body.problem,
        preview=body.preview,
        thumbnail=body.thumbnail,
        drawn=body,
    )
