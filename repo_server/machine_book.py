"""A machine's book: how long it ran, what is due, when it is down, what it keeps to."""

from collections.abc import Collection
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlmodel import Session, col, select

from commons.availability import Availability, refused_for_hours, refused_for_upkeep
from commons.machine import Process
from commons.power import Draw
from commons.upkeep import Due
from commons.utilisation import Use
from repo_server import calibrations, downtimes, rules, standing, upkeep, utilisation
from repo_server.rules import MachineRules
from repo_server.tables import (
    CounterRow,
    DowntimeRow,
    LabRow,
    MachineRow,
    MaintenanceDoneRow,
    PersonRow,
)


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class CountersTold(_Told):
    """Measured run time, on top of what somebody said that the counters stood at."""

    hours: float
    starts: int
    said_hours: float | None
    said_starts: int | None
    said_by: str | None
    said_at: AwareDatetime | None


class DutyTold(_Told):
    """What is to be done again and again; `words` say how far off it is."""

    id: str
    name: str
    instructions: str
    every_hours: float | None
    every_days: float | None
    every_prints: int | None
    blocking: bool
    due: Due
    words: str
    last_by: str | None
    last_at: AwareDatetime | None


class DoneTold(_Told):
    """What was done to the machine, at how many machine hours."""

    name: str
    by: str
    at: AwareDatetime
    note: str
    hours: float


class DowntimeTold(_Told):
    """Without an end it lasts until somebody ends it."""

    id: str
    reason: str
    begins_at: AwareDatetime
    ends_at: AwareDatetime | None
    by: str


class CalibrationTold(_Told):
    """`good` is null while nobody has looked."""

    order_id: str
    part: str
    material: str
    ordered_at: AwareDatetime
    state: str
    good: bool | None
    by: str | None
    at: AwareDatetime | None


class DrawTold(_Told):
    """What it draws while it heats up, for how long, and while it runs."""

    heat_up_w: float
    run_w: float
    heat_up_s: float


class MachineBook(_Told):
    """`rests` is a sentence while it may be given no work, empty otherwise; `draw` is null where
    nobody knows it."""

    id: str
    name: str
    process: Process
    rests: str
    counters: CountersTold
    maintenance: tuple[DutyTold, ...]
    done: tuple[DoneTold, ...]
    downtimes: tuple[DowntimeTold, ...]
    calibrations: tuple[CalibrationTold, ...]
    rules: MachineRules
    draw: DrawTold | None


class WeekTold(_Told):
    """A machine's week: hours (h) by what they went into, and which share of it is known."""

    machine_id: str
    machine: str
    week_begins_at: AwareDatetime
    hours: dict[Use, float]
    coverage: float


def open_book(session: Session, machine: MachineRow, *, now: datetime) -> MachineBook:
    """The machine's book as it stands now."""
    duties = upkeep.duties(session, [machine.id], now=now)
    done = upkeep.last_done(session, machine.id)
    down = downtimes.of_machines(session, [machine.id], now=now)
    counted, said = upkeep.counters(session, machine.id)
    signed: list[MaintenanceDoneRow | DowntimeRow | CounterRow | None]
    signed = [*(it.last for it in duties), *(it for _, it in done), *down, said]
    by = _names(session, {it.by for it in signed if it})
    return MachineBook(
        id=machine.id,
        name=machine.name,
        process=Process(str(machine.profile["process"])),
        rests=_rests(machine, standing.of_machine(session, machine, now=now)),
        counters=CountersTold(
            hours=counted.hours,
            starts=counted.starts,
            said_hours=said.hours if said else None,
            said_starts=said.starts if said else None,
            said_by=by[said.by] if said else None,
            said_at=said.at if said else None,
        ),
        maintenance=tuple(_duty(it, by) for it in duties),
        done=tuple(
            DoneTold(name=name, by=by[it.by], at=it.at, note=it.note, hours=it.hours)
            for name, it in done
        ),
        downtimes=tuple(_down(it, by) for it in down),
        calibrations=tuple(
            map(CalibrationTold.model_validate, calibrations.of_machine(session, machine.id))
        ),
        rules=rules.of_machine(machine),
        draw=_drawn(rules.draw_of(session, machine)),
    )


def _rests(machine: MachineRow, seen: Availability) -> str:
    sentence = refused_for_hours(seen, None) or refused_for_upkeep(seen, None)
    return f"{machine.name} {sentence}" if sentence else ""


def _duty(it: upkeep.Duty, by: dict[str, str]) -> DutyTold:
    return DutyTold(
        **it.task.model_dump(include=set(DutyTold.model_fields)),
        due=it.wear.due,
        words=it.wear.words,
        last_by=by[it.last.by] if it.last else None,
        last_at=it.last.at if it.last else None,
    )


def _down(it: DowntimeRow, by: dict[str, str]) -> DowntimeTold:
    told = it.model_dump(include=set(DowntimeTold.model_fields))
    return DowntimeTold(**told | {"by": by[it.by]})


def _drawn(draw: Draw | None) -> DrawTold | None:
    return None if draw is None else DrawTold.model_validate(draw)


def _names(session: Session, ids: Collection[str]) -> dict[str, str]:
    named = select(PersonRow.id, PersonRow.name).where(col(PersonRow.id).in_(ids))
    return dict(session.exec(named).all())


def weeks_of(session: Session, lab: LabRow, *, weeks: int, now: datetime) -> list[WeekTold]:
    """The last weeks of each of the lab's machines."""
    return [
        WeekTold.model_validate(it) for it in utilisation.of_lab(session, lab, weeks=weeks, now=now)
    ]
