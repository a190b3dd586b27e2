"""The page of a lab's queue: who operates there changes its order, machines and plates."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.errors import Conflict, FabError, InvalidInput, NotFound
from commons.job import JobState
from commons.texts import later
from repo_server import changes, decisions, labs, reordering
from repo_server.api import auth
from repo_server.api.errors import status_of
from repo_server.api.queue import require_plate
from repo_server.changes import Change, Kind
from repo_server.db import reading, transaction
from repo_server.tables import JobRow
from repo_server.tables.people import LabRole
from repo_server.web.languages import Texts, gettext

bp = Blueprint("queue", __name__)

_REFUSED = (InvalidInput, Conflict, NotFound)
CHANGE_WORDS = Texts(
    {
        Kind.MOVED_BEFORE: later("moved before %(named)s"),
        Kind.MOVED_AFTER: later("moved behind %(named)s"),
        Kind.PINNED: later("kept for %(named)s"),
        Kind.UNPINNED: later("free for any machine"),
        Kind.SPLIT: later("%(named)s copies taken off its plate"),
        Kind.SPLIT_OFF: later("taken off a plate of %(named)s"),
        Kind.PARKED: later("set aside"),
        Kind.UNPARKED: later("taken up again"),
        Kind.FOLLOWS: later("to wait for the order of '%(named)s'"),
        Kind.FREED: later("to wait for no other order"),
        Kind.WAIVED: later("to be made though the order before it is not done"),
    }
)

Act = Callable[[Session, JobRow, str, datetime], object]


def change_sentence(it: Change) -> str:
    """What was changed, without who did it."""
    said = CHANGE_WORDS[it.kind] % {"named": it.named}
    if it.past_bound:
        said += gettext(", past such as had been overtaken as often as may be")
    return said


bp.add_app_template_filter(change_sentence)


@bp.get("/labs/<lab>/queue")
@auth.lab_role(LabRole.OPERATOR)
def show(lab: str) -> ResponseReturnValue:
    """The jobs that wait, as their turns come, each with what can be changed about it."""
    return _page(lab)


def _page(lab: str, error: FabError | None = None) -> str:
    engine = current_app.extensions["engine"]
    board = current_app.extensions["boards"].read(lab).board
    line = [job for job in board.jobs if job.state is JobState.QUEUED]
    with reading(engine) as session:
        known = changes.of_jobs(session, [job.id for job in line])
    orders = {job.order_id: f"{job.title}, {job.part}" for job in board.jobs}
    return render_template(
        "queue.html", board=board, line=line, changes=known, orders=orders, error=error
    )


@bp.post("/labs/<lab>/queue/<id>/<wish>")
@auth.lab_role(LabRole.OPERATOR)
def change(lab: str, id: str, wish: str) -> ResponseReturnValue:
    """Back on the page of the queue, changed; or the queue as it is now, and why not."""
    if wish not in _ACTS:
        raise NotFound(f"nobody can '{wish[:40]}' a waiting job")
    now, by = datetime.now(UTC), auth.current_person().id
    try:
        with transaction(current_app.extensions["engine"]) as session:
            lab_id = labs.lab_of(session, lab).id
            job = reordering.waiting_job(session, id, lab_id=lab_id)
            _ACTS[wish](session, job, by, now)
    except _REFUSED as error:
        return _page(lab, error), status_of(error)
    return redirect(url_for("queue.show", lab=lab, _anchor=f"job-{id}"), 303)


def _move(session: Session, job: JobRow, by: str, now: datetime) -> None:
    before = request.form.get("before") == "yes"
    reordering.move(session, job, request.form.get("beside", ""), before=before, by=by, now=now)


def _pin(session: Session, job: JobRow, by: str, now: datetime) -> None:
    reordering.pin(session, job, request.form.get("machine") or None, by=by, now=now)


def _split(session: Session, job: JobRow, by: str, now: datetime) -> None:
    require_plate(job, _number("of"))
    reordering.split(session, job, _number("copies"), by=by, now=now)


def _number(field: str) -> int:
    said = request.form.get(field, "").strip()
    if not said.isdecimal() or len(said) > 6:
        raise InvalidInput(f"{field}: '{said[:20]}' is no number: say how many")
    return int(said)


def _after(session: Session, job: JobRow, by: str, now: datetime) -> None:
    reordering.follow(session, job, request.form.get("order") or None, by=by, now=now)


def _go_on(session: Session, job: JobRow, by: str, now: datetime) -> None:
    reordering.go_on(session, job, by=by, now=now)


def _park(session: Session, job: JobRow, by: str, now: datetime) -> None:
    decisions.park(session, job, by=by, now=now)


def _unpark(session: Session, job: JobRow, by: str, now: datetime) -> None:
    decisions.unpark(session, job, by=by, now=now)


_ACTS: Mapping[str, Act] = {
    "move": _move,
    "pin": _pin,
    "split": _split,
    "after": _after,
    "go_on": _go_on,
    "park": _park,
    "unpark": _unpark,
}
