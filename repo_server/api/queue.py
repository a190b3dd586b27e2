"""What operators change about a lab's queue, and what was changed."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, Field
from sqlmodel import Session

from commons.errors import Conflict
from commons.texts import filled
from commons.turn import Why
from commons.wire import Asked, Id, Told
from repo_server import changes, labs, orders, reordering, turns
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.jobs import JobShown
from repo_server.api.messages import write
from repo_server.changes import Kind
from repo_server.db import reading, transaction
from repo_server.people import Scope
from repo_server.tables import JobRow
from repo_server.tables.people import LabRole

bp = Blueprint("api_queue", __name__, url_prefix="/api/v1")


class Move(Asked):
    """The job goes right before the job `beside`, or else right behind it."""

    beside: Id
    before: bool = True


class Pin(Asked):
    """Null: any machine that its order allows."""

    machine: Id | None


class Split(Asked):
    """`copies` are taken off a plate `of` so many: sent twice it happens once."""

    copies: Annotated[int, Field(ge=1)]
    of: Annotated[int, Field(ge=2)]


class After(Asked):
    """Null: it waits for no other order any more."""

    order: Id | None


class ChangeShown(Told):
    """`named` is the job, machine, order or number that it is about. `past_bound`: the job was put
    before such as had been overtaken as often as may be."""

    kind: Kind
    named: str
    past_bound: bool
    person: str
    at: AwareDatetime


class ChangesListed(Told):
    changes: tuple[ChangeShown, ...]


@bp.post("/labs/<lab>/jobs/<job_id>/move")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: JobShown}, refuses=(409,))
def move(lab: str, job_id: str, asked: Move) -> ResponseReturnValue:
    """200 with the job at its new place; 409 when one of the two waits no more."""
    return _change(
        lab,
        job_id,
        lambda session, job, by, now: reordering.move(
            session, job, asked.beside, before=asked.before, by=by, now=now
        ),
    )


@bp.post("/labs/<lab>/jobs/<job_id>/pin")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: JobShown}, refuses=(409,))
def pin(lab: str, job_id: str, asked: Pin) -> ResponseReturnValue:
    """200 with the job, for that machine alone; 409 when that could not make it."""
    return _change(
        lab,
        job_id,
        lambda session, job, by, now: reordering.pin(session, job, asked.machine, by=by, now=now),
    )


@bp.post("/labs/<lab>/jobs/<job_id>/split")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: JobShown}, refuses=(409,))
def split(lab: str, job_id: str, asked: Split) -> ResponseReturnValue:
    """200 with the job, which is smaller now; the other one stands right behind it."""

    def take_off(session: Session, job: JobRow, by: str, now: datetime) -> None:
        require_plate(job, asked.of)
        reordering.split(session, job, asked.copies, by=by, now=now)

    return _change(lab, job_id, take_off)


class PartShown(Told):
    """By how many minutes it moves the job in the line, back below 0; 0 of rules above the score,
    which come first."""

    why: Why
    minutes: float
    sentence: str


class TurnShown(Told):
    """A waiting job's score, in minutes, and its parts, the one that moves it most first."""

    minutes: float
    parts: tuple[PartShown, ...]


@bp.get("/jobs/<job_id>/turn")
@auth.signed_in(Scope.READ)
@answers({200: TurnShown}, refuses=(409,))
def show_turn(job_id: str) -> ResponseReturnValue:
    """200 with what gives the job its turn; 404 as for the job, 409 when it waits no more."""
    with reading(current_app.extensions["engine"]) as session:
        job = orders.show_job(session, job_id, to=auth.current_person().id)
        found = turns.turn_of(session, job, now=datetime.now(UTC))
    return write(TurnShown.model_validate(found, from_attributes=True))


def require_plate(job: JobRow, seen: int) -> None:
    """Pass when the plate is as whoever splits it saw it."""
    if job.copies != seen:
        raise Conflict(
            filled(
                "this plate has %(copies)s copies now, and not %(seen)s: look at the queue again",
                copies=job.copies,
                seen=seen,
            )
        )


@bp.post("/labs/<lab>/jobs/<job_id>/after")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: JobShown}, refuses=(409,))
def follow(lab: str, job_id: str, asked: After) -> ResponseReturnValue:
    """200 with the job, whose whole order waits for the other order; 422 for a circle."""
    return _change(
        lab,
        job_id,
        lambda session, job, by, now: reordering.follow(session, job, asked.order, by=by, now=now),
    )


@bp.post("/labs/<lab>/jobs/<job_id>/go_on")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: JobShown}, refuses=(409,))
def go_on(lab: str, job_id: str) -> ResponseReturnValue:
    """200 with the job, made though the order that it was to follow is not done."""
    return _change(
        lab, job_id, lambda session, job, by, now: reordering.go_on(session, job, by=by, now=now)
    )


@bp.get("/jobs/<job_id>/changes")
@auth.signed_in(Scope.READ)
@answers({200: ChangesListed})
def list_changes(job_id: str) -> ResponseReturnValue:
    """200 with what people changed about the job while it waited, the latest first."""
    with reading(current_app.extensions["engine"]) as session:
        job = orders.show_job(session, job_id, to=auth.current_person().id)
        found = changes.of_jobs(session, [job.id]).get(job.id, [])
    shown = tuple(ChangeShown.model_validate(it, from_attributes=True) for it in found)
    return write(ChangesListed(changes=shown))


def _change(
    lab: str, job_id: str, change: Callable[[Session, JobRow, str, datetime], object]
) -> ResponseReturnValue:
    now, by = datetime.now(UTC), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        job = reordering.waiting_job(session, job_id, lab_id=lab_id)
        change(session, job, by, now)
        session.flush()
        return write(JobShown.model_validate(job))
