"""A job and the machine that holds it, read from rows and changed only by commons.dispatch.

A rule takes the two cards and gives the two cards afterwards. They are written back only where
the rows still say what was read, so that of two who change a job at once one is told to ask
again. Whoever locks both a job and a machine locks the job first.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Update, bindparam
from sqlalchemy import select as columns
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, SQLModel, col, select, update

from commons.dispatch import JobCard, MachineCard
from commons.errors import NotFound, Unavailable
from commons.job import HELD_STATES, JobState
from commons.sharing import carried
from repo_server import announcements, quotas
from repo_server.db import look
from repo_server.tables import AttemptRow, JobRow, MachineRow

# The right to prepare runs out after this long; nothing has moved by then.
LEASE = timedelta(minutes=15)
# A permit that led to no start, or a run that nobody has heard of, is unconfirmed after this long;
# of one that is to stop, people are told that nothing is heard of it.
SILENCE = timedelta(minutes=4)

# What comes into one of these or leaves it changes what is left of its person's quota.
_ENDS = frozenset({JobState.CANCELLED, JobState.FAILED, JobState.REFUSED, JobState.REJECTED})

_MATES = (
    columns(col(JobRow.id))
    .join(AttemptRow, col(AttemptRow.id) == col(JobRow.attempt_id))
    .where(
        col(AttemptRow.led_by) == bindparam("attempt_id"),
        col(JobRow.state).in_(bindparam("held", expanding=True)),
    )
    .order_by(col(JobRow.id))
)

Rule = Callable[[JobCard, MachineCard], tuple[JobCard, MachineCard]]


@dataclass(frozen=True, slots=True)
class Change:
    """What a rule did to a job. `attempt_id` is the attempt that held it before."""

    before: JobState
    after: JobState
    attempt_id: str | None

    @property
    def freed(self) -> bool:
        """Whether the attempt held the machine until now and does so no longer."""
        return self.before in HELD_STATES and self.after not in HELD_STATES


def read_job(session: Session, job_id: str) -> JobRow:
    """The job, kept for this transaction; NotFound when there is none."""
    wanted = select(JobRow).where(JobRow.id == job_id).with_for_update()
    job = session.exec(wanted.execution_options(populate_existing=True)).one_or_none()
    if job is None:
        raise NotFound(f"there is no job {job_id}")
    return job


def read_machine(session: Session, machine_id: str) -> MachineRow:
    """The machine, kept for this transaction; NotFound when there is none."""
    wanted = select(MachineRow).where(MachineRow.id == machine_id).with_for_update()
    machine = session.exec(wanted.execution_options(populate_existing=True)).one_or_none()
    if machine is None:
        raise NotFound(f"there is no machine {machine_id}")
    return machine


def apply(
    session: Session, job: JobRow, rule: Rule, *, now: datetime, sentence: str | None = None
) -> Change:
    """The job and its machine are as `rule` says; `sentence` tells people why. Jobs that share its
    plate stand where it does.

    Raises whatever the rule raises, and then nothing has changed. Unavailable when somebody else
    changed them at this very moment.
    """
    before, attempt_id = job.state, job.attempt_id
    mates = _mates(session, job)
    machine = _held_machine(session, job)
    # A job that holds no machine has nothing to change on one: the rule gets a blank card.
    blank = MachineCard(job.machine_id or "none")
    new_job, new_machine = rule(job_card(job), machine_card(machine) if machine else blank)
    require(write_job(session, job, new_job, now=now, sentence=sentence), f"job {job.id}")
    if machine is not None:
        require(write_machine(session, machine, new_machine), f"machine {machine.id}")
    for mate in mates:
        state = carried(mate.state, new_job.state)
        card = JobCard(state) if state is JobState.QUEUED else replace(job_card(mate), state=state)
        require(write_job(session, mate, card, now=now, sentence=sentence), f"job {mate.id}")
    return Change(before, new_job.state, attempt_id)


def _mates(session: Session, job: JobRow) -> list[JobRow]:
    """The jobs that share the plate which this one leads, until it has been made."""
    if job.state not in HELD_STATES:
        return []
    ids = look(session, _MATES, attempt_id=job.attempt_id, held=list(HELD_STATES)).scalars().all()
    return [read_job(session, id_) for id_ in ids]


def require(written: bool, what: str) -> None:
    """Pass only when the row was written; Unavailable when somebody else was faster."""
    if not written:
        raise Unavailable(f"{what} was changed by somebody else at this moment; ask again")


def _held_machine(session: Session, job: JobRow) -> MachineRow | None:
    if job.machine_id is None or job.state not in HELD_STATES:
        return None
    return read_machine(session, job.machine_id)


def job_card(job: JobRow) -> JobCard:
    """The card of `job` as its row says."""
    return JobCard(job.state, job.machine_id, job.attempt_id, job.fence, job.fence_acknowledged)


def machine_card(machine: MachineRow) -> MachineCard:
    """The card of `machine` as its row says."""
    return MachineCard(machine.id, machine.epoch, machine.cleared, machine.attempt_id)


def write_job(
    session: Session, job: JobRow, card: JobCard, *, now: datetime, sentence: str | None = None
) -> bool:
    """Whether the job is now as `card` says: not when its row is no longer as it was read."""
    as_read = (
        (col(JobRow.id) == job.id)
        & (col(JobRow.state) == job.state)
        & (col(JobRow.fence) == job.fence)
        & (col(JobRow.fence_acknowledged) == job.fence_acknowledged)
    )
    # One that another leads is heard of with that one: it has no fence of its own.
    values: dict[str, object] = {
        "state": card.state,
        "machine_id": card.machine_id,
        "attempt_id": card.attempt_id,
        "fence": card.fence,
        "fence_acknowledged": card.fence_acknowledged,
        "silent_after": None if card.fence < 0 else _silent_after(job, card.state, now),
        "sentence": job.sentence if sentence is None else sentence,
        "changed_at": now,
    }
    before = job.state
    written = _write(session, job, update(JobRow).where(as_read), values)
    if written and card.state is not before:
        announcements.tell_of_job(session, job, card.state, now=now)
        if before in _ENDS or card.state in _ENDS:
            quotas.settle_for(session, job, now=now)
    return written


def write_machine(session: Session, machine: MachineRow, card: MachineCard) -> bool:
    """Whether the machine is now as `card` says: not when its row is no longer as it was read."""
    as_read = (
        (col(MachineRow.id) == machine.id)
        & (col(MachineRow.epoch) == machine.epoch)
        & (col(MachineRow.cleared) == machine.cleared)
        & col(MachineRow.attempt_id).is_not_distinct_from(machine.attempt_id)
    )
    values: dict[str, object] = {
        "epoch": card.epoch,
        "cleared": card.cleared,
        "attempt_id": card.attempt_id,
    }
    return _write(session, machine, update(MachineRow).where(as_read), values)


def _write(session: Session, row: SQLModel, statement: Update, values: dict[str, object]) -> bool:
    """Whether the row was as read and has these values now; `row` is as the table in any case."""
    written = statement.values(values).execution_options(synchronize_session=False)
    if session.exec(written).rowcount != 1:
        session.refresh(row)
        return False
    for name, value in values.items():
        set_committed_value(row, name, value)
    return True


def put_off_silence(session: Session, job: JobRow, now: datetime) -> None:
    """The job was heard of now: silence would mean something only from now on."""
    heard = (col(JobRow.id) == job.id) & (col(JobRow.state) == job.state)
    session.exec(update(JobRow).where(heard).values(silent_after=now + SILENCE))


def _silent_after(job: JobRow, state: JobState, now: datetime) -> datetime | None:
    """When silence would next mean something for a job that comes into `state` now."""
    if state is JobState.CANCELLING:
        return now + SILENCE
    if state is job.state or state is JobState.STAGED:
        return job.silent_after  # a lease runs from its beginning
    if state is JobState.LEASED:
        return now + LEASE
    return now + SILENCE if state in (JobState.ARMED, JobState.RUNNING) else None
