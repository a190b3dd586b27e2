"""Why a job waits, what each machine says to that, and when it is expected to begin."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from commons.availability import Availability, begins_at
from commons.fleet import Fleet
from commons.job import JobState
from commons.matching import Answer, Refusal
from commons.turn import Rank, rank
from commons.wire import MillOptions, PrintOptions
from repo_server import choice, entitled, following, forecasts, matches, turns
from repo_server.conditions import FREE, Condition, seen
from repo_server.forecasts import Busy, Forecast, Waiting
from repo_server.tables import BuildOrderRow, JobRow, MachineRow, MaterialLotRow

Orders = Mapping[str, BuildOrderRow]
Builds = Mapping[str, matches.Buildable]
Plate = tuple[str, int]  # id of the order, how many of it are made at once
Minutes = Mapping[Plate, float | None]
Held = Mapping[str, following.Wait]  # by the id of the order that waits for another one


class BoardAnswer(BaseModel):
    """Why a machine does not make a waiting job now; `code` is 'next' when it is about to.

    The machine's own state is asked first. `then` is what would keep it from the job even in a
    better state, empty where nothing would: nobody should mend a machine for a job that it cannot
    make.
    """

    model_config = ConfigDict(frozen=True)

    machine_id: str
    machine: str
    code: str
    sentence: str
    then: str = ""


@dataclass(frozen=True, slots=True)
class Station:
    """A machine with what is loaded, what holds it, and how it is."""

    machine: MachineRow
    lot: MaterialLotRow | None
    job: JobRow | None
    condition: Condition
    is_clear: bool
    next_lot: MaterialLotRow | None = None
    available: Availability | None = None


_NOT_WELL = {
    Condition.OFFLINE: "is offline",
    Condition.FAULT: "has a fault; someone has to look at it",
    Condition.MANUAL: "is used by hand",
    Condition.UNCONFIRMED: "may have made something; someone has to look at it",
}
_COULD_MAKE_IT = ("next", "busy")
# It could, once it may.
_MAY_LATER = (Refusal.HOURS, Refusal.MAINTENANCE)


def in_line(
    session: Session, lab_id: str, jobs: Iterable[JobRow], held: Held, *, now: datetime
) -> list[JobRow]:
    """The queued ones of the jobs, as their turns come, whichever machine asks; what is set aside
    or waits for another order (`held`) comes last."""
    queued = [job for job in jobs if job.state is JobState.QUEUED]
    claimed = turns.claims_of(session, lab_id, queued, now=now)

    def order(job: JobRow) -> tuple[bool, Rank]:
        later = bool(job.parked_by or job.over_quota or job.order_id in held)
        return later, rank(claimed[job.id])

    return sorted(queued, key=order)


def answers(
    session: Session,
    lab_id: str,
    orders: Orders,
    builds: Builds,
    stations: Sequence[Station],
    queued: Iterable[JobRow],
    minutes: Minutes,
    *,
    now: datetime,
) -> dict[Plate, tuple[BoardAnswer, ...]]:
    """For each order and size of plate that is queued, why each machine does not make it now;
    `minutes` are how long the plates take, as far as that is known."""
    offers = [matches.offer_of(it.machine, it.lot, it.next_lot, it.available) for it in stations]
    fleet = Fleet(entitled.with_people(session, lab_id, offers, now=now))
    found = {}
    told: dict[Answer, BoardAnswer] = {}  # a machine says the same to most of them
    proved = {(job.order_id, job.copies): job.proved_g for job in queued}
    for (order_id, copies), proved_g in proved.items():
        if (build := builds.get(order_id)) is None:
            continue
        order = orders[order_id]
        printing = PrintOptions.model_validate(order.options)
        milling = MillOptions.model_validate(order.options)
        need = replace(
            build.need(order.material, printing, copies, milling=milling, proved_g=proved_g),
            ordered_by=order.ordered_by,
            begins_at=now,
            minutes=minutes.get((order_id, copies)),
        )
        said = fleet.answers(need)
        for station, answer in zip(stations, said, strict=True):
            if answer not in told:
                told[answer] = _answer_of(station, answer)
        found[order_id, copies] = tuple(told[answer] for answer in said)
    return found


def of_jobs(
    queued: Iterable[JobRow],
    orders: Orders,
    said: Mapping[Plate, Sequence[BoardAnswer]],
    held: Held,
) -> dict[str, tuple[BoardAnswer, ...]]:
    """What the machines say to each of the jobs that are not held back, by its id."""
    return {
        job.id: _of_job(job, orders[job.order_id], said.get((job.order_id, job.copies), ()))
        for job in queued
        if job.parked_by is None and job.order_id not in held
    }


def _of_job(
    job: JobRow, order: BuildOrderRow, said: Sequence[BoardAnswer]
) -> tuple[BoardAnswer, ...]:
    """What the machines say to this job: those that nobody chose for it say so."""
    only = choice.chosen(order.machines, job.pinned_to)
    if only is None:
        return _within_quota(said, job)
    chosen = (
        it
        if it.machine_id in only
        else it.model_copy(
            update={
                "code": choice.NOT_CHOSEN,
                "sentence": choice.refusal(it.machine),
                "then": "",
            }
        )
        for it in said
    )
    return _within_quota(chosen, job)


def _said(station: Station, code: str, sentence: str, *, then: str = "") -> BoardAnswer:
    machine = station.machine
    return BoardAnswer(
        machine_id=machine.id, machine=machine.name, code=code, sentence=sentence, then=then
    )


def _within_quota(said: Iterable[BoardAnswer], job: JobRow) -> tuple[BoardAnswer, ...]:
    """What machines say to this very job: where nothing else is in its way, its person's quota may
    be, which is the last that is asked."""
    if job.over_quota is None:
        return tuple(said)
    code, why = Refusal.QUOTA, job.over_quota
    return tuple(
        it.model_copy(update={"code": code, "sentence": f"{it.machine}: it {why}"})
        if it.code in _COULD_MAKE_IT
        else it
        for it in said
    )


def _answer_of(station: Station, answer: Answer) -> BoardAnswer:
    """What the machine says: how it is, else the first filter that refuses, else when."""
    name, refused = station.machine.name, answer.sentence if answer.refusal else ""
    if station.condition in _NOT_WELL:
        sentence = f"{name} {_NOT_WELL[station.condition]}"
        return _said(station, station.condition, sentence, then=refused)
    if answer.refusal:
        return _said(station, answer.refusal, refused)
    if station.condition in FREE and station.job is None:
        return _said(station, "next", f"{name} can take it next")
    return _said(station, "busy", f"{name} has another job")


def minutes_of(
    session: Session, lab_id: str, orders: Orders, builds: Builds, queued: Iterable[JobRow]
) -> Minutes:
    """How long each of the queued plates takes; None of those of which nobody knows."""
    plates = {(job.order_id, job.copies) for job in queued}
    return forecasts.minutes_of(session, lab_id, orders, builds, plates)


def forecasts_of(
    orders: Orders,
    stations: Sequence[Station],
    queued: Sequence[JobRow],
    why: Mapping[str, tuple[BoardAnswer, ...]],
    minutes: Minutes,
    *,
    now: datetime,
) -> dict[str, Forecast]:
    """When each of the queued jobs is expected to begin, by id; none of those that no machine
    could make as it is loaded now, nor of those that are held back. `why` is by job."""
    by_id = {it.machine.id: it for it in stations}
    line = []
    for job in queued:
        plate, order = (job.order_id, job.copies), orders[job.order_id]
        begins = {
            it.machine_id: at
            for it in why.get(job.id, ())
            if (at := _may_begin(it, by_id[it.machine_id], minutes[plate], now))
        }
        if job.over_quota is None and begins:
            first = min(begins.values())
            line.append(
                Waiting(
                    job.id,
                    tuple(begins),
                    order.material,
                    minutes[plate],
                    order.deadline,
                    max(first, order.not_before or first),
                    job.urgent,
                )
            )
    machines = [_busy(it, now) for it in stations if it.condition not in _NOT_WELL]
    return forecasts.forecast(line, machines, now=now)


def _may_begin(
    answer: BoardAnswer, station: Station, minutes: float | None, now: datetime
) -> datetime | None:
    """From when on the machine may make it; None when it cannot, or nobody knows when."""
    if answer.code in _COULD_MAKE_IT or station.available is None:
        return now if answer.code in _COULD_MAKE_IT else None
    return begins_at(station.available, minutes) if answer.code in _MAY_LATER else None


def _busy(station: Station, now: datetime) -> Busy:
    material = station.lot.material if station.lot else ""
    if station.job is None:
        opens_at = begins_at(station.available, None) if station.available else None
        wait = (opens_at - now) / timedelta(minutes=1) if opens_at else 0.0
        return Busy(station.machine.id, material, wait)
    report = seen(station.machine)
    progress = report.progress if report else None
    left_s = progress.remaining_s if progress else None
    return Busy(station.machine.id, material, None if left_s is None else left_s / 60)
