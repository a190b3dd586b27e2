"""Sets: the made parts of an object, ordered together."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, BaseModel
from sqlmodel import Session

from commons.wire import Sha256, Told
from repo_server import labs, order_sets
from repo_server.api import auth
from repo_server.api.comparisons import read_blob
from repo_server.api.contract import answers
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.db import reading, transaction
from repo_server.order_sets import OrderSet, SetOrder, SetRequest, SetState
from repo_server.people import Scope
from repo_server.tables.people import LabRole

bp = Blueprint("api_order_sets", __name__, url_prefix="/api/v1")


class SetShown(Told):
    """`bought` is what no machine makes; an order without `order_id` waits for a word, or nothing
    comes of it."""

    id: str
    title: str
    release_id: Sha256
    lab: str
    lab_slug: str
    objects: int
    ordered_by: str
    ordered_at: AwareDatetime
    state: SetState
    orders: tuple[SetOrder, ...]
    bought: tuple[dict[str, Any], ...]


@bp.post("/labs/<lab>/sets")
@auth.lab_role(LabRole.MEMBER)
@answers({201: SetShown}, refuses=(409,), keyed=True)
def create_set(lab: str, asked: SetRequest) -> ResponseReturnValue:
    """201 with every made part ordered; 422 with all that is in the way, and nothing ordered."""
    by = auth.current_person().id

    def place(session: Session, now: datetime) -> tuple[int, BaseModel]:
        lab_id = labs.lab_of(session, lab).id
        placed = order_sets.place(session, asked, read=read_blob, lab_id=lab_id, by=by, now=now)
        return 201, _shown(placed)

    return made_once(place)


@bp.get("/sets/<set_id>")
@auth.signed_in(Scope.READ)
@answers({200: SetShown})
def show_set(set_id: str) -> ResponseReturnValue:
    """200 for who ordered it and for the lab's people; 404 for everybody else."""
    with reading(current_app.extensions["engine"]) as session:
        return write(_shown(order_sets.show(session, set_id, to=auth.current_person().id)))


@bp.post("/sets/<set_id>/cancel")
@auth.signed_in(Scope.ORDER_WRITE)
@answers({200: SetShown}, refuses=(409,))
def cancel_set(set_id: str) -> ResponseReturnValue:
    """200 with the set, of which nothing more is made; for who ordered it and for operators."""
    now = datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        left = order_sets.cancel(session, set_id, by=auth.current_person().id, now=now)
        return write(_shown(left))


def _shown(it: OrderSet) -> SetShown:
    return SetShown.model_validate(it, from_attributes=True)
