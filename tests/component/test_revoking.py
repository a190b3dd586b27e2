"""An agent is revoked over HTTP: it is out at once; what it may have started stays."""

from collections.abc import Callable

import pytest
from flask import Flask

from repo_server.enrolment import fingerprint
from tests.profiles import printer, router
from tests.shop import API, HttpAgent, Shop, Someone, open_shop


@pytest.fixture
def shop(app: Flask, sign_up: Callable[..., Someone]) -> Shop:
    return open_shop(app, sign_up)


def test_a_revoked_agent_is_out_and_what_it_prepared_is_queued_again(shop: Shop) -> None:
    shop.order()
    offer = shop.agent.staged()
    assert revoke(shop) == 204
    assert shop.agent.arm(offer).status_code == 401
    (job,) = shop.manager.get(shop.at_lab("/board")).json["jobs"]
    assert job["state"] == "queued"
    assert "was revoked; it is in the queue again" in job["sentence"]
    new = HttpAgent(shop.agent.app)
    new.enrol(shop.code(), printer(), router())
    assert new.lease().json["fence"] > offer["fence"]


def test_what_a_revoked_agent_may_have_started_waits_for_its_replacement_and_a_person(
    shop: Shop,
) -> None:
    job_id = shop.order().json["jobs"][0]["id"]
    offer = shop.agent.staged()
    shop.clear()
    shop.agent.arm(offer)
    shop.agent.tell("started", offer)
    assert revoke(shop) == 204
    assert revoke(shop) == 204  # said twice it counts once
    assert shop.job(job_id)["state"] == "unconfirmed"
    assert shop.decide(job_id, "attest", nothing_ran=True).status_code == 409
    HttpAgent(shop.agent.app).enrol(shop.code(), printer(), router())
    assert shop.decide(job_id, "attest", nothing_ran=True).json["state"] == "queued"


def revoke(shop: Shop, agent_id: str | None = None) -> int:
    path = shop.at_lab(f"/agents/{agent_id or shop.agent.agent_id}/revoke")
    return shop.manager.post(path).status_code


def test_a_lab_knows_its_own_agents_until_others_speak_for_their_machines(shop: Shop) -> None:
    shop.agent.sync(machines=[{"machine_id": shop.agent.machines["Printer"], "state": "idle"}])
    (agent,) = agents(shop)
    assert agent["id"] == shop.agent.agent_id
    assert agent["fingerprint"] == fingerprint(shop.agent.public_key)
    assert agent["machines"] == ["Printer", "Router"]
    assert agent["heard_at"] > agent["enrolled_at"]
    assert agent["revoked_at"] is None
    shop.stranger.post(f"{API}/labs", {"slug": "other", "name": "Other", "city": "hamburg"})
    foreign = f"{API}/labs/other/agents"
    assert shop.stranger.get(foreign).json == {"agents": []}
    assert shop.stranger.post(f"{foreign}/{agent['id']}/revoke").status_code == 404
    assert revoke(shop, "nobody") == 404
    assert shop.agent.sync().status_code == 200
    revoke(shop)
    assert [it["revoked_at"] is not None for it in agents(shop)] == [True]
    new = HttpAgent(shop.agent.app)
    new.enrol(shop.code(), printer(), router())
    assert [it["id"] for it in agents(shop)] == [new.agent_id]


def agents(shop: Shop) -> list[dict[str, object]]:
    return shop.manager.get(shop.at_lab("/agents")).json["agents"]
