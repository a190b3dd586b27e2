"""News of what somebody ordered: their page, their choice of e-mails, their private feed."""

from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from commons.texts import later
from repo_server import news
from repo_server.api import auth
from repo_server.api.messages import check
from repo_server.db import reading, transaction
from repo_server.news import Choice, Kind
from repo_server.paging import Stretch
from repo_server.people import Scope
from repo_server.web.languages import Texts
from repo_server.web.stretches import asked_stretch, rest_of

bp = Blueprint("news", __name__)

_IN_FEED = 50
KINDS = Texts(
    {
        Kind.ACCEPTED: later("Ordered"),
        Kind.STARTED: later("Begun"),
        Kind.NEEDS_YOU: later("Waits for you"),
        Kind.DONE: later("Made"),
        Kind.FAILED: later("Failed, or made again"),
    }
)


@bp.get("/me/news")
@auth.signed_in(Scope.READ)
def show() -> ResponseReturnValue:
    """What came of what you ordered, and how you hear of it."""
    me = auth.current_person().id
    with reading(current_app.extensions["engine"]) as session:
        found = news.of_person(session, me, asked_stretch())
        chosen = news.chosen_by(session, me)
    return render_template(
        "news.html",
        news=found.entries,
        rest=rest_of(found, url_for("news.show")),
        chosen=chosen,
        kinds=KINDS,
        mails=current_app.extensions["settings"].post is not None,
        address=_address(me, chosen.feed) if chosen.feed is not None else None,
    )


@bp.post("/me/news")
@auth.signed_in(Scope.PROFILE_WRITE)
def choose() -> ResponseReturnValue:
    """Back on the page; these kinds come by e-mail from now on."""
    wanted = check(Choice, {"mailed": request.form.getlist("mailed")})
    with transaction(current_app.extensions["engine"]) as session:
        news.choose(session, auth.current_person().id, wanted)
    return redirect(url_for("news.show"), 303)


@bp.post("/me/news/feed")
@auth.signed_in(Scope.PROFILE_WRITE)
def turn_feed() -> ResponseReturnValue:
    """Back on the page; the feed has a new address, or none (`off`)."""
    with transaction(current_app.extensions["engine"]) as session:
        news.turn_feed(session, auth.current_person().id, on="off" not in request.form)
    return redirect(url_for("news.show"), 303)


@bp.get("/people/<person_id>/<token>/news.atom")
@auth.public
def feed(person_id: str, token: str) -> ResponseReturnValue:
    """The person's news for their feed reader; whoever knows the address may read them."""
    with reading(current_app.extensions["engine"]) as session:
        news.require_feed(session, person_id, token, current_app.extensions["secret"])
        found = news.of_person(session, person_id, Stretch(most=_IN_FEED)).entries
    updated = found[0].at if found else datetime(1970, 1, 1, tzinfo=UTC)
    base_url = current_app.extensions["settings"].base_url
    page = render_template("news.xml", news=found, updated=updated, base_url=base_url)
    answer = Response(page, mimetype="application/atom+xml")
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.add_etag()
    return answer.make_conditional(request)


def _address(person_id: str, feed: int) -> str:
    token = news.feed_token(person_id, feed, current_app.extensions["secret"])
    return url_for("news.feed", person_id=person_id, token=token, _external=True)
