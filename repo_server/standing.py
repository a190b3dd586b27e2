"""What stands in the way of a lab's machines at one moment: hours, downtimes, upkeep, power."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlmodel import Session, select

from commons import power
from commons.availability import HORIZON, Availability, Pause, Rest
from commons.hours import Week, between, periods
from commons.upkeep import Due
from repo_server import downtimes, rules, upkeep
from repo_server.rules import LabRules, MachineRules
from repo_server.tables import DowntimeRow, LabRow, MachineRow


def of_machine(session: Session, machine: MachineRow, *, now: datetime) -> Availability:
    """When the machine may be given work, as seen now."""
    return of_machines(session, machine.lab_id, [machine], now=now)[machine.id]


def of_lab(session: Session, lab_id: str, *, now: datetime) -> dict[str, Availability]:
    """The same of every machine of the lab, by id."""
    machines = session.exec(select(MachineRow).where(MachineRow.lab_id == lab_id)).all()
    return of_machines(session, lab_id, machines, now=now)


def of_machines(
    session: Session, lab_id: str, machines: Sequence[MachineRow], *, now: datetime
) -> dict[str, Availability]:
    """The same of these machines of the lab."""
    lab = rules.of_lab(session.get_one(LabRow, lab_id))
    ids = [it.id for it in machines]
    down = downtimes.of_machines(session, ids, now=now)
    blocked = _overdue(session, ids, now) | _too_strong(session, machines, lab)
    return {
        it.id: Availability(
            now,
            lab.zone,
            tuple(_pauses(it, lab, [row for row in down if row.machine_id == it.id], now)),
            blocked.get(it.id),
        )
        for it in machines
    }


def _overdue(session: Session, machine_ids: Sequence[str], now: datetime) -> dict[str, str]:
    duties = upkeep.duties(session, machine_ids, now=now, blocking=True)
    return {it.task.machine_id: it.sentence for it in duties if it.wear.due is Due.OVERDUE}


def _too_strong(session: Session, machines: Sequence[MachineRow], lab: LabRules) -> dict[str, str]:
    """What those machines say that could never start under the lab's limit."""
    if lab.power_limit_w is None:
        return {}
    draws = rules.draws_of(session, machines)
    said = {id_: power.never(lab.power_limit_w, draw) for id_, draw in draws.items()}
    return {id_: sentence for id_, sentence in said.items() if sentence}


def _pauses(
    machine: MachineRow, lab: LabRules, down: Sequence[DowntimeRow], now: datetime
) -> list[Pause]:
    pauses = [Pause(Rest.DOWN, it.begins_at, it.ends_at, it.reason) for it in down]
    pauses += hours_of(machine, lab, now, now + HORIZON)
    return sorted(pauses, key=lambda it: it.begins_at)


def hours_of(machine: MachineRow, lab: LabRules, begin: datetime, end: datetime) -> list[Pause]:
    """When the machine rests for its hours between two moments."""
    own = rules.of_machine(machine)
    return [*_closed(machine, own, lab, begin, end), *_quiet(own, lab, begin, end)]


def _closed(
    machine: MachineRow, own: MachineRules, lab: LabRules, begin: datetime, end: datetime
) -> list[Pause]:
    """When nobody is there, of a machine that may not be left alone."""
    if own.unattended and not machine.profile.get("attended_only", True):
        return []
    return [Pause(Rest.CLOSED, *it) for it in closed(own.open or lab.open, lab, begin, end)]


def closed(
    week: Week | None, lab: LabRules, begin: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """When it is not open between two moments; without a plan it always is, but on closed days."""
    days: frozenset[date] = frozenset(lab.closed_days)
    if week is None and not days:
        return []
    opened = periods(week or _ALL_DAY, lab.zone, begin, end, but=days)
    return between(opened, begin, end)


_ALL_DAY = Week.model_validate(dict.fromkeys(Week.model_fields, ("00:00-24:00",)))


def _quiet(own: MachineRules, lab: LabRules, begin: datetime, end: datetime) -> list[Pause]:
    week = own.quiet or lab.quiet
    if week is None or not own.loud:
        return []
    return [Pause(Rest.QUIET, *it) for it in periods(week, lab.zone, begin, end)]
