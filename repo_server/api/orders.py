"""Build orders."""

from datetime import UTC, datetime

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from repo_server import idempotency, labs, orders, waiting
from repo_server.api import auth
from repo_server.api.messages import read
from repo_server.db import reading, transaction
from repo_server.orders import OrderRequest, PlacedOrder
from repo_server.people import Scope
from repo_server.tables.people import LabRole
from repo_server.waiting import WaitingOrder

bp = Blueprint("api_orders", __name__, url_prefix="/api/v1")


@bp.post("/labs/<lab>/orders")
@auth.lab_role(LabRole.MEMBER)
def create_order(lab: str) -> ResponseReturnValue:
    """201 with the order, its jobs and what each machine answers; 409 when none could build it.

    202 when it waits for a word that the design's licence asks for, 403 when that forbids it.

    With an Idempotency-Key the same request is one order, however often it comes.
    """
    wanted, by, now = read(OrderRequest), auth.current_person().id, datetime.now(UTC)

    def place(session: Session) -> idempotency.Answer:
        lab_id = labs.lab_of(session, lab).id
        placed = waiting.place_or_wait(session, wanted, lab_id=lab_id, by=by, now=now)
        if isinstance(placed, WaitingOrder):
            return 202, {"waiting_id": placed.id, "sentence": placed.sentence,
                         "missing": list(placed.missing)}  # fmt: skip
        return 201, _shown(placed)

    with transaction(current_app.extensions["engine"]) as session:
        if (given := request.headers.get("Idempotency-Key")) is None:
            status, answer = place(session)
        else:
            key = idempotency.Key(by, given, f"{lab}\n{wanted.model_dump_json()}".encode())
            status, answer = idempotency.once(session, key, lambda: place(session), now=now)
    return jsonify(answer), status


@bp.get("/orders/<order_id>")
@auth.signed_in(Scope.READ)
def show_order(order_id: str) -> ResponseReturnValue:
    """200 for who ordered it and for the lab's people; 404 for everybody else."""
    with reading(current_app.extensions["engine"]) as session:
        placed = orders.show_order(session, order_id, to=auth.current_person().id)
    return jsonify(_shown(placed))


def _shown(placed: PlacedOrder) -> dict[str, object]:
    order = placed.order
    return {
        "order_id": order.id,
        "release_id": order.release_id,
        "part": order.part,
        "copies": order.copies,
        "material": order.material,
        "purpose": order.purpose,
        "licence": order.licence,
        "options": order.options,
        "ordered_at": order.ordered_at.isoformat(),
        "jobs": [
            {"id": job.id, "copy_number": job.copy_number, "copies": job.copies,
             "state": job.state, "sentence": job.sentence}
            for job in placed.jobs
        ],
        "answers": [
            {"machine": it["name"], "machine_id": it["machine_id"], "refusal": it["refusal"],
             "sentence": it["sentence"]}
            for it in order.answers
        ],
    }  # fmt: skip
