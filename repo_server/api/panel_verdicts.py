"""What operators said of an attempt at the agent's panel."""

from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, send_file
from flask.typing import ResponseReturnValue

from commons.verdict import MAX_VERDICT_BYTES, PanelVerdict, VerdictReceipt
from repo_server import panel_verdicts
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.api.messages import write
from repo_server.api.programs import kept_apart
from repo_server.blobs import BlobStore
from repo_server.db import reading, transaction
from repo_server.people import Scope

bp = Blueprint("api_panel_verdicts", __name__, url_prefix="/api/v1")


@bp.post("/agent/verdicts")
@auth.agent_sends(max_bytes=MAX_VERDICT_BYTES)
@answers({200: VerdictReceipt}, refuses=(404, 409))
def take_verdict(asked: PanelVerdict) -> ResponseReturnValue:
    """200 with whether it counts, the same when told again; 409 before the attempt's own end."""
    agent = auth.current_agent()
    with transaction(current_app.extensions["engine"]) as session:
        receipt = panel_verdicts.take(
            session, asked, agent_id=agent.id, store=_store(), now=datetime.now(UTC)
        )
    return write(receipt)


@bp.get("/attempts/<attempt_id>/photo")
@auth.signed_in(Scope.READ)
@answers({200: Raw("image/jpeg")})
def get_attempt_photo(attempt_id: str) -> ResponseReturnValue:
    """200 with the photo of what was made; 404 where there is none, or not for who asks."""
    with reading(current_app.extensions["engine"]) as session:
        photo = panel_verdicts.photo_of(session, attempt_id, to=auth.current_person().id)
    answer: Response = send_file(_store().path(photo), mimetype="image/jpeg", etag=photo)
    return kept_apart(answer)


def _store() -> BlobStore:
    store: BlobStore = current_app.extensions["programs"]
    return store
