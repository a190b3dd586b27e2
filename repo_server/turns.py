"""Whose turn it is: which of a lab's waiting jobs a machine gets next.

What is urgent goes first, then what is due first, then what has waited longest. But a job that
waits is overtaken OVERTAKEN_AT_MOST times by such as came later: then it goes before them all,
wherever it can be made.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from commons.job import JobState
from commons.machine import Process
from commons.matching import candidates
from commons.wire import PrintOptions
from repo_server import matches
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
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What waiting jobs ask for: of these there are few, however long the queue.

    `options` is the order's, as the database holds it.
    """

    build: Buildable
    rendering_id: str | None
    material: str
    options: str
    copies: int
    urgent: bool
    deadline: datetime | None


def next_build(session: Session, machine: MachineRow, *, now: datetime) -> Wanted | None:
    """What the job asks for whose turn it is on this machine; None when it can make none now."""
    waiting = _waiting(session, machine, now)
    builds = matches.ordered(session, {(*it[:3],) for it in waiting})
    lot = session.get(MaterialLotRow, machine.lot_id) if machine.lot_id else None
    offer = matches.offer_of(machine, lot)
    for release_id, part, rendering_id, material, options, copies, urgent, deadline in waiting:
        if build := builds.get((release_id, part, rendering_id)):
            chosen = PrintOptions.model_validate_json(options)
            (answer,) = candidates(build.need(material, chosen, copies), [offer])
            if answer.refusal is None:
                made = (build, rendering_id, material, options, copies)
                return Wanted(*made, bool(urgent), deadline)
    return None


def oldest(
    session: Session, wanted: Wanted, machine: MachineRow, *, now: datetime
) -> JobRow | None:
    """The job that has waited longest of those that ask for it; None when there is none left."""
    release, part, rendering, material, options, copies, urgent, deadline = _KIND
    return session.exec(
        select(JobRow)
        .join(BuildOrderRow, col(BuildOrderRow.id) == col(JobRow.order_id))
        .where(
            *_open_to(machine, now),
            release == wanted.build.release_id,
            part == wanted.build.part.name,
            rendering.is_not_distinct_from(wanted.rendering_id),
            material == wanted.material,
            options == wanted.options,
            copies == wanted.copies,
            urgent.is_(wanted.urgent),
            deadline.is_not_distinct_from(wanted.deadline),
        )
        .order_by(col(JobRow.queued_at), col(JobRow.order_id), col(JobRow.copy_number))
        .limit(1)
    ).first()


def _waiting(
    session: Session, machine: MachineRow, now: datetime
) -> list[tuple[str, str, str | None, str, str, int, bool, datetime | None]]:
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
    return [tuple(row) for row in rows]


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
        col(JobRow.queued_at) <= now,  # later ones are not to be made before
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
