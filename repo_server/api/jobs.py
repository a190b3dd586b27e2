"""Jobs, and what people at the machines decide about them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Self

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, ConfigDict, Field, model_validator
from sqlmodel import Session

from commons.job import JobState
from commons.machine import Process
from commons.wire import Asked, Told, Wish
from repo_server import decisions, labs, order_book, orders
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.db import reading, transaction
from repo_server.people import Scope
from repo_server.tables import JobRow
from repo_server.tables.people import LabRole

bp = Blueprint("api_jobs", __name__, url_prefix="/api/v1")

Note = Annotated[str, Field(max_length=500)]


class Verdict(Asked):
    """What came of a finished plate. Without `good_copies` all of it is good, or none."""

    good: bool
    good_copies: Annotated[int, Field(ge=0)] | None = None
    note: Note = ""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.good_copies is not None and self.good != (self.good_copies > 0):
            raise ValueError("good_copies: says another thing than 'good'")
        return self

    def good_of(self, job: JobRow) -> int:
        """How many of the job's copies are good."""
        if self.good_copies is not None:
            return self.good_copies
        return job.copies if self.good else 0


class Attestation(Asked):
    """What somebody saw at the machine. `nothing_ran` false: it ran, and has ended."""

    nothing_ran: bool
    note: Note = ""


class JobShown(Told):
    """One job: copies `copy_number` … of its order, `copies` of them, made at once."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    order_id: str
    process: Process
    copy_number: int
    copies: int
    state: JobState
    sentence: str
    machine_id: str | None
    attempt_id: str | None
    fence_acknowledged: bool
    queued_at: AwareDatetime
    changed_at: AwareDatetime


class JobsListed(Told):
    jobs: tuple[JobShown, ...]


@bp.get("/labs/<lab>/jobs")
@auth.lab_role(LabRole.MEMBER)
@answers({200: JobsListed})
def list_jobs(lab: str, query: From) -> ResponseReturnValue:
    """200 with all jobs of the lab, the latest in the queue first; `Link` leads to older ones."""
    with reading(current_app.extensions["engine"]) as session:
        found = order_book.jobs_of_lab(session, labs.lab_of(session, lab).id, query.stretch)
        shown = tuple(JobShown.model_validate(job) for job in found.entries)
    return with_next(write(JobsListed(jobs=shown)), found.after)


@bp.get("/jobs/<job_id>")
@auth.signed_in(Scope.READ)
@answers({200: JobShown})
def show_job(job_id: str) -> ResponseReturnValue:
    """200 for who ordered it and for the lab's people; 404 for everybody else."""
    with reading(current_app.extensions["engine"]) as session:
        job = orders.show_job(session, job_id, to=auth.current_person().id)
    return _shown(job)


@bp.post("/labs/<lab>/machines/<machine_id>/clear")
@auth.lab_role(LabRole.OPERATOR)
@answers({204: None}, refuses=(409,))
def clear_bed(lab: str, machine_id: str) -> ResponseReturnValue:
    """204; one start may use up that the bed is clear. 409 while the machine may be at work."""
    now, by = datetime.now(UTC), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        decisions.confirm_clear(session, machine_id, lab_id=lab_id, by=by, now=now)
    return "", 204


@bp.post("/labs/<lab>/jobs/<job_id>/verdict")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: JobShown}, refuses=(409,))
def give_verdict(lab: str, job_id: str, asked: Verdict) -> ResponseReturnValue:
    """200 with the job: done when it is good, rejected when not."""
    return _decide(
        lab,
        job_id,
        lambda session, job, by, now: decisions.give_verdict(
            session, job, good=asked.good_of(job), note=asked.note, by=by, now=now
        ),
    )


@bp.post("/labs/<lab>/jobs/<job_id>/attest")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: JobShown}, refuses=(409,))
def attest(lab: str, job_id: str, asked: Attestation) -> ResponseReturnValue:
    """200 with the job; 409 until its agent has promised to start nothing of it any more."""
    return _decide(
        lab,
        job_id,
        lambda session, job, by, now: decisions.attest(
            session, job, nothing_ran=asked.nothing_ran, note=asked.note, by=by, now=now
        ),
    )


@bp.post("/labs/<lab>/jobs/<job_id>/cancel")
@auth.lab_role(LabRole.MEMBER)
@answers({200: JobShown}, refuses=(409,))
def cancel(lab: str, job_id: str) -> ResponseReturnValue:
    """200 with the job: cancelled, or being cancelled. Members may cancel what they ordered."""

    def decide(session: Session, job: JobRow, by: str, now: datetime) -> None:
        decisions.require_own_or_operator(session, job, by)
        decisions.cancel(session, job, by=by, now=now)

    return _decide(lab, job_id, decide)


@bp.post("/labs/<lab>/jobs/<job_id>/hold")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: JobShown}, refuses=(409,))
def hold(lab: str, job_id: str) -> ResponseReturnValue:
    """200 with the job, whose agent is asked to pause it."""
    return _wish(lab, job_id, Wish.HOLD)


@bp.post("/labs/<lab>/jobs/<job_id>/resume")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: JobShown}, refuses=(409,))
def resume(lab: str, job_id: str) -> ResponseReturnValue:
    """200 with the job, whose agent is asked to go on with it."""
    return _wish(lab, job_id, Wish.RESUME)


@bp.post("/labs/<lab>/jobs/<job_id>/park")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: JobShown}, refuses=(409,))
def park(lab: str, job_id: str) -> ResponseReturnValue:
    """200 with the job, which no machine gets until somebody takes it up; 409 unless it waits."""
    return _decide(
        lab,
        job_id,
        lambda session, job, by, now: decisions.park(session, job, by=by, now=now),
    )


@bp.post("/labs/<lab>/jobs/<job_id>/unpark")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: JobShown})
def unpark(lab: str, job_id: str) -> ResponseReturnValue:
    """200 with the job, which waits for its turn at the place that it had."""
    return _decide(
        lab, job_id, lambda session, job, by, now: decisions.unpark(session, job, by=by, now=now)
    )


@bp.post("/labs/<lab>/jobs/<job_id>/again")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: JobShown}, refuses=(409,))
def try_again(lab: str, job_id: str) -> ResponseReturnValue:
    """200 with the job, in the queue again."""
    return _decide(
        lab, job_id, lambda session, job, by, now: decisions.try_again(session, job, now=now)
    )


def _wish(lab: str, job_id: str, wish: Wish) -> ResponseReturnValue:
    return _decide(
        lab,
        job_id,
        lambda session, job, by, now: decisions.hold_or_resume(session, job, wish, by=by, now=now),
    )


def _decide(
    lab: str, job_id: str, decision: Callable[[Session, JobRow, str, datetime], None]
) -> ResponseReturnValue:
    now, by = datetime.now(UTC), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        job = decisions.job_in(session, job_id, lab_id=labs.lab_of(session, lab).id)
        decision(session, job, by, now)
        session.flush()
        return _shown(job)


def _shown(job: JobRow) -> Response:
    return write(JobShown.model_validate(job))
