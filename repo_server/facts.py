"""What the parsers found out about files: kept by the file's own hash, for every release."""

from datetime import datetime

from sqlalchemy import ColumnElement, exists
from sqlmodel import Session, and_, col, not_, or_, select

from repo_server import blobs, parsing
from repo_server.parsing.inspection import Findings
from repo_server.tables import FileFactsRow, ReleaseFileRow

_THUMBNAIL_TYPE, _MESH_TYPE = "image/png", "model/3mf"


def files_without_facts(session: Session, release_id: str) -> list[tuple[str, str]]:
    """(sha256, kind) of the release's files that today's parsers have not inspected."""
    undone = or_(*(_undone(kind, parser) for kind, parser in parsing.KINDS.items()))
    files = select(ReleaseFileRow).where(ReleaseFileRow.release_id == release_id, undone)
    found = ((file.sha256, parsing.kind_of(file.path)) for file in session.exec(files))
    return sorted({(sha256, kind) for sha256, kind in found if kind})


def releases_without_facts(session: Session, *, most: int = 100) -> list[str]:
    """Releases that hold such a file, whether their ring was lost or the parsers got better."""
    undone = or_(*(_undone(kind, parser) for kind, parser in parsing.KINDS.items()))
    wanted = select(ReleaseFileRow.release_id).where(undone).distinct()
    return list(session.exec(wanted.order_by(ReleaseFileRow.release_id).limit(most)))


def _undone(kind: str, parser: parsing.Parser) -> ColumnElement[bool]:
    """Whether a file is of this kind and has no facts by this version of the parser."""
    done = exists().where(
        col(FileFactsRow.sha256) == col(ReleaseFileRow.sha256),
        col(FileFactsRow.kind) == kind,
        col(FileFactsRow.parser_version) == parser.version,
    )
    return and_(col(ReleaseFileRow.path).iendswith(f".{kind}"), not_(done))


def record(session: Session, sha256: str, kind: str, findings: Findings, *, now: datetime) -> None:
    """The findings are the file's facts; those of an older parser are forgotten."""
    for derived in (findings.preview, findings.thumbnail, findings.mesh):
        if derived is not None:
            blobs.record(session, derived, now=now)
    session.merge(
        FileFactsRow(
            sha256=sha256,
            kind=kind,
            parser_version=parsing.KINDS[kind].version,
            facts=findings.facts,
            problem=findings.problem,
            preview_sha256=findings.preview.sha256 if findings.preview else None,
            thumbnail_sha256=findings.thumbnail.sha256 if findings.thumbnail else None,
            mesh_sha256=findings.mesh.sha256 if findings.mesh else None,
            measured_at=now,
        )
    )


def media_type_of_derived(session: Session, sha256: str) -> str | None:
    """The type of a file that our own parsers made; None for everything that strangers sent."""
    ours = or_(
        FileFactsRow.preview_sha256 == sha256,
        FileFactsRow.thumbnail_sha256 == sha256,
        FileFactsRow.mesh_sha256 == sha256,
    )
    row = session.exec(select(FileFactsRow).where(ours)).first()
    if row is None or row.kind not in parsing.KINDS:
        return None
    if row.thumbnail_sha256 == sha256:
        return _THUMBNAIL_TYPE
    if row.mesh_sha256 == sha256:
        return _MESH_TYPE
    return parsing.KINDS[row.kind].preview_type
