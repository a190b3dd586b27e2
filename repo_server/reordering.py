"""What operators change about the queue: the order of its jobs, their machines, their plates.

Each change is asked for by naming what it is about, so that it means the same however the queue has
changed since somebody looked: "before that job" holds as long as that job waits. Where it does not
any more, nothing is changed, and the sentence says so.
"""

from datetime import datetime

from sqlmodel import Session

from commons.errors import Conflict, InvalidInput, NotFound
from commons.job import JobState
from commons.machine import Process
from commons.matching import Refusal, candidates
from commons.texts import filled
from commons.wire import PrintOptions
from repo_server import changes, claims, decisions, following, matches, places, turns
from repo_server.changes import Kind
from repo_server.ids import new_id
from repo_server.tables import BuildOrderRow, JobRow, MachineRow, MaterialLotRow

# Nothing that people load or wait for changes these.
_NEVER = frozenset({Refusal.PROCESS, Refusal.SIZE, Refusal.TEMPERATURE})


def waiting_job(session: Session, job_id: str, *, lab_id: str) -> JobRow:
    """The lab's job, which waits, with the lab's line held; Conflict when it waits no more."""
    places.hold_line(session, lab_id)
    job = decisions.job_in(session, job_id, lab_id=lab_id)
    if job.state is not JobState.QUEUED:
        raise Conflict(
            filled(
                "%(job)s waits no more: look at the queue as it is now", job=_named(session, job)
            )
        )
    return job


def move(
    session: Session, job: JobRow, beside_id: str, *, before: bool, by: str, now: datetime
) -> None:
    """The job stands right before, or behind, the other one: in all that its turn goes by it is
    like that one, whatever the score.

    Conflict when the other one waits no more: where it stood is nowhere in the queue now.
    """
    if beside_id == job.id:
        raise InvalidInput(filled("a job cannot be moved beside itself: choose another one"))
    beside = waiting_job(session, beside_id, lab_id=job.lab_id)
    before_which = turns.pressed_before(session, job.lab_id, Process(beside.process))
    was_aged, is_aged = (it.place < before_which for it in (job, beside))
    job.place = places.place_beside(session, beside, before=before)
    like = beside.beside_id or beside.order_id
    job.beside_id = None if like == job.order_id else like
    claims.lend(beside, to=job)
    kind = Kind.MOVED_BEFORE if before else Kind.MOVED_AFTER
    past = is_aged and not was_aged
    changes.note(session, job, kind, _named(session, beside), by=by, now=now, past_bound=past)


def _named(session: Session, job: JobRow) -> str:
    """The job as people call it."""
    order = session.get_one(BuildOrderRow, job.order_id)
    if order.copies == 1:
        return order.part
    last = job.copy_number + job.copies - 1
    which = f"{job.copy_number}" if job.copies == 1 else f"{job.copy_number}-{last}"
    return f"{order.part} ({which}/{order.copies})"


def pin(session: Session, job: JobRow, machine_id: str | None, *, by: str, now: datetime) -> None:
    """The job waits for that machine alone, or again for any that its order allows.

    Conflict when that machine could not make it, whatever were loaded.
    """
    if machine_id is None:
        if job.pinned_to is not None:
            job.pinned_to = None
            changes.note(session, job, Kind.UNPINNED, by=by, now=now)
        return
    machine = session.get(MachineRow, machine_id)
    if machine is None or machine.lab_id != job.lab_id or machine.retired_at is not None:
        raise NotFound(f"there is no machine {machine_id[:64]} in this lab")
    _require_able(session, job, machine)
    job.pinned_to = machine.id
    changes.note(session, job, Kind.PINNED, machine.name, by=by, now=now)


def _require_able(session: Session, job: JobRow, machine: MachineRow) -> None:
    order = session.get_one(BuildOrderRow, job.order_id)
    build = matches.build_of(session, order)
    need = build.need(order.material, PrintOptions.model_validate(order.options), job.copies)
    lot = session.get(MaterialLotRow, machine.lot_id) if machine.lot_id else None
    (answer,) = candidates(need, [matches.offer_of(machine, lot)])
    if answer.refusal in _NEVER:
        raise Conflict(answer.sentence)


def split(session: Session, job: JobRow, copies: int, *, by: str, now: datetime) -> JobRow:
    """The last `copies` of the job's plate are a job of their own, right behind it.

    InvalidInput unless that leaves at least one on either side.
    """
    if not 1 <= copies < job.copies:
        raise InvalidInput(
            filled(
                "copies: %(copies)s cannot be taken off a plate of %(plate)s: at least one stays, "
                "and at least one goes",
                copies=copies,
                plate=job.copies,
            )
        )
    apart = JobRow(
        **{
            **job.model_dump(),
            "id": new_id(),
            "copy_number": job.copy_number + job.copies - copies,
            "copies": copies,
            "proved_g": None,
            "place": places.place_beside(session, job, before=False),
        }
    )
    changes.note(session, job, Kind.SPLIT, str(copies), by=by, now=now)
    session.add(apart)
    session.flush()
    changes.note(session, apart, Kind.SPLIT_OFF, str(job.copies), by=by, now=now)
    job.copies -= copies
    job.proved_g = None  # it was that of the whole plate
    return apart


def follow(session: Session, job: JobRow, after_id: str | None, *, by: str, now: datetime) -> None:
    """All of the job's order waits for that order, or for none; raises as `following` does."""
    order = session.get_one(BuildOrderRow, job.order_id)
    following.follow(session, order, after_id)
    if after_id is None:
        changes.note(session, job, Kind.FREED, by=by, now=now)
        return
    other = session.get_one(BuildOrderRow, after_id)
    changes.note(session, job, Kind.FOLLOWS, other.part, by=by, now=now)


def go_on(session: Session, job: JobRow, *, by: str, now: datetime) -> None:
    """All of the job's order is made though the one that it was to follow is not done."""
    following.waive(session, session.get_one(BuildOrderRow, job.order_id), by=by)
    changes.note(session, job, Kind.WAIVED, by=by, now=now)
