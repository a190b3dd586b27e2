"""What this server tells others by itself: kinds of events, and the outbox that they go into.

An announcement is written in the transaction of what it tells of: both are there, or neither.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, or_
from sqlalchemy import select as columns
from sqlmodel import Session, col

from commons.job import JobState
from repo_server import news
from repo_server.db import look, ring_after
from repo_server.ids import new_id
from repo_server.tables import BuildOrderRow, DeliveryRow, JobRow, WaitingOrderRow, WebhookRow

RELEASE_PUBLISHED = "release.published"
RELEASE_YANKED = "release.yanked"
ORDER_PLACED = "order.placed"
ORDER_WAITING = "order.waiting"
ORDER_ASKS = "order.asks"
TEST = "webhook.test"
_TOLD_STATES = (
    JobState.STAGED,
    JobState.RUNNING,
    JobState.FINISHED,
    JobState.DONE,
    JobState.REJECTED,
    JobState.FAILED,
    JobState.REFUSED,
    JobState.UNCONFIRMED,
    JobState.CANCELLED,
)
JOB_KINDS = {state: f"job.{state}" for state in _TOLD_STATES}
# Made once: every release that is published and every order asks them.
_STANDING = columns(col(WebhookRow.id), col(WebhookRow.kinds)).where(
    col(WebhookRow.off_at).is_(None)
)
_THEIRS = _STANDING.where(
    or_(
        col(WebhookRow.lab_id) == bindparam("lab_id"),
        col(WebhookRow.lab_id).is_(None)
        & col(WebhookRow.person_id).in_(bindparam("people", expanding=True)),
    )
)
KINDS = (
    RELEASE_PUBLISHED,
    RELEASE_YANKED,
    ORDER_PLACED,
    ORDER_WAITING,
    ORDER_ASKS,
    *JOB_KINDS.values(),
)
Listener = tuple[str, Sequence[str]]  # a webhook's id, and the kinds that it is told of


def tell_of_release(session: Session, data: Mapping[str, object], *, now: datetime) -> None:
    """Everybody who asked to be told of releases will be."""
    _tell_all(session, RELEASE_PUBLISHED, data, now=now)


def tell_of_yank(session: Session, data: Mapping[str, object], *, now: datetime) -> None:
    """Everybody who asked to be told of releases that are taken back will be."""
    _tell_all(session, RELEASE_YANKED, data, now=now)


def _tell_all(session: Session, kind: str, data: Mapping[str, object], *, now: datetime) -> None:
    listeners = [(webhook_id, kinds) for webhook_id, kinds in look(session, _STANDING)]
    _tell(session, listeners, kind, data, now=now)


def tell_of_order(session: Session, order: BuildOrderRow) -> None:
    """The lab and whoever ordered will be told that the order stands."""
    data = {
        "order_id": order.id,
        "release_id": order.release_id,
        "part": order.part,
        "copies": order.copies,
        "material": order.material,
    }
    _tell(session, _concerned(session, order), ORDER_PLACED, data, now=order.ordered_at)
    news.tell_of_order(session, order)


def tell_of_asking(session: Session, order: BuildOrderRow, sentence: str, *, now: datetime) -> None:
    """The lab and whoever ordered will be told that somebody has to say whether it is made."""
    data = {"order_id": order.id, "part": order.part, "sentence": sentence}
    _tell(session, _concerned(session, order), ORDER_ASKS, data, now=now)


def tell_of_waiting(
    session: Session, order: WaitingOrderRow, *, steward_id: str, now: datetime
) -> None:
    """The design's steward, the lab and whoever ordered will be told that the order waits for a
    word, and why."""
    data = {
        "waiting_id": order.id,
        "lab_id": order.lab_id,
        "design_id": order.design_id,
        **{key: order.wanted[key] for key in ("release_id", "part", "copies", "purpose")},
        "sentence": order.answer["sentence"],
    }
    told = _webhooks_of(session, order.lab_id, (order.ordered_by, steward_id))
    _tell(session, told, ORDER_WAITING, data, now=now)
    news.tell_of_waiting(session, order, now=now)


def tell_of_job(session: Session, job: JobRow, state: JobState, *, now: datetime) -> None:
    """The lab and whoever ordered will be told that the job is in this state, if it is one of those
    that somebody may want to know."""
    news.tell_of_job(session, job, state, now=now)
    if state not in JOB_KINDS:
        return
    order = session.get_one(BuildOrderRow, job.order_id)
    data = {"job_id": job.id, "order_id": order.id, "part": order.part, "state": state}
    _tell(session, _concerned(session, order), JOB_KINDS[state], data, now=now)


def tell_to_test(session: Session, webhook: WebhookRow, *, now: datetime) -> None:
    """The webhook will be told that somebody tries it."""
    _add(session, webhook.id, TEST, {"webhook_id": webhook.id}, now=now)


def _concerned(session: Session, order: BuildOrderRow) -> Sequence[Listener]:
    """The webhooks of the order's lab, and of whoever ordered."""
    return _webhooks_of(session, order.lab_id, (order.ordered_by,))


def _webhooks_of(session: Session, lab_id: str, people: tuple[str, ...]) -> Sequence[Listener]:
    """The webhooks of the lab, and those that the people have for themselves."""
    found = look(session, _THEIRS, lab_id=lab_id, people=people)
    return [(webhook_id, kinds) for webhook_id, kinds in found]


def _tell(
    session: Session,
    webhooks: Sequence[Listener],
    kind: str,
    data: Mapping[str, object],
    *,
    now: datetime,
) -> None:
    for webhook_id, kinds in webhooks:
        if kind in kinds:
            _add(session, webhook_id, kind, data, now=now)


def _add(
    session: Session, webhook_id: str, kind: str, data: Mapping[str, object], *, now: datetime
) -> None:
    body = {"type": kind, "timestamp": now.isoformat(), "data": data}
    row = DeliveryRow(
        id=f"msg_{new_id()}",
        webhook_id=webhook_id,
        kind=kind,
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        at=now,
        next_at=now,
    )
    session.add(row)
    ring_after(session, "deliver_waiting")
