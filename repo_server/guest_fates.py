"""What became of guests' requests that were approved: the order, what holds it back, its jobs."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from sqlmodel import Session, col, select

from commons.guests import Answer, Stage, stage
from commons.job import JobState
from repo_server.tables import BuildOrderRow, GuestRequestRow, JobRow, WaitingOrderRow


@dataclass(frozen=True, slots=True)
class Fate:
    """`waiting_id` is the order while it waits for a word or a drawing, or did; `said` is why that
    came to nothing, empty otherwise."""

    order_id: str | None = None
    waiting_id: str | None = None
    held_back: bool = False
    said: str = ""
    jobs: tuple[JobState, ...] = ()


_NONE = Fate()


def fates_of(session: Session, ids: Collection[str]) -> dict[str, Fate]:
    """The fate of each of these requests, whether it has one yet or not."""
    orders = dict(
        session.exec(
            select(BuildOrderRow.guest_id, BuildOrderRow.id).where(
                col(BuildOrderRow.guest_id).in_(ids)
            )
        ).all()
    )
    states = defaultdict[str, list[JobState]](list)
    jobs = select(JobRow.order_id, JobRow.state)
    for order_id, state in session.exec(jobs.where(col(JobRow.order_id).in_(orders.values()))):
        states[order_id].append(JobState(state))
    waits = select(WaitingOrderRow).where(col(WaitingOrderRow.guest_id).in_(ids))
    held = {it.guest_id: it for it in session.exec(waits)}
    return {
        id_: _fate(orders.get(id_), held.get(id_), states.get(orders.get(id_, ""), []))
        for id_ in ids
    }


def _fate(order_id: str | None, wait: WaitingOrderRow | None, jobs: Collection[JobState]) -> Fate:
    if wait is None:
        return Fate(order_id=order_id, jobs=tuple(jobs))
    return Fate(
        order_id=order_id,
        waiting_id=wait.id,
        held_back=wait.settled_at is None,
        said="" if order_id else wait.said,
        jobs=tuple(jobs),
    )


def stage_of(row: GuestRequestRow, fate: Fate = _NONE) -> Stage:
    """How far the request is."""
    return stage(Answer(row.answer), fate.jobs, held_back=fate.held_back)


def names_on(session: Session, order_ids: Collection[str]) -> dict[str, str]:
    """For whom those of the orders are that are for a guest; their names, for the lab's people."""
    rows = session.exec(
        select(BuildOrderRow.id, GuestRequestRow.name)
        .join(GuestRequestRow, col(GuestRequestRow.id) == col(BuildOrderRow.guest_id))
        .where(col(BuildOrderRow.id).in_(order_ids))
    )
    return dict(rows.all())
