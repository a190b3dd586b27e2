"""What the server makes of starts that people gave at a machine while it was away."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from commons.bed import BedWord
from commons.content import content_id
from commons.dispatch import FENCE_STEP
from commons.errors import NotArmed
from commons.flows import Action
from commons.job import JobState
from commons.local_starts import LocalStart
from commons.wire import AgentEvent, EventKind, JobOffer
from repo_server import designs, local_builds
from repo_server.agents import Agent
from repo_server.people import Person
from repo_server.submissions import Upload
from repo_server.tables import (
    AgentEventRow,
    AgentRow,
    AttemptRow,
    BedClearRow,
    BlobRow,
    BuildOrderRow,
    JobRow,
    MachineRow,
    YankRow,
)
from tests.floor import FILES, MANIFEST, PROGRAM, START, Floor, fresh_engine, furnish, run

K = EventKind
ORDERED_AT = START + timedelta(minutes=2)


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    engine = fresh_engine(tmp_path / "floor.sqlite")
    yield furnish(engine)
    engine.dispose()


def local(floor: Floor, n: int = 1, machine: str = "Printer", fence: int | None = None) -> JobOffer:
    """The n-th start without a server, as later reports speak of it."""
    fields = {"attempt_id": f"local-{n}", "machine_id": floor.machines[machine]}
    return JobOffer.model_construct(**fields, fence=fence or FENCE_STEP + n)


def start(floor: Floor, word: str = "w1", **more: object) -> LocalStart:
    told = {"release_id": floor.release_id, "part": "hook", "material": "pla", "by": "Ada",
            "lot_id": floor.lot().id, "person_id": floor.manager,
            "clear": BedWord(id=word, by="Ada", age_s=30.0)}  # fmt: skip
    return LocalStart.model_validate(told | more)


def life(floor: Floor, it: JobOffer, **more: object) -> list[AgentEvent]:
    """What the agent's journal holds of one that was made, with its own times."""
    told = start(floor, word=f"w{it.attempt_id}", **more)
    events = [floor.event(K.ORDERED, it, local=told, program=PROGRAM), floor.event(K.STARTED, it),
              floor.event(K.FINISHED, it, run=run())]  # fmt: skip
    at = (ORDERED_AT, ORDERED_AT, ORDERED_AT + timedelta(hours=1))
    return [one.model_copy(update={"at": when}) for one, when in zip(events, at, strict=True)]


def refused(floor: Floor) -> str:
    with floor.session() as session:
        kept = select(AgentEventRow).where(AgentEventRow.kind == K.ORDERED)
        return session.exec(kept).one().refused


def test_it_stands_as_an_order_of_its_own_and_is_counted_once_however_often_it_is_told(
    floor: Floor,
) -> None:
    it = local(floor)
    events = life(floor, it)
    floor.later(hours=3)
    assert [floor.send(*events[:2]), floor.send(*events), floor.send(*events)] == [2, 3, 3]
    attempt = floor.attempt(it.attempt_id)
    job = floor.job(attempt.job_id)
    assert (job.state, job.fence, attempt.outcome) == (JobState.FINISHED, FENCE_STEP + 1, "done")
    assert (attempt.leased_at, attempt.started_at) == (ORDERED_AT, ORDERED_AT)
    assert attempt.ended_at == ORDERED_AT + timedelta(hours=1)
    with floor.session() as session:
        order = session.get_one(BuildOrderRow, job.order_id)
        word = session.exec(select(BedClearRow)).one()
        assert len(session.exec(select(JobRow)).all()) == 1
    assert (order.at_panel_by, order.ordered_by, order.copies) == ("Ada", floor.manager, 1)
    assert (word.said_by, word.used_by) == ("Ada", it.attempt_id)
    assert [(row.action, row.happened_at) for row in floor.ledger() if row.unit == "g"] == [
        (Action.CONSUME, attempt.ended_at)
    ]
    assert floor.lot().mass_left_g == pytest.approx(482.0)
    assert floor.machine().attempt_id is None


def test_a_word_about_the_bed_from_before_is_void_and_what_was_leased_is_queued_again(
    floor: Floor,
) -> None:
    (job_id,) = floor.order()
    leased = floor.staged()
    floor.clear()
    floor.later(hours=2)
    floor.send(*life(floor, local(floor, fence=leased.fence + 1)))
    assert floor.state(job_id) is JobState.QUEUED
    assert not floor.machine().cleared
    again = floor.staged()
    assert again.fence == 2 * FENCE_STEP
    with pytest.raises(NotArmed, match="waits for someone to confirm that its bed is clear"):
        floor.arm(again)


def test_a_link_that_comes_back_in_the_midst_finds_it_running(floor: Floor) -> None:
    it = local(floor)
    floor.send(*life(floor, it)[:2])
    job_id = floor.attempt(it.attempt_id).job_id
    assert floor.state(job_id) is JobState.RUNNING
    assert floor.machine().attempt_id == it.attempt_id
    assert floor.lease() is None
    floor.seq -= 1
    floor.tell(K.LOST, it, sentence="the cable was pulled")
    assert floor.state(job_id) is JobState.UNCONFIRMED  # and unknown it stays
    assert [row.action for row in floor.ledger()] == []


def test_what_may_have_started_before_keeps_the_machine(floor: Floor) -> None:
    floor.order()
    running = floor.running()
    floor.tell(K.LOST, running)
    floor.send(*life(floor, it := local(floor, fence=running.fence + 1)))
    assert floor.machine().attempt_id == running.attempt_id
    assert floor.state(floor.attempt(it.attempt_id).job_id) is JobState.FINISHED


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"fence": 2 * FENCE_STEP}, "is one of the server's"),
        ({"attempt_id": "a1"}, "has not the name of one begun at a machine"),
        ({"program": None}, "must say what was ordered, and its proved program"),
        ({"local": {"person_id": "nobody"}}, "Ada is nobody whom the lab"),
        ({"local": {"part": "screw"}}, "names no file that a machine can be fed with"),
        ({"local": {"material": "moon dust"}}, "'moon dust' is not a material for FDM"),
    ],
)
def test_what_cannot_be_is_kept_with_why_and_the_word_is_void_all_the_same(
    floor: Floor, how: dict[str, object], sentence: str
) -> None:
    floor.clear()
    event, *_ = life(floor, local(floor))
    told = how.pop("local", None)
    changes = how | ({"local": event.local.model_copy(update=told)} if told else {})
    floor.send(event.model_copy(update=changes))
    assert sentence in refused(floor)
    assert not floor.machine().cleared
    with floor.session() as session:
        assert session.exec(select(BuildOrderRow)).all() == []
        assert session.exec(select(AttemptRow)).all() == []


def test_an_agent_tells_of_its_own_machines_alone(floor: Floor) -> None:
    floor.clear()
    event, *_ = life(floor, local(floor))
    with floor.session() as session:
        machine = session.get_one(MachineRow, floor.machines["Printer"])
        machine.agent_id = _another(session, floor)
        session.add(machine)
    floor.send(event)
    assert "another agent speaks for machine" in refused(floor)
    assert floor.machine().cleared


def _another(session: Session, floor: Floor) -> str:
    mine = session.get_one(AgentRow, floor.agent_id)
    session.add(AgentRow(**mine.model_dump() | {"id": "other", "public_key": "ff" * 32}))
    session.flush()
    return "other"


def test_an_agent_is_told_what_may_be_made_by_whom_and_what_not(floor: Floor) -> None:
    floor.order()
    floor.order("board")
    agent = Agent(floor.agent_id, floor.lab_id, "agent")
    with floor.session() as session:
        told = local_builds.told(session, agent, now=floor.now)
    assert {it.part: (it.material, it.refusal) for it in told.makeable} == {
        "hook": ("pla", ""), "board": ("plywood", ""),
    }  # fmt: skip
    printer = floor.machines["Printer"]
    (one,) = [it for it in told.machines if it.machine_id == printer]
    assert (one.fence, one.material, one.makers) == (0, "pla", (floor.manager,))
    assert told.maker("MANU", printer) == told.people[0]
    assert told.maker("Ada", printer) is None
    with floor.session() as session:
        theirs = _relicensed(session, floor)
        again = local_builds.told(session, agent, now=floor.now)
    assert [it.release_id for it in again.makeable if "making it for own use" in it.refusal] == [
        theirs
    ]
    with floor.session() as session:
        session.add(YankRow(release_id=floor.release_id, reason="it breaks",
                            yanked_by=floor.manager, yanked_at=floor.now))  # fmt: skip
        session.flush()
        yanked = local_builds.told(session, agent, now=floor.now)
    assert sum("it was yanked" in it.refusal for it in yanked.makeable) == 2


def _relicensed(session: Session, floor: Floor) -> str:
    """A newer release of the hook, which was ordered when somebody still gave leave for that."""
    text = MANIFEST.replace(b"CERN-OHL-S-2.0", b"LicenseRef-Ours").replace(b"1.0.0", b"2.0.0")
    session.add(BlobRow(sha256=content_id(text), size=len(text), stored_at=floor.now))
    session.flush()
    upload = Upload("shelf-hook", text, {path: content_id(path.encode()) for path in FILES})
    by = Person(floor.manager, "manu", "Manu", is_admin=True)
    release_id, _ = designs.publish_release(
        session, upload, by=by, design_id="design-1", now=floor.now
    )
    before = session.exec(select(BuildOrderRow).where(BuildOrderRow.part == "hook")).one()
    session.add(BuildOrderRow(**before.model_dump() | {"id": "o2", "release_id": release_id}))
    session.flush()
    return release_id
