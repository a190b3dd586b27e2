"""Bodies that parametric sources draw: asked for once, made by the worker, kept for ever.

A rendering is known by the hash of all that decides about it: the sources of its release, which of
them is run, and the values that it is given. Whoever asks for the same gets the same.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from commons.content import content_id
from commons.manifest.contents import draws
from commons.texts import later
from commons.variants import Value, told
from repo_server import blobs, facts
from repo_server.db import ring_after
from repo_server.parsing.drawing import Drawn
from repo_server.tables import BlobRow, BuildOrderRow, FileFactsRow, ReleaseFileRow, RenderingRow

MESH_KIND = "stl"
WAITS = later("OpenSCAD draws it now; it goes on by itself")
_RECIPE = "1"  # raised when the same recipe gives another body than before
_MOST = 100


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is to be drawn: the source at `path`, with values for some of its parameters. It may
    read all `sources`, which are blobs by their paths in the release."""

    path: str
    sources: Mapping[str, str]
    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The hash of everything that decides about the body."""
        deciding = [_RECIPE, self.path, dict(self.sources), dict(self.values)]
        return content_id(json.dumps(deciding, sort_keys=True).encode())


@dataclass(frozen=True, slots=True)
class Rendered:
    """What came of a recipe. Without a mesh `sentence` says why; `is_made` false: not yet.

    `mesh` is an STL of `size` bytes, and `facts` are what our reader found in it.
    """

    id: str
    path: str
    is_made: bool
    sentence: str
    mesh: str | None
    size: int
    facts: FileFactsRow | None


@dataclass(frozen=True, slots=True)
class DrawnBody:
    """What an order is made from: the mesh that a source drew with these values, and by what."""

    values: Mapping[str, Value]
    source: str
    source_sha256: str
    made_with: str
    mesh_sha256: str

    @property
    def variant(self) -> str:
        """The values in a line; empty where there are none."""
        return told(self.values)


def recipe_of(
    files: Mapping[str, str], path: str, values: Mapping[str, Value] | None = None
) -> Recipe:
    """The recipe for a source of a release that has these files (path: hash)."""
    sources = {name: sha256 for name, sha256 in files.items() if draws(name)}
    return Recipe(path, sources, values or {})


def ask(session: Session, recipe: Recipe, *, now: datetime) -> RenderingRow:
    """The rendering; if nobody has asked for it before, the worker is rung to make it."""
    row = session.get(RenderingRow, recipe.id)
    if row is None:
        row = RenderingRow(
            id=recipe.id,
            path=recipe.path,
            sources=dict(recipe.sources),
            values=dict(recipe.values),
            asked_at=now,
        )
        session.add(row)
        session.flush()
        ring_after(session, "render_waiting")
    return row


def ask_for_release(session: Session, release_id: str, *, now: datetime) -> None:
    """Every source of the release will be drawn as it stands."""
    rows = session.exec(select(ReleaseFileRow).where(ReleaseFileRow.release_id == release_id))
    ask_for_files(session, {row.path: row.sha256 for row in rows}, now=now)


def ask_for_files(session: Session, files: Mapping[str, str], *, now: datetime) -> None:
    """Every source among a release's files, hashes by path, will be drawn as it stands."""
    for path in filter(draws, files):
        ask(session, recipe_of(files, path), now=now)


def waiting(session: Session, *, most: int = _MOST) -> list[str]:
    """Renderings that nobody has made yet, by when they were asked for; last those that could not
    be made when they were tried."""
    unmade = select(RenderingRow.id).where(col(RenderingRow.made_at).is_(None))
    tried = col(RenderingRow.sentence) != ""
    ordered = unmade.order_by(tried, col(RenderingRow.asked_at), col(RenderingRow.id))
    return list(session.exec(ordered.limit(most)))


def recipe(session: Session, id: str) -> Recipe:
    """What is to be drawn."""
    row = session.get_one(RenderingRow, id)
    return Recipe(row.path, row.sources, _values(row))


def hold_back(session: Session, id: str, sentence: str) -> None:
    """The rendering waits on, and says for what."""
    row = session.get_one(RenderingRow, id)
    if row.made_at is None and row.sentence != sentence:
        row.sentence = sentence
        session.add(row)


def record(session: Session, id: str, drawn: Drawn, *, now: datetime) -> None:
    """The rendering is made, once: the first body that came of a recipe is the one that counts."""
    row = session.get_one(RenderingRow, id, with_for_update=True)
    if row.made_at is not None:
        return
    if drawn.mesh and drawn.findings:
        blobs.record(session, drawn.mesh, now=now)
        facts.record(session, drawn.mesh.sha256, MESH_KIND, drawn.findings, now=now)
        row.mesh_sha256 = drawn.mesh.sha256
    row.made_at, row.made_with, row.sentence = now, drawn.made_with, drawn.sentence
    session.add(row)
    session.flush()


def shown(session: Session, ids: Collection[str]) -> dict[str, Rendered]:
    """What is known of each of the renderings, by id; nothing of those that nobody asked for."""
    if not ids:
        return {}
    rows = session.exec(
        select(RenderingRow, BlobRow.size, FileFactsRow)
        .join(BlobRow, col(BlobRow.sha256) == col(RenderingRow.mesh_sha256), isouter=True)
        .join(
            FileFactsRow,
            (col(FileFactsRow.sha256) == col(RenderingRow.mesh_sha256))
            & (col(FileFactsRow.kind) == MESH_KIND),
            isouter=True,
        )
        .where(col(RenderingRow.id).in_(ids))
    )
    return {
        row.id: Rendered(
            row.id,
            row.path,
            row.made_at is not None,
            row.sentence,
            row.mesh_sha256,
            size or 0,
            facts,
        )
        for row, size, facts in rows
    }


def drawn_for(session: Session, order: BuildOrderRow) -> DrawnBody | None:
    """The body that the order is made from; None where its part's own file is made."""
    row = session.get(RenderingRow, order.rendering_id) if order.rendering_id else None
    if row is None or row.mesh_sha256 is None:
        return None
    source = row.sources[row.path]
    return DrawnBody(_values(row), row.path, source, row.made_with, row.mesh_sha256)


def _values(row: RenderingRow) -> dict[str, Value]:
    """As they were asked for: lists come out of the database where tuples went in."""
    return {
        name: tuple(value) if isinstance(value, list) else value  # type: ignore[misc]
        for name, value in row.values.items()
    }
