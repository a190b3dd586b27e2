"""Orders that wait for another order of the same lab: "after that one".

Such an order is begun once every job of the other one is done. Where the other one has ended in
another way, somebody says whether this one is to be made all the same: nothing starts by itself.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, or_, select

from commons.errors import Conflict, InvalidInput
from commons.job import JobState
from commons.texts import Filled, filled
from repo_server.tables import BuildOrderRow, JobRow

_OTHER = aliased(JobRow)
# Of a waiting order (BuildOrderRow): whether nothing holds it back.
IS_FREE: ColumnElement[bool] = or_(
    col(BuildOrderRow.after_id).is_(None),
    col(BuildOrderRow.waived_by).is_not(None),
    ~select(_OTHER.id)
    .where(
        col(_OTHER.order_id) == col(BuildOrderRow.after_id),
        col(_OTHER.state) != JobState.DONE,
    )
    .correlate(BuildOrderRow)
    .exists(),
)
# A job in one of these comes to nothing more unless somebody says so.
_LEFT = frozenset({JobState.CANCELLED, JobState.REJECTED, JobState.FAILED, JobState.REFUSED})
_ENDED = _LEFT | {JobState.DONE}


class Hindrance(StrEnum):
    """What keeps an order that follows another one."""

    NOT_YET = "not_yet"  # the other one is still to be made
    ASKS = "asks"  # the other one is not made any more: a person decides


@dataclass(frozen=True, slots=True)
class Wait:
    """An order that follows another one, which is not done."""

    hindrance: Hindrance
    after_id: str
    sentence: Filled


def waits(session: Session, orders: Collection[BuildOrderRow]) -> dict[str, Wait]:
    """What keeps those of the orders that follow one that is not done, by id; one query."""
    bound = {it.id: it.after_id for it in orders if it.after_id and it.waived_by is None}
    if not bound:
        return {}
    rows = session.exec(
        select(JobRow.order_id, BuildOrderRow.part, JobRow.state)
        .join(BuildOrderRow, col(BuildOrderRow.id) == col(JobRow.order_id))
        .where(col(JobRow.order_id).in_(set(bound.values())))
    )
    states: dict[str, set[JobState]] = {}
    parts: dict[str, str] = {}
    for order_id, part, state in rows:
        states.setdefault(order_id, set()).add(JobState(state))
        parts[order_id] = part
    return {
        order_id: _wait(after_id, parts[after_id], states[after_id])
        for order_id, after_id in bound.items()
        if states[after_id] != {JobState.DONE}
    }


def _wait(after_id: str, part: str, states: set[JobState]) -> Wait:
    if states <= _ENDED:
        says = filled(
            "the order of '%(part)s' that it was to follow was not made whole: say whether it is "
            "to be made all the same, or cancel it",
            part=part,
        )
        return Wait(Hindrance.ASKS, after_id, says)
    says = filled("waits until the order of '%(part)s' is done", part=part)
    return Wait(Hindrance.NOT_YET, after_id, says)


def require_possible(
    session: Session, after_id: str | None, *, lab_id: str, of: BuildOrderRow | None = None
) -> None:
    """Pass when an order of the lab (`of`, or a new one) can wait for that one, or for none.

    InvalidInput when there is none, when it ended already without being done, or when it waits
    itself, over however many others, for this one.
    """
    if after_id is None:
        return
    other = session.get(BuildOrderRow, after_id)
    if other is None or other.lab_id != lab_id:
        raise InvalidInput(
            filled("after: there is no order %(order)s in this lab", order=after_id[:64])
        )
    states = set(session.exec(select(JobRow.state).where(JobRow.order_id == after_id)))
    if states <= _ENDED and states & _LEFT:
        raise InvalidInput(
            filled(
                "after: the order of '%(part)s' has ended and was not made whole; "
                "name another one, or none",
                part=other.part,
            )
        )
    if of is not None:
        _require_no_circle(session, other, of)


def _require_no_circle(session: Session, other: BuildOrderRow, of: BuildOrderRow) -> None:
    step: BuildOrderRow | None = other
    while step is not None:
        if step.id == of.id:
            raise InvalidInput(
                filled(
                    "after: the order of '%(part)s' waits for this one itself, and neither would "
                    "ever begin",
                    part=other.part,
                )
            )
        step = session.get(BuildOrderRow, step.after_id) if step.after_id else None


def follow(session: Session, order: BuildOrderRow, after_id: str | None) -> None:
    """The order waits for that one, or for none; raises as `require_possible` does."""
    require_possible(session, after_id, lab_id=order.lab_id, of=order)
    order.after_id, order.waived_by = after_id, None
    session.add(order)


def waive(session: Session, order: BuildOrderRow, *, by: str) -> None:
    """The order is made though the one that it was to follow is not done; `by` says so."""
    if order.id not in waits(session, [order]):
        raise Conflict("this order waits for no other one")
    order.waived_by = by
    session.add(order)


def asking_after(session: Session, order_id: str) -> list[tuple[BuildOrderRow, Wait]]:
    """The orders that wait for this one in vain: somebody has to say what becomes of them."""
    wanted = select(BuildOrderRow).where(
        BuildOrderRow.after_id == order_id, col(BuildOrderRow.waived_by).is_(None)
    )
    orders = session.exec(wanted).all()
    found = waits(session, orders)
    return [
        (it, found[it.id])
        for it in orders
        if it.id in found and found[it.id].hindrance is Hindrance.ASKS
    ]
