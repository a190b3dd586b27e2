"""Build orders: who wants how many of which part, where, and the jobs that they become."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field
from sqlmodel import Session, col, select

from commons.errors import Conflict, InvalidInput, NotFound
from commons.job import JobState
from commons.machine import MATERIALS, Process
from commons.matching import Answer, MachineOffer, Refusal, candidates
from commons.wire import Asked, PrintOptions, Sha256
from repo_server import matches
from repo_server.ids import new_id
from repo_server.tables import BuildOrderRow, JobRow, LabRoleRow

MAX_COPIES = 100
# What a person at the machine can change by loading another lot.
_LOADABLE = frozenset({Refusal.MATERIAL, Refusal.MASS_LEFT, Refusal.THICKNESS})


class OrderedOptions(PrintOptions):
    """The options as somebody orders them: a word that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OrderRequest(Asked):
    """What somebody wants made. Without `material` it is the one that the design names."""

    release_id: Sha256
    part: Annotated[str, Field(min_length=1, max_length=200)]
    copies: Annotated[int, Field(ge=1, le=MAX_COPIES)] = 1
    material: Annotated[str, Field(max_length=40)] | None = None
    options: OrderedOptions = OrderedOptions()


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order, its jobs, and what each machine of the lab answered to it."""

    order: BuildOrderRow
    jobs: tuple[JobRow, ...]


def place(
    session: Session, wanted: OrderRequest, *, lab_id: str, by: str, now: datetime
) -> PlacedOrder:
    """The order stands, with one queued job for each copy.

    Raises Conflict with every machine's first reason when no machine of the lab could build it,
    whatever were loaded.
    """
    build = matches.buildable(session, wanted.release_id, wanted.part)
    material = _material(wanted.material or build.part.material, build.process)
    offers = matches.offers_of(session, lab_id)
    answers = candidates(build.need(material), offers)
    pairs = zip(answers, offers, strict=True)
    if not any(_may_build(answer, offer, material) for answer, offer in pairs):
        raise Conflict(f"no machine of this lab can build '{wanted.part}': {_listed(answers)}")
    order = BuildOrderRow(
        id=new_id(),
        lab_id=lab_id,
        release_id=wanted.release_id,
        part=wanted.part,
        copies=wanted.copies,
        material=material,
        options=wanted.options.model_dump(mode="json"),
        answers=[_kept(answer) for answer in answers],
        ordered_by=by,
        ordered_at=now,
    )
    session.add(order)
    session.flush()
    jobs = tuple(_job(order, number, build.process, now) for number in range(1, wanted.copies + 1))
    session.add_all(jobs)
    session.flush()
    return PlacedOrder(order, jobs)


def _material(named: str | None, process: Process) -> str:
    """The key of the material; InvalidInput lists those of the process when it is not one."""
    of_process = [m.key for m in MATERIALS.values() if m.process is process]
    key = (named or "").strip().lower()
    if key not in of_process:
        said = f"'{named}' is not a material" if named else "no material is named"
        raise InvalidInput(f"{said} for {process.upper()}; known are {', '.join(of_process)}")
    return key


def _may_build(answer: Answer, offer: MachineOffer, material: str) -> bool:
    """Whether the machine can build it now, or once the right lot is loaded."""
    if answer.refusal is None:
        return True
    return answer.refusal in _LOADABLE and material in offer.profile.materials


def _kept(answer: Answer) -> dict[str, object]:
    return {
        "machine_id": answer.machine_id,
        "name": answer.name,
        "refusal": answer.refusal,
        "sentence": answer.sentence,
    }


def _listed(answers: Iterable[Answer]) -> str:
    return "; ".join(answer.sentence for answer in answers) or "it has no machine yet"


def _job(order: BuildOrderRow, number: int, process: Process, now: datetime) -> JobRow:
    return JobRow(
        id=new_id(),
        order_id=order.id,
        lab_id=order.lab_id,
        copy_number=number,
        process=process,
        state=JobState.QUEUED,
        sentence="in the queue",
        queued_at=now,
        changed_at=now,
    )


def show_order(session: Session, order_id: str, *, to: str) -> PlacedOrder:
    """The order of this id with its jobs; NotFound when there is none that `to` may see."""
    order = session.get(BuildOrderRow, order_id)
    if order is None or not _may_see(session, order, to):
        raise NotFound(f"there is no order {order_id[:64]}")
    jobs = select(JobRow).where(JobRow.order_id == order_id).order_by(col(JobRow.copy_number))
    return PlacedOrder(order, tuple(session.exec(jobs)))


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
