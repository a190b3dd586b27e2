"""Accounts, sessions, tokens, and who I am."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from flask import Blueprint, Response, current_app, make_response
from flask.typing import ResponseReturnValue
from pydantic import Field
from sqlmodel import text

from commons.wire import API_VERSION, Asked, Told
from repo_server import people, profiles
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.messages import write
from repo_server.db import reading, transaction
from repo_server.ids import new_id, new_secret
from repo_server.people import Scope
from repo_server.profiles import Profile
from repo_server.tables.people import LabRole

bp = Blueprint("api_people", __name__, url_prefix="/api/v1")

Text = Annotated[str, Field(max_length=200)]


class NewAccount(Asked):
    handle: Text
    name: Text
    email: Text
    password: Annotated[str, Field(max_length=1000)]


class Credentials(Asked):
    """`handle` may be the e-mail address instead."""

    handle: Text
    password: Annotated[str, Field(max_length=1000)]


class NewToken(Asked):
    name: Text
    scopes: Annotated[tuple[str, ...], Field(max_length=16)]
    days: int = 90


class Health(Told):
    status: Literal["ok"]
    api_version: int


class PersonShown(Told):
    id: str
    handle: str
    name: str


class SignedIn(PersonShown):
    """`csrf` is what unsafe requests with the cookie must show."""

    csrf: str


class MadeToken(Told):
    token: str


class Me(PersonShown):
    """Who asks. `labs` maps a lab to the role there; `scopes` is null for a browser."""

    is_admin: bool
    labs: dict[str, LabRole]
    scopes: tuple[Scope, ...] | None
    csrf: str | None


class ProfileShown(Told):
    """What somebody says of themselves."""

    name: str
    about: str
    link: str | None
    is_listed: bool


@bp.get("/healthz")
@auth.public
@answers({200: Health})
def show_health() -> ResponseReturnValue:
    """200 when the server can read its database."""
    with reading(current_app.extensions["engine"]) as session:
        session.exec(text("SELECT 1"))  # type: ignore[call-overload]
    return write(Health(status="ok", api_version=API_VERSION))


@bp.post("/people")
@auth.public
@answers({201: PersonShown}, refuses=(409,))
def create_person(asked: NewAccount) -> ResponseReturnValue:
    """201 with the new account; 422 with every wrong field; 409 when it is taken."""
    person = auth.sign_up(
        handle=asked.handle, name=asked.name, email=asked.email, password=asked.password
    )
    return write(PersonShown(**_shown(person))), 201


@bp.post("/session")
@auth.public
@answers({201: SignedIn}, refuses=(401,))
def create_session(asked: Credentials) -> ResponseReturnValue:
    """201 with a cookie, and the CSRF token that unsafe requests with it must show."""
    new = auth.sign_in(asked.handle, asked.password)
    answer = make_response(write(SignedIn(**_shown(new.person), csrf=new.csrf)), 201)
    return auth.set_cookie(answer, new)


@bp.delete("/session")
@auth.signed_in()
@answers({204: None})
def delete_session() -> ResponseReturnValue:
    """204; the browser is signed out."""
    auth.sign_out()
    return auth.clear_cookie(make_response("", 204))


@bp.post("/tokens")
@auth.signed_in()
@answers({201: MadeToken})
def create_token(asked: NewToken) -> ResponseReturnValue:
    """201 with a token that is shown this once."""
    secret, now = people.TOKEN_PREFIX + new_secret(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        people.issue_token(
            session,
            id=new_id(),
            secret=secret,
            person_id=auth.current_person().id,
            name=asked.name,
            scopes=asked.scopes,
            days=asked.days,
            now=now,
        )
    return write(MadeToken(token=secret)), 201


@bp.get("/me")
@auth.signed_in()
@answers({200: Me})
def show_me() -> ResponseReturnValue:
    """200 with who asks, their roles, and the CSRF token of a browser."""
    caller, person = auth.current(), auth.current_person()
    with reading(current_app.extensions["engine"]) as session:
        roles = people.lab_roles(session, person.id)
    return write(
        Me(
            **_shown(person),
            is_admin=person.is_admin,
            labs=roles,
            scopes=None if caller.scopes is None else tuple(sorted(caller.scopes)),
            csrf=caller.csrf,
        )
    )


@bp.get("/me/profile")
@auth.signed_in(Scope.READ)
@answers({200: ProfileShown})
def show_profile() -> ResponseReturnValue:
    """200 with what the one who asks says of themselves."""
    with reading(current_app.extensions["engine"]) as session:
        return _profile(profiles.profile_of(session, auth.current_person()))


@bp.put("/me/profile")
@auth.signed_in(Scope.PROFILE_WRITE)
@answers({200: ProfileShown})
def change_profile(asked: Profile) -> ResponseReturnValue:
    """200; the one who asks is shown so from now on. What is left out is empty."""
    with transaction(current_app.extensions["engine"]) as session:
        return _profile(profiles.change_profile(session, auth.current_person(), asked))


def _profile(of: Profile) -> Response:
    return write(ProfileShown(**of.model_dump()))


def _shown(person: people.Person) -> dict[str, str]:
    return {"id": person.id, "handle": person.handle, "name": person.name}
