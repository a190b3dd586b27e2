"""The outbox on its way: signed, sent, tried again, and in the end given up, which is said.

Headers and signature are those of Standard Webhooks 1.0. A message may arrive twice; its
`webhook-id` stays the same.
"""

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlmodel import Session, col, delete, select

from repo_server.paging import BEGINNING, Page, Stretch, latest_first, read_page
from repo_server.tables import DeliveryRow, WebhookRow
from repo_server.webhooks import secret_of

# How long after each failed try the next one follows, as Standard Webhooks proposes: over three
# days in all.
PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
KEPT = timedelta(days=30)
_AT_ONCE = 50
_GONE = 410


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be sent now, and where."""

    id: str
    webhook_id: str
    url: str
    body: bytes

    def headers(self, server_secret: bytes, *, at: int) -> dict[str, str]:
        """What proves who sent it; `at` is UTC in whole seconds since 1970."""
        secret = secret_of(self.webhook_id, server_secret)
        return {
            "Content-Type": "application/json",
            "User-Agent": "cosmolocal",
            "webhook-id": self.id,
            "webhook-timestamp": str(at),
            "webhook-signature": signature(secret, self.id, at, self.body),
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try: the status that was answered, or why there is none."""

    status: int | None
    sentence: str = ""

    @property
    def taken(self) -> bool:
        """Whether the address has the message."""
        return self.status is not None and 200 <= self.status < 300


def signature(secret: bytes, id: str, at: int, body: bytes) -> str:
    """The signature of one message, version 1 of Standard Webhooks."""
    signed = hmac.digest(secret, f"{id}.{at}.".encode() + body, sha256)
    return "v1," + base64.b64encode(signed).decode()


def due(session: Session, now: datetime) -> list[Letter]:
    """What is to be sent now, the longest due first; nothing to an address that is off."""
    wanted = (
        select(DeliveryRow, WebhookRow.url)
        .join(WebhookRow, col(WebhookRow.id) == col(DeliveryRow.webhook_id))
        .where(col(DeliveryRow.next_at) <= now, col(WebhookRow.off_at).is_(None))
        .order_by(col(DeliveryRow.next_at), col(DeliveryRow.id))
        .limit(_AT_ONCE)
    )
    return [
        Letter(row.id, row.webhook_id, url, row.body.encode()) for row, url in session.exec(wanted)
    ]


def note(session: Session, delivery_id: str, outcome: Outcome, *, now: datetime) -> None:
    """The delivery is done with, or waits for its next try, or is given up with its webhook."""
    wanted = select(DeliveryRow).where(DeliveryRow.id == delivery_id).with_for_update()
    row = session.exec(wanted).one_or_none()
    if row is None or row.next_at is None:
        return  # removed meanwhile, or another worker was faster
    row.tries += 1
    row.status, row.sentence = outcome.status, outcome.sentence
    row.next_at = None
    if outcome.taken:
        row.delivered_at = now
    elif outcome.status == _GONE or row.tries > len(PAUSES):
        _give_up(session, row, outcome, now)
    else:
        row.next_at = now + PAUSES[row.tries - 1]
    session.add(row)
    session.flush()


def _give_up(session: Session, row: DeliveryRow, outcome: Outcome, now: datetime) -> None:
    webhook = session.get_one(WebhookRow, row.webhook_id)
    webhook.off_at = now
    if outcome.status == _GONE:
        webhook.sentence = "the address says that it is gone; change the webhook to turn it on"
    else:
        webhook.sentence = (
            f"nothing was taken in {row.tries} tries since {row.at:%Y-%m-%d %H:%M} UTC "
            f"({outcome.sentence}); mend the address and change the webhook to turn it on"
        )
    session.add(webhook)


def forget_old(session: Session, now: datetime) -> None:
    """What was taken or given up long ago is forgotten."""
    done = col(DeliveryRow.next_at).is_(None) & (col(DeliveryRow.at) < now - KEPT)
    session.exec(delete(DeliveryRow).where(done))


def of_webhook(
    session: Session, webhook_id: str, stretch: Stretch = BEGINNING
) -> Page[DeliveryRow]:
    """A page of what the webhook was told or is to be told, newest first."""
    wanted = select(DeliveryRow).where(DeliveryRow.webhook_id == webhook_id)
    return read_page(session, wanted, latest_first(DeliveryRow.at, DeliveryRow.id), stretch)
