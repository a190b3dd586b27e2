"""Signing in by passkey, and an operator's own passkeys: listed, added, removed."""

from flask import (
    Blueprint,
    flash,
    get_flashed_messages,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue

from commons.errors import FabError, NotAllowed
from fab_agent.panel import gate, signing_in
from fab_agent.panel.frame import status_of
from fab_agent.panel.passkeys import Options, Passkeys

bp = Blueprint("passkeys", __name__)


@bp.post("/sign-in/passkey/options")
def ask_who() -> ResponseReturnValue:
    """What the browser is asked, as JSON."""
    return _asked(*_here().ask_who())


@bp.post("/sign-in/passkey")
def sign_in() -> ResponseReturnValue:
    """303 to the machines for a passkey that is known; the form again for any other."""
    try:
        name, passkey = _here().admit(request.form.get("answer", ""), _challenge())
    except FabError as refused:
        return signing_in.form(str(refused)), status_of(refused)
    gate.let_in(name, passkey.id)
    return redirect(url_for("pages.machines"), 303)


@bp.get("/passkeys")
@gate.operators_only
def show() -> ResponseReturnValue:
    """Whoever has signed in sees their passkeys, and may add one."""
    return _page()


@bp.post("/passkeys/options")
@gate.operators_only
def ask_new() -> ResponseReturnValue:
    """What the browser is asked, as JSON. The PIN is asked once more: a screen that somebody left
    signed in gives nobody else a key for good."""
    gate.desk().doorkeeper.admit(gate.by(), request.form.get("pin", ""))
    return _asked(*_here().ask_new(gate.by()))


@bp.post("/passkeys")
@gate.operators_only
def add() -> ResponseReturnValue:
    """303: the passkey lets them in from now on."""
    given = request.form
    try:
        made = _here().add(
            gate.by(), given.get("name", ""), given.get("answer", ""), _challenge(),
            now=gate.desk().now(),
        )  # fmt: skip
    except FabError as refused:
        return _page(str(refused)), status_of(refused)
    flash(f"You may sign in with {made.name} from now on.")
    return redirect(url_for("passkeys.show"), 303)


@bp.post("/passkeys/<passkey_id>/remove")
@gate.operators_only
def remove(passkey_id: str) -> ResponseReturnValue:
    """303: the passkey lets nobody in any more; out, when they came in by it."""
    gone = gate.desk().passkeys.operators.remove_passkey(gate.by(), passkey_id)
    flash(f"{gone.name} lets nobody in any more.")
    out = gate.operator() is None
    return redirect(url_for("signing_in.show" if out else "passkeys.show"), 303)


def _here() -> Passkeys:
    """The passkeys, for a request to the one place where they work."""
    passkeys = gate.desk().passkeys
    if not signing_in.passkeys_work_here():
        raise NotAllowed(f"passkeys work at {passkeys.site.origin} alone: open the panel there")
    return passkeys


def _asked(challenge: bytes, options: Options) -> ResponseReturnValue:
    session["challenge"] = challenge.hex()
    return options


def _challenge() -> bytes:
    """What this session was asked last; nothing when it was not asked, or has answered."""
    return bytes.fromhex(session.pop("challenge", ""))


def _page(refusal: str = "") -> str:
    desk = gate.desk()
    return render_template(
        "passkeys.html",
        passkeys=desk.passkeys.operators.passkeys(gate.by()),
        said=get_flashed_messages(),
        refusal=refusal,
        site=desk.passkeys.site,
        works_here=signing_in.passkeys_work_here(),
    )
