"""Requests of people without an account, and what a lab's operators answer."""

from datetime import UTC, datetime

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from commons.wire import Told
from repo_server import guest_answers, guest_desks, guest_letters, guest_requests, labs
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.links import From, with_next
from repo_server.api.messages import write
from repo_server.api.once import KEY_HEADER
from repo_server.api.senders import sender
from repo_server.db import reading, transaction
from repo_server.guest_answers import Approval, GuestRequest, Refusal
from repo_server.guest_desks import GuestDesk
from repo_server.guest_requests import Followed, NewGuestRequest, Sent
from repo_server.private_links import private
from repo_server.settings import Settings
from repo_server.tables.people import LabRole

bp = Blueprint("api_guests", __name__, url_prefix="/api/v1")


class GuestRequestSent(Told):
    """`path` is the request's private address on this server: whoever has it may see and withdraw
    it. `confirms`: a letter asks whoever has the address to confirm it."""

    id: str
    path: str
    confirms: bool


class GuestRequestsListed(Told):
    requests: tuple[GuestRequest, ...]


@bp.get("/labs/<lab>/guest-desk")
@auth.public
@answers({200: GuestDesk})
def show_guest_desk(lab: str) -> ResponseReturnValue:
    """200 with whether the lab takes requests of guests, and what it tells them."""
    with reading(current_app.extensions["engine"]) as session:
        return write(guest_desks.desk_of(session, labs.lab_of(session, lab).id))


@bp.put("/labs/<lab>/guest-desk")
@auth.lab_role(LabRole.MANAGER)
@answers({204: None})
def set_guest_desk(lab: str, asked: GuestDesk) -> ResponseReturnValue:
    """204; the lab takes requests of guests from now on, or none."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        guest_desks.set_desk(session, asked, lab_id=lab_id, by=by, now=now)
    return "", 204


@bp.post("/labs/<lab>/requests")
@auth.public
@answers({201: GuestRequestSent}, refuses=(409, 429), keyed=True)
def create_guest_request(lab: str, asked: NewGuestRequest) -> ResponseReturnValue:
    """201 with the private address of the request; 409 where the lab takes none, or the release
    was yanked; 429 for too many within an hour.

    With an Idempotency-Key the same request is one, however often it comes.
    """
    return write(send(lab, asked, request.headers.get(KEY_HEADER))), 201


def send(lab: str, asked: NewGuestRequest, key: str | None) -> GuestRequestSent:
    """The lab has the request of whoever sends this."""
    settings: Settings = current_app.extensions["settings"]
    mails = settings.post is not None
    sent = Sent(sender(), key, mails)
    with transaction(current_app.extensions["engine"]) as session:
        id_ = guest_requests.ask(session, asked, sent, lab=lab, now=datetime.now(UTC)).id
    path = private(guest_letters.path_of(id_), current_app.extensions["secret"])
    return GuestRequestSent(id=id_, path=path, confirms=mails and asked.email is not None)


@bp.get("/requests/<request_id>/<token>")
@auth.public
@answers({200: Followed})
def follow_guest_request(request_id: str, token: str) -> ResponseReturnValue:
    """200 with how far the request is, for whoever has its private address."""
    secret = current_app.extensions["secret"]
    with reading(current_app.extensions["engine"]) as session:
        return write(guest_requests.follow(session, request_id, token, secret=secret))


@bp.post("/requests/<request_id>/<token>/withdraw")
@auth.public
@answers({200: Followed}, refuses=(409,))
def withdraw_guest_request(request_id: str, token: str) -> ResponseReturnValue:
    """200; its guest does not want it any more. 409 once something of it is prepared or made."""
    secret, now = current_app.extensions["secret"], datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        found = guest_requests.withdraw(session, request_id, token, secret=secret, now=now)
    return write(found)


@bp.get("/labs/<lab>/requests")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: GuestRequestsListed})
def list_guest_requests(lab: str, query: From) -> ResponseReturnValue:
    """200 with the lab's requests of guests: those that nobody has answered first, the latest
    before older ones; `Link` leads to the rest."""
    with reading(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        found = guest_answers.of_lab(session, lab_id, query.stretch)
    return with_next(write(GuestRequestsListed(requests=tuple(found.entries))), found.after)


@bp.post("/labs/<lab>/requests/<request_id>/approve")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: GuestRequest}, refuses=(409,))
def approve_guest_request(lab: str, request_id: str, asked: Approval) -> ResponseReturnValue:
    """200; it is an order of whoever approves. 403 when the design's licence forbids it; 409 when
    no machine could make it, or somebody answered before."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        found = guest_answers.approve(session, request_id, asked, lab_id=lab_id, by=by, now=now)
    return write(found)


@bp.post("/labs/<lab>/requests/<request_id>/decline")
@auth.lab_role(LabRole.OPERATOR)
@answers({200: GuestRequest}, refuses=(409,))
def decline_guest_request(lab: str, request_id: str, asked: Refusal) -> ResponseReturnValue:
    """200; its guest reads why. 409 when somebody answered before."""
    by, now = auth.current_person().id, datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        lab_id = labs.lab_of(session, lab).id
        found = guest_answers.decline(session, request_id, asked, lab_id=lab_id, by=by, now=now)
    return write(found)
