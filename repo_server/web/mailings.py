"""What waits for a steward, on a page: orders that ask, and e-mails that licensors are owed."""

from datetime import UTC, datetime

from flask import Blueprint, current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from repo_server import inbox, mailings, trainings, waiting
from repo_server.api import auth
from repo_server.db import reading, transaction
from repo_server.people import Scope
from repo_server.settings import Settings
from repo_server.web import licence_words
from repo_server.web.stretches import asked_stretch, told_lists

bp = Blueprint("mailings", __name__)


@bp.get("/me/notices")
@auth.signed_in(Scope.READ)
def show_mine() -> ResponseReturnValue:
    """What waits for whoever looks: as the steward of designs, and trainings that end soon."""
    me = auth.current_person().id
    with reading(current_app.extensions["engine"]) as session:
        asked = waiting.of_steward(session, me, asked_stretch("waiting"))
        owed = mailings.owed_by(session, me, asked_stretch("mailings"))
        ending = trainings.ending(session, me, now=datetime.now(UTC))
    return render_template(
        "my_notices.html",
        **told_lists(url_for("mailings.show_mine"), waiting=asked, mailings=owed),
        ending=ending,
        PURPOSE_WORDS=licence_words.PURPOSE_WORDS,
    )


@bp.post("/mailings/<id>/sent")
@auth.signed_in(Scope.DESIGN_WRITE)
def mark_sent(id: str) -> ResponseReturnValue:
    """On the page of the licence, which shows who sent it and when."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        slug = mailings.mark_sent(session, id, by=by, now=now).slug
    return redirect(url_for("licences.show_licence", slug=slug, _anchor="mailings"), 303)


@bp.app_context_processor
def context() -> dict[str, object]:
    """How pages address a release to those who read it elsewhere, and how much waits for `me`,
    who has signed in."""
    return {"address_of": _address_of, "waits_for_me": _waits_for_me}


def _address_of(release_id: str) -> str:
    settings: Settings = current_app.extensions["settings"]
    return f"{settings.base_url}/releases/{release_id}"


def _waits_for_me() -> int:
    me = auth.current_person().id
    try:
        with reading(current_app.extensions["engine"]) as session:
            return inbox.counts_for(session, me, now=datetime.now(UTC)).total
    except SQLAlchemyError:  # the page that says why must still be shown
        return 0
