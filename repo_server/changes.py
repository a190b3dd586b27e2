"""What people change about waiting jobs, written down with who did it and when."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from repo_server.ids import new_id
from repo_server.tables import JobChangeRow, JobRow, PersonRow


class Kind(StrEnum):
    """What was changed. What it is about is named beside it where it is about something."""

    MOVED_BEFORE = "moved_before"
    MOVED_AFTER = "moved_after"
    PINNED = "pinned"  # to the machine of that name
    UNPINNED = "unpinned"
    SPLIT = "split"  # so many copies are a job of their own now
    SPLIT_OFF = "split_off"  # this job, from a plate of so many
    PARKED = "parked"
    UNPARKED = "unparked"
    FOLLOWS = "follows"  # the order of that part
    FREED = "freed"  # it follows no other order any more
    WAIVED = "waived"  # it is made though the one that it was to follow is not done


@dataclass(frozen=True, slots=True)
class Change:
    """One change, as people read it."""

    kind: Kind
    named: str
    past_bound: bool
    person: str
    at: datetime


def note(
    session: Session, job: JobRow, kind: Kind, named: str = "", *, by: str, now: datetime,
    past_bound: bool = False,
) -> None:  # fmt: skip
    """The change is written down; `now` is also when the job was changed last."""
    job.changed_at = now
    session.add(job)
    row = JobChangeRow(
        id=new_id(), job_id=job.id, kind=kind, named=named, past_bound=past_bound,
        person_id=by, at=now,
    )  # fmt: skip
    session.add(row)


def of_jobs(session: Session, jobs: Collection[str]) -> dict[str, list[Change]]:
    """The changes of the jobs, by id, the latest first; one query."""
    rows = session.exec(
        select(JobChangeRow, PersonRow.name)
        .join(PersonRow, col(PersonRow.id) == col(JobChangeRow.person_id))
        .where(col(JobChangeRow.job_id).in_(jobs))
        .order_by(col(JobChangeRow.at).desc(), col(JobChangeRow.id))
    )
    found: dict[str, list[Change]] = {}
    for row, name in rows:
        change = Change(Kind(row.kind), row.named, row.past_bound, name, row.at)
        found.setdefault(row.job_id, []).append(change)
    return found
