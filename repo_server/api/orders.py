"""Build orders."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, BaseModel
from sqlmodel import Session

from commons.job import JobState
from commons.licences.purposes import Purpose
from commons.licences.terms import Fact
from commons.variants import Values
from commons.wire import Sha256, Told
from repo_server import labs, order_book, orders, waiting
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.api.once import made_once
from repo_server.db import reading
from repo_server.order_book import OrderLine
from repo_server.order_requests import OrderRequest
from repo_server.orders import PlacedOrder
from repo_server.paging import Page
from repo_server.people import Scope
from repo_server.tables.people import LabRole
from repo_server.waiting import WaitingOrder

bp = Blueprint("api_orders", __name__, url_prefix="/api/v1")


class OrderedJob(Told):
    id: str
    copy_number: int
    copies: int
    state: JobState
    sentence: str


class MachineAnswer(Told):
    """What one machine says to the order; without a refusal it can build it now."""

    machine: str
    machine_id: str
    refusal: str | None
    sentence: str


class VariantShown(Told):
    """What OpenSCAD drew: the source, with the values that it was given, and the mesh of that. All
    hashes are files here."""

    values: Values
    source: str
    source_sha256: Sha256
    made_with: str
    mesh_sha256: Sha256


class OrderShown(Told):
    """`licence` is what the design's licence said to `purpose`; null before it was asked. `variant`
    is null where the part's own file is made. `remarks` are told when it is placed. Without a
    release it is of a program that somebody brought: `part` is its name then, and `material` ""
    where nobody told it. `guest_request_id` is the request of a guest for whom it is. `at_panel_by`
    is who ordered it at a machine's panel while the server was away, as the panel names them; null
    for all others."""

    order_id: str
    release_id: Sha256 | None
    part: str
    copies: int
    material: str
    purpose: Purpose
    licence: dict[str, Any] | None
    deadline: AwareDatetime | None
    not_before: AwareDatetime | None
    urgent_because: str | None
    machines: tuple[str, ...] | None
    attended_only: bool
    alone: bool
    after: str | None
    set_id: str | None
    guest_request_id: str | None
    options: dict[str, Any]
    variant: VariantShown | None
    ordered_at: AwareDatetime
    at_panel_by: str | None = None
    jobs: tuple[OrderedJob, ...]
    answers: tuple[MachineAnswer, ...]
    remarks: tuple[str, ...]


class OrderWaits(Told):
    """`missing` are facts that would settle it."""

    waiting_id: str
    sentence: str
    missing: tuple[Fact, ...]


class OrdersListed(Told):
    orders: tuple[OrderLine, ...]


@bp.post("/labs/<lab>/orders")
@auth.lab_role(LabRole.MEMBER)
@answers({201: OrderShown, 202: OrderWaits}, refuses=(409,), keyed=True)
def create_order(lab: str, asked: OrderRequest) -> ResponseReturnValue:
    """201 with the order, its jobs and what each machine answers; 409 when none could build it.

    202 when it waits for a word that the design's licence asks for, 403 when that forbids it.

    With an Idempotency-Key the same request is one order, however often it comes.
    """
    by, lab_id = auth.current_person().id, auth.current_lab_id()

    def place(session: Session, now: datetime) -> tuple[int, BaseModel]:
        placed = waiting.place_or_wait(session, asked, lab_id=lab_id, by=by, now=now)
        if isinstance(placed, WaitingOrder):
            return 202, OrderWaits(
                waiting_id=placed.id, sentence=placed.sentence, missing=placed.missing
            )
        return 201, shown_order(placed)

    return made_once(place)


@bp.get("/orders")
@auth.signed_in(Scope.READ)
@answers({200: OrdersListed})
def list_own_orders(query: From) -> ResponseReturnValue:
    """200 with what the one who asks has ordered, the latest first; `Link` leads to older ones."""
    with reading(current_app.extensions["engine"]) as session:
        return _listed(order_book.orders_by(session, auth.current_person().id, query.stretch))


@bp.get("/labs/<lab>/orders")
@auth.lab_role(LabRole.MEMBER)
@answers({200: OrdersListed})
def list_orders_of_lab(lab: str, query: From) -> ResponseReturnValue:
    """200 with what was ordered in the lab, the latest first; `Link` leads to older ones."""
    with reading(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        return _listed(order_book.orders_of_lab(session, lab_id, query.stretch))


def _listed(found: Page[OrderLine]) -> Response:
    return with_next(write(OrdersListed(orders=tuple(found.entries))), found.after)


@bp.get("/orders/<order_id>")
@auth.signed_in(Scope.READ)
@answers({200: OrderShown})
def show_order(order_id: str) -> ResponseReturnValue:
    """200 for who ordered it and for the lab's people; 404 for everybody else."""
    with reading(current_app.extensions["engine"]) as session:
        placed = orders.show_order(session, order_id, to=auth.current_person().id)
    return write(shown_order(placed))


def shown_order(placed: PlacedOrder) -> OrderShown:
    """The order as this API tells it."""
    order = placed.order
    return OrderShown(
        order_id=order.id,
        release_id=order.release_id,
        part=order.part,
        copies=order.copies,
        material=order.material,
        purpose=order.purpose,
        licence=order.licence,
        deadline=order.deadline,
        not_before=order.not_before,
        urgent_because=order.urgent_because,
        machines=None if order.machines is None else tuple(order.machines),
        attended_only=order.attended_only,
        alone=order.alone,
        after=order.after_id,
        set_id=order.set_id,
        guest_request_id=order.guest_id,
        options=order.options,
        variant=placed.drawn and VariantShown.model_validate(asdict(placed.drawn)),
        ordered_at=order.ordered_at,
        at_panel_by=order.at_panel_by,
        jobs=tuple(
            OrderedJob(id=job.id, copy_number=job.copy_number, copies=job.copies,
                       state=job.state, sentence=job.sentence)
            for job in placed.jobs
        ),
        answers=tuple(
            MachineAnswer.model_validate({**it, "machine": it["name"]}) for it in order.answers
        ),
        remarks=tuple(map(str, placed.remarks)),
    )  # fmt: skip
