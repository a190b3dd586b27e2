"""Passports of things that were made."""

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from repo_server import passports
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.messages import write
from repo_server.db import reading
from repo_server.passports import Passport

bp = Blueprint("api_things", __name__, url_prefix="/api/v1")


@bp.get("/things/<attempt_id>")
@auth.public
@answers({200: Passport})
def show_thing(attempt_id: str) -> ResponseReturnValue:
    """200 with the passport of what the attempt made; 404 when it has made nothing."""
    with reading(current_app.extensions["engine"]) as session:
        return write(passports.show_passport(session, attempt_id))
