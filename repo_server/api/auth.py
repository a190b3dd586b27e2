"""Who asks, and whether they may. Every route carries exactly one of the marks below.

A route without a mark stops the server from starting: forgetting one lets nobody in.

| mark | who may |
|---|---|
| `@public` | everybody |
| `@signed_in(scope)` | a person; a token with that scope |
| `@admin(scope)` | an admin of the repository |
| `@lab_role(role)` | who has at least this role in the lab `<lab>` of the address |
| `@city_role(role)` | who has this role in the city `<city>` of the address, and admins |
| `@agent` | an enrolled agent that signed this very request |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import wraps
from hmac import compare_digest
from typing import ParamSpec

from flask import Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue

from commons.errors import NotAllowed, NotSignedIn
from commons.signing import (
    AGENT_HEADER,
    NONCE_HEADER,
    SIGNATURE_HEADER,
    TIME_HEADER,
    SignedRequest,
)
from commons.texts import later
from repo_server import agents, people
from repo_server.agents import Agent, Signed
from repo_server.db import reading, transaction
from repo_server.ids import new_id, new_secret
from repo_server.people import Person, Scope
from repo_server.settings import Settings
from repo_server.tables.people import CityRole, LabRole

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF"
SCOPE_OF_ROLE = {
    LabRole.MEMBER: Scope.ORDER_WRITE,
    LabRole.OPERATOR: Scope.LAB_OPERATE,
    LabRole.MANAGER: Scope.LAB_MANAGE,
}


class Means(StrEnum):
    """How the one who asks proved who they are."""

    NOBODY = "nobody"
    SESSION = "session"
    TOKEN = "token"  # noqa: S105
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `scopes` is None for a browser: a person at it may do all that they may."""

    means: Means
    person: Person | None = None
    scopes: frozenset[Scope] | None = None
    csrf: str | None = None
    agent: Agent | None = None
    signed: Signed | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """What a route's mark says, for the test that walks all of them."""

    kind: str
    role: str | None = None
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a browser is given when somebody signs in; the cookie holds the secret."""

    person: Person
    secret: str
    csrf: str


NOBODY = Caller(Means.NOBODY)
_FOR_AGENTS = "this address is for enrolled agents"


def current() -> Caller:
    """Who asks by this request: a token before a cookie; agents only on their own routes."""
    if "caller" not in g:
        g.caller = _find_caller()
    caller: Caller = g.caller
    return caller


def current_person() -> Person:
    """The person who asks; NotSignedIn when there is none."""
    person = current().person
    if person is None:
        raise NotSignedIn(later("sign in first"))
    return person


def current_agent() -> Agent:
    """The agent that asks; NotSignedIn when there is none."""
    agent_ = current().agent
    if agent_ is None:
        raise NotSignedIn(_FOR_AGENTS)
    return agent_


def current_signed() -> Signed:
    """This request as the agent that asks has signed it; NotSignedIn when none does."""
    signed = current().signed
    if signed is None:
        raise NotSignedIn(_FOR_AGENTS)
    return signed


def current_lab_id() -> str:
    """The id of the lab `<lab>` of the address, on the routes of `@lab_role`."""
    lab_id: str = g.lab_id
    return lab_id


def public(view: View[P]) -> View[P]:
    """Everybody may. Who signed in is still known."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        return view(*args, **kwargs)

    return _marked(guarded, Access("public"))


def signed_in(
    scope: Scope | None = None, *, max_bytes: int | None = None
) -> Callable[[View[P]], View[P]]:
    """A person may. A token needs `scope`; without one, it may only read, with `read`.

    `max_bytes` is how much this route takes, where the app's own limit is too small.
    """
    return _guard(Access("signed_in", scope=scope), lambda _person, _place: None, max_bytes)


def admin(scope: Scope | None = None) -> Callable[[View[P]], View[P]]:
    """An admin of the repository may."""

    def check(person: Person, _place: Mapping[str, object]) -> None:
        if not person.is_admin:
            raise NotAllowed(later("only an admin of this repository may do that"))

    return _guard(Access("admin", scope=scope), check)


def lab_role(role: LabRole, *, max_bytes: int | None = None) -> Callable[[View[P]], View[P]]:
    """Whoever has at least `role` in the lab `<lab>` may. An admin has no say in a lab.

    `max_bytes` as for `signed_in`.
    """

    def check(person: Person, place: Mapping[str, object]) -> None:
        with reading(current_app.extensions["engine"]) as session:
            g.lab_id = people.require_lab_role(
                session, person_id=person.id, lab_slug=str(place["lab"]), role=role
            )

    return _guard(Access("lab", role, SCOPE_OF_ROLE[role]), check, max_bytes)


def city_role(role: CityRole) -> Callable[[View[P]], View[P]]:
    """Whoever has `role` in the city `<city>` may, and so may an admin."""

    def check(person: Person, place: Mapping[str, object]) -> None:
        if person.is_admin:
            return
        with reading(current_app.extensions["engine"]) as session:
            people.require_city_role(
                session, person_id=person.id, city_slug=str(place["city"]), role=role
            )

    return _guard(Access("city", role, Scope.CITY_WRITE), check)


def agent(view: View[P]) -> View[P]:
    """An enrolled agent may, if it signed exactly this request and sends it once."""
    return agent_sends()(view)


def agent_sends(max_bytes: int | None = None) -> Callable[[View[P]], View[P]]:
    """As `agent`; `max_bytes` is how much the route takes, where the app's limit does not fit."""

    def mark(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            if max_bytes is not None:
                request.max_content_length = max_bytes
            g.caller = _signing_agent()
            return view(*args, **kwargs)

        return _marked(guarded, Access("agent"))

    return mark


def _guard(
    access: Access,
    check: Callable[[Person, Mapping[str, object]], None],
    max_bytes: int | None = None,
) -> Callable[[View[P]], View[P]]:
    def mark(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            if max_bytes is not None:
                request.max_content_length = max_bytes
            person = current_person()
            _require_scope(access.scope)
            _refuse_forgery()
            check(person, kwargs)
            return view(*args, **kwargs)

        return _marked(guarded, access)

    return mark


def _marked(view: View[P], access: Access) -> View[P]:
    view.access = access  # type: ignore[attr-defined]
    return view


def require_marks(app: Flask) -> None:
    """Pass if every route of the app says who may use it; the pictures and styles are public."""
    bare = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if access_of(app, rule.endpoint) is None and rule.endpoint != "static"
    ]
    if bare:
        raise RuntimeError(f"no access is declared for {', '.join(bare)}")


def access_of(app: Flask, endpoint: str) -> Access | None:
    """What the mark of a route says, None without one."""
    return getattr(app.view_functions[endpoint], "access", None)


def refuse_cross_site() -> None:
    """Before every request: another site's page cannot make a browser change anything here."""
    crosses = request.headers.get("Sec-Fetch-Site") == "cross-site"
    if crosses and request.method not in SAFE_METHODS:
        raise NotAllowed(later("this came from another site's page; open the form on this one"))


def sign_up(*, handle: str, name: str, email: str, password: str) -> Person:
    """A new account exists; InvalidInput with every wrong field, Conflict when it is taken."""
    people.check_account(handle=handle, name=name, email=email, password=password)
    password_hash = people.hash_password(password)  # slow: before the transaction
    with transaction(current_app.extensions["engine"]) as session:
        return people.sign_up(
            session,
            id=new_id(),
            handle=handle,
            name=name,
            email=email,
            password_hash=password_hash,
            now=datetime.now(UTC),
        )


def sign_in(handle_or_email: str, password: str) -> NewSession:
    """Somebody is signed in; NotSignedIn when handle or password is wrong."""
    engine, now = current_app.extensions["engine"], datetime.now(UTC)
    with reading(engine) as session:
        person, password_hash = people.password_hash_of(session, handle_or_email)
    if not people.password_fits(password_hash, password) or person is None:
        raise NotSignedIn(later("handle or password is wrong"))
    new = NewSession(person, new_secret(), new_secret())
    with transaction(engine) as session:
        people.open_session(session, person_id=person.id, secret=new.secret, csrf=new.csrf, now=now)
    return new


def sign_out() -> None:
    """The browser's session has ended."""
    if secret := request.cookies.get(cookie_name()):
        with transaction(current_app.extensions["engine"]) as session:
            people.close_session(session, secret)


def set_cookie(response: Response, new: NewSession) -> Response:
    """The browser will show that it is signed in; no script reads that, no other site sends it."""
    response.set_cookie(
        cookie_name(),
        new.secret,
        max_age=int(people.SESSION_LIFE.total_seconds()),
        secure=_settings().https,
        httponly=True,
        samesite="Lax",
    )
    return response


def clear_cookie(response: Response) -> Response:
    """The browser forgets that it was signed in."""
    response.delete_cookie(cookie_name(), secure=_settings().https, httponly=True, samesite="Lax")
    return response


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def cookie_name() -> str:
    """`__Host-` binds the cookie to this host, and browsers take it only encrypted."""
    return "__Host-sid" if _settings().https else "sid"


def _find_caller() -> Caller:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _holder_of(token.strip())
    secret = request.cookies.get(cookie_name())
    return _sitting_at(secret) if secret else NOBODY


def _holder_of(token: str) -> Caller:
    with reading(current_app.extensions["engine"]) as session:
        holder = people.of_token(session, token, datetime.now(UTC))
    if holder is None:
        raise NotSignedIn("this token is unknown, revoked or over; make a new one")
    return Caller(Means.TOKEN, holder.person, holder.scopes)


def _sitting_at(secret: str) -> Caller:
    engine, now = current_app.extensions["engine"], datetime.now(UTC)
    with reading(engine) as session:
        found = people.of_session(session, secret, now)
    if found is None:
        return NOBODY
    if found.stale:
        with transaction(engine) as session:
            people.keep_session(session, secret, now)
    return Caller(Means.SESSION, found.person, csrf=found.csrf)


def _signing_agent() -> Caller:
    headers = request.headers
    try:
        asked = SignedRequest(
            agent_id=headers[AGENT_HEADER],
            method=request.method,
            target=request.full_path if request.query_string else request.path,
            body=request.get_data(),
            at=int(headers[TIME_HEADER]),
            nonce=headers[NONCE_HEADER],
        )
        signed = Signed(asked, bytes.fromhex(headers[SIGNATURE_HEADER]))
    except (KeyError, ValueError) as error:
        raise NotSignedIn("this address is for enrolled agents: sign the request") from error
    with transaction(current_app.extensions["engine"]) as session:
        agent_ = agents.accept(session, signed, now=datetime.now(UTC))
    return Caller(Means.AGENT, agent=agent_, signed=signed)


def _require_scope(scope: Scope | None) -> None:
    scopes = current().scopes
    if scopes is None:
        return
    needed = Scope.READ if request.method in SAFE_METHODS else scope
    if needed is None:
        raise NotAllowed("no token may do that; sign in with your password")
    if needed not in scopes:
        raise NotAllowed(f"this token lacks the scope {needed}; make one that has it")


def _refuse_forgery() -> None:
    """A browser's cookie alone changes nothing: the form or script must show that it is ours."""
    caller = current()
    if caller.means is not Means.SESSION or request.method in SAFE_METHODS:
        return
    shown = request.headers.get(CSRF_HEADER) or request.form.get(CSRF_FIELD, "")
    if not compare_digest(shown.encode(), (caller.csrf or "").encode()):
        raise NotAllowed(later("this form is too old or not ours; load the page again"))
