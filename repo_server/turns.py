"""Whose turn it is: which of a lab's waiting jobs a machine gets next.

What is urgent goes first, then what is due first, then what has waited longest. But a job that
waits is overtaken OVERTAKEN_AT_MOST times by such as came later: then it goes before them all,
wherever it can be made.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from commons.job import JobState
from commons.machine import Process
from commons.matching import candidates
from commons.wire import PrintOptions
from repo_server import entitled, forecasts, matches, standing
from repo_server.attempts import Outcome
from repo_server.matches import Buildable
from repo_server.tables import AttemptRow, BuildOrderRow, JobRow, MachineRow, MaterialLotRow

OVERTAKEN_AT_MOST = 10
# A machine that gave a job back is not offered it again for this long.
REST = timedelta(minutes=1)
_LATELY = 100
_NEVER = datetime(1, 1, 1, tzinfo=UTC)

# An order's options in a form that rows can be grouped by.
_OPTIONS = sa.cast(col(BuildOrderRow.options), sa.String)
_URGENT = col(BuildOrderRow.urgent_because).is_not(None)
_KIND = (
    col(BuildOrderRow.release_id),
    col(BuildOrderRow.part),
    col(BuildOrderRow.rendering_id),
    col(BuildOrderRow.material),
    _OPTIONS,
    col(JobRow.copies),
    _URGENT,
    col(BuildOrderRow.deadline),
    col(BuildOrderRow.ordered_by),
)


class Kind(NamedTuple):
    """What a row of `_KIND` says. `written` are the order's options, as the database holds them."""

    release_id: str
    part: str
    rendering_id: str | None
    material: str
    written: str
    copies: int
    urgent: bool
    deadline: datetime | None
    ordered_by: str

    @property
    def made(self) -> matches.OrderKey:
        """What is made of it."""
        return self.release_id, self.part, self.rendering_id

    @property
    def options(self) -> dict[str, object]:
        """The order's options."""
        return dict(json.loads(self.written))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What waiting jobs ask for: of these there are few, however long the queue."""

    build: Buildable
    kind: Kind


def next_build(session: Session, machine: MachineRow, *, now: datetime) -> Wanted | None:
    """What the job asks for whose turn it is on this machine; None when it can make none now."""
    waiting = _waiting(session, machine, now)
    builds = matches.ordered(session, {it.made for it in waiting})
    lot = session.get(MaterialLotRow, machine.lot_id) if machine.lot_id else None
    offer = matches.offer_of(machine, lot, available=standing.of_machine(session, machine, now=now))
    offers = entitled.with_people(session, machine.lab_id, [offer], now=now)
    # How long it takes is asked of nobody where nothing is near that would stop it.
    stops = offers[0].booked or (offer.available and offer.available.pauses)
    minutes = _minutes(session, machine, waiting, builds) if stops else {}
    for kind in waiting:
        if build := builds.get(kind.made):
            chosen = PrintOptions.model_validate_json(kind.written)
            need = build.need(kind.material, chosen, kind.copies)
            need = replace(
                need, ordered_by=kind.ordered_by, begins_at=now, minutes=minutes.get(kind)
            )
            (answer,) = candidates(need, offers)
            if answer.refusal is None:
                return Wanted(build, kind)
    return None


def _minutes(
    session: Session,
    machine: MachineRow,
    waiting: Sequence[Kind],
    builds: Mapping[matches.OrderKey, Buildable],
) -> dict[Kind, float | None]:
    """How long each of them is expected to take."""
    asked = {str(number): it for number, it in enumerate(waiting)}
    made = {id_: builds[it.made] for id_, it in asked.items() if it.made in builds}
    plates = [(id_, it.copies) for id_, it in asked.items()]
    found = forecasts.minutes_of(session, machine.lab_id, asked, made, plates)
    return {it: found[plate] for it, plate in zip(waiting, plates, strict=True)}


def oldest(
    session: Session, wanted: Wanted, machine: MachineRow, *, now: datetime
) -> JobRow | None:
    """The job that has waited longest of those that ask for it; None when there is none left."""
    kind = wanted.kind
    release, part, rendering, material, options, copies, urgent, deadline, by = _KIND
    return session.exec(
        select(JobRow)
        .join(BuildOrderRow, col(BuildOrderRow.id) == col(JobRow.order_id))
        .where(
            *_open_to(machine, now),
            release == kind.release_id,
            part == kind.part,
            rendering.is_not_distinct_from(kind.rendering_id),
            material == kind.material,
            options == kind.written,
            copies == kind.copies,
            urgent.is_(bool(kind.urgent)),
            deadline.is_not_distinct_from(kind.deadline),
            by == kind.ordered_by,
        )
        .order_by(col(JobRow.queued_at), col(JobRow.order_id), col(JobRow.copy_number))
        .limit(1)
    ).first()


def _waiting(session: Session, machine: MachineRow, now: datetime) -> list[Kind]:
    """What open jobs ask for, as the turn of the first of each comes."""
    since = overtaken_before(session, machine.lab_id, Process(str(machine.profile["process"])))
    first = func.min(JobRow.queued_at)
    overtaken = first < (since or _NEVER)
    rows = session.execute(
        sa.select(*_KIND)
        .join(JobRow, col(JobRow.order_id) == col(BuildOrderRow.id))
        .where(*_open_to(machine, now))
        .group_by(*_KIND)
        .order_by(
            overtaken.desc(),
            sa.case((overtaken, 0), (_URGENT, 1), else_=0).desc(),
            sa.case((overtaken, None), else_=col(BuildOrderRow.deadline)).asc().nulls_last(),
            first,
            col(JobRow.copies).desc(),
        )
    )
    return [Kind(*row) for row in rows]


def overtaken_before(session: Session, lab_id: str, process: Process) -> datetime | None:
    """What was queued before this moment was overtaken as often as may be; None: nothing was.

    Whatever a machine took that was queued after a job has overtaken it, so that the latest
    OVERTAKEN_AT_MOST that were taken mark the place. Some of them may have gone to machines that
    could not have made the other one: then it was overtaken less often than that, never more.
    """
    taken = (
        select(JobRow.queued_at)
        .where(
            JobRow.lab_id == lab_id,
            JobRow.process == process,
            col(JobRow.attempt_id).is_not(None),
        )
        .order_by(col(JobRow.queued_at).desc())
        .offset(OVERTAKEN_AT_MOST - 1)
        .limit(1)
    )
    return session.exec(taken).first()


def _open_to(machine: MachineRow, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Queued jobs of the machine's lab and process that may be made now, without those that it
    has just given back."""
    return (
        col(JobRow.lab_id) == machine.lab_id,
        col(JobRow.state) == JobState.QUEUED,
        col(JobRow.process) == Process(str(machine.profile["process"])),
        col(JobRow.parked_by).is_(None),
        col(JobRow.over_quota).is_(None),
        col(JobRow.queued_at) <= now,  # later ones are not to be made before
        _meant_for(machine),
        col(JobRow.id).not_in(
            select(AttemptRow.job_id).where(
                AttemptRow.machine_id == machine.id,
                AttemptRow.outcome == Outcome.DECLINED,
                # The index is by fence, and nobody gives back more than this within REST.
                AttemptRow.fence > machine.epoch - _LATELY,
                col(AttemptRow.ended_at) > now - REST,
            )
        ),
    )


def _meant_for(machine: MachineRow) -> ColumnElement[bool]:
    """What calibrates a machine is made on that one alone."""
    calibrates = col(BuildOrderRow.calibrates)
    return calibrates.is_(None) | (calibrates == machine.id)
