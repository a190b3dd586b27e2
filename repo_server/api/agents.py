"""What agents ask: to be let in, for jobs, for permits; and what they report."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from commons.local_builds import LocalBuilds
from commons.machine import MachineProfile
from commons.wire import (
    ArmRequest,
    Enrolled,
    Enrolment,
    JobOffer,
    LeaseRequest,
    Permit,
    SyncReply,
    SyncRequest,
)
from repo_server import enrolment, jobs, local_builds, replies, reports, start_records
from repo_server.api import auth
from repo_server.api.contract import answers
from repo_server.api.messages import write
from repo_server.db import reading, transaction
from repo_server.lobby import Concerns

bp = Blueprint("api_agents", __name__, url_prefix="/api/v1")

LONGEST_WAIT_S = 25.0


@bp.post("/enrolments")
@auth.public
@answers({201: Enrolled}, refuses=(409,))
def create_enrolment(asked: Enrolment) -> ResponseReturnValue:
    """201 with the agent's ids; 403 when the code is wrong, over or used."""
    with transaction(current_app.extensions["engine"]) as session:
        enrolled = enrolment.enrol(session, asked, now=datetime.now(UTC))
    return write(enrolled), 201


@bp.put("/agent/machines/<machine_id>/profile")
@auth.agent
@answers({204: None}, refuses=(409,))
def put_profile(machine_id: str, asked: MachineProfile) -> ResponseReturnValue:
    """204: the machine can do this from now on; 409 while an attempt of it may have started."""
    agent = auth.current_agent()
    with transaction(current_app.extensions["engine"]) as session:
        now = datetime.now(UTC)
        enrolment.change_profile(session, machine_id, asked, agent_id=agent.id, now=now)
    return "", 204


@bp.get("/agent/local-builds")
@auth.agent
@answers({200: LocalBuilds})
def list_local_builds() -> ResponseReturnValue:
    """200 with what people may make at the agent's panel while this server is away, and who."""
    with reading(current_app.extensions["engine"]) as session:
        told = local_builds.told(session, auth.current_agent(), now=datetime.now(UTC))
    return write(told)


@bp.post("/agent/leases")
@auth.agent
@answers({201: JobOffer, 204: None}, refuses=(404, 409))
def create_lease(asked: LeaseRequest) -> ResponseReturnValue:
    """201 with a JobOffer, the same until it is done with; 204 when there is nothing to build."""
    agent = auth.current_agent()
    with transaction(current_app.extensions["engine"]) as session:
        offer = jobs.lease_next_job(
            session,
            asked.machine_id,
            agent_id=agent.id,
            now=datetime.now(UTC),
            shares_plates=asked.shares_plates,
        )
    return ("", 204) if offer is None else (write(offer), 201)


@bp.post("/agent/permits")
@auth.agent
@answers({201: Permit}, refuses=(404, 409))
def create_permit(asked: ArmRequest) -> ResponseReturnValue:
    """201 with a Permit, the same when asked again; 409 with the reason why not (now)."""
    agent, now = auth.current_agent(), datetime.now(UTC)
    with transaction(current_app.extensions["engine"]) as session:
        permit = jobs.permit_start(session, asked, agent_id=agent.id, now=now)
        start_records.keep(session, auth.current_signed(), [permit.attempt_id], now=now)
    return write(permit), 201


@bp.post("/agent/sync")
@auth.agent
@answers({200: SyncReply})
def sync(asked: SyncRequest) -> ResponseReturnValue:
    """200 with a SyncReply: at once when there is something to say, else after `wait_s`."""
    agent, engine = auth.current_agent(), current_app.extensions["engine"]
    with transaction(engine) as session:
        now = datetime.now(UTC)
        acked = reports.take_sync(session, asked, agent_id=agent.id, now=now)
        if asked.events:
            spoken_of = [event.attempt_id for event in asked.events]
            start_records.keep(session, auth.current_signed(), spoken_of, now=now)

    # Whoever reports wants to know that it is safe, and is told so at once.
    wait_s = 0.0 if asked.events else min(asked.wait_s, LONGEST_WAIT_S)

    def look(session: Session) -> SyncReply:
        return replies.reply(session, asked, agent_id=agent.id, acked=acked, now=datetime.now(UTC))

    with reading(engine) as session:
        told = look(session)
        waits = wait_s > 0 and not replies.says_something(told)
        mine = replies.concerns(session, asked, agent_id=agent.id) if waits else None
    if mine is not None:
        told = _wait_for_words(told, look, mine, wait_s)
    if told.sentence:
        current_app.logger.warning("agent %s: %s", agent.id, told.sentence)
    return write(told)


def _wait_for_words(
    told: SyncReply, look: Callable[[Session], SyncReply], mine: Concerns, wait_s: float
) -> SyncReply:
    """The first reply that says something, or the last one, that did not, after `wait_s`.

    Nothing is held open meanwhile: each look is a transaction of its own.
    """
    lobby, until = current_app.extensions["lobby"], time.monotonic() + wait_s
    while not replies.says_something(told) and lobby.wait(mine, until):
        with reading(current_app.extensions["engine"]) as session:
            told = look(session)
    return told
