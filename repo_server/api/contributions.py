"""Who gave what to a design: claims, and the word of others who worked on it."""

from dataclasses import asdict
from datetime import UTC, datetime

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from repo_server import contributions
from repo_server.api import auth
from repo_server.api.messages import read
from repo_server.contributions import Contribution, NewContribution
from repo_server.db import reading, transaction
from repo_server.people import Scope

bp = Blueprint("api_contributions", __name__, url_prefix="/api/v1")


@bp.get("/designs/<slug>/contributions")
@auth.public
def list_contributions(slug: str) -> ResponseReturnValue:
    """200 with all that is claimed, and by whom it is confirmed."""
    with reading(current_app.extensions["engine"]) as session:
        found = contributions.list_contributions(session, slug, to=auth.current().person)
    return jsonify(contributions=[_shown(it) for it in found])


@bp.post("/releases/<id>/contributions")
@auth.signed_in(Scope.DESIGN_WRITE)
def claim(id: str) -> ResponseReturnValue:
    """201; others who worked on the design may confirm it."""
    wanted, by, now = read(NewContribution), auth.current_person(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        id_ = contributions.claim(session, id, wanted, by=by, now=now)
    return jsonify(id=id_), 201


@bp.post("/contributions/<contribution_id>/confirm")
@auth.signed_in(Scope.DESIGN_WRITE)
def confirm(contribution_id: str) -> ResponseReturnValue:
    """204; it stands in the ledger."""
    by, now = auth.current_person(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        contributions.confirm(session, contribution_id, by=by, now=now)
    return "", 204


@bp.delete("/contributions/<contribution_id>")
@auth.signed_in(Scope.DESIGN_WRITE)
def withdraw(contribution_id: str) -> ResponseReturnValue:
    """204; the claim is gone."""
    with transaction(current_app.extensions["engine"]) as session:
        contributions.withdraw(session, contribution_id, by=auth.current_person())
    return "", 204


def _shown(it: Contribution) -> dict[str, object]:
    return {**asdict(it), "claimed_at": it.claimed_at.isoformat()}
