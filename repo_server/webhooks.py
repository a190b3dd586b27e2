"""Webhooks: addresses that want to be told, kept by a person or by a lab's managers."""

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated

from pydantic import Field
from sqlmodel import Session, col, delete, select

from commons.errors import Conflict, FieldProblem, InvalidInput, NotFound
from commons.texts import filled, later
from commons.wire import Asked
from repo_server import outgoing
from repo_server.announcements import KINDS
from repo_server.ids import new_id
from repo_server.outgoing import Way
from repo_server.tables import DeliveryRow, LabRoleRow, WebhookRow
from repo_server.tables.people import LabRole

MAX_OF_PLACE = 20


class WantedWebhook(Asked):
    """Where to tell, and of what."""

    url: Annotated[str, Field(max_length=outgoing.MAX_URL)]
    kinds: Annotated[tuple[str, ...], Field(min_length=1, max_length=len(KINDS))] = KINDS


@dataclass(frozen=True, slots=True)
class Keeper:
    """Whose a webhook is: a person's, or with `lab_id` a lab's, for whom the person acts."""

    person_id: str
    lab_id: str | None = None

    @property
    def place(self) -> str:
        """What tells keepers apart."""
        return self.lab_id or self.person_id


def add(
    session: Session, wanted: WantedWebhook, *, keeper: Keeper, way: Way, now: datetime
) -> tuple[WebhookRow, bool]:
    """The keeper's webhook for this address, and whether this call made it.

    Raises InvalidInput for an address or kinds that cannot be, Conflict when the address is told of
    other kinds already or there are too many.
    """
    _check(wanted, way)
    kept = of_keeper(session, keeper)
    for webhook in kept:
        if webhook.url == wanted.url and webhook.kinds == sorted(wanted.kinds):
            return webhook, False
        if webhook.url == wanted.url:
            raise Conflict(f"webhook {webhook.id} tells this address already; change that one")
    if len(kept) >= MAX_OF_PLACE:
        raise Conflict(
            filled("there are %(most)s webhooks already; remove one first", most=MAX_OF_PLACE)
        )
    webhook = WebhookRow(
        id=new_id(),
        place=keeper.place,
        person_id=keeper.person_id,
        lab_id=keeper.lab_id,
        url=wanted.url,
        kinds=sorted(wanted.kinds),
        made_at=now,
    )
    session.add(webhook)
    session.flush()
    return webhook, True


def _check(wanted: WantedWebhook, way: Way) -> None:
    problems = [
        FieldProblem("kinds", f"'{kind[:40]}' is not known; known are {', '.join(KINDS)}")
        for kind in wanted.kinds
        if kind not in KINDS
    ]
    try:
        outgoing.read_address(wanted.url, way)
    except InvalidInput as error:
        problems.append(FieldProblem("url", str(error)))
    if problems:
        raise InvalidInput("; ".join(str(problem) for problem in problems), problems)


def of_keeper(session: Session, keeper: Keeper) -> list[WebhookRow]:
    """The webhooks of a person or a lab, oldest first."""
    kept = select(WebhookRow).where(WebhookRow.place == keeper.place)
    return list(session.exec(kept.order_by(col(WebhookRow.made_at), col(WebhookRow.id))))


def of_id(session: Session, webhook_id: str, *, to: str, lock: bool = False) -> WebhookRow:
    """The webhook for its person and its lab's managers, with `lock` kept for this transaction.

    NotFound for everybody else.
    """
    webhook = session.get(WebhookRow, webhook_id, with_for_update=lock)
    if webhook is None or not _may_keep(session, webhook, to):
        raise NotFound(f"you have no webhook {webhook_id[:64]}")
    return webhook


def _may_keep(session: Session, webhook: WebhookRow, person_id: str) -> bool:
    if webhook.lab_id is None:
        return webhook.person_id == person_id
    held = session.get(LabRoleRow, (person_id, webhook.lab_id))
    return held is not None and held.role is LabRole.MANAGER


def change(session: Session, webhook: WebhookRow, wanted: WantedWebhook, *, way: Way) -> None:
    """The webhook is as wanted, and on. Raises InvalidInput and Conflict as `add` does."""
    _check(wanted, way)
    keeper = Keeper(webhook.person_id, webhook.lab_id)
    others = [it.url for it in of_keeper(session, keeper) if it.id != webhook.id]
    if wanted.url in others:
        raise Conflict(later("another webhook tells this address already"))
    webhook.url, webhook.kinds = wanted.url, sorted(wanted.kinds)
    webhook.number += 1
    webhook.off_at, webhook.sentence = None, ""
    session.add(webhook)
    session.flush()


def require_on(webhook: WebhookRow) -> WebhookRow:
    """The webhook, if it is told anything; Conflict says why it is not."""
    if webhook.off_at is not None:
        raise Conflict(webhook.sentence)
    return webhook


def remove(session: Session, webhook: WebhookRow) -> None:
    """The address is told nothing any more, and what waited for it is forgotten."""
    session.exec(delete(DeliveryRow).where(col(DeliveryRow.webhook_id) == webhook.id))
    session.delete(webhook)
    session.flush()


def secret_of(webhook_id: str, server_secret: bytes) -> bytes:
    """The 32 bytes that sign what the webhook is told; only this server can make them."""
    return hmac.digest(server_secret, f"webhook {webhook_id}".encode(), sha256)


def shown_secret(webhook_id: str, server_secret: bytes) -> str:
    """The secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secret_of(webhook_id, server_secret)).decode()
