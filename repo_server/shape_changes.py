"""The parts of two releases by their shapes: which belong together, and how they differ.

What differs is kept under the hashes of both files, so each pair is compared once, whatever
releases hold it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique

from sqlmodel import Session, col, func, select

from repo_server import blobs
from repo_server.db import ring_after
from repo_server.designs import Release
from repo_server.files import File
from repo_server.parsing import SHAPE_CHANGE, is_mesh
from repo_server.parsing.inspection import Findings
from repo_server.shape_facts import ShapeFacts, shape_facts
from repo_server.tables import ShapeChangeRow

PREVIEW_TYPE = "model/gltf-binary"
MOST_WAITING = 50  # whoever looks at a page asks, so nobody may ask for more
Key = tuple[str, str, str]  # hash before, hash after, kinds


@unique
class State(StrEnum):
    """How far the comparison of two parts is."""

    SAME = "same"
    WAITING = "waiting"
    COMPARED = "compared"
    REFUSED = "refused"
    NOT_ASKED = "not_asked"  # too many others wait


@dataclass(frozen=True, slots=True)
class Pair:
    """A part of both releases and its mesh in each; `was` is its name before."""

    part: str
    was: str
    before: File
    after: File

    @property
    def key(self) -> Key:
        return self.before.sha256, self.after.sha256, f"{self.before.kind}+{self.after.kind}"


@dataclass(frozen=True, slots=True)
class PartChange:
    """How a part differs; `facts` and `preview`, the hash of a GLB, only where it was compared."""

    pair: Pair
    state: State
    facts: ShapeFacts | None = None
    problem: str | None = None
    preview: str | None = None


def pairs(before: Release, after: Release) -> list[Pair]:
    """Parts that both have, by name, else by the path of their file; those with meshes."""
    old, new = dict(_meshes(before)), dict(_meshes(after))
    found = [Pair(name, name, old[name], file) for name, file in new.items() if name in old]
    by_path = {file.path: name for name, file in old.items() if name not in new}
    found += [
        Pair(name, by_path[file.path], old[by_path[file.path]], file)
        for name, file in new.items()
        if name not in old and file.path in by_path
    ]
    return found


def _meshes(release: Release) -> Iterator[tuple[str, File]]:
    for part in release.manifest.parts:
        file = release.file(part.file)
        if file is not None and is_mesh(file.path):
            yield part.name, file


def show(session: Session, before: Release, after: Release) -> list[PartChange]:
    """How the parts of two releases differ, as far as it is known."""
    found = pairs(before, after)
    hashes = {it.after.sha256 for it in found}
    rows = session.exec(select(ShapeChangeRow).where(col(ShapeChangeRow.after_sha256).in_(hashes)))
    known = {(it.before_sha256, it.after_sha256, it.kinds): it for it in rows}
    return [_shown(it, known.get(it.key)) for it in found]


def ask(session: Session, changes: list[PartChange], *, now: datetime) -> None:
    """Those that nobody has asked for are going to be compared, unless too many wait already."""
    waiting = select(func.count()).where(col(ShapeChangeRow.made_at).is_(None))
    room = MOST_WAITING - session.exec(waiting).one()
    wanted = {it.pair.key for it in changes if it.state is State.NOT_ASKED}
    for before, after, kinds in sorted(wanted)[: max(0, room)]:
        row = ShapeChangeRow(
            before_sha256=before,
            after_sha256=after,
            kinds=kinds,
            version=SHAPE_CHANGE.version,
            asked_at=now,
        )
        session.merge(row)
        ring_after(session, "compare_waiting")


def waiting(session: Session) -> list[Key]:
    """The pairs to compare, those first that were asked for first."""
    rows = session.exec(
        select(ShapeChangeRow)
        .where(col(ShapeChangeRow.made_at).is_(None))
        .order_by(col(ShapeChangeRow.asked_at), ShapeChangeRow.before_sha256)
        .limit(MOST_WAITING)
    )
    return [(it.before_sha256, it.after_sha256, it.kinds) for it in rows]


def is_waiting(session: Session, key: Key) -> bool:
    """Whether nobody has come to the pair yet."""
    row = session.get(ShapeChangeRow, key)
    return row is not None and row.made_at is None


def record(session: Session, key: Key, findings: Findings, *, now: datetime) -> None:
    """What is different is known, or the reason why it is not."""
    if findings.preview is not None:
        blobs.record(session, findings.preview, now=now)
    row = session.get_one(ShapeChangeRow, key)
    row.facts, row.problem, row.made_at = findings.facts, findings.problem, now
    row.preview_sha256 = findings.preview.sha256 if findings.preview else None
    session.add(row)


def is_preview(session: Session, sha256: str) -> bool:
    """Whether our own comparison made this file."""
    ours = select(ShapeChangeRow).where(ShapeChangeRow.preview_sha256 == sha256)
    return session.exec(ours).first() is not None


def _shown(pair: Pair, row: ShapeChangeRow | None) -> PartChange:
    if pair.before.sha256 == pair.after.sha256:
        return PartChange(pair, State.SAME)
    if row is None or row.version != SHAPE_CHANGE.version:
        return PartChange(pair, State.NOT_ASKED)
    if row.made_at is None:
        return PartChange(pair, State.WAITING)
    facts = shape_facts(row.facts)
    if facts is None:
        return PartChange(pair, State.REFUSED, problem=row.problem)
    return PartChange(pair, State.COMPARED, facts, preview=row.preview_sha256)
