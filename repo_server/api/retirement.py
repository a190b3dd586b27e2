"""Machines that a lab uses no more, and uses again."""

from datetime import UTC, datetime

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from repo_server import labs, retirement
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.db import transaction
from repo_server.tables.people import LabRole

bp = Blueprint("api_retirement", __name__, url_prefix="/api/v1")


@bp.post("/labs/<lab>/machines/<machine_id>/retire")
@auth.lab_role(LabRole.MANAGER)
@answers({204: None}, refuses=(409,))
def retire(lab: str, machine_id: str) -> ResponseReturnValue:
    """204; what it prepared is in the queue again. 409 while it may be at work."""
    now, by = datetime.now(UTC), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        retirement.retire(session, machine_id, lab_id=lab_id, by=by, now=now)
    return "", 204


@bp.post("/labs/<lab>/machines/<machine_id>/return")
@auth.lab_role(LabRole.MANAGER)
@answers({204: None})
def take_back(lab: str, machine_id: str) -> ResponseReturnValue:
    """204; the machine is used again, once its bed is cleared."""
    with transaction(current_app.extensions["engine"]) as session:
        retirement.take_back(session, machine_id, lab_id=labs.lab_of(session, lab).id)
    return "", 204
