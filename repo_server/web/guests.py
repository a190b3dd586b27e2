"""Pages of people without an account: asking a lab to make something, and following that."""

from collections.abc import Mapping
from datetime import UTC, datetime

from flask import (
    Blueprint,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.errors import Conflict, FabError, FieldProblem, InvalidInput, TooMany
from commons.guests import Stage
from commons.texts import later
from commons.variants import Value
from repo_server import designs, guest_desks, guest_letters, guest_requests, labs
from repo_server.api import auth
from repo_server.api import guests as sending
from repo_server.api.errors import status_of
from repo_server.api.messages import check
from repo_server.db import reading, transaction
from repo_server.guest_requests import NewGuestRequest
from repo_server.ids import new_secret
from repo_server.order_requests import MAX_COPIES
from repo_server.private_links import private, require_private
from repo_server.settings import Settings
from repo_server.web import parts, variants
from repo_server.web.forms import filled_in
from repo_server.web.languages import Texts
from repo_server.web.stretches import asked_stretch, rest_of

bp = Blueprint("guests", __name__)

STAGES = Texts(
    {
        Stage.ASKED: later("The lab has it, and has not answered yet"),
        Stage.HELD_BACK: later(
            "Approved; it still waits for a word on its licence, or for its shape"
        ),
        Stage.WAITING: later("Approved; it waits for a machine"),
        Stage.BEING_MADE: later("It is being made"),
        Stage.READY: later("It is made: collect it at the lab"),
        Stage.NOT_MADE: later("It was approved, and is not made after all"),
        Stage.DECLINED: later("Declined"),
        Stage.WITHDRAWN: later("Withdrawn"),
    }
)
TONES = {Stage.READY: "good", Stage.NOT_MADE: "bad", Stage.DECLINED: "bad", Stage.WITHDRAWN: "soft"}
# People do not see this field, and leave it empty; programs that fill in every form do not.
TRAP = "website"


@bp.get("/releases/<id>/ask")
@auth.public
def choose_lab(id: str) -> ResponseReturnValue:
    """The labs that take requests, each leading to the form for this release."""
    with reading(current_app.extensions["engine"]) as session:
        release = designs.show_release(session, id)
        found = guest_desks.open_ones(session, asked_stretch())
        here = request.path
        return render_template(
            "ask_where.html", release=release, labs=found.entries, rest=rest_of(found, here)
        )


@bp.get("/labs/<lab>/ask")
@auth.public
def ask_form(lab: str) -> ResponseReturnValue:
    """The form to ask the lab for something: a part of ?release=, or what is said in words."""
    asked = {"release_id": request.args.get("release", ""), "part": request.args.get("part", "")}
    return _ask_page(lab, asked)


@bp.post("/labs/<lab>/ask")
@auth.public
def ask(lab: str) -> ResponseReturnValue:
    """Sent on to the private page of the request, or the form again with what is wrong."""
    values = filled_in() | _changed()
    try:
        sent = sending.send(lab, check(NewGuestRequest, _wanted(values)), values.get("key"))
    except (InvalidInput, Conflict, TooMany) as error:
        answer = make_response(_ask_page(lab, values, error), status_of(error))
        if isinstance(error, TooMany):
            answer.headers["Retry-After"] = str(error.retry_s)
        return answer
    return redirect(sent.path, 303)


def _changed() -> dict[str, str]:
    """The fields of a variant: also those that were left empty say something."""
    return {name: text for name, text in request.form.items() if name.startswith(variants.FIELD)}


def _wanted(values: Mapping[str, str]) -> dict[str, object]:
    if values.get(TRAP):
        problem = FieldProblem(TRAP, later("is a field that people do not see: leave it empty"))
        raise InvalidInput(str(problem), [problem])
    wanted: dict[str, object] = {
        name: value
        for name, value in values.items()
        if name != "key" and not name.startswith(variants.FIELD)
    }
    return wanted | {"variant": _variant(values)}


def _variant(values: Mapping[str, str]) -> dict[str, Value]:
    """The values that were filled in for parameters of the part's source."""
    if not any(name.startswith(variants.FIELD) for name in values):
        return {}
    with reading(current_app.extensions["engine"]) as session:
        release = designs.show_release(session, values.get("release_id", ""))
    return variants.filled_in(release, values.get("part", ""), values)


def _ask_page(lab: str, values: Mapping[str, str], error: FabError | None = None) -> str:
    settings: Settings = current_app.extensions["settings"]
    with reading(current_app.extensions["engine"]) as session:
        row = labs.lab_of(session, lab)
        return render_template(
            "ask.html",
            lab=row,
            desk=guest_desks.desk_of(session, row.id),
            **_of_release(session, values),
            values={"copies": "1", **values, "key": values.get("key") or new_secret()},
            error=error,
            max_copies=MAX_COPIES,
            days=f"{settings.guest_days:g}",
            mails=settings.post is not None,
            trap=TRAP,
        )


def _of_release(session: Session, values: Mapping[str, str]) -> dict[str, object]:
    """The release that is asked for, those of its parts that a machine can be fed with, or that a
    source draws, and what can be changed in them."""
    if not values.get("release_id"):
        return {"release": None, "parts": [], "changeable": []}
    release = designs.show_release(session, values["release_id"])
    shown = [parts.view_of(part, release) for part in release.manifest.parts]
    return {
        "release": release,
        "parts": [part.name for part in shown if part.makeable],
        "changeable": variants.inputs_of(release, values),
    }


@bp.get("/requests/<id>/<token>")
@auth.public
def follow(id: str, token: str) -> ResponseReturnValue:
    """How far the request is, for whoever has its private address."""
    return _followed(id, token)


@bp.post("/requests/<id>/<token>/withdraw")
@auth.public
def withdraw(id: str, token: str) -> ResponseReturnValue:
    """Back on the page; its guest does not want it any more."""
    secret, now = current_app.extensions["secret"], datetime.now(UTC)
    try:
        with transaction(current_app.extensions["engine"]) as session:
            guest_requests.withdraw(session, id, token, secret=secret, now=now)
    except Conflict as error:
        return _followed(id, token, error), status_of(error)
    back = redirect(f"{guest_letters.path_of(id)}/{token}", 303)
    return _hidden(make_response(back))


def _followed(id: str, token: str, error: FabError | None = None) -> Response:
    settings: Settings = current_app.extensions["settings"]
    secret = current_app.extensions["secret"]
    with reading(current_app.extensions["engine"]) as session:
        found = guest_requests.follow(session, id, token, secret=secret)
    page = render_template(
        "followed.html",
        it=found,
        token=token,
        error=error,
        word={"text": STAGES[found.stage], "tone": TONES.get(found.stage, "wait")},
        address=f"{settings.base_url}{guest_letters.path_of(id)}/{token}",
        days=f"{settings.guest_days:g}",
        mails=settings.post is not None,
    )
    return _hidden(make_response(page))


@bp.get("/requests/<id>/confirm/<token>")
@auth.public
def confirm_form(id: str, token: str) -> ResponseReturnValue:
    """A button to confirm the address: looking alone says nothing, as mail filters look, too."""
    secret = current_app.extensions["secret"]
    require_private(guest_letters.path_to_confirm(id), token, secret)
    return _hidden(make_response(render_template("confirm.html")))


@bp.post("/requests/<id>/confirm/<token>")
@auth.public
def confirm(id: str, token: str) -> ResponseReturnValue:
    """Sent on to the private page of the request; its address is confirmed."""
    secret, now = current_app.extensions["secret"], datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        guest_requests.confirm(session, id, token, secret=secret, now=now)
    own = redirect(private(guest_letters.path_of(id), secret), 303)
    return _hidden(make_response(own))


def _hidden(page: Response) -> Response:
    """No index, no cache and no other page gets to know of this address."""
    page.headers["Referrer-Policy"] = "no-referrer"
    page.headers["X-Robots-Tag"] = "noindex, nofollow"
    page.headers["Cache-Control"] = "no-store"
    return page
