"""What people and clocks do at the server, and what its database says.

Straight into the database that the web process serves: SQLite lets several processes in, and
people must be able to act whether or not that process is dead just now.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, func, select

from commons.errors import Conflict, FabError, IllegalTransition
from commons.job import JobState
from commons.wire import EventKind, MachineReport, MachineState, Wish
from repo_server import decisions, jobs
from repo_server.db import reading, transaction
from repo_server.tables import (
    AgentEventRow,
    AttemptRow,
    BedClearRow,
    JobRow,
    MachineRow,
)
from tests.campaign.template import Template
from tests.campaign.verdict import Attempt

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """The board, as a person sees it. `heard_at` is when the agent spoke of the machine."""

    state: JobState
    sentence: str
    fence_acknowledged: bool
    attempt_id: str | None
    cleared: bool
    machine: MachineReport | None
    heard_at: datetime | None


class Office:
    """One lab with one job and one machine."""

    def __init__(self, engine: Engine, template: Template) -> None:
        self._engine, self._template = engine, template

    def look(self) -> Seen:
        with reading(self._engine) as session:
            job = session.get_one(JobRow, self._template.job_id)
            machine = session.get_one(MachineRow, self._template.machine_id)
            told = machine.seen and MachineReport.model_validate(machine.seen)
            return Seen(
                JobState(job.state),
                job.sentence,
                job.fence_acknowledged,
                job.attempt_id,
                machine.cleared,
                told or None,
                machine.seen_at,
            )

    def waits_for_clear_bed(self) -> bool:
        seen = self.look()
        waits = seen.machine is not None and seen.machine.state is MachineState.WAITING
        return seen.state is JobState.STAGED and waits

    # What people do; what cannot be done just now is left for later

    def clear(self) -> None:
        it = self._template
        self._do(partial(decisions.confirm_clear, machine_id=it.machine_id, lab_id=it.lab_id))

    def wish(self, wish: Wish) -> None:
        self._decide(partial(decisions.hold_or_resume, wish=wish))

    def cancel(self) -> None:
        self._decide(decisions.cancel)

    def attest(self, *, nothing_ran: bool) -> None:
        self._decide(partial(decisions.attest, nothing_ran=nothing_ran, note=""))

    def say_good(self) -> None:
        self._decide(partial(decisions.give_verdict, good=1, note=""))

    def try_again(self) -> None:
        with self._writing() as session:
            job = decisions.job_in(session, self._template.job_id, lab_id=self._template.lab_id)
            decisions.try_again(session, job, now=datetime.now(UTC))

    def _decide(self, act: Callable[..., None]) -> None:
        def decide(session: Session, **who: object) -> None:
            it = self._template
            act(session, decisions.job_in(session, it.job_id, lab_id=it.lab_id), **who)

        self._do(decide)

    def _do(self, act: Callable[..., None]) -> None:
        try:
            with self._writing() as session:
                act(session, by=self._template.manager, now=datetime.now(UTC))
        except (Conflict, IllegalTransition):
            return

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """A transaction; nothing came of it when a server that stands still holds the database."""
        try:
            with transaction(self._engine) as session:
                yield session
        except OperationalError as problem:
            if "locked" not in str(problem):
                raise

    # What clocks do

    def an_hour_passes(self) -> None:
        """For the server's clock of silence. Nothing else in it has an hour's patience."""
        with self._writing() as session:
            jobs.notice_silence(session, datetime.now(UTC) + HOUR)

    def rest_is_over(self) -> None:
        """A machine that gave a job back may be offered it again: its minute has passed."""
        with self._writing() as session:
            ended = select(AttemptRow).where(col(AttemptRow.outcome) == "declined")
            for attempt in session.exec(ended):
                attempt.ended_at = datetime.now(UTC) - HOUR
                session.add(attempt)

    # What is written down

    def attempts(self) -> list[Attempt]:
        with reading(self._engine) as session:
            rows = session.exec(select(AttemptRow).order_by(col(AttemptRow.fence))).all()
            return [_attempt(session, row) for row in rows]

    def refused(self) -> list[str]:
        """Reports that the server kept and could not apply."""
        with reading(self._engine) as session:
            rows = session.exec(select(AgentEventRow).where(AgentEventRow.refused != "")).all()
            return [f"{row.kind}: {row.refused}" for row in rows]


def _attempt(session: Session, row: AttemptRow) -> Attempt:
    started = session.exec(
        select(AgentEventRow)
        .where(AgentEventRow.attempt_id == row.id, AgentEventRow.kind == EventKind.STARTED)
        .order_by(col(AgentEventRow.seq))
    ).first()
    used = select(func.count()).where(BedClearRow.used_by == row.id)
    run = row.run or {}
    return Attempt(
        id=row.id,
        armed_at=row.armed_at,
        intended_at=started and datetime.fromisoformat(str(started.message["at"])),
        outcome=row.outcome if row.ended_at else None,
        sentence=row.sentence,
        lines_sent=run.get("lines_sent"),  # type: ignore[arg-type]
        lines_done=run.get("lines_done"),  # type: ignore[arg-type]
        tokens=session.exec(used).one(),
    )


__all__ = ["FabError", "Office", "Seen"]
