"""A lot whole: what is known of it, where it is, what was done with it, what it would do for."""

from collections.abc import Sequence
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, func, select

from commons.flows import Action, Measure, Ring, State
from commons.job import JobState
from commons.machine import MachineProfile
from commons.matching import MachineOffer, candidates
from commons.wire import PrintOptions
from repo_server import lot_loading, matches, offcuts
from repo_server.lot_mass import left_of
from repo_server.tables import (
    AttemptRow,
    BuildOrderRow,
    EconomicEventRow,
    JobRow,
    LotEventRow,
    MachineRow,
    MaterialLotRow,
    PersonRow,
)

_MOST_JOBS = 200
_MOST_USES = 100


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class MassLeft(_Told):
    """What is left, g, with its interval, and how well that is known."""

    central: float
    low: float
    high: float
    state: State


class LotLine(_Told):
    """A spool or sheet; what is null is not known. `mass_left_g` is the middle of `mass_left`."""

    id: str
    material: str
    name: str
    ring: Ring
    evidence: str | None
    mass_left_g: float | None
    mass_left: MassLeft | None
    net_g: float | None
    tare_g: float | None
    thickness_mm: float | None
    width_mm: float | None
    depth_mm: float | None
    grain: str | None
    colour: str | None
    colour_hex: str | None
    maker: str | None
    maker_lot: str | None
    parent_id: str | None
    archived_at: datetime | None


class LotAct(_Told):
    """What somebody did with the lot; masses g, where it was weighed."""

    kind: str
    by: str
    at: datetime
    machine: str | None
    gross_g: float | None
    tare_g: float | None
    before_g: float | None
    after_g: float | None
    reason: str


class LotUse(_Told):
    """A job that used of the lot; `mass_g` None where nobody knows how much."""

    job_id: str
    attempt_id: str
    part: str
    machine: str
    outcome: str
    ended_at: datetime | None
    mass_g: float | None


class LotPlace(_Told):
    """A machine that takes the lot. `jobs` are the waiting ones that it could then make of it;
    `holds_job`: it cannot be changed now. `loaded` is what is on it, `follows`: this lot does."""

    machine_id: str
    machine: str
    jobs: int
    holds_job: bool
    loaded: str | None
    loaded_id: str | None
    follows: bool


class Size(_Told):
    """A rectangle, mm."""

    width_mm: float
    depth_mm: float


class LotTold(LotLine):
    """A lot with all that its lab knows of it. `suggested` are the offcuts that the latest program
    leaves of a sheet."""

    price_minor: int | None
    currency: str | None
    bought_on: date | None
    added_at: datetime | None
    machine: str | None
    machine_id: str | None
    parent: str | None
    offcuts: tuple[LotLine, ...]
    suggested: tuple[Size, ...]
    places: tuple[LotPlace, ...]
    acts: tuple[LotAct, ...]
    uses: tuple[LotUse, ...]


def line(lot: MaterialLotRow) -> LotLine:
    """The lot as a list shows it."""
    return LotLine.model_validate(_columns(lot))


def _columns(lot: MaterialLotRow) -> dict[str, object]:
    return {**lot.model_dump(), "mass_left": _mass_left(left_of(lot))}


def _mass_left(left: Measure | None) -> MassLeft | None:
    return MassLeft.model_validate(left) if left else None


def show(session: Session, lot: MaterialLotRow) -> LotTold:
    """The lot with its history, the latest first, and the machines that it could be on."""
    machine = lot_loading.machine_with(session, lot.id)
    parent = session.get(MaterialLotRow, lot.parent_id) if lot.parent_id else None
    children = select(MaterialLotRow).where(MaterialLotRow.parent_id == lot.id)
    return LotTold.model_validate(
        {
            **_columns(lot),
            "machine": machine.name if machine else None,
            "machine_id": machine.id if machine else None,
            "parent": parent.name if parent else None,
            "offcuts": [line(it) for it in session.exec(children.order_by(MaterialLotRow.name))],
            "suggested": offcuts.suggested(session, lot),
            "places": _places(session, lot),
            "acts": _acts(session, lot),
            "uses": _uses(session, lot),
        }
    )


def _acts(session: Session, lot: MaterialLotRow) -> list[LotAct]:
    rows = session.exec(
        select(LotEventRow, PersonRow.name, MachineRow.name)
        .join(PersonRow, col(PersonRow.id) == col(LotEventRow.person_id))
        .join(MachineRow, col(MachineRow.id) == col(LotEventRow.machine_id), isouter=True)
        .where(LotEventRow.lot_id == lot.id)
        .order_by(col(LotEventRow.at).desc(), col(LotEventRow.id).desc())
    )
    return [
        LotAct.model_validate({**row.model_dump(), "by": by, "machine": machine})
        for row, by, machine in rows
    ]


def _uses(session: Session, lot: MaterialLotRow) -> list[LotUse]:
    rows = session.exec(
        select(AttemptRow, BuildOrderRow.part, MachineRow.name)
        .join(JobRow, col(JobRow.id) == col(AttemptRow.job_id))
        .join(BuildOrderRow, col(BuildOrderRow.id) == col(JobRow.order_id))
        .join(MachineRow, col(MachineRow.id) == col(AttemptRow.machine_id))
        .where(AttemptRow.lot_id == lot.id, col(AttemptRow.started_at).is_not(None))
        .order_by(col(AttemptRow.started_at).desc())
        .limit(_MOST_USES)
    ).all()
    used = _used_by_attempt(session, lot)
    return [
        LotUse(
            job_id=attempt.job_id,
            attempt_id=attempt.id,
            part=part,
            machine=machine,
            outcome=attempt.outcome or "",
            ended_at=attempt.ended_at,
            mass_g=used.get(attempt.id),
        )
        for attempt, part, machine in rows
    ]


def _used_by_attempt(session: Session, lot: MaterialLotRow) -> dict[str | None, float]:
    """What the ledger says that each attempt consumed of the lot, corrections included."""
    rows = session.exec(
        select(EconomicEventRow.process_id, func.sum(EconomicEventRow.quantity))
        .where(
            EconomicEventRow.resource == f"lot:{lot.id}",
            EconomicEventRow.action == Action.CONSUME,
        )
        .group_by(col(EconomicEventRow.process_id))
    )
    return dict(rows.all())


def _places(session: Session, lot: MaterialLotRow) -> list[LotPlace]:
    """The machines that take it, those first that have work for it."""
    if lot.archived_at is not None:
        return []
    machines = [
        (machine, loaded)
        for machine, loaded in matches.machines_of(session, lot.lab_id)
        if lot.material in MachineProfile.model_validate(machine.profile).materials
    ]
    offers = [matches.offer_of(machine, lot) for machine, _ in machines]
    jobs = _jobs_for(session, lot, offers)
    places = [
        LotPlace(
            machine_id=machine.id,
            machine=machine.name,
            jobs=jobs.get(machine.id, 0),
            holds_job=machine.attempt_id is not None,
            loaded=loaded.name if loaded else None,
            loaded_id=loaded.id if loaded else None,
            follows=machine.next_lot_id == lot.id,
        )
        for machine, loaded in machines
    ]
    return sorted(places, key=lambda it: -it.jobs)


def _jobs_for(
    session: Session, lot: MaterialLotRow, offers: Sequence[MachineOffer]
) -> dict[str, int]:
    """How many waiting jobs each machine could make of the lot, by the machine's id."""
    waiting = session.exec(
        select(JobRow, BuildOrderRow)
        .join(BuildOrderRow, col(BuildOrderRow.id) == col(JobRow.order_id))
        .where(
            JobRow.lab_id == lot.lab_id,
            JobRow.state == JobState.QUEUED,
            BuildOrderRow.material == lot.material,
        )
        .order_by(col(JobRow.queued_at))
        .limit(_MOST_JOBS)
    ).all()
    builds = matches.buildables_of(session, [order for _, order in waiting])
    found: dict[str, int] = {}
    for job, order in waiting:
        if (build := builds.get(order.id)) is None:
            continue
        options = PrintOptions.model_validate(order.options)
        need = build.need(order.material, options, job.copies, proved_g=job.proved_g)
        for answer in candidates(need, offers):
            if answer.refusal is None:
                found[answer.machine_id] = found.get(answer.machine_id, 0) + 1
    return found
