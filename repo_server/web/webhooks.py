"""Webhooks on pages: your own and a lab's; added, tried, turned on again, removed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.errors import Conflict, FabError, InvalidInput
from repo_server import announcements, deliveries, labs, webhooks
from repo_server.announcements import KINDS
from repo_server.api import auth
from repo_server.api.errors import status_of
from repo_server.api.messages import check
from repo_server.db import reading, transaction
from repo_server.paging import Stretch
from repo_server.people import Scope
from repo_server.tables import DeliveryRow, LabRow, WebhookRow
from repo_server.tables.people import LabRole
from repo_server.webhooks import Keeper, WantedWebhook

bp = Blueprint("web_webhooks", __name__)

_LATEST = 8


@dataclass(frozen=True, slots=True)
class Shown:
    """A webhook as its keepers see it, with the latest that it was told."""

    webhook: WebhookRow
    secret: str
    latest: tuple[DeliveryRow, ...]


@bp.get("/webhooks")
@auth.signed_in(Scope.READ)
def show_own() -> ResponseReturnValue:
    """Your own webhooks."""
    return _page(None)


@bp.post("/webhooks")
@auth.signed_in(Scope.WEBHOOK_WRITE)
def add_own() -> ResponseReturnValue:
    """A webhook of your own is there, or the form says what is wrong."""
    return _add(None)


@bp.get("/labs/<lab>/webhooks")
@auth.lab_role(LabRole.MANAGER)
def show_labs(lab: str) -> ResponseReturnValue:
    """The lab's webhooks."""
    return _page(lab)


@bp.post("/labs/<lab>/webhooks")
@auth.lab_role(LabRole.MANAGER)
def add_labs(lab: str) -> ResponseReturnValue:
    """A webhook of the lab is there, or the form says what is wrong."""
    return _add(lab)


@bp.post("/webhooks/<id>/test")
@auth.signed_in(Scope.WEBHOOK_WRITE)
def test(id: str) -> ResponseReturnValue:
    """A test is on its way to the address."""
    with transaction(current_app.extensions["engine"]) as session:
        webhook = webhooks.require_on(_mine(session, id))
        announcements.tell_to_test(session, webhook, now=datetime.now(UTC))
        return _back(session, webhook)


@bp.post("/webhooks/<id>/on")
@auth.signed_in(Scope.WEBHOOK_WRITE)
def turn_on(id: str) -> ResponseReturnValue:
    """The webhook is told again."""
    with transaction(current_app.extensions["engine"]) as session:
        webhook = _mine(session, id)
        same = WantedWebhook(url=webhook.url, kinds=tuple(webhook.kinds))
        webhooks.change(session, webhook, same, way=current_app.extensions["way"])
        return _back(session, webhook)


@bp.post("/webhooks/<id>/remove")
@auth.signed_in(Scope.WEBHOOK_WRITE)
def remove(id: str) -> ResponseReturnValue:
    """The address is told nothing any more."""
    with transaction(current_app.extensions["engine"]) as session:
        webhook = _mine(session, id)
        webhooks.remove(session, webhook)
        return _back(session, webhook)


def _mine(session: Session, id: str) -> WebhookRow:
    return webhooks.of_id(session, id, to=auth.current_person().id, lock=True)


def _back(session: Session, webhook: WebhookRow) -> ResponseReturnValue:
    """To the page where the webhook stands, or stood."""
    if webhook.lab_id is None:
        return redirect(url_for("web_webhooks.show_own"), 303)
    lab = session.get_one(LabRow, webhook.lab_id)
    return redirect(url_for("web_webhooks.show_labs", lab=lab.slug), 303)


def _add(lab: str | None) -> ResponseReturnValue:
    filled = {"url": request.form.get("url", "").strip(), "kinds": request.form.getlist("kinds")}
    way, now = current_app.extensions["way"], datetime.now(UTC)
    try:
        wanted = check(WantedWebhook, filled)
        with transaction(current_app.extensions["engine"]) as session:
            keeper = _keeper(session, lab)
            webhook, _ = webhooks.add(session, wanted, keeper=keeper, way=way, now=now)
            return _back(session, webhook)
    except (InvalidInput, Conflict) as error:
        return make_response(_page(lab, filled, error), status_of(error))


def _keeper(session: Session, lab: str | None) -> Keeper:
    lab_id = None if lab is None else labs.lab_of(session, lab).id
    return Keeper(auth.current_person().id, lab_id)


def _page(
    lab: str | None, filled: Mapping[str, object] | None = None, error: FabError | None = None
) -> str:
    with reading(current_app.extensions["engine"]) as session:
        kept = webhooks.of_keeper(session, _keeper(session, lab))
        shown = [_shown(session, webhook) for webhook in kept]
        of_lab = None if lab is None else labs.lab_of(session, lab)
        return render_template(
            "webhooks.html",
            shown=shown,
            lab=of_lab,
            kinds=KINDS,
            filled=filled or {"url": "", "kinds": KINDS},
            error=error,
        )


def _shown(session: Session, webhook: WebhookRow) -> Shown:
    secret = webhooks.shown_secret(webhook.id, current_app.extensions["secret"])
    page = deliveries.of_webhook(session, webhook.id, Stretch(most=_LATEST))
    return Shown(webhook, secret, tuple(page.entries))
