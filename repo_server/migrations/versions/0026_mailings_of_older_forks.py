"""Forks that were published before 0021 owe their e-mails, too: a steward who sent one says so."""

from collections.abc import Iterable, Mapping

from alembic import op
from sqlalchemy import JSON, column, select, table

from repo_server.ids import new_id
from repo_server.mailings import clause_of, licensors_of

revision = "0026"
down_revision = "0025"

_RELEASE = table(
    "release", column("id"), column("design_id"), column("license"), column("manifest", JSON)
)
_PARENT = table("release_parent", column("release_id"), column("parent_id"))
_MAILING = table(
    "mailing",
    column("id"),
    column("release_id"),
    column("parent_id"),
    column("name"),
    column("address"),
)


def upgrade() -> None:
    database = op.get_bind()
    parents: dict[str, list[str]] = {}
    for child, parent in database.execute(select(_PARENT).order_by(_PARENT.c.parent_id)):
        parents.setdefault(child, []).append(parent)
    told = set(database.execute(select(_MAILING.c.release_id)).scalars())
    designs = dict(database.execute(select(_RELEASE.c.id, _RELEASE.c.design_id)).all())
    owed = {}  # by what was made from: its licensors, where its licence asks for e-mails
    named = {it for of_child in parents.values() for it in of_child}
    for row in database.execute(select(_RELEASE)):
        if row.id in named and clause_of(row.license, row.manifest) is not None:
            owed[row.id] = list(licensors_of(row.manifest))
    rows = [
        {"id": new_id(), "release_id": release, **mail}
        for release in parents.keys() - told
        for mail in _mails(release, _ancestors(release, parents), designs, owed)
    ]
    if rows:
        op.bulk_insert(_MAILING, rows)


def _ancestors(release: str, parents: Mapping[str, list[str]]) -> list[str]:
    """What it was made from, the nearest first."""
    found: dict[str, None] = {}
    children = [release]
    while children:
        of_children = dict.fromkeys(it for child in children for it in parents.get(child, ()))
        children = [it for it in of_children if it not in found]
        found |= dict.fromkeys(children)
    return list(found)


def _mails(
    release: str,
    ancestors: Iterable[str],
    designs: Mapping[str, str],
    owed: Mapping[str, list[tuple[str, str]]],
) -> Iterable[dict[str, str]]:
    """One an address, to the licensors of what other designs it was made from."""
    mails: dict[str, dict[str, str]] = {}
    for parent in ancestors:
        if designs[parent] != designs[release]:
            for name, address in owed.get(parent, ()):
                mail = {"parent_id": parent, "name": name, "address": address}
                mails.setdefault(address.casefold(), mail)
    return mails.values()
