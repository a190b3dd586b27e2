"""Ordering from a design's page."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Blueprint, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue

from commons.errors import Conflict, InvalidInput
from commons.variants import Value
from repo_server import designs as shown
from repo_server import estimates, idempotency, people, waiting
from repo_server.api import auth
from repo_server.api.messages import check
from repo_server.db import reading, transaction
from repo_server.licensing import LicenceForbids
from repo_server.order_requests import OrderRequest
from repo_server.people import Scope
from repo_server.tables.people import LabRole
from repo_server.waiting import WaitingOrder
from repo_server.web import designs, variants

bp = Blueprint("orders", __name__)

# As browsers send what was chosen in a field of day and hour.
_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")


@bp.post("/orders")
@auth.signed_in(Scope.ORDER_WRITE)
def place_order() -> ResponseReturnValue:
    """Sent on to the first job on the lab's board, which says what it waits for, or to the page of
    the order that waits for a word; or the design's page again with the reason why it cannot be
    made."""
    form = request.form.to_dict() | {"machine": " ".join(request.form.getlist("machine"))}
    try:
        placed = _place(form)
    except (InvalidInput, Conflict, LicenceForbids) as error:
        return designs.page_of(form.get("release_id", ""), form, error)
    if "waiting_id" in placed:
        return redirect(url_for("licences.show_waiting", id=placed["waiting_id"]), 303)
    anchor = f"job-{placed['job_id']}"
    return redirect(url_for("labs.show_board", lab=form["lab"], _anchor=anchor), 303)


@bp.post("/orders/estimate")
@auth.signed_in(Scope.ORDER_WRITE)
def estimate() -> ResponseReturnValue:
    """The design's page again, with what that order would take and cost; nothing is ordered."""
    form = request.form.to_dict()
    lab, by, now = form.get("lab", ""), auth.current_person().id, datetime.now(UTC)
    try:
        wanted = _wanted(form, _variant(form), lab)
        with transaction(current_app.extensions["engine"]) as session:
            lab_id = people.require_lab_role(
                session, person_id=by, lab_slug=lab, role=LabRole.MEMBER
            )
            told = estimates.told(session, wanted, lab_id=lab_id, by=by, now=now)
    except (InvalidInput, Conflict) as error:
        return designs.page_of(form.get("release_id", ""), form, error)
    return designs.page_with(form.get("release_id", ""), form, told)


def _place(form: Mapping[str, str]) -> dict[str, object]:
    """The order's first job, or the order that waits. The form carries a key: sent twice, it is
    one order."""
    lab = form.get("lab", "")
    wanted = _wanted(form, _variant(form), lab)
    by, now = auth.current_person().id, datetime.now(UTC)
    key = idempotency.Key(by, form.get("key", ""), f"{lab}\n{wanted.model_dump_json()}".encode())
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = people.require_lab_role(session, person_id=by, lab_slug=lab, role=LabRole.MEMBER)

        def place() -> idempotency.Answer:
            placed = waiting.place_or_wait(session, wanted, lab_id=lab_id, by=by, now=now)
            if isinstance(placed, WaitingOrder):
                return 202, {"waiting_id": placed.id}
            return 201, {"job_id": placed.jobs[0].id}

        _, answer = idempotency.once(session, key, place, now=now)
    return answer


WHEN = ("deadline", "not_before", "urgent_because")


def _moments(said: Mapping[str, str]) -> dict[str, str]:
    """The form's days and hours, which are UTC, as instants."""
    return {name: f"{said[name]}Z" for name in WHEN[:2] if _LOCAL.fullmatch(said.get(name, ""))}


def _variant(form: Mapping[str, str]) -> dict[str, Value]:
    """The values that were filled in for parameters of the part's source."""
    if not any(name.startswith(variants.FIELD) for name in form):
        return {}
    with reading(current_app.extensions["engine"]) as session:
        release = shown.show_release(session, form.get("release_id", ""))
    return variants.filled_in(release, form.get("part", ""), form)


def _wanted(form: Mapping[str, str], variant: Mapping[str, Value], lab: str) -> OrderRequest:
    """The form as an order; what is left empty is as usual."""
    names = ("release_id", "part", "copies", "material", "plates", "purpose", "after")
    values: dict[str, object] = {name: form[name] for name in names if form.get(name)}
    values["variant"] = variant
    values |= {name: name in form for name in ("attended_only", "alone")}
    # A machine is named with its lab: those of other labs are not meant.
    named = [it.partition("/") for it in form.get("machine", "").split()]
    if chosen := [id_ for of, _, id_ in named if of == lab]:
        values["machines"] = chosen
    if said := {name: form[name].strip() for name in WHEN if form.get(name, "").strip()}:
        values["when"] = {**said, **_moments(said)}
    if "quality" in form:
        printed = ("quality", "orientation", "scale", "infill_percent", "nozzle_mm")
        values["options"] = {
            **{name: form[name].strip() for name in printed if form.get(name, "").strip()},
            "supports": "supports" in form,
            "brim": "brim" in form,
        }
    if "way" in form:
        milled = ("grain", "way", "lines", "scallop_mm")
        values["milling"] = {
            **{name: form[name].strip() for name in milled if form.get(name, "").strip()},
            **{name: name in form for name in ("nest", "conventional", "finish")},
        }
    return check(OrderRequest, values)
