"""Who may ask what of the panel: by which name it is called, from which page, by whom.

Everybody on the lab's network may look, stop and hold. Whatever else people ask takes an operator
who has signed in and a form of ours. What programs ask (slicers with a key of theirs) is marked
with `for_programs`: its view looks at the key, and no cookie counts there.
"""

import hmac
import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from ipaddress import ip_address
from typing import ParamSpec, TypeVar

from flask import Flask, current_app, request, session
from flask.typing import ResponseReturnValue

from commons.errors import NotAllowed, NotSignedIn
from fab_agent.panel.desk import Desk

P = ParamSpec("P")
View = TypeVar("View", bound=Callable[..., ResponseReturnValue])
SESSION_LIFE = timedelta(hours=12)
_OPEN, _PROGRAMS = "_needs_no_token", "_for_programs"
_SAFE = ("GET", "HEAD", "OPTIONS")


def desk() -> Desk:
    """What the panel of this request was given."""
    found: Desk = current_app.extensions["desk"]
    return found


def open_to_all(view: View) -> View:
    """The view is for everybody: a form without cookie or token is obeyed, too."""
    setattr(view, _OPEN, True)
    return view


def for_programs(view: View) -> View:
    """The view is for programs, which it lets in itself: no cookie of a browser counts there."""
    setattr(view, _OPEN, True)
    setattr(view, _PROGRAMS, True)
    return view


def operators_only(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """The view is for operators who have signed in."""

    @wraps(view)
    def inside(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        if operator() is None:
            raise NotSignedIn("sign in first: it is kept who did what")
        return view(*args, **kwargs)

    return inside


def operator() -> str | None:
    """Who has signed in here; None when nobody has, or their PIN has changed since, or the passkey
    that they signed in with was removed."""
    name, mark, passkey = (session.get(it) for it in ("operator", "mark", "passkey"))
    if not isinstance(name, str) or not isinstance(mark, str):
        return None
    return name if desk().doorkeeper.operators.mark_of(name, passkey or "") == mark else None


def by() -> str:
    """The name of whoever asks, for the record; "" when they have not signed in."""
    return operator() or ""


def let_in(name: str, passkey_id: str = "") -> None:
    """This browser is `name`'s from now on, under a new token, as long as the passkey is theirs."""
    session.clear()
    session.permanent = True
    session["operator"], session["passkey"] = name, passkey_id
    session["mark"] = desk().doorkeeper.operators.mark_of(name, passkey_id)


def token() -> str:
    """What every form of ours carries back."""
    if "token" not in session:
        session["token"] = secrets.token_hex(16)
    made: str = session["token"]
    return made


def guard(app: Flask) -> None:
    """Every request is looked at before its view."""
    app.before_request(_look)


def _look() -> None:
    _require_our_name()
    view = current_app.view_functions.get(request.endpoint or "")
    if request.method in _SAFE or getattr(view, _PROGRAMS, False):
        return
    _require_our_page()
    if not getattr(view, _OPEN, False):
        given = request.form.get("token", "")
        if not hmac.compare_digest(given.encode(), token().encode()):
            raise NotAllowed("this form is old: open the page once more and try again")


def _require_our_name() -> None:
    """A page of the internet whose name leads here (DNS rebinding) is not ours.

    It cannot do that with an address, only with a name.
    """
    host = _host_of(request.host)
    if not (host in ("localhost", *desk().names) or _is_address(host)):
        raise NotAllowed(
            f"this panel is not called {host[:80]}: use the computer's address, or put the name "
            "into names of [panel] in agent.toml"
        )


def _require_our_page() -> None:
    """What another site's page sends is not obeyed, not even a stop."""
    origin = request.headers.get("Origin", "null")
    elsewhere = origin != "null" and origin.partition("://")[2].lower() != request.host.lower()
    if elsewhere or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        raise NotAllowed("another site's page sent that: use the panel's own buttons")


def _host_of(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
