"""Labs: their list, each one's board, and what people decide at the machines."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import groupby

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.errors import InvalidInput, NotFound
from commons.machine import Process
from commons.wire import Wish
from repo_server import (
    decisions,
    guest_answers,
    guest_desks,
    guest_fates,
    journal,
    labs,
    lot_loading,
    lots,
    notices,
    people,
    portraits,
    reordering,
    waiting,
)
from repo_server.api import auth
from repo_server.boards import Board
from repo_server.db import reading, transaction
from repo_server.portraits import WantedLabs
from repo_server.tables import JobRow
from repo_server.tables.people import LabRole
from repo_server.web.stretches import asked_stretch, rest_of

bp = Blueprint("labs", __name__)

_DIGITS = 4


@bp.get("/labs")
@auth.public
def list_labs() -> ResponseReturnValue:
    """Labs under their cities: all, or those with ?q= in a name, in ?city=, with ?process=."""
    asked = request.args
    given = {key: asked[key][:200] for key in ("q", "city", "process") if asked.get(key)}
    wanted = WantedLabs(given.get("q", ""), given.get("city", ""), _process(given))
    with reading(current_app.extensions["engine"]) as session:
        found = portraits.find_labs(session, wanted, asked_stretch())
    cities = [(city, list(of)) for city, of in groupby(found.entries, lambda it: it.city)]
    rest = rest_of(found, url_for("labs.list_labs"))
    return render_template("labs.html", cities=cities, wanted=wanted, rest=rest, asked=given)


def _process(given: Mapping[str, str]) -> Process | None:
    if not (text := given.get("process")):
        return None
    try:
        return Process(text)
    except ValueError as error:
        raise InvalidInput(f"process: '{text[:40]}' is none of {', '.join(Process)}") from error


@bp.get("/labs/<lab>")
@auth.public
def show_board(lab: str) -> ResponseReturnValue:
    """The lab's board now. Its script asks for this page again whenever something changes."""
    person, engine = auth.current().person, current_app.extensions["engine"]
    board = current_app.extensions["boards"].read(lab).board
    with reading(engine) as session:
        role = people.lab_roles(session, person.id).get(lab) if person else None
        lab_id = labs.lab_of(session, lab).id
        shelf = lots.all_of(session, lab_id)
        held_back = waiting.of_lab(session, lab_id).entries if role else []
        known = notices.for_lab(session, lab_id)
        posts = journal.latest(session, lab=lab)
        operates = role in (LabRole.OPERATOR, LabRole.MANAGER)
        guests = _guests(session, lab_id, board, knows=role is not None, operates=operates)
    titles = {
        job.id: job.title if job.part == job.title else f"{job.title}, {job.part}"
        for job in board.jobs
    }
    return render_template(
        "board.html",
        board=board,
        titles=titles,
        lots=shelf,
        role=role,
        operates=operates,
        held_back=held_back,
        notices=known,
        posts=posts,
        **guests,
    )


def _guests(
    session: Session, lab_id: str, board: Board, *, knows: bool, operates: bool
) -> dict[str, object]:
    """Whether guests may ask for things; how many wait for an answer, for operators; and for whom
    orders are, for the lab's people alone."""
    shown = {job.order_id for job in (*board.jobs, *board.past)} if knows else set()
    return {
        "asks": guest_desks.desk_of(session, lab_id).open,
        "unanswered": guest_answers.number_open(session, lab_id) if operates else 0,
        "guests": guest_fates.names_on(session, shown),
    }


@bp.post("/labs/<lab>/machines/<id>/clear")
@auth.lab_role(LabRole.OPERATOR)
def clear_bed(lab: str, id: str) -> ResponseReturnValue:
    """Back on the board; the next start may use the clear bed up."""
    now, by = datetime.now(UTC), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        decisions.confirm_clear(session, id, lab_id=lab_id, by=by, now=now)
    return _back(lab, f"machine-{id}")


@bp.post("/labs/<lab>/machines/<id>/lot")
@auth.lab_role(LabRole.OPERATOR)
def load_lot(lab: str, id: str) -> ResponseReturnValue:
    """Back on the board; the lot that was chosen is on the machine, or none."""
    now, by = datetime.now(UTC), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        lot_id = request.form.get("lot") or None
        lot_loading.put_on(session, id, lot_id, lab_id=lab_id, by=by, now=now)
    return _back(lab, f"machine-{id}")


@bp.post("/labs/<lab>/jobs/<id>/cancel")
@auth.lab_role(LabRole.MEMBER)
def cancel_job(lab: str, id: str) -> ResponseReturnValue:
    """Back on the board; whoever ordered a job may cancel it, and so may an operator."""

    def cancel(session: Session, job: JobRow, by: str, now: datetime) -> None:
        decisions.require_own_or_operator(session, job, by)
        decisions.cancel(session, job, by=by, now=now)

    return _decide(lab, id, cancel)


@bp.post("/labs/<lab>/jobs/<id>/<wish>")
@auth.lab_role(LabRole.OPERATOR)
def act_on_job(lab: str, id: str, wish: str) -> ResponseReturnValue:
    """Back on the board; what the operator decided about the job is done, or asked of its agent."""
    if wish not in _ACTS:
        raise NotFound(f"nobody can '{wish[:40]}' a job")
    return _decide(lab, id, _ACTS[wish])


Act = Callable[[Session, JobRow, str, datetime], None]


def _decide(lab: str, job_id: str, act: Act) -> ResponseReturnValue:
    now, by = datetime.now(UTC), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        job = decisions.job_in(session, job_id, lab_id=labs.lab_of(session, lab).id)
        act(session, job, by, now)
    return _back(lab, f"job-{job_id}")


def _back(lab: str, anchor: str) -> ResponseReturnValue:
    return redirect(url_for("labs.show_board", lab=lab, _anchor=anchor), 303)


def _verdict(session: Session, job: JobRow, by: str, now: datetime) -> None:
    good = _count("good_copies", job.copies) if _yes("good") else 0
    decisions.give_verdict(session, job, good=good, note=_note(), by=by, now=now)


def _attest(session: Session, job: JobRow, by: str, now: datetime) -> None:
    nothing_ran = _yes("nothing_ran")
    decisions.attest(session, job, nothing_ran=nothing_ran, note=_note(), by=by, now=now)


def _hold(session: Session, job: JobRow, by: str, now: datetime) -> None:
    decisions.hold_or_resume(session, job, Wish.HOLD, by=by, now=now)


def _resume(session: Session, job: JobRow, by: str, now: datetime) -> None:
    decisions.hold_or_resume(session, job, Wish.RESUME, by=by, now=now)


def _again(session: Session, job: JobRow, by: str, now: datetime) -> None:
    decisions.try_again(session, job, now=now)


def _park(session: Session, job: JobRow, by: str, now: datetime) -> None:
    decisions.park(session, job, by=by, now=now)


def _unpark(session: Session, job: JobRow, by: str, now: datetime) -> None:
    decisions.unpark(session, job, by=by, now=now)


def _go_on(session: Session, job: JobRow, by: str, now: datetime) -> None:
    reordering.go_on(session, job, by=by, now=now)


def _yes(field: str) -> bool:
    """What the form answers; a field that says neither yes nor no decides nothing."""
    answer = request.form.get(field)
    if answer not in ("yes", "no"):
        raise InvalidInput(f"say yes or no: {field} is missing")
    return answer == "yes"


def _count(field: str, proposed: int) -> int:
    """The whole number in the form; `proposed` when the form does not ask for it."""
    said = request.form.get(field, str(proposed)).strip()
    if not said.isdecimal() or len(said) > _DIGITS:
        raise InvalidInput(f"{field}: '{said[:20]}' is no number: say how many are good")
    return int(said)


def _note() -> str:
    return request.form.get("note", "").strip()[:500]


_ACTS: dict[str, Act] = {
    "verdict": _verdict,
    "attest": _attest,
    "hold": _hold,
    "resume": _resume,
    "again": _again,
    "park": _park,
    "unpark": _unpark,
    "go_on": _go_on,
}
