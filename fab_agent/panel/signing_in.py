"""Signing in with a PIN, and out again."""

from flask import (
    Blueprint,
    get_flashed_messages,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue

from commons.errors import FabError
from fab_agent.panel import gate

bp = Blueprint("signing_in", __name__)


@bp.get("/sign-in")
def show() -> ResponseReturnValue:
    """The names to choose from, and a place for the PIN."""
    return form()


@bp.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    """303 to the machines for the right PIN; the form again for a wrong one."""
    name = request.form.get("name", "")
    try:
        gate.desk().doorkeeper.admit(name, request.form.get("pin", ""))
    except FabError as refused:
        return form(str(refused), name), 403
    gate.let_in(name)
    return redirect(url_for("pages.machines"), 303)


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """303: nobody is signed in on this browser."""
    session.clear()
    return redirect(url_for("pages.machines"), 303)


def form(refusal: str = "", name: str = "") -> str:
    """The page to sign in on, with why something was refused, and `name` chosen."""
    desk = gate.desk()
    operators, site = desk.doorkeeper.operators, desk.passkeys.site
    return render_template(
        "sign_in.html",
        names=operators.names(),
        said=get_flashed_messages(),
        refusal=refusal,
        name=name,
        site=site,
        some_passkey=operators.have_passkey(site.rp_id),
        works_here=passkeys_work_here(),
    )


def passkeys_work_here() -> bool:
    """Whether this request came to the one place where passkeys work. Whether it came there safely
    is the browser's to say, which knows no passkeys elsewhere."""
    return request.host.lower() == gate.desk().passkeys.site.host
