"""Build orders: who wants how many of which part, where, and the jobs that they become."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import Any

from sqlmodel import Session, col, select

from commons.errors import Conflict, InvalidInput, NotFound
from commons.fleet import Fleet
from commons.job import JobState
from commons.lots import shared_out
from commons.machine import MATERIALS, Process
from commons.matching import (
    Answer,
    BuildNeed,
    MachineOffer,
    Refusal,
    capacity,
    leftover,
)
from commons.plates import SMALLEST_MM
from commons.texts import capitalise, filled
from commons.wire import MillOptions, PrintOptions
from repo_server import (
    advice,
    announcements,
    choice,
    claims,
    entitled,
    fleets,
    following,
    forecasts,
    heads,
    licensing,
    matches,
    places,
    prices,
    quotas,
    renderings,
    variants,
)
from repo_server.db import keep_new
from repo_server.ids import new_id
from repo_server.order_requests import OrderRequest, Plates, When
from repo_server.renderings import DrawnBody
from repo_server.tables import BuildOrderRow, JobRow, LabRoleRow
from repo_server.tables.people import LabRole

MAX_ON_PLATE = 50
# What a person at the machine can change: another lot, nozzle, cutter or plate.
_LOADABLE = frozenset(
    {
        Refusal.MATERIAL,
        Refusal.MASS_LEFT,
        Refusal.THICKNESS,
        Refusal.SHEET,
        Refusal.TOOL,
        Refusal.PLATE,
    }
)

# What is otherwise at another time.
_PASSING = frozenset({Refusal.TRAINING, Refusal.RESERVED})


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order, its jobs, and what each machine of the lab answered to it. `drawn` is the body that
    a source drew for it, None where the part's own file is made. `remarks` are what to know of it
    when it is placed."""

    order: BuildOrderRow
    jobs: tuple[JobRow, ...]
    drawn: DrawnBody | None
    remarks: tuple[str, ...] = ()


def place(
    session: Session, wanted: OrderRequest, *, lab_id: str, by: str, now: datetime,
    set_id: str | None = None, calibrates: str | None = None, guest_id: str | None = None,
) -> PlacedOrder:  # fmt: skip
    """The order stands, with a queued job for each plate; `calibrates` is the machine that it is
    to calibrate, `guest_id` the request of a guest for whom it is.

    Raises Conflict for a yanked release, and with every machine's first reason when none could
    build it; LicenceForbids or LicenceAsks; BeingRendered when its body is still to be drawn.
    """
    heads.require_standing(session, wanted.release_id)
    made = variants.ask(session, wanted.release_id, wanted.part, wanted.variant, now=now)
    use = licensing.Use(wanted.part, wanted.purpose, adapted=bool(made.values))
    ask = partial(licensing.require_leave, session, wanted.release_id, use)
    leave = partial(ask, lab_id=lab_id, by=by, now=now)
    if made.waits:
        leave()
    build = variants.build(session, wanted.release_id, made)
    material = material_of(wanted.material or build.part.material, build.process)
    bare = build.need(material, wanted.options, milling=wanted.milling)
    need = replace(bare, ordered_by=by, begins_at=now)
    _require_makeable(build, wanted, need)
    answers, able = able_machines(session, build, need, wanted.machines, lab_id=lab_id, now=now)
    following.require_possible(session, wanted.after, lab_id=lab_id)
    said = _said(wanted, build.process, material, answers)
    said |= {"set_id": set_id, "calibrates": calibrates, "guest_id": guest_id}
    order = BuildOrderRow(
        **said,
        lab_id=lab_id,
        ordered_by=by,
        ordered_at=now,
        licence=leave(),
        **made.kept(),
    )
    return stand(session, order, _shared_out(wanted, need, able), build)


def _said(
    wanted: OrderRequest, process: Process, material: str, answers: Iterable[Answer]
) -> dict[str, Any]:
    """The columns of an order that say what is made, and what machines answered to that."""
    return {
        "id": new_id(),
        "material": material,
        "answers": kept(answers),
        "options": wanted.chosen(process).model_dump(mode="json"),
        **wanted.kept(),
    }


def stand(
    session: Session,
    order: BuildOrderRow,
    plates: Sequence[tuple[int, int]],
    build: matches.Buildable,
) -> PlacedOrder:
    """The new order stands, with a queued job for each plate: its first copy, and how many."""
    since = _queued_at(order)
    line = places.next_places(session, order.lab_id, len(plates), queued_at=since)
    minutes = _minutes(session, order, build, {copies for _, copies in plates})
    claimed = {
        it: claims.of_order(order, build, since=since, minutes=minutes[it]) for it in minutes
    }
    jobs = tuple(
        _job(
            order, first, copies, build.process, claimed[copies], place,
            queued_at=since, now=order.ordered_at,
        )
        for place, (first, copies) in zip(line, plates, strict=True)
    )  # fmt: skip
    keep_new(session, order, *jobs, prices.agreement(session, build, order))
    quotas.settle(session, order.lab_id, order.ordered_by, now=order.ordered_at)
    announcements.tell_of_order(session, order)
    remarks = advice.remarks(session, order, build, plates[0][1], now=order.ordered_at)
    return PlacedOrder(order, jobs, renderings.drawn_for(session, order), remarks)


def _minutes(
    session: Session, order: BuildOrderRow, build: matches.Buildable, sizes: Collection[int]
) -> dict[int, float | None]:
    """How long a plate of so many takes, for each size; of what is not due nobody asks."""
    if order.deadline is None:
        return dict.fromkeys(sizes)
    plates = [(order.id, copies) for copies in sizes]
    found = forecasts.minutes_of(
        session, order.lab_id, {order.id: order}, {order.id: build}, plates
    )
    return {copies: found[order.id, copies] for copies in sizes}


def require_time(session: Session, when: When, *, lab_id: str, by: str, now: datetime) -> None:
    """Pass for a time that can be kept, and for what is urgent when an operator says so."""
    if when.deadline is not None and when.deadline <= now:
        raise InvalidInput("when.deadline: has passed already; choose a later one, or none")
    if when.urgent_because is not None:
        role = session.get(LabRoleRow, (by, lab_id))
        if role is None or role.role not in (LabRole.OPERATOR, LabRole.MANAGER):
            raise InvalidInput(
                "when.urgent_because: only the lab's operators can say that something is urgent; "
                "ask one of them, or give a deadline"
            )


def _require_makeable(build: matches.Buildable, wanted: OrderRequest, need: BuildNeed) -> None:
    """Pass when the options can be meant for this part; InvalidInput names the one that cannot."""
    options = wanted.options
    if build.process is Process.CNC:
        _require_usual("options", options, f"is for prints, and '{build.part.name}' is milled")
    else:
        why = f"is for milled parts, and '{build.part.name}' is printed"
        _require_usual("milling", wanted.milling, why)
    if need.size_mm is not None and options.scale != 1 and max(need.size_mm) < SMALLEST_MM:
        raise InvalidInput(
            f"options.scale: {options.scale:g} makes '{build.part.name}' {max(need.size_mm):.2g} "
            f"mm long, and nothing below {SMALLEST_MM:g} mm can be printed: choose a larger one"
        )


def _require_usual(group: str, chosen: PrintOptions | MillOptions, why: str) -> None:
    """Nobody chose anything that another process would have to heed."""
    usual = type(chosen)()
    for name in type(chosen).model_fields:
        if getattr(chosen, name) != getattr(usual, name):
            raise InvalidInput(f"{group}.{name}: {why}: leave it out")


def _shared_out(
    wanted: OrderRequest, need: BuildNeed, able: Sequence[MachineOffer]
) -> list[tuple[int, int]]:
    """The plates of the order: the first copy of each, and how many it makes at once.

    A full plate holds what the smallest of the machines that can build it holds, so that any of
    them may take it. Where another spool follows the loaded one, a smaller plate uses that up.
    """
    at_once, leftovers = 1, []
    if wanted.plates is Plates.AS_MANY_AS_FIT:
        limit = min(wanted.copies, MAX_ON_PLATE)
        at_once = min(capacity(need, machine, limit=limit) for machine in able)
        leftovers = [leftover(need, machine) for machine in able]
    sizes = shared_out(wanted.copies, at_once, leftovers)
    firsts = accumulate(sizes[:-1], initial=1)
    return list(zip(firsts, sizes, strict=True))


def material_of(named: str | None, process: Process) -> str:
    """The key of the material; InvalidInput lists those of the process when it is not one."""
    of_process = [m.key for m in MATERIALS.values() if m.process is process]
    key = (named or "").strip().lower()
    if key not in of_process:
        places = {"process": process.upper(), "known": ", ".join(of_process)}
        if not named:
            raise InvalidInput(
                filled("no material is named for %(process)s; known are %(known)s", **places)
            )
        raise InvalidInput(
            filled(
                "'%(given)s' is not a material for %(process)s; known are %(known)s",
                given=named,
                **places,
            )
        )
    return key


def able_machines(
    session: Session,
    build: matches.Buildable,
    need: BuildNeed,
    machines: Sequence[str] | None,
    *,
    lab_id: str,
    now: datetime,
) -> tuple[list[Answer], list[MachineOffer]]:
    """What each machine of the lab, or each of the chosen ones, answers; and those that can build
    it, now, at another time, or loaded otherwise. Conflict when there is none."""
    fleet = fleets.fleet_of(session, lab_id)
    kept = entitled.kept_for_people(session, lab_id, fleet.offers, now=now)
    if kept is not None:
        fleet = Fleet(kept)
    answers = choice.of_chosen(machines, fleet.answers(need), fleet.offers)
    return answers, _able(answers, fleet.offers, build, need.material)


def _able(
    answers: Sequence[Answer],
    offers: Sequence[MachineOffer],
    build: matches.Buildable,
    material: str,
) -> list[MachineOffer]:
    """The machines that can build it, now or loaded otherwise; Conflict when there is none."""
    pairs = zip(answers, offers, strict=True)
    able = [offer for answer, offer in pairs if _may_build(answer, offer, material)]
    if not able:
        why = f"no machine of this lab can build '{build.part.name}': {_listed(answers)}"
        help_ = advice.against(answers, offers, build.process, material)
        raise Conflict(f"{why}. {capitalise(help_)}" if help_ else why)
    return able


def _may_build(answer: Answer, offer: MachineOffer, material: str) -> bool:
    """Whether the machine can build it now, at another time, or once the right lot is loaded."""
    if answer.refusal is None or answer.refusal in _PASSING:
        return True
    takes_it = not material or material in offer.profile.materials
    return answer.refusal in _LOADABLE and takes_it


def kept(answers: Iterable[Answer]) -> list[dict[str, object]]:
    """The answers as orders keep them."""
    return [
        {
            "machine_id": it.machine_id,
            "name": it.name,
            "refusal": it.refusal,
            "sentence": it.sentence,
        }
        for it in answers
    ]


def _listed(answers: Iterable[Answer]) -> str:
    return "; ".join(answer.sentence for answer in answers) or "it has no machine yet"


def _queued_at(order: BuildOrderRow) -> datetime:
    """Until it may be made an order is overtaken by nobody."""
    return max(order.ordered_at, order.not_before) if order.not_before else order.ordered_at


def _job(
    order: BuildOrderRow, first: int, copies: int, process: Process, claimed: Mapping[str, Any],
    place: int, *, queued_at: datetime, now: datetime,
) -> JobRow:  # fmt: skip
    return JobRow(
        **claimed,
        id=new_id(),
        order_id=order.id,
        lab_id=order.lab_id,
        copy_number=first,
        copies=copies,
        process=process,
        alone=order.alone,
        state=JobState.QUEUED,
        sentence="in the queue",
        place=place,
        queued_at=queued_at,
        changed_at=now,
    )


def queue_again(session: Session, job: JobRow, copies: int, *, now: datetime) -> JobRow:
    """The last `copies` of a job's plate are queued once more, at the place that the job had."""
    order = session.get_one(BuildOrderRow, job.order_id)
    first = job.copy_number + job.copies - copies
    since, claimed = job.queued_at, claims.of_job(job)
    again = _job(order, first, copies, job.process, claimed, job.place, queued_at=since, now=now)
    again.beside_id, again.pinned_to, again.alone = job.beside_id, job.pinned_to, job.alone
    again.sentence = f"{copies} of a plate of {job.copies} came out bad; to be made again"
    session.add(again)
    session.flush()
    return again


def show_order(session: Session, order_id: str, *, to: str) -> PlacedOrder:
    """The order of this id with its jobs; NotFound when there is none that `to` may see."""
    order = session.get(BuildOrderRow, order_id)
    if order is None or not _may_see(session, order, to):
        raise NotFound(f"there is no order {order_id[:64]}")
    jobs = (
        select(JobRow)
        .where(JobRow.order_id == order_id)
        .order_by(col(JobRow.copy_number), col(JobRow.queued_at), col(JobRow.id))
    )
    return PlacedOrder(order, tuple(session.exec(jobs)), renderings.drawn_for(session, order))


def show_job(session: Session, job_id: str, *, to: str) -> JobRow:
    """The job of this id; NotFound when there is none that `to` may see."""
    job = session.get(JobRow, job_id)
    if job is None or not _may_see(session, session.get_one(BuildOrderRow, job.order_id), to):
        raise NotFound(f"there is no job {job_id[:64]}")
    return job


def _may_see(session: Session, order: BuildOrderRow, person_id: str) -> bool:
    """Who ordered it, and the people of the lab that makes it."""
    of_lab = session.get(LabRoleRow, (person_id, order.lab_id)) is not None
    return of_lab or order.ordered_by == person_id
