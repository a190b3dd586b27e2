"""Ordering everything that is made of an object, and the page of such a set."""

from datetime import UTC, datetime

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from commons.errors import Conflict, InvalidInput
from commons.texts import later
from repo_server import idempotency, order_sets, people
from repo_server.api import auth
from repo_server.api.comparisons import read_blob
from repo_server.api.errors import status_of
from repo_server.api.messages import check
from repo_server.db import reading, transaction
from repo_server.order_sets import SetRequest, SetState
from repo_server.people import Scope
from repo_server.tables.people import LabRole
from repo_server.web import assemblies
from repo_server.web.languages import Texts

bp = Blueprint("order_sets", __name__)

SET_WORDS = Texts(
    {
        SetState.OPEN: later("Being made"),
        SetState.DONE: later("All of it is made"),
        SetState.ENDED: later("Ended, and not whole"),
    }
)


@bp.post("/sets")
@auth.signed_in(Scope.ORDER_WRITE)
def place_set() -> ResponseReturnValue:
    """Sent on to the set's page; or the page of what the object takes, with all that is in the
    way. The form carries a key: sent twice, it is one set."""
    form = request.form.to_dict()
    try:
        set_id = _place(form)
    except (InvalidInput, Conflict) as error:
        return assemblies.page_of(form.get("release_id", ""), error), status_of(error)
    return redirect(url_for("order_sets.show", id=set_id), 303)


def _place(form: dict[str, str]) -> str:
    chosen = ("release_id", "objects", "plates", "purpose")
    asked = check(SetRequest, {name: form[name] for name in chosen if form.get(name)})
    by, now, lab = auth.current_person().id, datetime.now(UTC), form.get("lab", "")
    key = idempotency.Key(by, form.get("key", ""), f"{lab}\n{asked.model_dump_json()}".encode())
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = people.require_lab_role(session, person_id=by, lab_slug=lab, role=LabRole.MEMBER)

        def place() -> idempotency.Answer:
            placed = order_sets.place(session, asked, read=read_blob, lab_id=lab_id, by=by, now=now)
            return 201, {"set_id": placed.id}

        _, answer = idempotency.once(session, key, place, now=now)
    return str(answer["set_id"])


@bp.get("/sets/<id>")
@auth.signed_in(Scope.READ)
def show(id: str) -> ResponseReturnValue:
    """What is made of the set and what is not yet, and what has to be bought."""
    with reading(current_app.extensions["engine"]) as session:
        found = order_sets.show(session, id, to=auth.current_person().id)
    return render_template("set.html", set=found, SET_WORDS=SET_WORDS)


@bp.post("/sets/<id>/cancel")
@auth.signed_in(Scope.ORDER_WRITE)
def cancel(id: str) -> ResponseReturnValue:
    """Back on the set's page; nothing more of it is made."""
    now, by = datetime.now(UTC), auth.current_person().id
    with transaction(current_app.extensions["engine"]) as session:
        order_sets.cancel(session, id, by=by, now=now)
    return redirect(url_for("order_sets.show", id=id), 303)
