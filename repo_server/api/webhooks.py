"""Webhooks: who wants to be told of what, and what came of it."""

from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, ConfigDict
from sqlmodel import Session

from commons.errors import Changed
from commons.wire import Told
from repo_server import announcements, deliveries, labs, webhooks
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.db import reading, transaction
from repo_server.people import Scope
from repo_server.tables import WebhookRow
from repo_server.tables.people import LabRole
from repo_server.webhooks import Keeper, WantedWebhook

bp = Blueprint("api_webhooks", __name__, url_prefix="/api/v1")


class WebhookShown(Told):
    """`off_at`: it is told nothing any more, and `sentence` says why."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    url: str
    kinds: tuple[str, ...]
    lab_id: str | None
    made_at: AwareDatetime
    off_at: AwareDatetime | None
    sentence: str


class MadeWebhook(WebhookShown):
    """`secret` is what signs its messages; this server can tell it again."""

    secret: str


class WebhooksListed(Told):
    webhooks: tuple[WebhookShown, ...]


class DeliveryShown(Told):
    """One message. `next_at`: when it is tried (again); null once it was taken or given up."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: str
    at: AwareDatetime
    tries: int
    next_at: AwareDatetime | None
    delivered_at: AwareDatetime | None
    status: int | None
    sentence: str


class DeliveriesListed(Told):
    deliveries: tuple[DeliveryShown, ...]


@bp.get("/webhooks")
@auth.signed_in(Scope.READ)
@answers({200: WebhooksListed})
def list_webhooks() -> ResponseReturnValue:
    """200 with your own webhooks, oldest first."""
    with reading(current_app.extensions["engine"]) as session:
        return _listed(session, Keeper(auth.current_person().id))


@bp.post("/webhooks")
@auth.signed_in(Scope.WEBHOOK_WRITE)
@answers({201: MadeWebhook, 200: MadeWebhook}, refuses=(409,))
def create_webhook(asked: WantedWebhook) -> ResponseReturnValue:
    """201 with a webhook of your own and its secret, 200 when it was there."""
    with transaction(current_app.extensions["engine"]) as session:
        return _made(session, asked, Keeper(auth.current_person().id))


@bp.get("/labs/<lab>/webhooks")
@auth.lab_role(LabRole.MANAGER)
@answers({200: WebhooksListed})
def list_lab_webhooks(lab: str) -> ResponseReturnValue:
    """200 with the lab's webhooks, oldest first."""
    with reading(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        return _listed(session, Keeper(auth.current_person().id, lab_id))


@bp.post("/labs/<lab>/webhooks")
@auth.lab_role(LabRole.MANAGER)
@answers({201: MadeWebhook, 200: MadeWebhook}, refuses=(409,))
def create_lab_webhook(lab: str, asked: WantedWebhook) -> ResponseReturnValue:
    """201 with a webhook of the lab and its secret, 200 when it was there."""
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        return _made(session, asked, Keeper(auth.current_person().id, lab_id))


@bp.get("/webhooks/<webhook_id>")
@auth.signed_in(Scope.READ)
@answers({200: WebhookShown})
def show_webhook(webhook_id: str) -> ResponseReturnValue:
    """200 for its person and its lab's managers; its ETag serves a later change."""
    with reading(current_app.extensions["engine"]) as session:
        return _tagged(_mine(session, webhook_id))


@bp.put("/webhooks/<webhook_id>")
@auth.signed_in(Scope.WEBHOOK_WRITE)
@answers({200: WebhookShown}, refuses=(409, 412))
def change_webhook(webhook_id: str, asked: WantedWebhook) -> ResponseReturnValue:
    """200 with the webhook as it is now, and on; with If-Match 412 when somebody changed it."""
    with transaction(current_app.extensions["engine"]) as session:
        webhook = _mine(session, webhook_id, lock=True)
        if request.if_match and not request.if_match.contains_weak(_tag(webhook)):
            raise Changed(f"webhook {webhook.id} was changed since you read it; read it again")
        webhooks.change(session, webhook, asked, way=current_app.extensions["way"])
        return _tagged(webhook)


@bp.delete("/webhooks/<webhook_id>")
@auth.signed_in(Scope.WEBHOOK_WRITE)
@answers({204: None})
def delete_webhook(webhook_id: str) -> ResponseReturnValue:
    """204; the address is told nothing any more, not even what waited for it."""
    with transaction(current_app.extensions["engine"]) as session:
        webhooks.remove(session, _mine(session, webhook_id, lock=True))
    return "", 204


@bp.post("/webhooks/<webhook_id>/test")
@auth.signed_in(Scope.WEBHOOK_WRITE)
@answers({202: None}, refuses=(409,))
def test_webhook(webhook_id: str) -> ResponseReturnValue:
    """202; a message of the kind `webhook.test` is on its way. 409 while the webhook is off."""
    with transaction(current_app.extensions["engine"]) as session:
        webhook = webhooks.require_on(_mine(session, webhook_id))
        announcements.tell_to_test(session, webhook, now=datetime.now(UTC))
    return "", 202


@bp.get("/webhooks/<webhook_id>/deliveries")
@auth.signed_in(Scope.READ)
@answers({200: DeliveriesListed})
def list_deliveries(webhook_id: str, query: From) -> ResponseReturnValue:
    """200 with its messages of the last 30 days, newest first; `Link` leads to older ones."""
    with reading(current_app.extensions["engine"]) as session:
        page = deliveries.of_webhook(session, _mine(session, webhook_id).id, query.stretch)
        shown = tuple(DeliveryShown.model_validate(row) for row in page.entries)
    return with_next(write(DeliveriesListed(deliveries=shown)), page.after)


def _mine(session: Session, webhook_id: str, *, lock: bool = False) -> WebhookRow:
    return webhooks.of_id(session, webhook_id, to=auth.current_person().id, lock=lock)


def _listed(session: Session, keeper: Keeper) -> Response:
    kept = webhooks.of_keeper(session, keeper)
    shown = tuple(WebhookShown.model_validate(webhook) for webhook in kept)
    return write(WebhooksListed(webhooks=shown))


def _made(session: Session, asked: WantedWebhook, keeper: Keeper) -> ResponseReturnValue:
    now, way = datetime.now(UTC), current_app.extensions["way"]
    webhook, new = webhooks.add(session, asked, keeper=keeper, way=way, now=now)
    secret = webhooks.shown_secret(webhook.id, current_app.extensions["secret"])
    shown = WebhookShown.model_validate(webhook).model_dump()
    return write(MadeWebhook(**shown, secret=secret)), 201 if new else 200


def _tag(webhook: WebhookRow) -> str:
    return f"{webhook.number}-{int(webhook.off_at is None)}"


def _tagged(webhook: WebhookRow) -> Response:
    answer = write(WebhookShown.model_validate(webhook))
    answer.set_etag(_tag(webhook))
    return answer
