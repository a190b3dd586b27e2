"""What the server has to tell an agent, read from rows and changing none."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from commons.job import JobState
from commons.machine import Process
from commons.wire import ControlOrder, FenceOrder, MachineState, SyncReply, SyncRequest, Wish
from repo_server import starts, turns
from repo_server.conditions import FREE, Condition, condition, seen
from repo_server.db import look
from repo_server.lobby import Concerns
from repo_server.reports import open_controls
from repo_server.tables import AttemptRow, BuildOrderRow, ControlRow, JobRow, MachineRow

# An agent that is idle this long after it got a lease has forgotten it, and may ask again.
_FORGOTTEN = timedelta(seconds=30)
_PREPARED = (JobState.LEASED, JobState.STAGED)
_DOUBTFUL = (JobState.UNCONFIRMED, JobState.CANCELLING)


_ATTENDED = columns(col(BuildOrderRow.attended_only)).where(
    col(BuildOrderRow.id) == bindparam("order_id")
)


def reply(
    session: Session, request: SyncRequest, *, agent_id: str, acked: int, now: datetime
) -> SyncReply:
    """Fences that are not acknowledged, wishes not followed, machines for which there is work.

    About the machines that the request speaks of; about all of the agent's when it names none.
    """
    machines = _machines(session, agent_id, {it.machine_id for it in request.machines})
    controls = open_controls(session, [machine.id for machine, _ in machines])
    return SyncReply(
        acked=acked,
        sentence=_gap(request, acked),
        fences=tuple(
            FenceOrder(machine_id=machine.id, attempt_id=job.attempt_id, fence=job.fence)
            for machine, job in machines
            if job and job.attempt_id and job.state in _DOUBTFUL and not job.fence_acknowledged
        ),
        controls=tuple(
            ControlOrder(attempt_id=attempt.id, wish=Wish(control.wish))
            for control, attempt in controls
        ),
        work=tuple(
            machine.id for machine, job in machines if _has_work(session, machine, job, now)
        ),
    )


def news(session: Session, *, now: datetime) -> Concerns:
    """Whom, of all agents, there may be something to tell: by indexes alone, whatever the rules."""
    held = (
        select(MachineRow.id)
        .join(AttemptRow, col(AttemptRow.id) == col(MachineRow.attempt_id))
        .join(JobRow, col(JobRow.id) == col(AttemptRow.job_id))
    )
    cleared = held.where(JobRow.state == JobState.STAGED, col(MachineRow.cleared))
    doubtful = held.where(
        col(JobRow.state).in_(_DOUBTFUL), col(JobRow.fence_acknowledged).is_(False)
    )
    wished = (
        select(AttemptRow.machine_id)
        .join(ControlRow, col(ControlRow.attempt_id) == col(AttemptRow.id))
        .where(col(ControlRow.taken_at).is_(None))
    )
    queues = (
        select(JobRow.lab_id, JobRow.process)
        .where(
            JobRow.state == JobState.QUEUED,
            col(JobRow.parked_by).is_(None),
            col(JobRow.over_quota).is_(None),
            col(JobRow.queued_at) <= now,
        )
        .distinct()
    )
    machines = {id_ for found in (cleared, doubtful, wished) for id_ in session.exec(found)}
    waiting = ((lab_id, Process(process)) for lab_id, process in session.exec(queues))
    return Concerns(frozenset(machines), frozenset(waiting))


def concerns(session: Session, request: SyncRequest, *, agent_id: str) -> Concerns:
    """What would be news for this agent: its machines, and the queues of those that are free."""
    machines = _machines(session, agent_id, {it.machine_id for it in request.machines})
    return Concerns(
        frozenset(machine.id for machine, _ in machines),
        frozenset(
            (machine.lab_id, Process(str(machine.profile["process"])))
            for machine, job in machines
            if job is None
        ),
    )


def says_something(told: SyncReply) -> bool:
    """Whether an agent would do anything upon this reply."""
    return bool(told.fences or told.controls or told.work or told.sentence)


def _gap(request: SyncRequest, acked: int) -> str:
    """What the agent's people must know when events are missing here; empty when none is."""
    first = min((event.seq for event in request.events), default=acked + 1)
    if first <= acked + 1:
        return ""
    return (
        f"reports {acked + 1} to {first - 1} of journal {request.boot} are missing here, and what "
        "comes after them cannot be taken: was this server restored from a backup?"
    )


def _machines(
    session: Session, agent_id: str, named: set[str]
) -> list[tuple[MachineRow, JobRow | None]]:
    """Those of the agent's machines that are named, or all, each with the job that holds it."""
    wanted = (
        select(MachineRow, JobRow)
        .join(AttemptRow, col(AttemptRow.id) == col(MachineRow.attempt_id), isouter=True)
        .join(JobRow, col(JobRow.id) == col(AttemptRow.job_id), isouter=True)
        .where(MachineRow.agent_id == agent_id)
        .order_by(MachineRow.id)
    )
    if named:
        wanted = wanted.where(col(MachineRow.id).in_(named))
    return list(session.exec(wanted))


def _has_work(session: Session, machine: MachineRow, job: JobRow | None, now: datetime) -> bool:
    """Whether asking for a lease or an ARM would lead to something."""
    attended = job is not None and look(session, _ATTENDED, order_id=job.order_id).scalar_one()
    state = job.state if job else None
    now_is = condition(machine, state, heard=True, now=now, attended=attended)
    if job is None:
        return now_is in FREE and turns.next_build(session, machine, now=now) is not None
    if job.state is JobState.STAGED and now_is is Condition.READY:
        return starts.may_start(session, machine, job.attempt_id, now=now)
    return job.state in _PREPARED and _is_forgotten(session, machine, now)


def _is_forgotten(session: Session, machine: MachineRow, now: datetime) -> bool:
    report = seen(machine)
    if report is None or report.state is not MachineState.IDLE:
        return False
    attempt = session.get_one(AttemptRow, machine.attempt_id)
    return now - attempt.leased_at > _FORGOTTEN
