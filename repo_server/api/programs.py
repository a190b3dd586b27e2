"""Programs and what they look like: told by agents, seen by who may see the job."""

from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, request, send_file
from flask.typing import ResponseReturnValue

from commons.start_record import StartRecord
from commons.toolpath import MAX_PACKED_BYTES, MAX_SKETCH_BYTES, Sketch, ToolpathReceipt
from repo_server import programs, start_records
from repo_server.api import auth
from repo_server.api.contract import Raw, answers
from repo_server.api.messages import write
from repo_server.blobs import BlobStore
from repo_server.db import reading, transaction
from repo_server.people import Scope

bp = Blueprint("api_programs", __name__, url_prefix="/api/v1")


def kept_apart(answer: Response) -> Response:
    """Seen by one person, and run by no browser."""
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return answer


@bp.put("/agent/attempts/<attempt_id>/toolpath")
@auth.agent_sends(max_bytes=MAX_SKETCH_BYTES)
@answers({200: ToolpathReceipt}, refuses=(409,))
def put_toolpath(attempt_id: str, asked: Sketch) -> ResponseReturnValue:
    """200 with whether the program is wanted, too; 409 before the attempt's own event."""
    agent = auth.current_agent()
    with transaction(current_app.extensions["engine"]) as session:
        wants = programs.keep_sketch(
            session, attempt_id, asked, agent_id=agent.id, store=_store(), now=datetime.now(UTC)
        )
    return write(ToolpathReceipt(wants_program=wants))


@bp.put("/agent/attempts/<attempt_id>/program")
@auth.agent_sends(max_bytes=MAX_PACKED_BYTES)
@answers({204: None}, refuses=(409,), takes=Raw("application/gzip"))
def put_program(attempt_id: str) -> ResponseReturnValue:
    """204: the program, under gzip, is kept. 422 when it is not the attempt's; 409 too early."""
    packed, agent = request.get_data(), auth.current_agent()
    with transaction(current_app.extensions["engine"]) as session:
        programs.keep_program(session, attempt_id, packed, agent_id=agent.id, store=_store())
    return "", 204


@bp.get("/attempts/<attempt_id>/program")
@auth.signed_in(Scope.READ)
@answers({200: Raw("text/plain"), 206: Raw("text/plain")}, refuses=(416,))
def get_program(attempt_id: str) -> ResponseReturnValue:
    """200 with the program as text, under gzip; 404 where it was not sent or may not be seen."""
    to = auth.current_person().id
    with reading(current_app.extensions["engine"]) as session:
        row = programs.toolpath_of(session, attempt_id, to=to)
        packed = programs.packed_of(row)
    answer = send_file(_store().path(packed), mimetype="text/plain", conditional=True, etag=packed)
    answer.headers["Content-Encoding"] = "gzip"
    return kept_apart(answer)


@bp.get("/attempts/<attempt_id>/start")
@auth.signed_in(Scope.READ)
@answers({200: StartRecord})
def get_start(attempt_id: str) -> ResponseReturnValue:
    """200 with the record of the start, for the lab's operators; 404 where none was permitted."""
    with reading(current_app.extensions["engine"]) as session:
        record = start_records.of_attempt(session, attempt_id, to=auth.current_person().id)
    return kept_apart(write(record))


def _store() -> BlobStore:
    store: BlobStore = current_app.extensions["programs"]
    return store
