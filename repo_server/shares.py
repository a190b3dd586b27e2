"""What each member had of a lab's machines lately, so that others come first for a while.

It is one number a member and lab, with when it was true: by then it fades (`turn.decayed`). A
program counts from its start on, as long as it is to take, so that nobody takes one machine after
the other before the first has ended; once it has ended it counts as long as it ran.
"""

from datetime import datetime, timedelta

from sqlalchemy import bindparam
from sqlalchemy import select as columns
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from commons import turn
from commons.wire import ProgramFacts, RunFacts
from repo_server.db import is_postgresql, look
from repo_server.tables import AttemptRow, BuildOrderRow, JobRow, MachineUseRow

# Of what was used before there is less than a two-hundredth left.
_REMEMBERED = timedelta(days=56)
_USED = columns(
    col(MachineUseRow.person_id), col(MachineUseRow.minutes), col(MachineUseRow.at)
).where(
    col(MachineUseRow.lab_id) == bindparam("lab_id"), col(MachineUseRow.at) > bindparam("since")
)


def of_lab(session: Session, lab_id: str, *, now: datetime) -> dict[str, timedelta]:
    """How much later the jobs of those count who had machines of the lab lately, by member."""
    rows = look(session, _USED, lab_id=lab_id, since=now - _REMEMBERED)
    return turn.shares({who: turn.decayed(had, since=at, now=now) for who, had, at in rows})


def begin(session: Session, attempt: AttemptRow, *, now: datetime) -> None:
    """The attempt has just started: it counts as long as its program is to take, of which each that
    shares its plate has its part."""
    _add(session, attempt, _planned(attempt), now)


def end(session: Session, attempt: AttemptRow, *, ran: bool, now: datetime) -> None:
    """The attempt has ended: it counts as long as it ran; as planned, where nobody knows that."""
    had = _planned(attempt) if attempt.started_at else 0.0
    run = RunFacts.model_validate(attempt.run) if attempt.run else None
    known = run.ran_s * attempt.share / 60 if run else had
    _add(session, attempt, (known if ran else 0.0) - had, now)


def _planned(attempt: AttemptRow) -> float:
    """Minutes."""
    facts = ProgramFacts.model_validate(attempt.program) if attempt.program else None
    return facts.duration_s * attempt.share / 60 if facts else 0.0


def _add(session: Session, attempt: AttemptRow, minutes: float, now: datetime) -> None:
    """To whoever ordered it; what calibrates a machine is nobody's."""
    if not minutes:
        return
    job = session.get_one(JobRow, attempt.job_id)
    order = session.get_one(BuildOrderRow, job.order_id)
    if order.calibrates is not None:
        return
    row = _kept(session, job.lab_id, order.ordered_by, now)
    left = turn.decayed(row.minutes, since=row.at, now=now)
    row.minutes, row.at = max(0.0, left + minutes), now
    session.add(row)


def _kept(session: Session, lab_id: str, person_id: str, now: datetime) -> MachineUseRow:
    """The member's row, which nobody else changes until the transaction ends."""
    insert = postgresql.insert if is_postgresql(session) else sqlite.insert
    first = {"lab_id": lab_id, "person_id": person_id, "minutes": 0.0, "at": now}
    session.execute(insert(MachineUseRow).on_conflict_do_nothing(), first)
    wanted = select(MachineUseRow).where(
        MachineUseRow.lab_id == lab_id, MachineUseRow.person_id == person_id
    )
    locked = wanted.with_for_update().execution_options(populate_existing=True)
    return session.exec(locked).one()
