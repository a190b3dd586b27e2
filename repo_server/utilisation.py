"""What a lab's machines did in a week, from their attempts, downtimes, hours and cleared beds.

Not known is when a machine was switched off or out of reach: that time counts as if it had been
there. What was running without an end that anybody told counts as unknown, and lowers the coverage.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, func, or_, select

from commons.availability import Rest
from commons.hours import Period
from commons.job import JobState
from commons.machine import Process
from commons.utilisation import Use, hours, overlap
from repo_server import downtimes, rules, standing
from repo_server.attempts import Outcome
from repo_server.tables import (
    AttemptRow,
    BedClearRow,
    JobRow,
    LabRow,
    MachineProfileRow,
    MachineRow,
)

WEEK = timedelta(days=7)
MOST_WEEKS = 26
_PAST = (JobState.DONE, JobState.REJECTED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Utilisation:
    """Hours of one machine's week, by what they went into.

    `coverage` is the share of the week (0…1) of which that is known: since the machine joined,
    until now, without what is unknown.
    """

    machine_id: str
    machine: str
    week_begins_at: datetime
    hours: dict[Use, float]
    coverage: float


def of_lab(session: Session, lab: LabRow, *, weeks: int, now: datetime) -> list[Utilisation]:
    """Each machine's last weeks, by name and then the latest first. A week begins on Monday at
    midnight of the lab's own clock; the last one ends now."""
    machines = session.exec(
        select(MachineRow).where(MachineRow.lab_id == lab.id).order_by(MachineRow.name)
    ).all()
    return [it for machine in machines for it in of_machine(session, lab, machine, weeks, now)]


def of_machine(
    session: Session, lab: LabRow, machine: MachineRow, weeks: int, now: datetime
) -> list[Utilisation]:
    """The machine's last weeks, the latest first."""
    joined_at = _joined_at(session, machine) or now
    begins = _mondays(lab, weeks, now)
    attempts = _attempts(session, machine.id, begins[-1], now)
    used = {
        Use.RUNNING: [_span(it, now) for it in attempts if not _is_unknown(it)],
        Use.UNKNOWN: [_span(it, now) for it in attempts if _is_unknown(it)],
        Use.DOWN: _down(session, machine.id, begins[-1], now),
        Use.CLOSED: [
            (it.begins_at, it.ends_at or now)
            for it in standing.hours_of(machine, rules.of_lab(lab), begins[-1], now)
            if it.rest is Rest.CLOSED
        ],
    }
    wanted = _wanted(session, machine, begins[-1], now)
    used[Use.WAITING] = overlap(wanted, _not_clear(session, machine, attempts, begins[-1], now))
    used[Use.IDLE_WHILE_WORK] = wanted
    found = []
    for begin in begins:
        known_from, until = max(begin, joined_at), min(begin + WEEK, now)
        spent = hours(known_from, until, used)
        known_h = sum(spent.values()) - spent[Use.UNKNOWN]
        coverage = max(0.0, known_h / (WEEK / timedelta(hours=1)))
        found.append(Utilisation(machine.id, machine.name, begin, spent, coverage))
    return found


def _mondays(lab: LabRow, weeks: int, now: datetime) -> list[datetime]:
    zone = rules.of_lab(lab).zone
    here = now.astimezone(zone)
    monday = here.date() - timedelta(days=here.weekday())
    days = [monday - number * WEEK for number in range(weeks)]
    return [datetime(it.year, it.month, it.day, tzinfo=zone).astimezone(UTC) for it in days]


def _joined_at(session: Session, machine: MachineRow) -> datetime | None:
    first = select(func.min(MachineProfileRow.at))
    return session.exec(first.where(MachineProfileRow.machine_id == machine.id)).one()


def _attempts(
    session: Session, machine_id: str, begin: datetime, end: datetime
) -> Sequence[AttemptRow]:
    return session.exec(
        select(AttemptRow)
        .where(
            AttemptRow.machine_id == machine_id,
            col(AttemptRow.led_by).is_(None),  # of a plate only the one that leads it
            col(AttemptRow.started_at) < end,
            or_(col(AttemptRow.ended_at).is_(None), col(AttemptRow.ended_at) > begin),
        )
        .order_by(col(AttemptRow.started_at))
    ).all()


def _span(attempt: AttemptRow, now: datetime) -> Period:
    return attempt.started_at or now, attempt.ended_at or now


def _is_unknown(attempt: AttemptRow) -> bool:
    """Whether nobody knows what the machine did in it."""
    return attempt.outcome == Outcome.UNKNOWN or (
        attempt.ended_at is not None and attempt.run is None
    )


def _down(session: Session, machine_id: str, begin: datetime, end: datetime) -> list[Period]:
    rows = downtimes.between(session, [machine_id], begin, end)
    return [(it.begins_at, it.ends_at or end) for it in rows]


def _wanted(session: Session, machine: MachineRow, begin: datetime, end: datetime) -> list[Period]:
    """When something of the machine's process waited in the lab to be made."""
    started = (
        select(AttemptRow.job_id, func.max(AttemptRow.started_at).label("at"))
        .group_by(col(AttemptRow.job_id))
        .subquery()
    )
    rows = session.exec(
        select(JobRow.queued_at, started.c.at, JobRow.state, JobRow.changed_at)
        .join(started, started.c.job_id == JobRow.id, isouter=True)
        .where(
            JobRow.lab_id == machine.lab_id,
            JobRow.process == Process(str(machine.profile["process"])),
            JobRow.queued_at < end,
            or_(
                col(JobRow.changed_at) > begin,
                started.c.at > begin,
                col(JobRow.state).not_in(_PAST),
            ),
        )
    ).all()
    return [
        (queued, _until(at, JobState(state), changed, end)) for queued, at, state, changed in rows
    ]


def _until(
    started_at: datetime | None, state: JobState, changed_at: datetime, now: datetime
) -> datetime:
    """When a job stopped to wait: when it was last started, or given up."""
    if state is JobState.QUEUED:
        return now
    return started_at or (changed_at if state in _PAST else now)


def _not_clear(
    session: Session,
    machine: MachineRow,
    attempts: Iterable[AttemptRow],
    begin: datetime,
    end: datetime,
) -> list[Period]:
    """From the end of each run until somebody said that the bed is clear."""
    said = list(
        session.exec(
            select(BedClearRow.at)
            .where(BedClearRow.machine_id == machine.id, BedClearRow.at > begin)
            .order_by(col(BedClearRow.at))
        )
    )
    ends = [it.ended_at for it in attempts if it.ended_at is not None]
    return [(at, next((word for word in said if word >= at), end)) for at in ends]
