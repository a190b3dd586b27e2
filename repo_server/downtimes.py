"""Times in which a machine is out of use: now or planned, why, and who said so."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator
from sqlalchemy import bindparam
from sqlalchemy import select as columns
from sqlmodel import Session, col, or_, select

from commons.errors import Conflict, InvalidInput, NotFound
from commons.wire import Asked
from repo_server.db import look
from repo_server.ids import new_id
from repo_server.tables import DowntimeRow, MachineRow


class NewDowntime(Asked):
    """Without `begins_at` it begins now; without `ends_at` it lasts until somebody ends it."""

    reason: Annotated[str, Field(min_length=3, max_length=200)]
    begins_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.begins_at and self.ends_at and self.ends_at <= self.begins_at:
            raise ValueError("ends_at: is not after begins_at; are they exchanged?")
        return self


def take_down(
    session: Session, machine: MachineRow, wanted: NewDowntime, *, by: str, now: datetime
) -> DowntimeRow:
    """The machine is out of use from then on. A job that runs on it goes on to its end.

    InvalidInput when it would be over already, Conflict when it overlaps another one.
    """
    begins_at = max(wanted.begins_at or now, now)
    if wanted.ends_at is not None and wanted.ends_at <= begins_at:
        raise InvalidInput("ends_at: has passed already; leave it out, or choose a later one")
    row = DowntimeRow(
        id=new_id(),
        machine_id=machine.id,
        reason=wanted.reason,
        begins_at=begins_at,
        ends_at=wanted.ends_at,
        by=by,
        said_at=now,
    )
    for other in of_machines(session, [machine.id], now=now):
        if _meet(row, other):
            raise Conflict(
                f"{machine.name} is down already {_told(other)} ({other.reason}): end that one "
                "first, or choose another time"
            )
    session.add(row)
    session.flush()
    return row


def _meet(one: DowntimeRow, other: DowntimeRow) -> bool:
    one_first = one.ends_at is not None and one.ends_at <= other.begins_at
    other_first = other.ends_at is not None and other.ends_at <= one.begins_at
    return not (one_first or other_first)


def _told(it: DowntimeRow) -> str:
    until = "until somebody ends it" if it.ends_at is None else f"to {it.ends_at:%Y-%m-%d %H:%M}"
    return f"from {it.begins_at:%Y-%m-%d %H:%M} {until} (UTC)"


def end(session: Session, machine: MachineRow, downtime_id: str, *, by: str, now: datetime) -> None:
    """The machine is in use again; a downtime that was only planned never begins."""
    row = session.get(DowntimeRow, downtime_id)
    if row is None or row.machine_id != machine.id:
        raise NotFound(f"{machine.name} has no downtime {downtime_id[:64]}")
    if row.ends_at is not None and row.ends_at <= now:
        return
    row.ends_at, row.ended_by = max(now, row.begins_at), by
    if row.begins_at > now:
        row.ends_at = row.begins_at
    session.add(row)


# Made once: every lease asks it, and mostly there is none.
_ANY = (
    columns(col(DowntimeRow.id))
    .where(
        col(DowntimeRow.machine_id).in_(bindparam("ids", expanding=True)),
        or_(col(DowntimeRow.ends_at).is_(None), col(DowntimeRow.ends_at) > bindparam("now")),
    )
    .limit(1)
)


def of_machines(
    session: Session, machine_ids: Collection[str], *, now: datetime
) -> list[DowntimeRow]:
    """The downtimes of these machines that are not over, by their beginnings."""
    if not look(session, _ANY, ids=machine_ids, now=now).first():
        return []
    open_ones = or_(col(DowntimeRow.ends_at).is_(None), col(DowntimeRow.ends_at) > now)
    lasting = or_(
        col(DowntimeRow.ends_at).is_(None), col(DowntimeRow.ends_at) > col(DowntimeRow.begins_at)
    )
    wanted = select(DowntimeRow).where(
        col(DowntimeRow.machine_id).in_(machine_ids), open_ones, lasting
    )
    return list(session.exec(wanted.order_by(col(DowntimeRow.begins_at))))


def between(
    session: Session, machine_ids: Collection[str], begin: datetime, end: datetime
) -> list[DowntimeRow]:
    """The downtimes of these machines that touch the time from `begin` until `end`."""
    wanted = select(DowntimeRow).where(
        col(DowntimeRow.machine_id).in_(machine_ids),
        DowntimeRow.begins_at < end,
        or_(col(DowntimeRow.ends_at).is_(None), col(DowntimeRow.ends_at) > begin),
    )
    return list(session.exec(wanted.order_by(col(DowntimeRow.begins_at))))
