"""E-mails that licensors are owed, and everything that waits for a steward."""

from datetime import UTC, datetime

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from commons.wire import Told
from repo_server import inbox, mailings, trainings, waiting
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.db import reading, transaction
from repo_server.mailings import Mailing
from repo_server.paging import MOST, Stretch
from repo_server.people import Scope
from repo_server.trainings import Training
from repo_server.waiting import WaitingOrder

bp = Blueprint("api_mailings", __name__, url_prefix="/api/v1")


class MailingsListed(Told):
    mailings: tuple[Mailing, ...]


class WaitsForMe(Told):
    """Orders that ask for the steward's word, the oldest first, and e-mails that they owe: the
    first 100 of each, and how many there are; and their trainings that end within 30 days."""

    waiting: tuple[WaitingOrder, ...]
    mailings: tuple[Mailing, ...]
    waiting_total: int
    mailings_total: int
    trainings: tuple[Training, ...]


@bp.get("/me/notices")
@auth.signed_in(Scope.READ)
@answers({200: WaitsForMe})
def show_my_notices() -> ResponseReturnValue:
    """200 with what waits for you as the steward of designs, and your trainings that end soon."""
    me, now = auth.current_person().id, datetime.now(UTC)
    with reading(current_app.extensions["engine"]) as session:
        first = Stretch(most=MOST)
        asked, owed = waiting.of_steward(session, me, first), mailings.owed_by(session, me, first)
        counts = inbox.counts_for(session, me, now=now)
        ending = trainings.ending(session, me, now=now)
    return write(
        WaitsForMe(
            waiting=tuple(asked.entries),
            mailings=tuple(owed.entries),
            waiting_total=counts.orders,
            mailings_total=counts.mailings,
            trainings=tuple(ending),
        )
    )


@bp.get("/designs/<slug>/mailings")
@auth.signed_in(Scope.READ)
@answers({200: MailingsListed})
def list_mailings(slug: str, query: From) -> ResponseReturnValue:
    """200 with the e-mails that the design owes or owed, the unsent first, for its steward; 403 for
    others. `Link` leads to the rest."""
    with reading(current_app.extensions["engine"]) as session:
        found = mailings.of_design(session, slug, query.stretch, by=auth.current_person().id)
    return with_next(write(MailingsListed(mailings=tuple(found.entries))), found.after)


@bp.post("/mailings/<id>/sent")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({200: Mailing})
def mark_mailing_sent(id: str) -> ResponseReturnValue:
    """200; it is kept who sent it and when. Said twice, the first time counts."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        found = mailings.mark_sent(session, id, by=by, now=now)
    return write(found)
