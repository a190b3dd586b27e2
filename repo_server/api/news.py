"""News of what somebody ordered, and of which kinds they get e-mails."""

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, ConfigDict

from commons.wire import Told
from repo_server import news
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.db import reading, transaction
from repo_server.news import Choice, Kind
from repo_server.people import Scope

bp = Blueprint("api_news", __name__, url_prefix="/api/v1")


class NewsShown(Told):
    """`path` is the page on this server that tells the rest."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: Kind
    order_id: str | None
    title: str
    sentence: str
    path: str
    at: AwareDatetime


class NewsListed(Told):
    news: tuple[NewsShown, ...]


@bp.get("/me/news")
@auth.signed_in(Scope.READ)
@answers({200: NewsListed})
def list_news(query: From) -> ResponseReturnValue:
    """200 with what came of what you ordered, the latest first; `Link` leads to older ones."""
    with reading(current_app.extensions["engine"]) as session:
        found = news.of_person(session, auth.current_person().id, query.stretch)
        shown = tuple(map(NewsShown.model_validate, found.entries))
    return with_next(write(NewsListed(news=shown)), found.after)


@bp.put("/me/news/choice")
@auth.signed_in(Scope.PROFILE_WRITE)
@answers({204: None})
def choose_news(asked: Choice) -> ResponseReturnValue:
    """204; these kinds come by e-mail from now on, where this server sends any."""
    with transaction(current_app.extensions["engine"]) as session:
        news.choose(session, auth.current_person().id, asked)
    return "", 204
