"""Signing up, in and out."""

from flask import Blueprint, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from commons.errors import Conflict, InvalidInput, NotSignedIn
from repo_server import people
from repo_server.api import auth
from repo_server.web.frame import place_inside
from repo_server.web.languages import gettext

bp = Blueprint("people", __name__)


def _password_hint() -> str:
    named = {"count": people.PASSWORD_LENGTHS[0]}
    return gettext("At least %(count)s characters; a sentence is good.") % named


@bp.get("/sign-in")
@auth.public
def sign_in_form() -> ResponseReturnValue:
    """The form; `next` is where to go afterwards."""
    return render_template("sign_in.html", values={}, next=request.args.get("next", ""))


@bp.post("/sign-in")
@auth.public
def sign_in() -> ResponseReturnValue:
    """Signed in and sent on, or the form again with the reason."""
    form = request.form
    try:
        return _enter(form.get("handle", ""), form.get("password", ""))
    except NotSignedIn as error:
        again = form.get("next", "")
        return render_template("sign_in.html", values=form, error=error, next=again), 401


@bp.get("/sign-up")
@auth.public
def sign_up_form() -> ResponseReturnValue:
    """The form; `next` is where to go afterwards."""
    wanted = request.args.get("next", "")
    return render_template("sign_up.html", values={}, next=wanted, password_hint=_password_hint())


@bp.post("/sign-up")
@auth.public
def sign_up() -> ResponseReturnValue:
    """A new account, signed in and sent on; or the form again with every wrong field."""
    fields = {key: request.form.get(key, "") for key in ("handle", "name", "email", "password")}
    try:
        auth.sign_up(**fields)
    except (InvalidInput, Conflict) as error:
        page = render_template(
            "sign_up.html",
            values=fields,
            error=error,
            next=request.form.get("next", ""),
            password_hint=_password_hint(),
        )
        return page, 409 if isinstance(error, Conflict) else 422
    return _enter(fields["handle"], fields["password"])


@bp.post("/sign-out")
@auth.signed_in()
def sign_out() -> ResponseReturnValue:
    """Signed out, on the first page."""
    auth.sign_out()
    return auth.clear_cookie(make_response(redirect("/", 303)))


def _enter(handle: str, password: str) -> ResponseReturnValue:
    new = auth.sign_in(handle, password)
    wanted = place_inside(request.form.get("next"))
    return auth.set_cookie(make_response(redirect(wanted, 303)), new)
