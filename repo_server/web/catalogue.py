"""The catalogue: what can be made."""

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue

from repo_server import search
from repo_server.api import auth
from repo_server.db import reading

bp = Blueprint("catalogue", __name__)


@bp.get("/")
@auth.public
def show_catalogue() -> ResponseReturnValue:
    """The designs with all the words of ?q=, newest first; ?page= counts from 1."""
    query = request.args.get("q", "").strip()
    number = request.args.get("page", 1, type=int)
    with reading(current_app.extensions["engine"]) as session:
        page = search.find_designs(session, query, number=number)
    return render_template("catalogue.html", page=page, query=query)
