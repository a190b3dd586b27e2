"""What people decide at the machines: the bed is clear, hold, stop, good or bad, try again."""

from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, update

from commons import dispatch
from commons.dispatch import after
from commons.errors import Conflict, InvalidInput, NotAllowed, NotFound
from commons.job import COMMITTED_STATES, JobEvent, JobState
from commons.texts import filled, later
from commons.wire import MachineState, Wish
from repo_server import (
    accounts,
    announcements,
    attempts,
    bed_words,
    cards,
    changes,
    entitled,
    following,
    news,
    orders,
    presence,
    shared_plates,
)
from repo_server.attempts import End, Outcome
from repo_server.changes import Kind
from repo_server.conditions import seen
from repo_server.ids import new_id
from repo_server.search import builds
from repo_server.tables import (
    BedClearRow,
    BuildOrderRow,
    ControlRow,
    JobRow,
    LabRoleRow,
    MachineRow,
    PersonRow,
)
from repo_server.tables.people import LabRole

_NOT_SEEN_WELL = (MachineState.OFFLINE, MachineState.FAULT, MachineState.MANUAL)


def job_in(session: Session, job_id: str, *, lab_id: str) -> JobRow:
    """The lab's job, kept for this transaction; NotFound when it has none of this id."""
    job = cards.read_job(session, job_id)
    if job.lab_id != lab_id:
        raise NotFound(f"there is no job {job_id} in this lab")
    return job


def machine_in(session: Session, machine_id: str, *, lab_id: str) -> MachineRow:
    """The lab's machine, kept for this transaction; NotFound when it has none of this id."""
    machine = cards.read_machine(session, machine_id)
    if machine.lab_id != lab_id:
        raise NotFound(f"there is no machine {machine_id} in this lab")
    return machine


def confirm_clear(
    session: Session, machine_id: str, *, lab_id: str, by: str, now: datetime
) -> None:
    """The bed is clear, `by` says so, and one start may use that up.

    Said twice it counts once, and is as old as it was said last.

    Conflict while an attempt on this machine may have started, or the machine is not well;
    NotAllowed for somebody who is not trained for it.
    """
    machine = machine_in(session, machine_id, lab_id=lab_id)
    _require_trained(session, machine, by, now)
    if _holds_committed(session, machine):
        raise Conflict(
            filled(
                "%(machine)s may be at work; its bed can be cleared once that attempt has ended",
                machine=machine.name,
            )
        )
    report = seen(machine)
    if report is not None and report.state in _NOT_SEEN_WELL:
        raise Conflict(
            f"{machine.name} is in state '{report.state}'; set it right and confirm the bed then"
        )
    token = bed_words.newest_token(session, machine.id) if machine.cleared else None
    if token is None:
        token = BedClearRow(id=new_id(), machine_id=machine.id, person_id=by, at=now)
    token.person_id, token.at = by, now
    session.add(token)
    card = replace(cards.machine_card(machine), cleared=True)
    cards.require(cards.write_machine(session, machine, card), f"machine {machine.id}")
    machine.cleared_at = now
    session.add(machine)
    presence.note(session, machine.id, by, now=now)


def _require_trained(session: Session, machine: MachineRow, person_id: str, now: datetime) -> None:
    if why := entitled.operator_missing(session, machine, person_id, now=now):
        raise NotAllowed(
            filled("%(machine)s is for trained people, and %(why)s", machine=machine.name, why=why)
        )


def _holds_committed(session: Session, machine: MachineRow) -> bool:
    if machine.attempt_id is None:
        return False
    attempt = attempts.of_id(session, machine.attempt_id)
    return session.get_one(JobRow, attempt.job_id).state in COMMITTED_STATES


def give_verdict(
    session: Session,
    job: JobRow,
    *,
    good: int,
    note: str,
    by: str | None,
    now: datetime,
    at: datetime | None = None,
) -> None:
    """So many of the finished plate's copies are good, the others scrap; the ledger says so.

    `by` is None for whoever has no account; `at` is when they looked, where that was not now.

    With none good the job is rejected. With some good it is done, and the others are queued
    again as a job of their own. InvalidInput when there are not so many.
    """
    if not 0 <= good <= job.copies:
        raise InvalidInput(
            filled(
                "%(good)s good copies cannot be: this plate has %(copies)s",
                good=good,
                copies=job.copies,
            )
        )
    event = JobEvent.GOOD if good else JobEvent.BAD
    sentence = note or _verdict(good, job.copies)
    change = cards.apply(session, job, lambda j, m: after(j, m, event), now=now, sentence=sentence)
    if change.attempt_id:
        attempts.judge(session, change.attempt_id, good=good, by=by, now=at or now)
        accounts.charge(session, job, change.attempt_id, good=good, now=now)
    if change.after is JobState.DONE:
        builds.note(session, job)
    if 0 < good < job.copies:
        orders.queue_again(session, job, job.copies - good, now=now)
    news.tell_if_done(session, job, now=now)


def _verdict(good: int, copies: int) -> str:
    """A verdict without a note, in words."""
    if 0 < good < copies:
        return f"{good} of {copies} are good; the others are queued again"
    if copies == 1:
        return later("it is good") if good else later("it is no good; it can be made again")
    return f"all {copies} are good" if good else f"none of the {copies} is good"


def cancel(session: Session, job: JobRow, *, by: str, now: datetime) -> None:
    """Nobody wants the job any more. Before a permit it ends here; after one the agent is asked
    to stop it, and the job ends when the machine has. A plate that others share is prepared again
    without it."""
    shared_plates.require_may_stop(session, job, by=by)
    if given_up := shared_plates.withdraw(session, job, now=now):
        _ask_agent(session, given_up, Wish.CANCEL, by=by, now=now)
    change = cards.apply(session, job, lambda j, m: after(j, m, JobEvent.CANCEL), now=now)
    if change.after is JobState.CANCELLING:
        job.sentence = later("someone wants it stopped; waiting for the machine")
    else:
        job.sentence = later("cancelled")
    session.add(job)
    if change.freed and change.attempt_id:
        end = End(Outcome.CANCELLED, now, later("cancelled before it could start"))
        attempts.close(session, change.attempt_id, end, now=now)
    if change.attempt_id and (change.freed or change.after is JobState.CANCELLING):
        _ask_agent(session, change.attempt_id, Wish.CANCEL, by=by, now=now)
    session.flush()
    for order, wait in following.asking_after(session, job.order_id):
        announcements.tell_of_asking(session, order, wait.sentence, now=now)


def require_own_or_operator(session: Session, job: JobRow, person_id: str) -> None:
    """Pass for whoever ordered the job and for the lab's operators; NotAllowed for others."""
    role = session.get(LabRoleRow, (person_id, job.lab_id))
    if role is not None and role.role in (LabRole.OPERATOR, LabRole.MANAGER):
        return
    if session.get_one(BuildOrderRow, job.order_id).ordered_by != person_id:
        raise NotAllowed(later("this is somebody else's order; an operator of the lab can do that"))


def hold_or_resume(session: Session, job: JobRow, wish: Wish, *, by: str, now: datetime) -> None:
    """The agent is asked to pause the run, or to go on with it; the newest wish counts."""
    job = shared_plates.leader_of(session, job)
    if job.state is not JobState.RUNNING or job.attempt_id is None:
        raise Conflict(f"a {job.state} job cannot be asked to {wish}; only a running one can")
    session.exec(
        update(ControlRow)
        .where(
            col(ControlRow.attempt_id) == job.attempt_id,
            col(ControlRow.taken_at).is_(None),
            col(ControlRow.wish).in_((Wish.HOLD, Wish.RESUME)),
        )
        .values(taken_at=now)
    )
    _ask_agent(session, job.attempt_id, wish, by=by, now=now)


def _ask_agent(session: Session, attempt_id: str, wish: Wish, *, by: str, now: datetime) -> None:
    session.add(ControlRow(id=new_id(), attempt_id=attempt_id, wish=wish, person_id=by, at=now))


def park(session: Session, job: JobRow, *, by: str, now: datetime) -> None:
    """The job stays in the queue, and no machine gets it until somebody takes it up again.

    Conflict when it is not waiting any more; parked twice it stays with who was first.
    """
    if job.state is not JobState.QUEUED:
        raise Conflict(f"a {job.state} job waits for no machine; only a queued one is set aside")
    if job.parked_by is None:
        job.parked_by = by
        changes.note(session, job, Kind.PARKED, by=by, now=now)
        job.sentence = f"set aside by {session.get_one(PersonRow, by).name}"


def unpark(session: Session, job: JobRow, *, by: str, now: datetime) -> None:
    """The job waits for its turn again, at the place that it had."""
    if job.parked_by is not None:
        job.parked_by, job.sentence = None, later("in the queue")
        changes.note(session, job, Kind.UNPARKED, by=by, now=now)


def try_again(session: Session, job: JobRow, *, now: datetime) -> None:
    """The job is in the queue again, at the place that it had."""
    cards.apply(
        session,
        job,
        lambda j, m: after(j, m, JobEvent.AGAIN),
        now=now,
        sentence=later("to be made again"),
    )


def attest(
    session: Session, job: JobRow, *, nothing_ran: bool, note: str, by: str, now: datetime
) -> None:
    """Somebody at the machine has said what happened, and stands for it by name.

    Conflict until the agent has promised to start nothing of it any more. What they say of one
    thing on a plate they say of all.
    """
    job = shared_plates.leader_of(session, job)
    seen_there = "nothing ran" if nothing_ran else "it ran, and has ended"
    sentence = f"someone at the machine says: {note or seen_there}"
    change = cards.apply(
        session,
        job,
        lambda j, m: dispatch.attest(j, m, nothing_ran=nothing_ran),
        now=now,
        sentence=sentence,
    )
    if change.attempt_id is None:
        return
    outcome = Outcome.ABORTED if change.after is JobState.CANCELLED else Outcome.FAILED
    end = End(Outcome.UNUSED if nothing_ran else outcome, now, sentence)
    attempts.close(session, change.attempt_id, end, now=now)
    attempts.sign(session, change.attempt_id, by=by, now=now)
