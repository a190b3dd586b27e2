"""What the parsers found out about files: kept by the file's own hash, for every release."""

from datetime import datetime

from sqlmodel import Session, col, or_, select

from repo_server import blobs, parsing
from repo_server.parsing.inspection import Findings
from repo_server.tables import FileFactsRow, ReleaseFileRow

_THUMBNAIL_TYPE = "image/png"


def files_without_facts(session: Session, release_id: str) -> list[tuple[str, str]]:
    """(sha256, kind) of the release's files that today's parsers have not inspected."""
    files = session.exec(select(ReleaseFileRow).where(ReleaseFileRow.release_id == release_id))
    wanted = {(file.sha256, kind) for file in files if (kind := parsing.kind_of(file.path))}
    return sorted(wanted - _inspected(session, {sha256 for sha256, _ in wanted}))


def releases_without_facts(session: Session) -> list[str]:
    """The releases that hold such a file, whether their ring was lost or the parsers got better."""
    endings = or_(*(col(ReleaseFileRow.path).iendswith(f".{kind}") for kind in parsing.KINDS))
    files = session.exec(select(ReleaseFileRow).where(endings)).all()
    done = _inspected(session, None)
    return sorted(
        {
            file.release_id
            for file in files
            if (file.sha256, parsing.kind_of(file.path) or "") not in done
        }
    )


def _inspected(session: Session, hashes: set[str] | None) -> set[tuple[str, str]]:
    """(sha256, kind) of what today's parsers have inspected, among these files or all."""
    rows = select(FileFactsRow.sha256, FileFactsRow.kind, FileFactsRow.parser_version)
    if hashes is not None:
        rows = rows.where(col(FileFactsRow.sha256).in_(hashes))
    return {
        (sha256, kind)
        for sha256, kind, version in session.exec(rows)
        if kind in parsing.KINDS and version == parsing.KINDS[kind].version
    }


def record(session: Session, sha256: str, kind: str, findings: Findings, *, now: datetime) -> None:
    """The findings are the file's facts; those of an older parser are forgotten."""
    for derived in (findings.preview, findings.thumbnail):
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
            measured_at=now,
        )
    )


def media_type_of_derived(session: Session, sha256: str) -> str | None:
    """The type of a file that our own parsers made; None for everything that strangers sent."""
    ours = or_(FileFactsRow.preview_sha256 == sha256, FileFactsRow.thumbnail_sha256 == sha256)
    row = session.exec(select(FileFactsRow).where(ours)).first()
    if row is None or row.kind not in parsing.KINDS:
        return None
    if row.thumbnail_sha256 == sha256:
        return _THUMBNAIL_TYPE
    return parsing.KINDS[row.kind].preview_type
