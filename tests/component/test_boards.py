"""The board: what machines do, who waits for what and why, now and as it changes."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import Engine
from sqlmodel import select

from commons.wire import EventKind, MachineState, Phase, ProgressReport
from repo_server import boards, labs
from repo_server.boards import Board, BoardJob, BoardMachine
from repo_server.conditions import Condition
from repo_server.streams import HEARTBEAT_S, LIFE_S
from repo_server.streams import events as held_events
from repo_server.tables import PersonRow
from tests.floor import PROGRAM, Floor, furnish, run
from tests.profiles import printer, router
from tests.shop import API, Someone, open_shop

K = EventKind
IDLE = MachineState.IDLE


@pytest.fixture
def floor(engine: Engine) -> Floor:
    floor = furnish(engine)
    for name in floor.machines:
        floor.sees(name, IDLE)
    return floor


def board(floor: Floor) -> Board:
    with floor.session() as session:
        return boards.show_board(session, labs.lab_of(session, "corner"), now=floor.now)


def machine(floor: Floor, name: str = "Printer") -> BoardMachine:
    return next(it for it in board(floor).machines if it.name == name)


def job(floor: Floor, job_id: str) -> BoardJob:
    shown = board(floor)
    return next(it for it in (*shown.jobs, *shown.past) if it.id == job_id)


def waits(floor: Floor, job_id: str) -> dict[str, tuple[str, str]]:
    return {it.machine: (it.code, it.sentence) for it in job(floor, job_id).waits}


def test_a_waiting_job_tells_the_first_reason_of_every_machine(floor: Floor) -> None:
    first, second = floor.order(copies=2)
    assert waits(floor, first) == {
        "Printer": ("next", "Printer can take it next"),
        "Router": ("process", "Router does CNC, this part needs FDM"),
    }
    floor.lease()
    assert job(floor, first).waits == ()
    assert waits(floor, second)["Printer"] == ("busy", "Printer has another job")


@pytest.mark.parametrize(
    ("state", "code", "words"),
    [
        (MachineState.OFFLINE, "offline", "Printer is offline"),
        (MachineState.FAULT, "fault", "Printer has a fault; someone has to look at it"),
        (MachineState.RUNNING, "manual", "Printer is used by hand"),
    ],
)
def test_a_machine_that_cannot_work_says_so_to_the_jobs_that_wait(
    floor: Floor, state: MachineState, code: str, words: str
) -> None:
    (job_id,) = floor.order()
    floor.sees("Printer", state)
    assert waits(floor, job_id)["Printer"] == (code, words)


def test_a_machines_state_is_told_first_and_then_what_lasts(floor: Floor) -> None:
    """Nobody should walk to a router that is off for a job that it could not make."""
    (job_id,) = floor.order()
    for name in floor.machines:
        floor.sees(name, MachineState.OFFLINE)
    said = {it.machine: (it.code, it.sentence, it.then) for it in job(floor, job_id).waits}
    assert said == {
        "Printer": ("offline", "Printer is offline", ""),
        "Router": ("offline", "Router is offline", "Router does CNC, this part needs FDM"),
    }


def test_what_is_missing_on_a_machine_is_told(floor: Floor) -> None:
    (job_id,) = floor.order(material="petg")
    assert waits(floor, job_id)["Printer"] == (
        "material", "Printer has pla loaded, this part is to be made of petg",
    )  # fmt: skip


def test_a_machine_that_waits_for_a_clear_bed_names_who_can_clear_it(floor: Floor) -> None:
    shown = machine(floor)
    assert (shown.state, shown.cleared) == (Condition.AWAIT_CLEAR, False)
    assert shown.sentence == "someone has to look and confirm that the bed is clear: Manu"
    floor.clear()
    assert (machine(floor).state, machine(floor).cleared) == (Condition.READY, True)


def test_whoever_clears_a_router_is_told_its_cutters_in_their_order(floor: Floor) -> None:
    floor.order("board")
    offer = floor.lease("Router")
    assert offer is not None
    facts = PROGRAM.model_copy(update={"cutters_mm": (3.0, 1.5)})
    floor.tell(K.STAGED, offer, program=facts)
    assert machine(floor, "Router").sentence == (
        "someone has to look and confirm that the bed is clear and holds the 3 mm cutter; it stops "
        "for 1.5 mm: Manu"
    )


def test_a_ball_is_told_from_a_flat_cutter(floor: Floor) -> None:
    floor.order("board")
    offer = floor.lease("Router")
    assert offer is not None
    cutters = {"cutters_mm": (6.0, 3.0), "cutter_shapes": ("flat", "ball")}
    floor.tell(K.STAGED, offer, program=PROGRAM.model_copy(update=cutters))
    said = machine(floor, "Router").sentence
    assert "holds the 6 mm cutter; it stops for 3 mm ball: Manu" in said


def test_a_machine_is_shown_through_the_life_of_its_job(floor: Floor) -> None:
    (job_id,) = floor.order()
    seen = [machine(floor).state]
    offer = floor.lease()
    assert offer is not None
    seen.append(machine(floor).state)
    floor.tell(K.DECLINED, offer)
    floor.later(minutes=2)
    floor.sees("Printer", IDLE)
    offer = floor.staged()
    seen.append(machine(floor).state)
    floor.clear()
    seen.append(machine(floor).state)
    floor.arm(offer)
    floor.tell(K.STARTED, offer)
    progress = ProgressReport(attempt_id=offer.attempt_id, phase=Phase.STREAM, done=5, total=9)
    for state in (MachineState.RUNNING, MachineState.HELD):
        floor.sees("Printer", state, progress=progress, hotend_c=210.0)
        seen.append(machine(floor).state)
        assert (machine(floor).progress, machine(floor).hotend_c) == (progress, 210.0)
    floor.tell(K.LOST, offer, sentence="the cable is out")
    seen.append(machine(floor).state)
    assert machine(floor).sentence == job(floor, job_id).sentence == "the cable is out"
    assert seen == [
        "await_clear", "preparing", "await_clear", "ready", "running", "held", "unconfirmed",
    ]  # fmt: skip


def test_a_machine_that_nobody_heard_of_for_a_minute_is_offline(floor: Floor) -> None:
    floor.later(seconds=59)
    floor.sees("Router", IDLE)
    assert machine(floor).state is Condition.AWAIT_CLEAR
    floor.later(seconds=2)
    assert machine(floor).state is Condition.OFFLINE
    assert machine(floor).sentence == "its agent was not heard of for a minute"
    assert machine(floor, "Router").state is Condition.AWAIT_CLEAR


def test_progress_of_an_attempt_that_is_over_is_not_shown(floor: Floor) -> None:
    floor.order()
    offer = floor.running()
    progress = ProgressReport(attempt_id=offer.attempt_id, phase=Phase.STREAM, done=9, total=9)
    floor.sees("Printer", MachineState.RUNNING, progress=progress)
    floor.tell(K.FINISHED, offer, run=run())
    floor.sees("Printer", IDLE, progress=progress)
    assert machine(floor).progress is None


def test_what_people_may_ask_of_a_job_follows_its_state(floor: Floor) -> None:
    (job_id,) = floor.order()
    assert job(floor, job_id).acts == ("park", "cancel")
    offer = floor.running()
    assert job(floor, job_id).acts == ("hold", "cancel")
    floor.sees("Printer", MachineState.HELD)
    assert job(floor, job_id).acts == ("resume", "cancel")
    floor.tell(K.LOST, offer)
    assert job(floor, job_id).acts == ("cancel",)
    floor.tell(K.FENCED, offer, intent=True)
    assert job(floor, job_id).acts == ("attest", "cancel")
    floor.tell(K.FINISHED, offer, run=run())
    assert job(floor, job_id).acts == ("verdict",)
    assert job(floor, job_id).has_passport


def test_simulated_machines_are_shown_as_such(engine: Engine) -> None:
    floor = furnish(engine, printer(simulated=True), router())
    assert [it.simulated for it in board(floor).machines] == [True, False]


# Over HTTP


def events(body: Iterator[bytes]) -> Iterator[Board]:
    for block in body:
        name, data = block.decode().strip().split("\n")
        assert name == "event: board"
        yield Board.model_validate_json(data.removeprefix("data: "))


def test_the_stream_sends_the_board_at_once(app: Flask, sign_up: Callable[..., Someone]) -> None:
    shop = open_shop(app, sign_up)
    job_id = shop.order().json["jobs"][0]["id"]
    answer = app.test_client().get(shop.at_lab("/events"))
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    first = next(events(answer.iter_encoded()))
    assert [it.id for it in first.jobs] == [job_id]
    assert json.loads(first.model_dump_json()) == shop.stranger.get(shop.at_lab("/board")).json
    answer.close()


def test_a_board_that_has_not_changed_is_not_sent_again(
    app: Flask, sign_up: Callable[..., Someone]
) -> None:
    """Whoever wrote it: what others commit on connections of their own is seen at once."""
    shop = open_shop(app, sign_up)
    client = app.test_client()
    for path in (f"{API}/labs/corner/board", f"{API}/labs/corner/wall", "/labs/corner/wall"):
        first = client.get(path)
        known = {"If-None-Match": first.headers["ETag"]}
        assert client.get(path, headers=known).status_code == 304
        (job_id,) = shop.floor.order()
        again = client.get(path, headers=known)
        assert (again.status_code, again.data != first.data) == (200, True)
    shown = client.get(f"{API}/labs/corner/board").json
    assert job_id in [it["id"] for it in shown["jobs"]]
    assert shown["queued"] == 3


def test_the_wall_says_what_to_do_next_and_names_nobody(
    app: Flask, sign_up: Callable[..., Someone]
) -> None:
    shop = open_shop(app, sign_up)
    for name in shop.floor.machines:
        shop.floor.now = datetime.now(UTC)
        shop.floor.sees(name, IDLE)
    shop.floor.order(material="petg", copies=2)
    page = app.test_client().get("/labs/corner/wall").text
    assert "Load PETG on Printer" in page and "2 jobs wait for it" in page
    with shop.floor.session() as session:
        people = session.exec(select(PersonRow.name)).all()
    assert people and not any(name in page for name in people)


def test_there_is_no_board_of_a_lab_that_does_not_exist(app: Flask) -> None:
    for path in ("board", "events"):
        assert app.test_client().get(f"{API}/labs/nowhere/{path}").status_code == 404


def test_a_silence_that_no_timer_noticed_is_noticed_by_whoever_looks(
    app: Flask, sign_up: Callable[..., Someone]
) -> None:
    shop = open_shop(app, sign_up)
    shop.floor.order()
    shop.floor.armed()  # long ago, by the floor's own time
    (shown,) = shop.member.get(shop.at_lab("/board")).json["jobs"]
    assert shown["state"] == "unconfirmed"


class Time:
    """A clock that only `sleep` moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, duration_s: float) -> None:
        self.now += duration_s


def test_the_stream_sends_changes_and_signs_of_life_and_ends_after_its_life() -> None:
    watch = Time()

    def look() -> str:
        return "event: A" if watch.now < 40 else "event: B"

    sent = [
        (watch.now, text) for text in held_events(look, clock=lambda: watch.now, sleep=watch.sleep)
    ]
    assert [(at, text) for at, text in sent if text.startswith("event")] == [
        (0, "event: A"),
        (40, "event: B"),
    ]
    beats = [at for at, text in sent if text == ": still here\n\n"]
    assert beats[:3] == [HEARTBEAT_S, 2 * HEARTBEAT_S, 40 + HEARTBEAT_S]
    assert watch.now == LIFE_S


def test_what_is_urgent_is_on_the_first_page_however_far_behind_it_stands(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "_MOST_JOBS", 3)
    floor.order(copies=5)
    (urgent,) = floor.order(when={"urgent_because": "a nurse waits for it"})
    assert [job.id == urgent for job in board(floor).jobs] == [True, False, False]
