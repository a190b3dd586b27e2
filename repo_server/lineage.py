"""Which releases were made from which: what forks owe their parents, and the whole family."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlmodel import Session, col, select

from commons.errors import Conflict, FieldProblem, InvalidInput, NotFound
from commons.licences.answers import NO_LEGAL_ADVICE, Answer
from commons.lineage import NOTICE, parents_of
from commons.manifest import Manifest
from commons.texts import filled
from commons.versions import in_order
from repo_server import licensing
from repo_server.db import insert_rows
from repo_server.parties import Party
from repo_server.people import Person
from repo_server.tables import DesignRow, ParentRow, PersonRow, ReleaseRow, YankRow

# A family is shown up to so many designs, the nearest first.
MOST_DESIGNS = 40


@dataclass(frozen=True, slots=True)
class Member:
    """A release of a family."""

    id: str
    slug: str
    name: str
    version: str
    license: str
    published_by: str
    published_at: datetime
    yanked: bool


@dataclass(frozen=True, slots=True)
class Family:
    """A design with all that it was made from and all that was made from it.

    `steps` lead from a release to the next of its design, `forks` from a parent to the first
    release of another design that was made from it. Members are in the order of their dates.
    `is_whole` is False when there are more than MOST_DESIGNS designs.
    """

    members: tuple[Member, ...]
    steps: tuple[tuple[str, str], ...]
    forks: tuple[tuple[str, str], ...]
    is_whole: bool


def wrong_parents(
    session: Session, manifest: Manifest, files: Collection[str], *, by: Person, now: datetime
) -> list[FieldProblem]:
    """Why `by` may not publish a release that is made from the parents that it names: one that is
    not here, a licence that forbids it, a change notice that is missing."""
    try:
        parents = parents_of(manifest.data)
    except InvalidInput as error:
        return list(error.fields)
    if not parents:
        return []
    of_ids = select(ReleaseRow).where(col(ReleaseRow.id).in_(parents)).order_by(ReleaseRow.id)
    known = {row.id: row for row in session.exec(of_ids)}
    problems = [
        FieldProblem("cosmolocal.parents", filled("no release %(id)s is published here", id=id_))
        for id_ in parents
        if id_ not in known
    ]
    for row in known.values():
        answer = licensing.ask_fork(session, row, manifest.data, Party(person_id=by.id), now=now)
        if not answer.allowed:
            problems.append(FieldProblem("license", _refusal(row, answer)))
    if NOTICE not in files:
        problems.append(
            FieldProblem(
                "files", filled("a fork tells in %(file)s what was changed and when", file=NOTICE)
            )
        )
    return problems


def require_forkable(session: Session, release_id: str, *, by: Person, now: datetime) -> ReleaseRow:
    """The release, if `by` may publish a fork of it under its own licence.

    NotFound when there is none; InvalidInput with the clause when its licence forbids every fork.
    """
    row = session.get(ReleaseRow, release_id)
    if row is None:
        raise NotFound(f"there is no release {release_id[:64]}")
    answer = licensing.ask_fork(session, row, row.manifest, Party(person_id=by.id), now=now)
    if not answer.allowed:
        raise InvalidInput(_refusal(row, answer))
    return row


def _refusal(parent: ReleaseRow, answer: Answer) -> str:
    """Why a fork is refused, with the clause."""
    return f"of {parent.name} {parent.version}: {licensing.sentence(answer)}. {NO_LEGAL_ADVICE}"


def require_free(session: Session, slug: str) -> None:
    """Pass for a name that no design has; Conflict otherwise."""
    if session.exec(select(DesignRow.id).where(DesignRow.slug == slug)).first() is not None:
        raise Conflict(
            filled(
                "the name '%(slug)s' is taken by another design; choose one for your fork",
                slug=slug,
            )
        )


def record_parents(session: Session, release_id: str, manifest: Manifest) -> bool:
    """What the release was made from stands beside it; whether it was made from any."""
    parents = parents_of(manifest.data)
    insert_rows(
        session, ParentRow, [{"release_id": release_id, "parent_id": id_} for id_ in parents]
    )
    return bool(parents)


def steward_of(session: Session, slug: str) -> Person:
    """Who keeps the design of this name; NotFound when there is none."""
    row = session.exec(
        select(PersonRow)
        .join(DesignRow, col(DesignRow.steward_id) == col(PersonRow.id))
        .where(DesignRow.slug == slug)
    ).first()
    if row is None:
        raise NotFound(filled("there is no design '%(slug)s'", slug=slug))
    return Person(row.id, row.handle, row.name, row.is_admin)


def family_of(session: Session, slug: str) -> Family:
    """The family of the design of this name; NotFound when there is none."""
    first = session.exec(select(DesignRow.id).where(DesignRow.slug == slug)).first()
    if first is None:
        raise NotFound(filled("there is no design '%(slug)s'", slug=slug))
    designs, is_whole = _related(session, first)
    rows = session.exec(
        select(ReleaseRow, DesignRow.slug, PersonRow.name, YankRow)
        .join(DesignRow, col(DesignRow.id) == col(ReleaseRow.design_id))
        .join(PersonRow, col(PersonRow.id) == col(ReleaseRow.published_by))
        .join(YankRow, col(YankRow.release_id) == col(ReleaseRow.id), isouter=True)
        .where(col(ReleaseRow.design_id).in_(designs))
        .order_by(col(ReleaseRow.published_at), ReleaseRow.id)
    ).all()
    members = tuple(
        Member(row.id, slug, row.name, row.version, row.license, name, row.published_at,
               yank is not None)
        for row, slug, name, yank in rows
    )  # fmt: skip
    ids = [it.id for it in members]
    edges = session.exec(select(ParentRow).where(col(ParentRow.release_id).in_(ids)))
    pairs = [(it.parent_id, it.release_id) for it in edges]
    return Family(members, tuple(_steps(members)), tuple(_firsts(members, pairs)), is_whole)


def _related(session: Session, first: str) -> tuple[list[str], bool]:
    """The designs that parents and children lead to, the nearest first; whether that is all."""
    found, new = {first: None}, [first]
    while new and len(found) <= MOST_DESIGNS:
        new = [id_ for id_ in _next_to(session, new) if id_ not in found]
        found |= dict.fromkeys(new)
    return list(found)[:MOST_DESIGNS], len(found) <= MOST_DESIGNS


def _next_to(session: Session, designs: list[str]) -> list[str]:
    """Designs that these were forked from, and those that were forked from them."""
    of_these = select(ReleaseRow.id).where(col(ReleaseRow.design_id).in_(designs))
    up = select(ParentRow.parent_id).where(col(ParentRow.release_id).in_(of_these))
    down = select(ParentRow.release_id).where(col(ParentRow.parent_id).in_(of_these))
    beside = col(ReleaseRow.id).in_(up) | col(ReleaseRow.id).in_(down)
    return list(session.exec(select(ReleaseRow.design_id).where(beside).distinct()))


def _steps(members: Iterable[Member]) -> Iterable[tuple[str, str]]:
    """From each release to the next greater one of its design."""
    lines: dict[str, list[Member]] = {}
    for it in members:
        lines.setdefault(it.slug, []).append(it)
    for line in lines.values():
        line.sort(key=lambda it: in_order(it.version))
        yield from ((a.id, b.id) for a, b in pairwise(line))


def _firsts(
    members: Iterable[Member], pairs: Iterable[tuple[str, str]]
) -> Iterable[tuple[str, str]]:
    """Of each design that names a parent, the first release that does; others only carry it on."""
    at = {it.id: (n, it.slug) for n, it in enumerate(members)}
    known = [(parent, child) for parent, child in pairs if parent in at and child in at]
    seen: set[tuple[str, str]] = set()
    for parent, child in sorted(known, key=lambda pair: (at[pair[1]][0], at[pair[0]][0])):
        design = at[child][1]
        if design != at[parent][1] and (parent, design) not in seen:
            seen.add((parent, design))
            yield parent, child
