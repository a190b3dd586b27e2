"""Who gave what to a design: claims, and the word of others who worked on it."""

from datetime import UTC, datetime

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.wire import Told
from repo_server import contributions
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.contributions import Contribution, NewContribution
from repo_server.db import reading, transaction
from repo_server.people import Scope

bp = Blueprint("api_contributions", __name__, url_prefix="/api/v1")


class ContributionsListed(Told):
    contributions: tuple[Contribution, ...]


class MadeClaim(Told):
    id: str


@bp.get("/designs/<slug>/contributions")
@auth.public
@answers({200: ContributionsListed})
def list_contributions(slug: str, query: From) -> ResponseReturnValue:
    """200 with what is claimed, the latest first, and by whom it is confirmed."""
    to = auth.current().person
    with reading(current_app.extensions["engine"]) as session:
        found = contributions.page_of_contributions(session, slug, query.stretch, to=to)
    listed = ContributionsListed(contributions=tuple(found.entries))
    return with_next(write(listed), found.after)


@bp.post("/releases/<id>/contributions")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({201: MadeClaim}, refuses=(409,), keyed=True)
def claim(id: str, asked: NewContribution) -> ResponseReturnValue:
    """201; others who worked on the design may confirm it."""
    by = auth.current_person()

    def make(session: Session, now: datetime) -> tuple[int, MadeClaim]:
        return 201, MadeClaim(id=contributions.claim(session, id, asked, by=by, now=now))

    return made_once(make)


@bp.post("/contributions/<contribution_id>/confirm")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({204: None}, refuses=(409,))
def confirm(contribution_id: str) -> ResponseReturnValue:
    """204; it stands in the ledger."""
    by, now = auth.current_person(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        contributions.confirm(session, contribution_id, by=by, now=now)
    return "", 204


@bp.delete("/contributions/<contribution_id>")
@auth.signed_in(Scope.DESIGN_WRITE)
@answers({204: None}, refuses=(409,))
def withdraw(contribution_id: str) -> ResponseReturnValue:
    """204; the claim is gone."""
    with transaction(current_app.extensions["engine"]) as session:
        contributions.withdraw(session, contribution_id, by=auth.current_person())
    return "", 204
