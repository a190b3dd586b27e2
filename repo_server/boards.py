"""A lab's board: what its machines do, which jobs there are, and who waits for what."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, func, select

from commons.availability import Availability, resting
from commons.flows import Ring
from commons.job import JobEvent, JobState, can
from commons.machine import Process
from commons.texts import later
from commons.variants import told
from commons.wire import MachineReport, ProgramFacts, ProgressReport
from repo_server import following, matches, standing, waits
from repo_server.conditions import FREE, Condition, condition, heard_lately, is_clear, seen
from repo_server.forecasts import Forecast
from repo_server.tables import (
    AttemptRow,
    BuildOrderRow,
    CityRow,
    JobRow,
    LabRoleRow,
    LabRow,
    MachineRow,
    MaterialLotRow,
    PersonRow,
)
from repo_server.tables.people import LabRole
from repo_server.waits import BoardAnswer, Station

_PAST = (JobState.DONE, JobState.REJECTED, JobState.CANCELLED)
_MOST_JOBS, _MOST_PAST = 200, 20
_HIDDEN_WHEN_DOWN = FREE | {Condition.OFFLINE}
_NOT_USED = later("a machine that is not used any more")
_MAY_HAVE_PASSPORT = (JobState.FINISHED, JobState.DONE, JobState.REJECTED)


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class BoardLot(_Shown):
    """The material on a machine."""

    id: str
    name: str
    material: str
    ring: Ring
    mass_left_g: float | None
    thickness_mm: float | None
    width_mm: float | None
    depth_mm: float | None
    grain: str | None
    colour_hex: str | None


class BoardMachine(_Shown):
    """One machine now. `progress` is about the job that holds it."""

    id: str
    name: str
    process: Process
    simulated: bool
    state: Condition
    sentence: str
    cleared: bool
    lot: BoardLot | None
    hotend_c: float | None
    bed_c: float | None
    job_id: str | None
    attempt_id: str | None
    progress: ProgressReport | None


class BoardProgram(_Shown):
    """What a job's program will use: by our own reading of it, and as whoever made it claims."""

    duration_s: float
    material_g: float | None
    claimed_duration_s: float | None
    claimed_material_g: float | None


class BoardJob(_Shown):
    """One job. `acts` are what a person may ask of it; `waits` is empty unless it is queued, and
    `forecast` unless some machine could make it as it is loaded now.

    It makes `plate` of the order's `copies` at once, from number `copy_number` on. Of those
    `good_copies` are good, once somebody has looked. `variant` are the values that its source was
    given, empty where it is made as published. `follows` tells of another order that it waits for,
    `pinned_to` is the only machine that may make it, `set_id` what it was ordered together with.
    `release_id` is None of a program that somebody brought.
    """

    id: str
    order_id: str
    release_id: str | None
    title: str
    part: str
    copy_number: int
    copies: int
    plate: int
    good_copies: int | None
    variant: str
    material: str
    process: Process
    state: JobState
    sentence: str
    machine_id: str | None
    machine: str | None
    attempt_id: str | None
    has_passport: bool
    queued_at: datetime
    changed_at: datetime
    program: BoardProgram | None
    acts: tuple[str, ...]
    urgent_because: str | None
    deadline: datetime | None
    not_before: datetime | None
    attended_only: bool
    pinned_to: str | None
    set_id: str | None
    follows: str | None = None
    waits: tuple[BoardAnswer, ...] = ()
    forecast: Forecast | None = None


class BoardLab(_Shown):
    slug: str
    name: str
    city_slug: str
    city: str


class Board(_Shown):
    """Everything a lab's board shows. `past` holds the latest jobs that need nobody;
    `queued` is how many wait, on the board and beyond it."""

    lab: BoardLab
    machines: tuple[BoardMachine, ...]
    jobs: tuple[BoardJob, ...]
    past: tuple[BoardJob, ...]
    queued: int


def show_board(session: Session, lab: LabRow, *, now: datetime) -> Board:
    """The lab's board as it stands now."""
    stations = _stations(session, lab.id, now)
    clearers = ", ".join(_who_can_clear(session, lab.id)) or "nobody yet"
    city = session.get_one(CityRow, lab.city_id)
    jobs = _jobs(session, lab.id, past=False)
    past = _jobs(session, lab.id, past=True)
    orders = _orders(session, [*jobs, *past])
    builds = matches.buildables_of(session, list(orders.values()))
    kept = following.waits(session, list(orders.values()))
    queued = waits.in_line(session, lab.id, jobs, kept, now=now)
    minutes = waits.minutes_of(session, lab.id, orders, builds, queued)
    said = waits.answers(session, lab.id, orders, builds, stations, queued, minutes, now=now)
    why = waits.of_jobs(queued, orders, said, kept)
    when = waits.forecasts_of(orders, stations, queued, why, minutes, now=now)
    names = {station.machine.id: station.machine.name for station in stations}
    tries = _attempts(session, [*jobs, *past])
    held = {it.job.id for it in stations if it.job and it.condition is Condition.HELD}

    def shown(job: JobRow) -> BoardJob:
        order = orders[job.order_id]
        attempt = tries.get(job.attempt_id or "")
        build = builds.get(order.id)
        shown = _job(job, order, build, names, attempt=attempt, held=job.id in held)
        if job.state is not JobState.QUEUED:
            return shown
        return _waiting(shown, kept.get(order.id), why.get(job.id, ()), when.get(job.id))

    return Board(
        lab=BoardLab(slug=lab.slug, name=lab.name, city_slug=city.slug, city=city.name),
        machines=tuple(
            _machine(station, clearers, tries.get(station.machine.attempt_id or ""))
            for station in stations
        ),
        jobs=tuple(map(shown, [*(it for it in jobs if it.state is not JobState.QUEUED), *queued])),
        past=tuple(map(shown, past)),
        queued=_how_many_wait(session, lab.id),
    )


def _waiting(
    job: BoardJob,
    behind: following.Wait | None,
    answers: tuple[BoardAnswer, ...],
    forecast: Forecast | None,
) -> BoardJob:
    """The job, and what it waits for."""
    asks = behind is not None and behind.hindrance is following.Hindrance.ASKS
    return job.model_copy(
        update={
            "waits": answers,
            "forecast": forecast,
            "follows": behind and behind.sentence,
            "acts": (*job.acts, "go_on") if asks else job.acts,
        }
    )


def _stations(session: Session, lab_id: str, now: datetime) -> list[Station]:
    machines = matches.machines_of(session, lab_id)
    held = [machine.attempt_id for machine, _ in machines if machine.attempt_id]
    rows = session.exec(
        select(AttemptRow.id, JobRow, BuildOrderRow.attended_only)
        .join(JobRow, col(JobRow.id) == col(AttemptRow.job_id))
        .join(BuildOrderRow, col(BuildOrderRow.id) == col(JobRow.order_id))
        .where(col(AttemptRow.id).in_(held))
    )
    held_by = {attempt_id: (job, attended) for attempt_id, job, attended in rows}
    follows = matches.following(session, lab_id)
    seen_now = standing.of_machines(session, lab_id, [it for it, _ in machines], now=now)
    return [
        replace(
            _station(
                machine,
                lot,
                *held_by.get(machine.attempt_id or "", (None, False)),
                available=seen_now[machine.id],
            ),
            next_lot=follows.get(machine.id),
        )
        for machine, lot in machines
    ]


def _station(
    machine: MachineRow, lot: MaterialLotRow | None, job: JobRow | None, attended: bool, *,
    available: Availability,
) -> Station:  # fmt: skip
    now = available.now
    heard, state = heard_lately(machine, now), job.state if job else None
    now_is = condition(machine, state, heard=heard, now=now, attended=attended)
    if available.down() and now_is in _HIDDEN_WHEN_DOWN:
        now_is = Condition.DOWN
    is_clear_now = is_clear(machine, now, attended=attended)
    return Station(machine, lot, job, now_is, is_clear_now, available=available)


def _who_can_clear(session: Session, lab_id: str) -> Sequence[str]:
    names = (
        select(PersonRow.name)
        .join(LabRoleRow, col(LabRoleRow.person_id) == col(PersonRow.id))
        .where(
            LabRoleRow.lab_id == lab_id,
            col(LabRoleRow.role).in_((LabRole.OPERATOR, LabRole.MANAGER)),
        )
    )
    return session.exec(names.order_by(PersonRow.name)).all()


def _jobs(session: Session, lab_id: str, *, past: bool) -> Sequence[JobRow]:
    is_past = col(JobRow.state).in_(_PAST)
    of_lab = select(JobRow).where(JobRow.lab_id == lab_id)
    if past:
        latest = of_lab.where(is_past).order_by(col(JobRow.changed_at).desc(), col(JobRow.id))
        return session.exec(latest.limit(_MOST_PAST)).all()
    by_place = of_lab.where(~is_past).order_by(col(JobRow.place), col(JobRow.id)).limit(_MOST_JOBS)
    urgent = session.exec(by_place.where(col(JobRow.urgent).is_(True))).all()
    line = session.exec(by_place).all()
    # What is urgent goes before the rest, however far behind it stands.
    return list({job.id: job for job in (*urgent, *line)}.values())[:_MOST_JOBS]


def _how_many_wait(session: Session, lab_id: str) -> int:
    waiting = select(func.count()).where(JobRow.lab_id == lab_id, JobRow.state == JobState.QUEUED)
    return session.exec(waiting).one()


def _orders(session: Session, jobs: Sequence[JobRow]) -> dict[str, BuildOrderRow]:
    ids = {job.order_id for job in jobs}
    rows = session.exec(select(BuildOrderRow).where(col(BuildOrderRow.id).in_(ids)))
    return {order.id: order for order in rows}


def _attempts(session: Session, jobs: Sequence[JobRow]) -> dict[str, AttemptRow]:
    """The attempts that the jobs are about now, by id."""
    ids = {job.attempt_id for job in jobs if job.attempt_id}
    rows = session.exec(select(AttemptRow).where(col(AttemptRow.id).in_(ids)))
    return {attempt.id: attempt for attempt in rows}


def _machine(station: Station, clearers: str, attempt: AttemptRow | None) -> BoardMachine:
    machine, lot, report = station.machine, station.lot, seen(station.machine)
    progress = report.progress if report else None
    if progress is not None and progress.attempt_id != machine.attempt_id:
        progress = None
    return BoardMachine(
        id=machine.id,
        name=machine.name,
        process=Process(str(machine.profile["process"])),
        simulated=bool(machine.profile.get("simulated")),
        state=station.condition,
        sentence=_sentence(station, report, f"{_holding(attempt)}: {clearers}"),
        cleared=station.is_clear,
        lot=None if lot is None else BoardLot.model_validate(lot.model_dump()),
        hotend_c=report.hotend_c if report else None,
        bed_c=report.bed_c if report else None,
        job_id=station.job.id if station.job else None,
        attempt_id=machine.attempt_id,
        progress=progress,
    )


def _holding(attempt: AttemptRow | None) -> str:
    """Which cutter whoever clears the machine must find in it."""
    if attempt is None or attempt.program is None:
        return ""
    return ProgramFacts.model_validate(attempt.program).holding


def _sentence(station: Station, report: MachineReport | None, clear: str) -> str:
    """What people should know about the machine now; empty when its state says it all."""
    if station.condition is Condition.UNCONFIRMED and station.job is not None:
        return station.job.sentence
    if station.available and station.condition is Condition.DOWN:
        down = station.available.down()
        return resting(down, station.available) if down else ""
    if station.condition is Condition.AWAIT_CLEAR:
        return f"someone has to look and confirm that the bed is clear{clear}"
    if report is not None and report.sentence:
        return report.sentence
    if station.condition is Condition.OFFLINE:
        if report is None:
            return later("its agent was never heard of")
        return later("its agent was not heard of for a minute")
    return ""


def _job(
    job: JobRow,
    order: BuildOrderRow,
    build: matches.Buildable | None,
    names: Mapping[str, str],
    *,
    attempt: AttemptRow | None,
    held: bool,
) -> BoardJob:
    return BoardJob(
        id=job.id,
        order_id=order.id,
        release_id=order.release_id,
        title=build.title if build else order.part,
        part=order.part,
        copy_number=job.copy_number,
        copies=order.copies,
        plate=job.copies,
        good_copies=attempt.good_copies if attempt else None,
        variant=told(order.variant or {}),
        material=order.material,
        process=job.process,
        state=job.state,
        sentence=job.sentence,
        machine_id=job.machine_id,
        machine=names.get(job.machine_id or ""),
        attempt_id=job.attempt_id,
        has_passport=job.attempt_id is not None and job.state in _MAY_HAVE_PASSPORT,
        queued_at=job.queued_at,
        changed_at=job.changed_at,
        program=_program(attempt),
        acts=acts_on(job, held=held),
        urgent_because=order.urgent_because,
        deadline=order.deadline,
        not_before=order.not_before,
        attended_only=order.attended_only,
        pinned_to=job.pinned_to and names.get(job.pinned_to, _NOT_USED),
        set_id=order.set_id,
    )


def _program(attempt: AttemptRow | None) -> BoardProgram | None:
    if attempt is None or attempt.program is None:
        return None
    facts = ProgramFacts.model_validate(attempt.program)
    return BoardProgram.model_validate(facts.model_dump(include=set(BoardProgram.model_fields)))


def acts_on(job: JobRow, *, held: bool) -> tuple[str, ...]:
    """What a person at the machines may ask of the job as it stands; names of routes."""
    acts = {
        "verdict": can(job.state, JobEvent.GOOD),
        "hold": job.state is JobState.RUNNING and not held,
        "resume": job.state is JobState.RUNNING and held,
        "attest": can(job.state, JobEvent.IT_RAN) and job.fence_acknowledged,
        "again": can(job.state, JobEvent.AGAIN),
        "park": job.state is JobState.QUEUED and job.parked_by is None,
        "unpark": job.state is JobState.QUEUED and job.parked_by is not None,
        "cancel": can(job.state, JobEvent.CANCEL),
    }
    return tuple(act for act, possible in acts.items() if possible)
