"""Which labs made which designs, kept beside the ledger as it is written.

It says nothing that the events do not: a test holds it to them. It is there because a map of ten
million events would read two million of them.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import case
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, func, select

from commons.flows import Action, Unit
from repo_server.db import is_postgresql
from repo_server.tables import DesignOriginRow, EconomicEventRow, MadeRow, ReleaseRow

_Key = tuple[str, str, int]  # design, lab, year


def note(session: Session, rows: Iterable[EconomicEventRow]) -> None:
    """What these new events of the ledger say was made is counted."""
    of_key: dict[_Key, tuple[float, datetime]] = {}
    for row in rows:
        if (key := _key(session, row)) is not None:
            things, first_at = of_key.get(key, (0.0, row.happened_at))
            of_key[key] = things + row.quantity, min(first_at, row.happened_at)
    for (design, lab, year), (things, first_at) in sorted(of_key.items()):
        _count(session, MadeRow(design_id=design, lab_id=lab, year=year, things=things,
                                first_at=first_at))  # fmt: skip
    for design in sorted({design for design, _, _ in of_key}):
        _find_origin(session, design)


def _key(session: Session, row: EconomicEventRow) -> _Key | None:
    """Of a thing of a design that a real machine made; None of any other event."""
    if (row.action, row.unit) != (Action.PRODUCE, Unit.EACH) or row.simulated:
        return None
    kind, _, part = row.resource.partition(":")
    release = session.get(ReleaseRow, part.partition("/")[0]) if kind == "part" else None
    if release is None or row.lab_id is None:
        return None
    return release.design_id, row.lab_id, row.happened_at.year


def _count(session: Session, more: MadeRow) -> None:
    insert = postgresql.insert if is_postgresql(session) else sqlite.insert
    counted = insert(MadeRow).values(more.model_dump())
    said = counted.excluded
    earlier = case((said.first_at < col(MadeRow.first_at), said.first_at), else_=MadeRow.first_at)
    session.execute(
        counted.on_conflict_do_update(
            index_elements=["design_id", "lab_id", "year"],
            set_={"things": col(MadeRow.things) + said.things, "first_at": earlier},
        )
    )


def _find_origin(session: Session, design_id: str) -> None:
    """The lab that made the design first, of those of which good things are left; of two in one
    instant the one whose id comes first."""
    first_at = func.min(MadeRow.first_at)
    made = (
        select(MadeRow.lab_id, first_at)
        .where(MadeRow.design_id == design_id)
        .group_by(col(MadeRow.lab_id))
        .having(func.sum(MadeRow.things) > 0)
        .order_by(first_at, col(MadeRow.lab_id))
    )
    found = session.exec(made).first()
    origin = session.get(DesignOriginRow, design_id)
    if found is None:
        if origin is not None:
            session.delete(origin)
    elif origin is None:
        session.add(DesignOriginRow(design_id=design_id, lab_id=found[0]))
    else:
        origin.lab_id = found[0]
        session.add(origin)
