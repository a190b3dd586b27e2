"""A lab's machines: their books, what they keep to, and what people do to them."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from pydantic import Field
from sqlmodel import Session

from commons.utilisation import Use
from commons.wire import Asked, Told
from repo_server import calibrations, decisions, downtimes, labs, machine_book, rules, upkeep
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.calibrations import NewCalibration
from repo_server.db import reading, transaction
from repo_server.downtimes import NewDowntime
from repo_server.machine_book import MachineBook, WeekTold
from repo_server.rules import LabRules, MachineRules
from repo_server.tables import LabRow, MachineRow
from repo_server.tables.people import LabRole
from repo_server.upkeep import Counters, NewMaintenance
from repo_server.utilisation import MOST_WEEKS

bp = Blueprint("api_machines", __name__, url_prefix="/api/v1")

Change = Callable[[Session, MachineRow, str, datetime], None]


class Note(Asked):
    """What whoever did it wants to be known."""

    note: Annotated[str, Field(max_length=500)] = ""


class Weeks(Asked):
    weeks: Annotated[int, Field(ge=1, le=MOST_WEEKS, description="how many, up to now")] = 4


class Made(Told):
    id: str


class QueuedCalibration(Told):
    order_id: str
    job_ids: tuple[str, ...]


class UtilisationTold(Told):
    """The unit of all `hours` is h."""

    weeks: tuple[WeekTold, ...]


@bp.get("/labs/<lab>/rules")
@auth.public
@answers({200: LabRules})
def show_lab_rules(lab: str) -> ResponseReturnValue:
    """200 with the lab's hours, by its own clock, and what its machines may draw."""
    with reading(current_app.extensions["engine"]) as session:
        return write(rules.of_lab(labs.lab_of(session, lab)))


@bp.put("/labs/<lab>/rules")
@auth.lab_role(LabRole.MANAGER)
@answers({204: None})
def set_lab_rules(lab: str, asked: LabRules) -> ResponseReturnValue:
    """204; the lab keeps to these rules, and to no others."""
    with transaction(current_app.extensions["engine"]) as session:
        rules.set_lab(session, labs.lab_of(session, lab), asked)
    return "", 204


@bp.get("/labs/<lab>/machines/<machine_id>")
@auth.lab_role(LabRole.MEMBER)
@answers({200: MachineBook})
def show_machine(lab: str, machine_id: str) -> ResponseReturnValue:
    """200 with the machine's hours, maintenance, downtimes, calibrations and rules."""
    now = datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        machine = machine_of(session, lab, machine_id)
        return write(machine_book.open_book(session, machine, now=now))


@bp.put("/labs/<lab>/machines/<machine_id>/rules")
@auth.lab_role(LabRole.MANAGER)
@answers({204: None})
def set_machine_rules(lab: str, machine_id: str, asked: MachineRules) -> ResponseReturnValue:
    """204; the machine keeps to these rules, and for the rest to its lab's and its profile's."""

    def set_(session: Session, machine: MachineRow, _by: str, _now: datetime) -> None:
        rules.set_machine(session, machine, asked)

    return _change(lab, machine_id, set_)


@bp.put("/labs/<lab>/machines/<machine_id>/counters")
@auth.lab_role(LabRole.MANAGER)
@answers({204: None})
def say_counters(lab: str, machine_id: str, asked: Counters) -> ResponseReturnValue:
    """204; the machine's counters stand there now, and what it runs is added."""

    def say(session: Session, machine: MachineRow, by: str, now: datetime) -> None:
        upkeep.say_counters(session, machine, asked, by=by, now=now)

    return _change(lab, machine_id, say)


@bp.post("/labs/<lab>/machines/<machine_id>/maintenance")
@auth.lab_role(LabRole.MANAGER)
@answers({201: Made}, keyed=True)
def plan_maintenance(lab: str, machine_id: str, asked: NewMaintenance) -> ResponseReturnValue:
    """201; it is to be done to the machine again and again, for the first time from now on."""
    by = auth.current_person().id

    def make(session: Session, now: datetime) -> tuple[int, Made]:
        machine = machine_of(session, lab, machine_id)
        return 201, Made(id=upkeep.plan(session, machine, asked, by=by, now=now).id)

    return made_once(make)


@bp.post("/labs/<lab>/machines/<machine_id>/maintenance/<task_id>/done")
@auth.lab_role(LabRole.OPERATOR)
@answers({204: None}, refuses=(409,))
def maintenance_done(lab: str, machine_id: str, task_id: str, asked: Note) -> ResponseReturnValue:
    """204; who asks has done it now."""

    def done(session: Session, machine: MachineRow, by: str, now: datetime) -> None:
        upkeep.done(session, machine, task_id, note=asked.note, by=by, now=now)

    return _change(lab, machine_id, done)


@bp.delete("/labs/<lab>/machines/<machine_id>/maintenance/<task_id>")
@auth.lab_role(LabRole.MANAGER)
@answers({204: None})
def drop_maintenance(lab: str, machine_id: str, task_id: str) -> ResponseReturnValue:
    """204; it is no longer to be done. What was done stays known."""

    def drop(session: Session, machine: MachineRow, _by: str, now: datetime) -> None:
        upkeep.drop(session, machine, task_id, now=now)

    return _change(lab, machine_id, drop)


@bp.post("/labs/<lab>/machines/<machine_id>/downtimes")
@auth.lab_role(LabRole.OPERATOR)
@answers({201: Made}, refuses=(409,), keyed=True)
def take_down(lab: str, machine_id: str, asked: NewDowntime) -> ResponseReturnValue:
    """201; the machine is out of use then. 409 when it is so already at that time."""
    by = auth.current_person().id

    def make(session: Session, now: datetime) -> tuple[int, Made]:
        machine = decisions.machine_in(session, machine_id, lab_id=labs.lab_of(session, lab).id)
        return 201, Made(id=downtimes.take_down(session, machine, asked, by=by, now=now).id)

    return made_once(make)


@bp.post("/labs/<lab>/machines/<machine_id>/downtimes/<downtime_id>/end")
@auth.lab_role(LabRole.OPERATOR)
@answers({204: None})
def end_downtime(lab: str, machine_id: str, downtime_id: str) -> ResponseReturnValue:
    """204; the machine is in use again, or a planned downtime does not come."""

    def end(session: Session, machine: MachineRow, by: str, now: datetime) -> None:
        downtimes.end(session, machine, downtime_id, by=by, now=now)

    return _change(lab, machine_id, end)


@bp.post("/labs/<lab>/machines/<machine_id>/calibrations")
@auth.lab_role(LabRole.OPERATOR)
@answers({201: QueuedCalibration}, refuses=(409,), keyed=True)
def calibrate(lab: str, machine_id: str, asked: NewCalibration) -> ResponseReturnValue:
    """201; the piece is queued for this machine alone, and counts as no production."""
    by = auth.current_person().id

    def make(session: Session, now: datetime) -> tuple[int, QueuedCalibration]:
        machine = machine_of(session, lab, machine_id)
        placed = calibrations.order(session, machine, asked, by=by, now=now)
        ids = tuple(job.id for job in placed.jobs)
        return 201, QueuedCalibration(order_id=placed.order.id, job_ids=ids)

    return made_once(make)


@bp.get("/labs/<lab>/utilisation")
@auth.public
@answers({200: UtilisationTold})
def show_utilisation(lab: str, query: Weeks) -> ResponseReturnValue:
    """200 with what each machine's last weeks went into, in hours, each with its coverage."""
    return write(UtilisationTold(weeks=tuple(_weeks(lab, query.weeks))))


@bp.get("/labs/<lab>/utilisation.csv")
@auth.public
@answers({200: Raw("text/csv")})
def download_utilisation(lab: str, query: Weeks) -> ResponseReturnValue:
    """200 with the same as a table: a line for each machine and week, hours in h."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["machine", "week_begins_at", *(f"{use}_h" for use in Use), "coverage"])
    for it in _weeks(lab, query.weeks):
        spent = (f"{it.hours[use]:.2f}" for use in Use)
        table.writerow([it.machine, it.week_begins_at.isoformat(), *spent, f"{it.coverage:.3f}"])
    return Response(text.getvalue(), mimetype="text/csv")


def _weeks(lab: str, weeks: int) -> list[WeekTold]:
    now = datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        return machine_book.weeks_of(session, labs.lab_of(session, lab), weeks=weeks, now=now)


def machine_of(session: Session, lab: str, machine_id: str) -> MachineRow:
    """The machine of the lab of this slug; NotFound when it has none of this id."""
    row: LabRow = labs.lab_of(session, lab)
    return labs.machine_of(session, row.id, machine_id)


def _change(lab: str, machine_id: str, change: Change) -> ResponseReturnValue:
    now, by = datetime.now(UTC), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        change(session, machine_of(session, lab, machine_id), by, now)
    return "", 204
