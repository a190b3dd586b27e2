"""E-mails that licensors are owed, and everything that waits for a steward."""

from datetime import UTC, datetime

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from commons.wire import Told
from repo_server import mailings, waiting
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.messages import write
from repo_server.db import reading, transaction
from repo_server.mailings import Mailing
from repo_server.people import Scope
from repo_server.waiting import WaitingOrder

bp = Blueprint("api_mailings", __name__, url_prefix="/api/v1")


class MailingsListed(Told):
    mailings: tuple[Mailing, ...]


class WaitsForMe(Told):
    """Orders that ask for the steward's word, the oldest first, and e-mails that they owe."""

    waiting: tuple[WaitingOrder, ...]
    mailings: tuple[Mailing, ...]


@bp.get("/me/notices")
@auth.signed_in(Scope.READ)
@answers({200: WaitsForMe})
def show_my_notices() -> ResponseReturnValue:
    """200 with what waits for you as a steward, of all designs that you keep."""
    me = auth.current_person().id
    with reading(current_app.extensions["engine"]) as session:
        asked, owed = waiting.of_steward(session, me), mailings.owed_by(session, me)
    return write(WaitsForMe(waiting=tuple(asked), mailings=tuple(owed)))


@bp.get("/designs/<slug>/mailings")
@auth.signed_in(Scope.READ)
@answers({200: MailingsListed})
def list_mailings(slug: str) -> ResponseReturnValue:
    """200 with every e-mail that the design owes or owed, for its steward; 403 for others."""
    with reading(current_app.extensions["engine"]) as session:
        found = mailings.of_design(session, slug, by=auth.current_person().id)
    return write(MailingsListed(mailings=tuple(found)))


@bp.post("/mailings/<id>/sent")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({200: Mailing})
def mark_mailing_sent(id: str) -> ResponseReturnValue:
    """200; it is kept who sent it and when. Said twice, the first time counts."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        found = mailings.mark_sent(session, id, by=by, now=now)
    return write(found)
