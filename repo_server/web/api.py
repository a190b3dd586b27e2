"""The API as a page that people read; programs read /api/v1/openapi.json."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from repo_server.api import auth
from repo_server.api.description import description
from repo_server.api.openapi import PREFIX

bp = Blueprint("web_api", __name__)


@bp.get("/api")
@auth.public
def show_api() -> ResponseReturnValue:
    """The page that lists every address of the API, and every message."""
    return render_template("api.html", told=description(), prefix=PREFIX)
