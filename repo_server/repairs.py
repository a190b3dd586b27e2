"""Repaired copies: asked for by a design's steward, made once for a file, put into a draft.

The file that was repaired stays as it is, in its release and in the draft.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum, unique
from pathlib import PurePosixPath

from sqlmodel import Session, col, select

from commons.errors import Conflict, InvalidInput, NotFound
from commons.manifest import answer_questions, feed_part
from commons.versions import next_patch
from repo_server import blobs, designs, drafts, facts, heads, stewards
from repo_server.db import ring_after
from repo_server.designs import Release
from repo_server.drafts import Contents
from repo_server.files import File
from repo_server.parsing import REPAIR, is_mesh
from repo_server.parsing.inspection import Findings, Repaired
from repo_server.people import Person
from repo_server.repair_facts import RepairFacts, repair_facts
from repo_server.tables import FileFactsRow, RepairRow

COPY_KIND = "3mf"


@unique
class State(StrEnum):
    """What became of a copy that was asked for."""

    WAITING = "waiting"
    REPAIRED = "repaired"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Repair:
    """A copy of a part's file. `copy` is its hash and `facts` what is different in it, `problem`
    why there is none; `preview` is the hash of the copy's GLB."""

    part: str
    file: str
    state: State
    facts: RepairFacts | None = None
    problem: str | None = None
    copy: str | None = None
    preview: str | None = None


def ask(session: Session, release_id: str, part: str, *, by: Person, now: datetime) -> Repair:
    """A repaired copy of the part's mesh is made, or was made; asked twice it is made once.

    Raises NotFound, InvalidInput for a part without a mesh, NotAllowed for all but the steward.
    """
    release = designs.show_release(session, release_id)
    file = _mesh_of(release, part)
    stewards.locked(session, release.slug, by=by.id)
    row = session.get(RepairRow, (file.sha256, file.kind))
    if row is None or row.version != REPAIR.version:
        fresh = RepairRow(
            sha256=file.sha256,
            kind=file.kind or "",
            version=REPAIR.version,
            asked_by=by.id,
            asked_at=now,
        )
        row = session.merge(fresh)
        session.flush()
        ring_after(session, "repair_waiting")
    return _shown(session, part, file, row)


def of_release(session: Session, release: Release) -> dict[str, Repair]:
    """The copies that were asked for, by the name of the part."""
    meshes = {
        part.name: file
        for part in release.manifest.parts
        if (file := release.file(part.file)) and is_mesh(file.path)
    }
    hashes = {file.sha256 for file in meshes.values()}
    rows = session.exec(select(RepairRow).where(col(RepairRow.sha256).in_(hashes)))
    known = {(row.sha256, row.kind): row for row in rows}
    return {
        name: _shown(session, name, file, row)
        for name, file in meshes.items()
        if (row := known.get((file.sha256, file.kind or "")))
    }


def waiting(session: Session, *, most: int = 100) -> list[tuple[str, str]]:
    """(hash, kind) of the files to repair, those first that were asked for first."""
    rows = session.exec(
        select(RepairRow.sha256, RepairRow.kind)
        .where(col(RepairRow.made_at).is_(None))
        .order_by(col(RepairRow.asked_at), RepairRow.sha256)
        .limit(most)
    )
    return [(sha256, kind) for sha256, kind in rows]


def is_waiting(session: Session, sha256: str, kind: str) -> bool:
    """Whether nobody has come to the file yet."""
    row = session.get(RepairRow, (sha256, kind))
    return row is not None and row.made_at is None


def is_copy(session: Session, sha256: str) -> bool:
    """Whether a repair made this file: it is as public as the one that was repaired."""
    ours = select(RepairRow.sha256).where(RepairRow.copy_sha256 == sha256)
    return session.exec(ours.limit(1)).first() is not None


def record(
    session: Session,
    sha256: str,
    kind: str,
    made: Repaired,
    *,
    findings: Findings | None,
    now: datetime,
) -> None:
    """The copy is there, with the facts that any file has, or the reason why it is not."""
    if made.copy is not None:
        blobs.record(session, made.copy, now=now)
        if findings is not None:
            facts.record(session, made.copy.sha256, COPY_KIND, findings, now=now)
    row = session.get_one(RepairRow, (sha256, kind))
    row.facts, row.problem, row.made_at = made.facts, made.problem, now
    row.copy_sha256 = made.copy.sha256 if made.copy else None
    session.add(row)


def put_into_draft(
    session: Session,
    release_id: str,
    part: str,
    *,
    use: bool,
    contents: Contents,
    draft_id: str,
    by: Person,
    now: datetime,
) -> str:
    """The id of a draft of the steward's that holds the copy beside the old file; with `use` the
    part is made from the copy there.

    It goes into the latest draft of the design that holds the old file, else into a new one,
    `draft_id`, of the next version, which holds `contents` besides. Said twice it is there once.
    Raises as `ask` does, and Conflict while there is no copy.
    """
    release = designs.show_release(session, release_id)
    file = _mesh_of(release, part)
    stewards.locked(session, release.slug, by=by.id)
    row = session.get(RepairRow, (file.sha256, file.kind))
    if row is None or row.copy_sha256 is None:
        raise Conflict(f"there is no repaired copy of {file.path}; ask for one first")
    found = drafts.find_holding(session, release.slug, file.path, file.sha256, by=by)
    if found is not None:
        id_, revision, mine = found
        saved = _with_copy(mine, part, file.path, row.copy_sha256, use=use)
        drafts.save(session, id_, saved, revision=revision, by=by, now=now)
        return id_
    version = next_patch(it.version for it in heads.list_releases(session, release.slug))
    raised = answer_questions(contents.manifest.encode(), {"version": version}).decode()
    begun = replace(contents, manifest=raised)
    holding = _with_copy(begun, part, file.path, row.copy_sha256, use=use)
    drafts.begin(session, release.slug, holding, id=draft_id, by=by, now=now)
    return draft_id


def _with_copy(contents: Contents, part: str, path: str, copy: str, *, use: bool) -> Contents:
    """The contents with the copy beside the file, and a note that says so; both once."""
    name = _name_beside(contents.files, path, copy)
    manifest = contents.manifest
    if use:
        manifest = feed_part(manifest.encode(), part, name).decode()
    said = f"{name} is a repaired copy of {path}."
    note = contents.note if said in contents.note else f"{contents.note}\n\n{said}".strip()
    return Contents(manifest, {**contents.files, name: copy}, note)


def _name_beside(files: Mapping[str, str], path: str, copy: str) -> str:
    """hook-repaired.3mf beside hook.stl; with a number when another file has that name."""
    place = PurePosixPath(path)
    number = 1
    while True:
        ending = "" if number == 1 else f"-{number}"
        name = str(place.with_name(f"{place.stem}-repaired{ending}.{COPY_KIND}"))
        if files.get(name, copy) == copy:
            return name
        number += 1


def _mesh_of(release: Release, part: str) -> File:
    known = {it.name: it for it in release.manifest.parts}
    if part not in known:
        raise NotFound(
            f"{release.manifest.name} {release.version} has no part '{part[:80]}'; it has "
            + (", ".join(f"'{name}'" for name in known) or "none")
        )
    file = release.file(known[part].file)
    if file is None or not is_mesh(file.path):
        raise InvalidInput(f"part '{part}' is made from no mesh; only meshes are repaired")
    return file


def _shown(session: Session, part: str, file: File, row: RepairRow) -> Repair:
    if row.made_at is None:
        return Repair(part, file.path, State.WAITING)
    if row.copy_sha256 is None:
        return Repair(part, file.path, State.REFUSED, problem=row.problem)
    known = session.get(FileFactsRow, (row.copy_sha256, COPY_KIND))
    return Repair(
        part=part,
        file=file.path,
        state=State.REPAIRED,
        facts=repair_facts(row.facts),
        copy=row.copy_sha256,
        preview=known.preview_sha256 if known else None,
    )
