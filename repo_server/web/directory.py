"""The directory: people, and what they did in public; cities, and their labs."""

from flask import Blueprint, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue

from repo_server import directory, labs
from repo_server.api import auth
from repo_server.db import reading
from repo_server.web.stretches import asked_stretch, rest_of

bp = Blueprint("directory", __name__)


@bp.get("/people")
@auth.public
def list_people() -> ResponseReturnValue:
    """People with public work, ?q= in their handle or name, behind ?after=."""
    words = request.args.get("q", "")[:200]
    with reading(current_app.extensions["engine"]) as session:
        found = directory.list_people(session, words, asked_stretch())
    rest = rest_of(found, url_for("directory.list_people"))
    return render_template("people.html", people=found.entries, words=words, rest=rest)


@bp.get("/people/<handle>")
@auth.public
def show_person(handle: str) -> ResponseReturnValue:
    """What one person did in public."""
    with reading(current_app.extensions["engine"]) as session:
        person = directory.show_person(session, handle)
    return render_template("person.html", person=person)


@bp.get("/cities")
@auth.public
def list_cities() -> ResponseReturnValue:
    """Every city with its labs."""
    with reading(current_app.extensions["engine"]) as session:
        cities = labs.list_cities(session)
        lines = labs.list_labs(session)
    shown = [(city, [it for it in lines if it.city_slug == city.slug]) for city in cities]
    return render_template("cities.html", cities=shown)
