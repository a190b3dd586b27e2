"""The API's description of itself, for programs."""

from flask import Blueprint, current_app, jsonify
from flask.typing import ResponseReturnValue

from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.openapi import Node, document

bp = Blueprint("api_description", __name__, url_prefix="/api/v1")


@bp.get("/openapi.json")
@auth.public
@answers({200: Node})
def show_description() -> ResponseReturnValue:
    """200 with the whole API as OpenAPI 3.1, made from the code that serves it."""
    return jsonify(description())


def description() -> Node:
    """The OpenAPI document of the app that runs."""
    server = current_app.extensions["settings"].base_url
    return document(current_app, server=server, cookie=auth.cookie_name())
