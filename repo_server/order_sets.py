"""Sets: the made parts of so many objects, ordered together from the bill of a release.

A set is placed whole or not at all. Each made part is an order of its own; one whose licence asks
for a word waits alone, and the others are made meanwhile. What is bought is listed.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field
from sqlmodel import Session, col, select

from commons.bom import How, Made, Need, made_parts
from commons.errors import FabError, FieldProblem, InvalidInput, NotFound
from commons.job import JobEvent, JobState, can
from commons.licences.purposes import Purpose
from commons.texts import later
from commons.wire import Asked, Sha256
from repo_server import assemblies, decisions, people, waiting
from repo_server.comparisons import Read
from repo_server.ids import new_id
from repo_server.order_requests import MAX_COPIES, OrderRequest, Plates, When
from repo_server.tables import (
    BuildOrderRow,
    JobRow,
    LabRoleRow,
    LabRow,
    OrderSetRow,
    PersonRow,
    ReleaseRow,
    WaitingOrderRow,
)
from repo_server.tables.people import LabRole

MAX_OBJECTS = 1000
_MADE = (How.PRINTED, How.MILLED)
_ENDED = frozenset(
    {JobState.DONE, JobState.REJECTED, JobState.CANCELLED, JobState.FAILED, JobState.REFUSED}
)


class SetRequest(Asked):
    """So many objects of a release, each with all its made parts in the designer's materials."""

    release_id: Sha256
    objects: Annotated[int, Field(ge=1, le=MAX_OBJECTS)] = 1
    plates: Plates = Plates.ONE_AT_A_TIME
    purpose: Purpose = Purpose.OWN_USE
    when: When = When()
    attended_only: bool = False


class SetState(StrEnum):
    OPEN = "open"
    DONE = "done"  # all of it is made
    ENDED = "ended"  # nothing more comes of it, and it is not whole


@dataclass(frozen=True, slots=True)
class SetOrder:
    """One part of a set: the order of it, or the one that waits for a word. `done` of `copies` are
    good; `sentence` tells what it waits for, or why nothing comes of it."""

    order_id: str | None
    waiting_id: str | None
    title: str
    part: str
    copies: int
    done: int
    sentence: str


@dataclass(frozen=True, slots=True)
class OrderSet:
    """A set as people read it. `bought` is all that its objects take and no machine makes."""

    id: str
    title: str
    release_id: str
    lab: str
    lab_slug: str
    objects: int
    ordered_by: str
    ordered_at: datetime
    state: SetState
    orders: tuple[SetOrder, ...]
    bought: tuple[dict[str, object], ...]


def place(
    session: Session, asked: SetRequest, *, read: Read, lab_id: str, by: str, now: datetime
) -> OrderSet:
    """Every made part is ordered, as often as the objects take it.

    InvalidInput lists all that is in the way, and then the transaction must not be committed.
    """
    assembly = assemblies.show_assembly(session, asked.release_id, read=read)
    row = OrderSetRow(
        id=new_id(),
        lab_id=lab_id,
        release_id=asked.release_id,
        objects=asked.objects,
        ordered_by=by,
        ordered_at=now,
        bought=[_bought(it, asked.objects) for it in assembly.needs if it.how not in _MADE],
    )
    session.add(row)
    session.flush()
    parts = made_parts(asked.release_id, assembly.bills)
    problems = [] if assembly.is_whole else [FieldProblem("release_id", _TOO_LARGE)]
    for part in parts:
        try:
            wanted = _wanted(asked, part)
            waiting.place_or_wait(session, wanted, lab_id=lab_id, by=by, now=now, set_id=row.id)
        except FabError as error:
            problems.append(FieldProblem(part.part, str(error)))
    if not parts:
        problems.append(FieldProblem("release_id", _NOTHING))
    if problems:
        raise InvalidInput("nothing of this set was ordered", problems)
    return show(session, row.id, to=by)


_NOTHING = later("nothing in it is printed or milled: there is nothing to order here")
_TOO_LARGE = later(
    "more designs belong to it than are read for one list: order the designs in it one by one"
)


def _bought(need: Need, objects: int) -> dict[str, object]:
    many = None if need.quantity is None else need.quantity * objects
    return asdict(replace(need, quantity=many))


def _wanted(asked: SetRequest, part: Made) -> OrderRequest:
    if part.quantity is None:
        raise InvalidInput(later("its bill does not say how many: order it by itself"))
    copies = math.ceil(round(part.quantity * asked.objects, 6))
    if not 1 <= copies <= MAX_COPIES:
        raise InvalidInput(
            f"{copies} copies are wanted, and one order holds 1 to {MAX_COPIES}: order fewer "
            "objects at once"
        )
    return OrderRequest(
        release_id=part.release_id,
        part=part.part,
        copies=copies,
        plates=asked.plates,
        purpose=asked.purpose,
        variant={},
        when=asked.when,
        attended_only=asked.attended_only,
    )


def show(session: Session, set_id: str, *, to: str) -> OrderSet:
    """The set for who ordered it and the lab's people; NotFound for everybody else."""
    row = _visible(session, set_id, to)
    orders = _orders(session, row)
    release = session.get_one(ReleaseRow, row.release_id)
    lab = session.get_one(LabRow, row.lab_id)
    of_set = (
        select(JobRow.state)
        .join(BuildOrderRow, col(BuildOrderRow.id) == col(JobRow.order_id))
        .where(BuildOrderRow.set_id == set_id)
    )
    states = {JobState(state) for state in session.exec(of_set)}
    return OrderSet(
        id=row.id,
        title=f"{release.name} {release.version}",
        release_id=row.release_id,
        lab=lab.name,
        lab_slug=lab.slug,
        objects=row.objects,
        ordered_by=session.get_one(PersonRow, row.ordered_by).name,
        ordered_at=row.ordered_at,
        state=_state(orders, states),
        orders=tuple(orders),
        bought=tuple(row.bought),
    )


def _state(orders: Sequence[SetOrder], states: set[JobState]) -> SetState:
    if any(it.order_id is None and it.waiting_id for it in orders):
        return SetState.OPEN
    if not states <= _ENDED:
        return SetState.OPEN
    refused = any(it.order_id is None for it in orders)
    return SetState.DONE if states == {JobState.DONE} and not refused else SetState.ENDED


def _orders(session: Session, row: OrderSetRow) -> list[SetOrder]:
    """By part, the orders that stand and those that wait or waited in vain."""
    placed = session.exec(
        select(BuildOrderRow, JobRow, ReleaseRow.name)
        .join(JobRow, col(JobRow.order_id) == col(BuildOrderRow.id))
        .join(ReleaseRow, col(ReleaseRow.id) == col(BuildOrderRow.release_id))
        .where(BuildOrderRow.set_id == row.id)
    ).all()
    found: dict[str, SetOrder] = {}
    for order, job, name in placed:
        new = SetOrder(order.id, None, name, order.part, order.copies, 0, "")
        it = found.get(order.id, new)
        good = job.copies if job.state is JobState.DONE else 0
        found[order.id] = replace(it, done=min(it.copies, it.done + good))
    held_back = session.exec(
        select(WaitingOrderRow).where(
            WaitingOrderRow.set_id == row.id, col(WaitingOrderRow.order_id).is_(None)
        )
    )
    for waits in held_back:
        shown = waiting.show(session, waits.id, to=row.ordered_by)
        open_id = None if waits.settled_at else waits.id
        said = shown.said or shown.sentence
        found[waits.id] = SetOrder(None, open_id, shown.title, shown.part, shown.copies, 0, said)
    return sorted(found.values(), key=lambda it: (it.title, it.part))


def cancel(session: Session, set_id: str, *, by: str, now: datetime) -> OrderSet:
    """Nobody wants what is left of the set: jobs end as `decisions.cancel` says, and orders that
    wait are withdrawn. For who ordered it and the lab's operators."""
    row = _visible(session, set_id, by)
    if row.ordered_by != by:
        lab = session.get_one(LabRow, row.lab_id)
        people.require_lab_role(session, person_id=by, lab_slug=lab.slug, role=LabRole.OPERATOR)
    mine = select(BuildOrderRow.id).where(BuildOrderRow.set_id == set_id)
    jobs = select(JobRow.id).where(col(JobRow.order_id).in_(mine)).order_by(JobRow.id)
    for job_id in session.exec(jobs).all():
        job = decisions.job_in(session, job_id, lab_id=row.lab_id)
        if can(job.state, JobEvent.CANCEL):
            decisions.cancel(session, job, by=by, now=now)
    waiting.withdraw_set(session, set_id, now=now)
    session.flush()
    return show(session, set_id, to=by)


def _visible(session: Session, set_id: str, to: str) -> OrderSetRow:
    row = session.get(OrderSetRow, set_id)
    if row is None or (row.ordered_by != to and session.get(LabRoleRow, (to, row.lab_id)) is None):
        raise NotFound(f"there is no set {set_id[:64]}")
    return row
