"""A machine's own page, its lab's hours and power, and what the machines' weeks went into."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.errors import Conflict, FabError, InvalidInput, NotFound
from commons.hours import said
from commons.texts import later
from repo_server import (
    calibrations,
    decisions,
    downtimes,
    labs,
    machine_book,
    people,
    rules,
    upkeep,
)
from repo_server.api import auth
from repo_server.api.errors import status_of
from repo_server.api.machines import machine_of
from repo_server.api.messages import check
from repo_server.calibrations import NewCalibration
from repo_server.db import reading, transaction
from repo_server.downtimes import NewDowntime
from repo_server.rules import LabRules, MachineRules
from repo_server.tables import LabRow, MachineRow
from repo_server.tables.people import LabRole
from repo_server.upkeep import Counters, NewMaintenance
from repo_server.web import charts
from repo_server.web.week_forms import DAY_NAMES, fill_week, read_moment, read_week

bp = Blueprint("machines", __name__)

REFUSED = (InvalidInput, NotFound, Conflict)
_WEEKS = 4
Act = Callable[[Session, MachineRow, str, datetime], None]


@bp.get("/labs/<lab>/machines/<id>")
@auth.lab_role(LabRole.MEMBER)
def show(lab: str, id: str) -> ResponseReturnValue:
    """The machine's hours, maintenance, downtimes and calibrations, each with its form."""
    return _page(lab, id)


def _page(lab: str, machine_id: str, form: str = "", error: FabError | None = None) -> str:
    now, me = datetime.now(UTC), auth.current_person().id
    with reading(current_app.extensions["engine"]) as session:
        row = labs.lab_of(session, lab)
        machine = machine_of(session, lab, machine_id)
        book = machine_book.open_book(session, machine, now=now)
        pieces = calibrations.pieces_for(session, machine)
        role = people.lab_roles(session, me).get(lab)
        kept = rules.of_lab(row)
    own = {**fill_week(book.rules.open, "open"), **fill_week(book.rules.quiet, "quiet")}
    return render_template(
        "machine.html",
        lab=row,
        book=book,
        pieces=pieces,
        operates=role in (LabRole.OPERATOR, LabRole.MANAGER),
        manages=role is LabRole.MANAGER,
        at=_clock(now, kept.zone),
        zone=kept.time_zone,
        days=DAY_NAMES.items(),
        refused=form,
        error=error,
        values=request.form if form else own,
    )


def _clock(now: datetime, zone: tzinfo) -> Callable[[datetime], str]:
    return lambda at: said(at, now, zone)


@bp.post("/labs/<lab>/machines/<id>/rules")
@auth.lab_role(LabRole.MANAGER)
def set_rules(lab: str, id: str) -> ResponseReturnValue:
    """Back on the page; the machine keeps to these hours and draws this."""

    def set_(session: Session, machine: MachineRow, _by: str, _now: datetime) -> None:
        weeks = {name: read_week(request.form, name) for name in ("open", "quiet")}
        rules.set_machine(session, machine, check(MachineRules, {**_filled(_POWER), **weeks}))

    return _act(lab, id, "rules", set_)


_POWER = ("unattended", "loud", "heat_up_w", "run_w", "heat_up_s")


@bp.post("/labs/<lab>/machines/<id>/counters")
@auth.lab_role(LabRole.MANAGER)
def say_counters(lab: str, id: str) -> ResponseReturnValue:
    """Back on the page; the counters stand there."""

    def say(session: Session, machine: MachineRow, by: str, now: datetime) -> None:
        wanted = check(Counters, _filled(("hours", "starts")))
        upkeep.say_counters(session, machine, wanted, by=by, now=now)

    return _act(lab, id, "counters", say)


@bp.post("/labs/<lab>/machines/<id>/maintenance")
@auth.lab_role(LabRole.MANAGER)
def plan_maintenance(lab: str, id: str) -> ResponseReturnValue:
    """Back on the page; it is in the machine's plan."""

    def plan(session: Session, machine: MachineRow, by: str, now: datetime) -> None:
        wanted = check(NewMaintenance, _filled(tuple(NewMaintenance.model_fields)))
        upkeep.plan(session, machine, wanted, by=by, now=now)

    return _act(lab, id, "maintenance", plan)


@bp.post("/labs/<lab>/machines/<id>/maintenance/<task>/done")
@auth.lab_role(LabRole.OPERATOR)
def maintenance_done(lab: str, id: str, task: str) -> ResponseReturnValue:
    """Back on the page; who asks has done it now."""

    def done(session: Session, machine: MachineRow, by: str, now: datetime) -> None:
        note = request.form.get("note", "").strip()[:500]
        upkeep.done(session, machine, task, note=note, by=by, now=now)

    return _act(lab, id, "maintenance", done)


@bp.post("/labs/<lab>/machines/<id>/maintenance/<task>/drop")
@auth.lab_role(LabRole.MANAGER)
def drop_maintenance(lab: str, id: str, task: str) -> ResponseReturnValue:
    """Back on the page; it is no longer in the plan."""

    def drop(session: Session, machine: MachineRow, _by: str, now: datetime) -> None:
        upkeep.drop(session, machine, task, now=now)

    return _act(lab, id, "maintenance", drop)


@bp.post("/labs/<lab>/machines/<id>/downtimes")
@auth.lab_role(LabRole.OPERATOR)
def take_down(lab: str, id: str) -> ResponseReturnValue:
    """Back on the page; the machine is out of use, now or then."""

    def take(session: Session, machine: MachineRow, by: str, now: datetime) -> None:
        machine = decisions.machine_in(session, machine.id, lab_id=machine.lab_id)
        zone = rules.of_lab(session.get_one(LabRow, machine.lab_id)).zone
        times = {name: read_moment(request.form, name, zone) for name in ("begins_at", "ends_at")}
        wanted = check(NewDowntime, {**_filled(("reason",)), **times})
        downtimes.take_down(session, machine, wanted, by=by, now=now)

    return _act(lab, id, "downtimes", take)


@bp.post("/labs/<lab>/machines/<id>/downtimes/<downtime>/end")
@auth.lab_role(LabRole.OPERATOR)
def end_downtime(lab: str, id: str, downtime: str) -> ResponseReturnValue:
    """Back on the page; the machine is in use again."""

    def end(session: Session, machine: MachineRow, by: str, now: datetime) -> None:
        downtimes.end(session, machine, downtime, by=by, now=now)

    return _act(lab, id, "downtimes", end)


@bp.post("/labs/<lab>/machines/<id>/calibrations")
@auth.lab_role(LabRole.OPERATOR)
def calibrate(lab: str, id: str) -> ResponseReturnValue:
    """Back on the page; the piece that was chosen is queued for this machine alone."""

    def queue(session: Session, machine: MachineRow, by: str, now: datetime) -> None:
        pieces = calibrations.pieces_for(session, machine)
        chosen = request.form.get("piece", "")
        if not chosen.isdecimal() or int(chosen) >= len(pieces):
            raise InvalidInput(later("choose one of the pieces"))
        piece = pieces[int(chosen)]
        wanted = NewCalibration(
            release_id=piece.release_id, part=piece.part, material=piece.material
        )
        calibrations.order(session, machine, wanted, by=by, now=now)

    return _act(lab, id, "calibrations", queue)


def _act(lab: str, machine_id: str, form: str, act: Act) -> ResponseReturnValue:
    """Back on the page's part of that name once it is done, or the page with why it is not."""
    now, by = datetime.now(UTC), auth.current_person().id
    try:
        with transaction(current_app.extensions["engine"]) as session:
            act(session, machine_of(session, lab, machine_id), by, now)
    except REFUSED as error:
        return _page(lab, machine_id, form, error), status_of(error)
    return redirect(url_for("machines.show", lab=lab, id=machine_id, _anchor=form), 303)


def _filled(names: tuple[str, ...]) -> dict[str, str]:
    """What stands in these fields of the form; one that was left empty is not there."""
    given = {name: request.form.get(name, "").strip() for name in names}
    return {name: value for name, value in given.items() if value}


@bp.get("/labs/<lab>/manage/rules")
@auth.lab_role(LabRole.MANAGER)
def lab_rules(lab: str) -> ResponseReturnValue:
    """The lab's hours and power, in a form."""
    with reading(current_app.extensions["engine"]) as session:
        row = labs.lab_of(session, lab)
        kept = rules.of_lab(row)
    return _rules_page(row, _shown(kept))


def _shown(kept: LabRules) -> dict[str, str]:
    limit_w = kept.power_limit_w
    return {
        "time_zone": kept.time_zone,
        "closed_days": ", ".join(map(str, kept.closed_days)),
        "power_limit_w": "" if limit_w is None else f"{limit_w:g}",
        "shared_plates": "true" if kept.shared_plates else "",
        **fill_week(kept.open, "open"),
        **fill_week(kept.quiet, "quiet"),
    }


def _rules_page(lab: LabRow, values: Mapping[str, str], error: FabError | None = None) -> str:
    days = DAY_NAMES.items()
    return render_template("lab_rules.html", lab=lab, values=values, error=error, days=days)


@bp.post("/labs/<lab>/manage/rules")
@auth.lab_role(LabRole.MANAGER)
def set_lab_rules(lab: str) -> ResponseReturnValue:
    """Back on the page; the lab keeps to these rules. Or the page with what is wrong."""
    form = request.form
    given: dict[str, object] = {
        **_filled(("time_zone", "power_limit_w", "shared_plates")),
        "closed_days": form.get("closed_days", "").replace(",", " ").split(),
        **{name: read_week(form, name) for name in ("open", "quiet")},
    }
    try:
        with transaction(current_app.extensions["engine"]) as session:
            rules.set_lab(session, labs.lab_of(session, lab), check(LabRules, given))
    except REFUSED as error:
        with reading(current_app.extensions["engine"]) as session:
            row = labs.lab_of(session, lab)
        return _rules_page(row, form, error), status_of(error)
    return redirect(url_for("machines.lab_rules", lab=lab), 303)


@bp.get("/labs/<lab>/utilisation")
@auth.public
def show_utilisation(lab: str) -> ResponseReturnValue:
    """What the last weeks of each machine went into, as bars and as a table."""
    now = datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        row = labs.lab_of(session, lab)
        weeks = machine_book.weeks_of(session, row, weeks=_WEEKS, now=now)
        zone = rules.of_lab(row).zone
    shown = [(it, it.week_begins_at.astimezone(zone), charts.week_bar(it.hours)) for it in weeks]
    return render_template("utilisation.html", lab=row, weeks=shown)
