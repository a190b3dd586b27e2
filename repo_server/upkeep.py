"""How long machines have run, and what is to be done to them: by whom it was done, and when next.

A machine's hours are those that its ended runs took, on top of what its counters stood at.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

import sqlalchemy as sa
from pydantic import Field, model_validator
from sqlmodel import Session, col, func, select

from commons.errors import Conflict, NotFound
from commons.upkeep import Due, Every, Since, Wear, wear
from commons.wire import Asked
from repo_server.db import look
from repo_server.ids import new_id
from repo_server.tables import (
    AttemptRow,
    CounterRow,
    MachineRow,
    MaintenanceDoneRow,
    MaintenanceRow,
)

_EVER = datetime(1, 1, 1, tzinfo=UTC)
# Of a plate that several orders share only the attempt that leads it is a run of the machine.
_IS_RUN = col(AttemptRow.led_by).is_(None)


class Counters(Asked):
    """What a used machine's counters stand at, as a person reads or knows it."""

    hours: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
    starts: Annotated[int, Field(ge=0, le=10_000_000)] = 0


class NewMaintenance(Asked):
    """What is to be done, after so many hours, days or prints: at least one of them, and whichever
    comes first. `blocking`: the machine is given no jobs while it is overdue."""

    name: Annotated[str, Field(min_length=3, max_length=80)]
    instructions: Annotated[str, Field(max_length=1000)] = ""
    every_hours: Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)] | None = None
    every_days: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] | None = None
    every_prints: Annotated[int, Field(gt=0, le=1_000_000)] | None = None
    blocking: bool = False

    @model_validator(mode="after")
    def _comes_some_time(self) -> Self:
        if self.every_hours is None and self.every_days is None and self.every_prints is None:
            raise ValueError("every_hours: say after how many hours, days or prints it is due")
        return self


@dataclass(frozen=True, slots=True)
class Duty:
    """A task of a machine, how far off it is, and when it was done last."""

    task: MaintenanceRow
    wear: Wear
    last: MaintenanceDoneRow | None

    @property
    def sentence(self) -> str:
        """What is to be done first, where it is overdue."""
        what = f": {self.task.instructions}" if self.task.instructions else ""
        return (
            f"is to be looked after first, '{self.task.name}' is {self.wear.words}{what}; whoever "
            "has done it says so on the machine's page"
        )


def say_counters(
    session: Session, machine: MachineRow, said: Counters, *, by: str, now: datetime
) -> None:
    """The machine's counters stand there from now on; what it runs is added."""
    row = CounterRow(id=new_id(), machine_id=machine.id, by=by, at=now, **said.model_dump())
    session.add(row)
    session.flush()


def counters(session: Session, machine_id: str) -> tuple[Counters, CounterRow | None]:
    """How many hours the machine has run and how often it was started; and what was last said."""
    said = session.exec(
        select(CounterRow)
        .where(CounterRow.machine_id == machine_id)
        .order_by(col(CounterRow.at).desc(), col(CounterRow.id).desc())
    ).first()
    since = said.at if said else _EVER
    hours, _ = _run_since(session, machine_id, since)
    starts = session.exec(
        select(func.count()).where(
            AttemptRow.machine_id == machine_id, _IS_RUN, col(AttemptRow.started_at) >= since
        )
    ).one()
    began = Counters(hours=said.hours, starts=said.starts) if said else Counters(hours=0.0)
    return Counters(hours=began.hours + hours, starts=began.starts + starts), said


def _run_since(session: Session, machine_id: str, since: datetime) -> tuple[float, int]:
    """Hours and number of the machine's runs that ended after `since`."""
    ran_s = col(AttemptRow.run)["ran_s"].as_float()
    found = session.execute(
        sa.select(func.coalesce(func.sum(ran_s), 0.0), func.count()).where(
            col(AttemptRow.machine_id) == machine_id,
            _IS_RUN,
            col(AttemptRow.started_at).is_not(None),
            col(AttemptRow.ended_at) > since,
        )
    ).one()
    return float(found[0]) / 3600.0, int(found[1])


def plan(
    session: Session, machine: MachineRow, wanted: NewMaintenance, *, by: str, now: datetime
) -> MaintenanceRow:
    """It is to be done to the machine from now on; its interval begins now."""
    task = MaintenanceRow(
        id=new_id(), machine_id=machine.id, made_by=by, made_at=now, **wanted.model_dump()
    )
    session.add(task)
    session.flush()
    return task


def task_of(session: Session, machine: MachineRow, task_id: str) -> MaintenanceRow:
    """The machine's task; NotFound when it has none of this id."""
    task = session.get(MaintenanceRow, task_id)
    if task is None or task.machine_id != machine.id:
        raise NotFound(f"{machine.name} has no maintenance {task_id[:64]}")
    return task


def drop(session: Session, machine: MachineRow, task_id: str, *, now: datetime) -> None:
    """It is no longer to be done; what was done stays known."""
    task = task_of(session, machine, task_id)
    if task.ended_at is None:
        task.ended_at = now
        session.add(task)


def done(
    session: Session, machine: MachineRow, task_id: str, *, note: str, by: str, now: datetime
) -> MaintenanceDoneRow:
    """`by` has done it, and its interval begins anew; Conflict when it is no longer planned."""
    task = task_of(session, machine, task_id)
    if task.ended_at is not None:
        raise Conflict(f"'{task.name}' is no longer in the plan of {machine.name}")
    hours = counters(session, machine.id)[0].hours
    row = MaintenanceDoneRow(
        id=new_id(), maintenance_id=task.id, by=by, at=now, note=note, hours=hours
    )
    session.add(row)
    session.flush()
    return row


# Made once: every lease asks it, and mostly there is none.
_ANY_TASK = (
    sa.select(col(MaintenanceRow.id))
    .where(
        col(MaintenanceRow.machine_id).in_(sa.bindparam("ids", expanding=True)),
        col(MaintenanceRow.ended_at).is_(None),
    )
    .limit(1)
)


def duties(
    session: Session, machine_ids: Collection[str], *, now: datetime, blocking: bool = False
) -> list[Duty]:
    """What is to be done to these machines, the most urgent first; `blocking`: of those alone."""
    if not look(session, _ANY_TASK, ids=machine_ids).first():
        return []
    wanted = select(MaintenanceRow).where(
        col(MaintenanceRow.machine_id).in_(machine_ids), col(MaintenanceRow.ended_at).is_(None)
    )
    if blocking:
        wanted = wanted.where(col(MaintenanceRow.blocking).is_(True))
    tasks = session.exec(wanted.order_by(MaintenanceRow.name, MaintenanceRow.id)).all()
    last = _last_done(session, tasks)
    found = [_duty(session, task, last.get(task.id), now) for task in tasks]
    order = list(Due)
    return sorted(found, key=lambda it: order.index(it.wear.due), reverse=True)


def _last_done(
    session: Session, tasks: Iterable[MaintenanceRow]
) -> Mapping[str, MaintenanceDoneRow]:
    ids = [task.id for task in tasks]
    if not ids:
        return {}
    rows = session.exec(
        select(MaintenanceDoneRow)
        .where(col(MaintenanceDoneRow.maintenance_id).in_(ids))
        .order_by(col(MaintenanceDoneRow.at))
    )
    return {row.maintenance_id: row for row in rows}


def _duty(
    session: Session, task: MaintenanceRow, last: MaintenanceDoneRow | None, now: datetime
) -> Duty:
    since = last.at if last else task.made_at
    hours, prints = _run_since(session, task.machine_id, since)
    every = Every(task.every_hours, task.every_days, task.every_prints)
    days = (now - since) / timedelta(days=1)
    return Duty(task, wear(every, Since(hours, days, prints)), last)


def last_done(
    session: Session, machine_id: str, *, most: int = 20
) -> list[tuple[str, MaintenanceDoneRow]]:
    """What was last done to the machine, each with the name of what it was."""
    rows = session.exec(
        select(MaintenanceRow.name, MaintenanceDoneRow)
        .join(MaintenanceDoneRow, col(MaintenanceDoneRow.maintenance_id) == col(MaintenanceRow.id))
        .where(MaintenanceRow.machine_id == machine_id)
        .order_by(col(MaintenanceDoneRow.at).desc())
        .limit(most)
    )
    return list(rows.all())
