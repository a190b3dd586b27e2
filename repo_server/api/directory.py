"""The directory of people whose work is public here."""

from typing import Annotated

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from pydantic import Field

from commons.wire import Told
from repo_server import directory
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.db import reading
from repo_server.directory import PersonLine, Profile

bp = Blueprint("api_directory", __name__, url_prefix="/api/v1")


class WantedPeople(From):
    q: Annotated[str, Field(max_length=200, description="part of a handle or a name")] = ""


class PeopleListed(Told):
    people: tuple[PersonLine, ...]


class ProfileShown(Told):
    person: Profile


@bp.get("/people")
@auth.public
@answers({200: PeopleListed})
def list_people(query: WantedPeople) -> ResponseReturnValue:
    """200 with those whose work is public, by handle; `Link` leads to those behind them."""
    with reading(current_app.extensions["engine"]) as session:
        found = directory.list_people(session, query.q, query.stretch)
    return with_next(write(PeopleListed(people=tuple(found.entries))), found.after)


@bp.get("/people/<handle>")
@auth.public
@answers({200: ProfileShown})
def show_person(handle: str) -> ResponseReturnValue:
    """200 with the person's designs, confirmed contributions and builds."""
    with reading(current_app.extensions["engine"]) as session:
        found = directory.show_person(session, handle)
    return write(ProfileShown(person=found))
