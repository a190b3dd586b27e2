"""Signing in with a PIN, and out again."""

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from commons.errors import FabError
from fab_agent.panel import gate

bp = Blueprint("signing_in", __name__)


@bp.get("/sign-in")
def show() -> ResponseReturnValue:
    """The names to choose from, and a place for the PIN."""
    return _form()


@bp.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    """303 to the machines for the right PIN; the form again for a wrong one."""
    name = request.form.get("name", "")
    try:
        gate.desk().doorkeeper.admit(name, request.form.get("pin", ""))
    except FabError as refused:
        return _form(str(refused), name), 403
    gate.let_in(name)
    return redirect(url_for("pages.machines"), 303)


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """303: nobody is signed in on this browser."""
    session.clear()
    return redirect(url_for("pages.machines"), 303)


def _form(refusal: str = "", name: str = "") -> str:
    names = gate.desk().doorkeeper.operators.names()
    return render_template("sign_in.html", names=names, refusal=refusal, name=name)
