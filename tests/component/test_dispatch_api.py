"""An agent and people over HTTP: lease, permit, reports, fences, decisions; nothing runs twice."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from sqlmodel import select

from commons.dispatch import FENCE_STEP, PERMIT_VALID_S
from commons.start_record import StartRecord, check
from cosmo.record_commands import is_signed
from repo_server.tables import AgentEventRow, BedClearRow, JobRow
from tests.floor import PROGRAM, run
from tests.profiles import printer, router
from tests.shop import API, HttpAgent, Shop, Someone, open_shop

RUN = run().model_dump(mode="json")
STAGED = {"program": PROGRAM.model_dump(mode="json")}


@pytest.fixture
def shop(app: Flask, sign_up: Callable[..., Someone]) -> Shop:
    return open_shop(app, sign_up)


def ordered(shop: Shop, **more: object) -> str:
    job_id: str = shop.order(**more).json["jobs"][0]["id"]
    return job_id


def armed(shop: Shop) -> tuple[str, dict[str, object]]:
    """A job whose machine may start it, and its offer."""
    job_id = ordered(shop)
    offer = shop.agent.staged()
    assert shop.clear().status_code == 204
    assert shop.agent.arm(offer).status_code == 201
    return job_id, offer


def running(shop: Shop) -> tuple[str, dict[str, object]]:
    job_id, offer = armed(shop)
    shop.agent.tell("started", offer)
    return job_id, offer


def refusals(shop: Shop) -> list[str]:
    with shop.floor.session() as session:
        rows = session.exec(select(AgentEventRow).order_by(AgentEventRow.seq)).all()
    return [row.refused for row in rows]


# The whole way


def test_a_job_goes_from_the_order_to_a_good_thing(shop: Shop) -> None:
    job_id = ordered(shop)
    assert shop.agent.sync().json["work"] == [shop.agent.machines["Printer"]]
    leased = shop.agent.lease()
    assert leased.status_code == 201
    offer = leased.json
    assert (offer["job_id"], offer["fence"], offer["title"], offer["part"]) == (
        job_id, FENCE_STEP, "Shelf hook", "hook",
    )  # fmt: skip
    assert (offer["file_name"], offer["file_size"], offer["material"]) == ("hook.stl", 84, "pla")
    shop.agent.tell("staged", offer, **STAGED)
    assert shop.job(job_id)["state"] == "staged"
    assert shop.agent.sync().json["work"] == []
    shop.clear()
    assert shop.agent.sync().json["work"] == [shop.agent.machines["Printer"]]
    permit = shop.agent.arm(offer)
    assert permit.status_code == 201
    assert permit.json == {
        "attempt_id": offer["attempt_id"],
        "machine_id": offer["machine_id"],
        "fence": FENCE_STEP,
        "program_sha256": PROGRAM.sha256,
        "valid_s": PERMIT_VALID_S,
    }
    shop.agent.tell("started", offer)
    assert shop.job(job_id)["state"] == "running"
    assert shop.agent.tell("finished", offer, run=RUN).json["acked"] == 3
    assert shop.job(job_id)["state"] == "finished"
    assert shop.decide(job_id, "verdict", good=True, note="neat").json["state"] == "done"
    passport = shop.stranger.get(f"{API}/things/{offer['attempt_id']}").json
    known = {key: entry["value"] for key, entry in passport["entries"].items()}
    assert (known["lines"], known["lines_done"], known["mass"], known["verdict"]) == (
        1000, 1000, 18.0, "good",
    )  # fmt: skip
    assert (known["design"], known["licensors"], known["ring"]) == (
        "Shelf hook", ["Ada Maker"], "city",
    )  # fmt: skip


# Leases


def test_a_machine_that_asks_again_gets_the_same_offer(shop: Shop) -> None:
    ordered(shop, copies=2)
    first = shop.agent.lease().json
    assert shop.agent.lease().json == first
    shop.agent.tell("staged", first, **STAGED)
    assert shop.agent.lease().json == first


def test_a_machine_that_may_start_gets_no_further_offer(shop: Shop) -> None:
    ordered(shop)
    armed(shop)
    assert shop.agent.lease().status_code == 204


def test_nothing_that_fits_is_no_offer(shop: Shop) -> None:
    assert shop.agent.lease().status_code == 204
    ordered(shop, part="board")
    assert shop.agent.lease("Printer").status_code == 204
    assert shop.agent.lease("Router").json["thickness_mm"] == 12


def test_the_oldest_job_that_fits_comes_first(shop: Shop) -> None:
    ordered(shop, part="board")
    first, second = ordered(shop), ordered(shop)
    offer = shop.agent.lease().json
    assert offer["job_id"] == first
    shop.agent.tell("refused", offer, sentence="the mesh is open")
    assert shop.job(first)["state"] == "refused"
    assert shop.agent.lease().json["job_id"] == second


def test_a_job_that_was_given_back_is_not_offered_to_the_same_machine_at_once(shop: Shop) -> None:
    job_id = ordered(shop)
    shop.agent.tell("declined", shop.agent.lease().json, sentence="no slicer here")
    assert shop.job(job_id)["state"] == "queued"
    assert shop.agent.lease().status_code == 204
    assert shop.agent.sync().json["work"] == []


@pytest.mark.parametrize("state", ["offline", "fault", "running", "held"])
def test_a_machine_that_is_not_free_is_offered_nothing(shop: Shop, state: str) -> None:
    ordered(shop)
    report = {"machine_id": shop.agent.machines["Printer"], "state": state}
    assert shop.agent.sync(machines=[report]).json["work"] == []
    assert shop.agent.lease().status_code == 204


@pytest.mark.slow
def test_of_two_machines_that_ask_at_once_one_gets_the_job(shop: Shop) -> None:
    agents = [HttpAgent(shop.agent.app) for _ in range(4)]
    for number, agent in enumerate(agents):
        assert agent.enrol(shop.code(), printer(f"Printer {number}")).status_code == 201
        agent.machines["Printer"] = agent.machines[f"Printer {number}"]
        shop.agent.machines |= {f"Printer {number}": agent.machines["Printer"]}
        shop.load(f"Printer {number}", material="pla")
    for _ in range(3):
        job_id = ordered(shop)
        with ThreadPoolExecutor(len(agents)) as pool:
            answers = list(pool.map(lambda agent: agent.lease(), agents))
        winners = [a for a in answers if a.status_code == 201 and a.json["job_id"] == job_id]
        assert len(winners) == 1
        for agent, answer in zip(agents, answers, strict=True):
            if answer.status_code == 201:
                agent.tell("refused", answer.json)


# Permits


def test_a_permit_that_is_asked_for_again_is_the_same(shop: Shop) -> None:
    _, offer = armed(shop)
    first, again = shop.agent.arm(offer), shop.agent.arm(offer)
    assert (first.status_code, again.json) == (201, first.json)


def test_without_a_clear_bed_there_is_no_permit(shop: Shop) -> None:
    ordered(shop)
    offer = shop.agent.staged()
    refused = shop.agent.arm(offer)
    assert (refused.status_code, refused.json["reason"]) == (409, "bed_not_clear")
    assert shop.job(offer["job_id"])["state"] == "staged"


def test_a_clear_bed_is_used_up_by_one_start_and_keeps_its_witness(shop: Shop) -> None:
    _, offer = armed(shop)
    shop.agent.tell("started", offer)
    shop.agent.tell("finished", offer, run=RUN)
    ordered(shop)
    second = shop.agent.staged()
    assert shop.agent.arm(second).json["reason"] == "bed_not_clear"
    with shop.floor.session() as session:
        (token,) = session.exec(select(BedClearRow)).all()
    assert (token.person_id, token.used_by) == (shop.manager.id, offer["attempt_id"])


def test_only_the_program_that_was_reported_may_start(shop: Shop) -> None:
    ordered(shop)
    offer = shop.agent.staged()
    shop.clear()
    other = shop.agent.arm(offer, sha256="12" * 32)
    assert (other.status_code, other.json["reason"]) == (409, "other_program")
    leased = shop.agent.arm({**offer, "fence": 7})
    assert leased.status_code == 409
    assert "no longer holds this job" in leased.json["detail"]


def test_a_machine_with_a_fault_may_not_start_and_must_be_cleared_again(shop: Shop) -> None:
    ordered(shop)
    offer = shop.agent.staged()
    shop.clear()
    machine = {"machine_id": offer["machine_id"]}
    shop.agent.sync(machines=[{**machine, "state": "fault", "sentence": "no heat"}])
    assert shop.agent.arm(offer).json["reason"] == "machine_not_ready"
    assert shop.clear().status_code == 409
    shop.agent.sync(machines=[{**machine, "state": "waiting"}])
    assert shop.agent.arm(offer).json["reason"] == "bed_not_clear"


def test_a_run_by_hand_takes_the_clear_bed_back(shop: Shop) -> None:
    shop.clear()
    machine = {"machine_id": shop.agent.machines["Printer"]}
    shop.agent.sync(machines=[{**machine, "state": "running"}])
    shop.agent.sync(machines=[{**machine, "state": "idle"}])
    ordered(shop)
    assert shop.agent.arm(shop.agent.staged()).json["reason"] == "bed_not_clear"


def test_the_bed_cannot_be_cleared_while_the_machine_may_be_at_work(shop: Shop) -> None:
    armed(shop)
    refused = shop.clear()
    assert refused.status_code == 409
    assert "Printer may be at work" in refused.json["detail"]


# Reports


def test_a_report_that_comes_twice_counts_once_and_is_acknowledged_twice(shop: Shop) -> None:
    job_id, offer = running(shop)
    finished = shop.agent.event("finished", offer, run=RUN)
    assert shop.agent.sync(finished).json["acked"] == 3
    assert shop.agent.sync(finished).json["acked"] == 3
    assert shop.job(job_id)["state"] == "finished"
    assert len(shop.floor.ledger()) == 4


def test_an_older_fence_changes_nothing_is_recorded_and_blocks_nobody(shop: Shop) -> None:
    job_id = ordered(shop)
    old = shop.agent.lease().json
    shop.agent.tell("declined", old)
    late = shop.agent.event("staged", old, **STAGED)
    after = shop.agent.event("declined", old)
    assert shop.agent.sync(late, after).json["acked"] == after["seq"]
    assert shop.job(job_id)["state"] == "queued"
    assert ["no longer holds this job" in text for text in refusals(shop)] == [False, True, True]


def test_reports_about_what_is_not_the_agents_are_recorded_and_acknowledged(shop: Shop) -> None:
    job_id, offer = running(shop)
    other = HttpAgent(shop.agent.app, boot="journal-2")
    assert other.enrol(shop.code(), router("Router 2")).status_code == 201
    foreign = {**offer, "machine_id": other.machines["Router 2"]}
    assert other.tell("finished", offer, run=RUN).json["acked"] == 1
    assert other.tell("finished", foreign, run=RUN).json["acked"] == 2
    assert other.tell("lost", {**foreign, "attempt_id": "nothing"}).json["acked"] == 3
    assert shop.job(job_id)["state"] == "running"
    told = [text for text in refusals(shop) if text]
    assert [words in text for words, text in zip(
        ("another agent speaks", "is not one of machine", "there is no attempt"), told, strict=True
    )] == [True, True, True]  # fmt: skip


def test_what_is_staged_must_carry_its_program(shop: Shop) -> None:
    job_id = ordered(shop)
    shop.agent.tell("staged", shop.agent.lease().json)
    assert shop.job(job_id)["state"] == "leased"
    assert refusals(shop) == ["a 'staged' event must carry the facts of the proved program"]


def test_each_journal_is_numbered_from_one(shop: Shop) -> None:
    ordered(shop)
    ordered(shop, part="board")
    printed, milled = shop.agent.staged("Printer"), shop.agent.lease("Router").json
    shop.agent.boot, shop.agent.seq = "journal-of-the-router", 0
    assert shop.agent.tell("staged", milled, **STAGED).json["acked"] == 1
    assert shop.agent.tell("declined", milled).json["acked"] == 2
    shop.agent.boot, shop.agent.seq = "journal-1", 1
    assert shop.agent.tell("declined", printed).json["acked"] == 2


def test_an_agent_of_another_version_is_told_so(shop: Shop) -> None:
    answer = shop.agent.sync(api_version=2)
    assert answer.status_code == 422
    assert answer.json["detail"].startswith("this server speaks version 1, the agent 2")


# Fences and people


def test_silence_after_the_permit_never_queues_the_job_and_sends_a_fence(shop: Shop) -> None:
    job_id, offer = armed(shop)
    overdue(shop, job_id)
    reply = shop.agent.sync().json
    assert shop.job(job_id)["state"] == "unconfirmed"
    assert reply["fences"] == [{key: offer[key] for key in ("machine_id", "attempt_id", "fence")}]
    shop.agent.tell("fenced", offer, intent=False)
    assert shop.job(job_id)["state"] == "queued"
    assert shop.agent.sync().json["fences"] == []
    assert shop.agent.arm(offer).status_code == 409


def overdue(shop: Shop, job_id: str) -> None:
    """Nothing was heard of the job for so long that its time is over."""
    with shop.floor.session() as session:
        job = session.get_one(JobRow, job_id)
        job.silent_after = job.queued_at
        session.add(job)


def test_a_lease_that_ran_out_is_in_the_queue_again(shop: Shop) -> None:
    job_id = ordered(shop)
    old = shop.agent.staged()
    overdue(shop, job_id)
    new = shop.agent.lease().json
    assert (new["job_id"], new["fence"]) == (job_id, old["fence"] + FENCE_STEP)
    shop.clear()
    assert shop.agent.arm(old).status_code == 409
    assert shop.job(job_id)["state"] == "leased"


def test_a_person_says_that_nothing_ran_only_behind_a_fence(shop: Shop) -> None:
    job_id, offer = running(shop)
    overdue(shop, job_id)
    shop.agent.sync()
    early = shop.decide(job_id, "attest", nothing_ran=True)
    assert early.status_code == 409
    assert "has not yet promised" in early.json["detail"]
    shop.agent.tell("fenced", offer, intent=True)
    assert shop.job(job_id)["state"] == "unconfirmed"
    assert shop.decide(job_id, "attest", nothing_ran=True).json["state"] == "queued"
    attempt = shop.floor.attempt(str(offer["attempt_id"]))
    assert (attempt.outcome, attempt.verdict_by) == ("unused", shop.manager.id)


def test_a_new_journal_cannot_know_that_nothing_was_started(shop: Shop) -> None:
    job_id, offer = armed(shop)
    shop.agent.boot, shop.agent.seq = "journal-2", 0
    report = {"machine_id": offer["machine_id"], "state": "idle"}
    reply = shop.agent.sync(machines=[report]).json
    assert shop.job(job_id)["state"] == "unconfirmed"
    assert len(reply["fences"]) == 1
    shop.agent.tell("fenced", offer, intent=False)
    assert shop.job(job_id)["state"] == "unconfirmed"
    shop.agent.tell("unused", offer)
    assert shop.job(job_id)["state"] == "unconfirmed"
    assert shop.decide(job_id, "attest", nothing_ran=False).json["state"] == "failed"


def test_cancelling_a_prepared_job_ends_it_and_tells_the_agent(shop: Shop) -> None:
    job_id = ordered(shop)
    offer = shop.agent.staged()
    machine = {"machine_id": offer["machine_id"]}
    assert shop.decide(job_id, "cancel").json["state"] == "cancelled"
    cancel = [{"attempt_id": offer["attempt_id"], "wish": "cancel"}]
    waiting = shop.agent.sync(machines=[{**machine, "state": "waiting"}])
    assert waiting.json["controls"] == cancel
    assert shop.agent.sync(machines=[{**machine, "state": "idle"}]).json["controls"] == []
    shop.clear()
    assert shop.agent.arm(offer).status_code == 409


def test_cancelling_a_run_waits_for_the_machine(shop: Shop) -> None:
    job_id, offer = running(shop)
    assert shop.decide(job_id, "cancel").json["state"] == "cancelling"
    reply = shop.agent.sync().json
    assert [order["wish"] for order in reply["controls"]] == ["cancel"]
    assert [order["fence"] for order in reply["fences"]] == [offer["fence"]]
    shop.agent.tell("fenced", offer, intent=True)
    assert shop.job(job_id)["state"] == "cancelling"
    shop.agent.tell("failed", offer, run={**RUN, "lines_done": 100})
    assert shop.job(job_id)["state"] == "cancelled"
    assert shop.floor.attempt(str(offer["attempt_id"])).outcome == "aborted"
    assert len(shop.floor.ledger()) == 4


def test_a_hold_is_told_until_the_machine_holds_and_the_newest_wish_counts(shop: Shop) -> None:
    job_id, offer = running(shop)
    machine = {"machine_id": offer["machine_id"]}
    shop.decide(job_id, "hold")
    for state, wishes in [("running", ["hold"]), ("running", ["hold"]), ("held", [])]:
        told = shop.agent.sync(machines=[{**machine, "state": state}]).json["controls"]
        assert [order["wish"] for order in told] == wishes
    shop.decide(job_id, "resume")
    shop.decide(job_id, "hold")
    shop.decide(job_id, "resume")
    told = shop.agent.sync(machines=[{**machine, "state": "held"}]).json["controls"]
    assert [order["wish"] for order in told] == ["resume"]


def test_only_a_running_job_can_be_held(shop: Shop) -> None:
    refused = shop.decide(ordered(shop), "hold")
    assert refused.status_code == 409
    assert "a queued job cannot be asked to hold" in refused.json["detail"]


def test_a_rejected_thing_is_made_again_under_a_greater_fence(shop: Shop) -> None:
    job_id, offer = running(shop)
    shop.agent.tell("finished", offer, run=RUN)
    assert shop.decide(job_id, "verdict", good=False, note="warped").json["sentence"] == "warped"
    assert shop.decide(job_id, "again").json["state"] == "queued"
    assert shop.agent.lease().json["fence"] == offer["fence"] + FENCE_STEP


def test_trying_again_takes_no_machine_from_another_job(shop: Shop) -> None:
    failed, offer = running(shop)
    shop.agent.tell("failed", offer, run=RUN)
    ordered(shop)
    held = shop.agent.lease().json
    assert shop.decide(failed, "again").json["state"] == "queued"
    assert shop.floor.machine().attempt_id == held["attempt_id"]


def test_decisions_belong_to_the_lab_and_its_operators(shop: Shop) -> None:
    job_id = ordered(shop)
    for act in ("verdict", "attest", "hold", "resume", "again"):
        answer = shop.member.post(shop.at_lab(f"/jobs/{job_id}/{act}"), {})
        assert answer.status_code == 403, act
    lab = {"slug": "other", "name": "Other", "city": "hamburg"}
    assert shop.stranger.post(f"{API}/labs", lab).status_code == 201
    foreign = shop.stranger.post(f"{API}/labs/other/jobs/{job_id}/cancel")
    assert foreign.status_code == 404
    machine = shop.agent.machines["Printer"]
    assert shop.stranger.post(f"{API}/labs/other/machines/{machine}/clear").status_code == 404


# Long poll


@pytest.mark.slow
def test_a_waiting_agent_hears_of_work_soon_and_of_nothing_after_its_wait(shop: Shop) -> None:
    began = time.monotonic()
    assert shop.agent.sync(wait_s=0.5).json["work"] == []
    assert 0.25 <= time.monotonic() - began < 5
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: shop.agent.sync(wait_s=20).json)
        ordered(shop)
        assert waiting.result(timeout=10)["work"] == [shop.agent.machines["Printer"]]


def test_an_agent_is_told_of_the_machines_that_it_speaks_of(shop: Shop) -> None:
    ordered(shop)
    ordered(shop, part="board")
    printer_id, router_id = shop.agent.machines["Printer"], shop.agent.machines["Router"]
    assert set(shop.agent.sync().json["work"]) == {printer_id, router_id}
    report = {"machine_id": router_id, "state": "idle"}
    assert shop.agent.sync(machines=[report]).json["work"] == [router_id]


# Enrolment and signatures


def test_a_code_lets_one_agent_in_and_its_lost_answer_is_given_again(shop: Shop) -> None:
    code = shop.code()
    agent = HttpAgent(shop.agent.app)
    first = agent.enrol(code, printer("Printer 2"))
    assert first.status_code == 201
    assert agent.enrol(code.lower(), printer("Printer 2")).json == first.json
    second = HttpAgent(shop.agent.app).enrol(code, printer("Printer 3"))
    assert second.status_code == 403
    assert HttpAgent(shop.agent.app).enrol("WRONGCODE", printer("P")).status_code == 403


def test_machines_of_one_lab_have_names_of_their_own(shop: Shop) -> None:
    answer = HttpAgent(shop.agent.app).enrol(shop.code(), printer("Twin"), router("Twin"))
    assert answer.status_code == 422
    assert "two machines have the same name" in answer.json["detail"]


def test_an_agent_enrolled_anew_takes_the_machine_over_and_the_old_one_is_out(shop: Shop) -> None:
    job_id, offer = running(shop)
    new = HttpAgent(shop.agent.app)
    assert new.enrol(shop.code(), printer(), router()).status_code == 201
    assert new.machines == shop.agent.machines
    assert shop.agent.sync().status_code == 401
    assert shop.job(job_id)["state"] == "unconfirmed"
    assert shop.decide(job_id, "attest", nothing_ran=True).json["state"] == "queued"
    assert new.lease().json["fence"] > offer["fence"] + 1


def test_a_journal_goes_on_under_a_new_key(shop: Shop) -> None:
    job_id, offer = running(shop)
    new = HttpAgent(shop.agent.app, boot=shop.agent.boot, seq=shop.agent.seq)
    new.enrol(shop.code(), printer(), router())
    assert new.tell("finished", offer, run=RUN).json["acked"] == 3
    assert shop.job(job_id)["state"] == "finished"


def test_a_key_that_speaks_for_another_lab_is_refused(shop: Shop) -> None:
    lab = {"slug": "other", "name": "Other", "city": "hamburg"}
    shop.stranger.post(f"{API}/labs", lab)
    code = shop.stranger.post(f"{API}/labs/other/enrolment-codes").json["code"]
    assert shop.agent.enrol(code, printer()).status_code == 409


def test_a_request_that_is_not_signed_just_so_is_refused(shop: Shop) -> None:
    target, body = f"{API}/agent/sync", b'{"boot":"b"}'
    client = shop.agent.app.test_client()
    good = shop.agent.signed(target, body)
    assert client.post(target, data=body).status_code == 401
    assert client.post(target, data=b'{"boot":"c"}', headers=good).status_code == 401
    assert client.post(f"{API}/agent/leases", data=body, headers=good).status_code == 401
    assert client.post(target, data=body, headers=good).status_code == 200
    assert client.post(target, data=body, headers=good).status_code == 401  # the same again
    stale = shop.agent.signed(target, body, at=int(time.time()) - 400)
    assert client.post(target, data=body, headers=stale).status_code == 401
    thief = HttpAgent(
        shop.agent.app, Ed25519PrivateKey.generate(), shop.agent.agent_id, shop.agent.machines
    )
    assert thief.sync().status_code == 401
    nobody = HttpAgent(shop.agent.app, agent_id="nobody")
    assert nobody.sync().status_code == 401


def test_an_agent_speaks_for_its_own_machines_alone(shop: Shop) -> None:
    _, offer = armed(shop)
    other = HttpAgent(shop.agent.app)
    other.enrol(shop.code(), router("Router 2"))
    other.machines |= shop.agent.machines
    assert other.lease("Printer").status_code == 403
    assert other.arm(offer).status_code == 403
    report = {"machine_id": shop.agent.machines["Printer"], "state": "fault"}
    assert other.sync(machines=[report]).status_code == 200
    assert shop.floor.machine().seen is None


# The record of a start


def test_the_record_of_a_start_holds_what_the_agent_signed(shop: Shop) -> None:
    """Checked with the agent's own key, without the server; for those who work at the lab."""
    _, offer = armed(shop)
    path = f"{API}/attempts/{offer['attempt_id']}/start"
    assert [it.proved for it in check(record_at(shop, path), is_signed)] == [True, False, False]
    shop.agent.tell("started", offer)
    record = record_at(shop, path)
    findings = check(record, is_signed, key=shop.agent.public_key)
    assert [(it.proved, it.wrong) for it in findings] == [(True, False)] * 2 + [(False, False)]
    assert "manu said that the bed was clear, at the server" in findings[2].sentence
    assert shop.member.get(path).status_code == shop.stranger.get(path).status_code == 404
    page = shop.manager.get(f"/labs/corner/jobs/{record.job_id}").text
    assert path in page
    assert path not in shop.member.get(f"/labs/corner/jobs/{record.job_id}").text


def test_a_start_without_the_server_has_its_record_from_the_agents_own_words(shop: Shop) -> None:
    attempt_id = "local-1"
    offer = {"attempt_id": attempt_id, "machine_id": shop.agent.machines["Printer"],
             "fence": FENCE_STEP + 1}  # fmt: skip
    word = {"id": "w1", "by": "Manu", "age_s": 9.0}
    told = {"release_id": shop.release_id, "part": "hook", "material": "pla", "by": "Manu",
            "person_id": shop.manager.id, "clear": word}  # fmt: skip
    shop.agent.tell("ordered", offer, local=told, **STAGED)
    shop.agent.tell("started", offer)
    record = record_at(shop, f"{API}/attempts/{attempt_id}/start")
    findings = check(record, is_signed, key=shop.agent.public_key)
    assert [(it.proved, it.wrong) for it in findings] == [(True, False)] * 3
    assert (record.begun_by, record.ordered_by) == ("Manu", "manu")
    page = shop.manager.get(f"/labs/corner/jobs/{record.job_id}").text
    assert f"/attempts/{attempt_id}/start" in page


def record_at(shop: Shop, path: str) -> StartRecord:
    return StartRecord.model_validate(shop.manager.get(path).json)


def test_there_is_no_record_of_a_start_that_was_never_permitted(shop: Shop) -> None:
    ordered(shop)
    offer = shop.agent.staged()
    answer = shop.manager.get(f"{API}/attempts/{offer['attempt_id']}/start")
    assert answer.status_code == 404
    assert "no record of a start" in answer.json["detail"]
