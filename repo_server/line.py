"""A lab's line as the database holds it: read from the front, a few jobs at a time, by indexes.

What stands in one line has the same material, urgency and member; it differs by `begin_by` and
`place`, in which order the index has it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, bindparam
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func
from sqlmodel.sql.sqltypes import UTCDateTime

from commons.job import JobState
from commons.machine import Process
from repo_server import following
from repo_server.db import look
from repo_server.tables import BuildOrderRow, JobRow

# So many of a line are read at once, then twice as many.
_FEW = 16


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody looks: what is made of the material, or of one that nobody told, and may be
    begun now. What stands before the place `pressed_before` goes before all others."""

    lab_id: str
    process: Process
    material: str
    pressed_before: int
    now: datetime

    def values(self) -> dict[str, Any]:
        """As the statements name them."""
        return {
            "lab": self.lab_id,
            "of_process": self.process,
            "loaded": self.material,
            "pressed_before": self.pressed_before,
            "now": self.now,
        }


class Waiting(NamedTuple):
    """An open job: what its turn goes by, and what it asks of a machine (the fields of a
    `turns.Kind`)."""

    id: str
    place: int
    begin_by: datetime
    urgent: bool
    claimant: str
    set_up: str
    material: str
    asks: tuple[Any, ...]


_CLAIMED = tuple(name for name in Waiting._fields if name != "asks")


def _columns(job: type[JobRow], order: type[BuildOrderRow]) -> tuple[Any, ...]:
    """Those of a Waiting, the last one spread."""
    return (
        *(col(getattr(job, name)) for name in _CLAIMED),
        col(order.release_id).is_not(None),
        func.coalesce(col(order.release_id), col(order.program_id)),
        col(order.part),
        col(order.rendering_id),
        col(job.material),
        sa.cast(col(order.options), sa.String),
        col(job.copies),
        sa.cast(col(order.machines), sa.String),
        col(job.pinned_to),
        col(order.attended_only),
        col(order.ordered_by),
        col(job.proved_g),
    )


_OF_ORDER = col(BuildOrderRow.id) == col(JobRow.order_id)


def _queued(job: type[JobRow]) -> tuple[ColumnElement[bool], ...]:
    return (
        col(job.lab_id) == bindparam("lab"),
        col(job.process) == bindparam("of_process"),
        col(job.state) == JobState.QUEUED,
    )


# Of a job that is queued, and of its order: nothing but its turn keeps it waiting.
_OPEN = (
    col(JobRow.parked_by).is_(None),
    col(JobRow.over_quota).is_(None),
    col(JobRow.queued_at) <= bindparam("now"),  # later ones are not to be made before
    following.IS_FREE,
)
_NOT_PRESSED = col(JobRow.place) >= bindparam("pressed_before")


def _rows(session: Session, statement: Select[Any], values: Mapping[str, Any]) -> list[Waiting]:
    claimed, rows = len(_CLAIMED), look(session, statement, **values)
    return [Waiting._make((*row[:claimed], tuple(row[claimed:]))) for row in rows]


# What open jobs of what is loaded ask of a machine.
_ALL_ASKED = (
    sa.select(*_columns(JobRow, BuildOrderRow)[len(_CLAIMED) :])
    .join(BuildOrderRow, _OF_ORDER)
    .where(*_queued(JobRow), *_OPEN, col(JobRow.material).in_((bindparam("loaded"), "")))
    .distinct()
)


def asked(session: Session, here: Standing) -> list[tuple[Any, ...]]:
    """What all open jobs there ask of a machine, each once, in no order."""
    return [tuple(row) for row in look(session, _ALL_ASKED, **here.values())]


# What was overtaken as often as may be and needs one material, by place.
_PRESSED = (
    sa.select(*_columns(JobRow, BuildOrderRow))
    .join(BuildOrderRow, _OF_ORDER)
    .where(
        *_queued(JobRow),
        *_OPEN,
        col(JobRow.material) == bindparam("of_material"),
        ~_NOT_PRESSED,
        col(JobRow.place) > bindparam("behind"),
    )
    .order_by(col(JobRow.place))
    .limit(bindparam("most"))
)


def pressed(session: Session, here: Standing) -> Iterator[Waiting]:
    """What goes before all others there, by place."""
    if here.pressed_before:
        lines = (_pressed_of(session, here, material) for material in {here.material, ""})
        yield from merge(*lines, key=lambda it: it.place)


def _pressed_of(session: Session, here: Standing, material: str) -> Iterator[Waiting]:
    values = {**here.values(), "of_material": material, "behind": -1, "most": _FEW}
    while found := _rows(session, _PRESSED, values):
        yield from found
        values |= {"behind": found[-1].place, "most": 2 * len(found)}


# Which lines there are: from each the next member that has something in it, found by the index, so
# that what stands behind the first of a line is not looked at ("loose index scan").
_NEXT = aliased(JobRow)
_MATERIALS = sa.union_all(
    sa.select(sa.cast(bindparam("loaded"), sa.String).label("material")),
    sa.select(sa.literal("").label("material")),
).subquery()
_URGENCIES = sa.union_all(
    sa.select(sa.true().label("urgent")), sa.select(sa.false().label("urgent"))
).subquery()


def _member(material: Any, urgent: Any, *more: ColumnElement[bool]) -> ColumnElement[Any]:
    return (
        sa.select(col(_NEXT.claimant))
        .where(*_queued(_NEXT), col(_NEXT.material) == material, col(_NEXT.urgent) == urgent, *more)
        .order_by(col(_NEXT.claimant))
        .limit(1)
        .scalar_subquery()
    )


def _all_lines() -> sa.CTE:
    first = _member(_MATERIALS.c.material, _URGENCIES.c.urgent).label("claimant")
    lines = (
        sa.select(_MATERIALS.c.material, _URGENCIES.c.urgent, first)
        .join_from(_MATERIALS, _URGENCIES, sa.true())
        .cte("line", recursive=True)
    )
    behind = col(_NEXT.claimant) > lines.c.claimant
    following_one = _member(lines.c.material, lines.c.urgent, behind)
    return lines.union(
        sa.select(lines.c.material, lines.c.urgent, following_one).where(
            lines.c.claimant.is_not(None)
        )
    )


_LINES = _all_lines()
_IN_LINE = (
    col(JobRow.material) == bindparam("of_material"),
    col(JobRow.urgent) == bindparam("of_urgency"),
    col(JobRow.claimant) == bindparam("of_member"),
)


def _heads() -> Select[Any]:
    """The first open job of each line."""
    job, order = aliased(JobRow), aliased(BuildOrderRow)
    first = (
        sa.select(col(JobRow.id))
        .join(BuildOrderRow, _OF_ORDER)
        .where(
            *_queued(JobRow),
            *_OPEN,
            _NOT_PRESSED,
            col(JobRow.material) == _LINES.c.material,
            col(JobRow.urgent) == _LINES.c.urgent,
            col(JobRow.claimant) == _LINES.c.claimant,
        )
        .order_by(col(JobRow.begin_by), col(JobRow.place))
        .limit(1)
        .correlate(_LINES)
        .scalar_subquery()
    )
    return (
        sa.select(*_columns(job, order))
        .select_from(_LINES)
        .join(job, col(job.id) == first)
        .join(order, col(order.id) == col(job.order_id))
    )


# What stands in a line behind one place.
_BEHIND = (
    sa.select(*_columns(JobRow, BuildOrderRow))
    .join(BuildOrderRow, _OF_ORDER)
    .where(
        *_queued(JobRow),
        *_OPEN,
        _NOT_PRESSED,
        *_IN_LINE,
        sa.tuple_(col(JobRow.begin_by), col(JobRow.place))
        > sa.tuple_(bindparam("after", type_=UTCDateTime), bindparam("behind")),
    )
    .order_by(col(JobRow.begin_by), col(JobRow.place))
    .limit(bindparam("most"))
)
_HEADS = _heads()


def others(session: Session, here: Standing) -> list[Iterator[Waiting]]:
    """Each line there, from its front on."""
    return [_from(session, here, it) for it in _rows(session, _HEADS, here.values())]


def _from(session: Session, here: Standing, head: Waiting) -> Iterator[Waiting]:
    yield head
    values = {
        **here.values(),
        "of_material": head.material,
        "of_urgency": head.urgent,
        "of_member": head.claimant,
        "most": _FEW,
    }
    last = head
    while found := _rows(
        session, _BEHIND, {**values, "after": last.begin_by, "behind": last.place}
    ):
        yield from found
        last, values["most"] = found[-1], 2 * len(found)
