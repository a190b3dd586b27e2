"""A start needs a person who has looked, and on some machines one who is there."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from commons.bed import BedWord
from commons.errors import Conflict, NotArmed
from commons.job import JobState
from commons.wire import ArmRequest, EventKind, JobOffer, MachineState, Permit, SyncRequest
from repo_server import boards, cards, decisions, jobs, replies, reports
from repo_server.boards import BoardMachine
from repo_server.conditions import Condition, is_clear
from repo_server.tables import BedClearRow, LabRow, MachineRow
from tests.floor import PROGRAM, Floor, fresh_engine, furnish
from tests.profiles import printer


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    yield from furnished(tmp_path, attended_only=True)


@pytest.fixture
def left_alone(tmp_path: Path) -> Iterator[Floor]:
    yield from furnished(tmp_path, attended_only=False)


def furnished(folder: Path, *, attended_only: bool) -> Iterator[Floor]:
    engine = fresh_engine(folder / "floor.sqlite")
    floor = furnish(engine, printer().model_copy(update={"attended_only": attended_only}))
    floor.order()
    yield floor
    engine.dispose()


def arm(
    floor: Floor,
    offer: JobOffer,
    *,
    touched_s: float | None = None,
    clear: BedWord | None = None,
) -> Permit:
    ask = ArmRequest(
        attempt_id=offer.attempt_id,
        fence=offer.fence,
        program_sha256=PROGRAM.sha256,
        touched_s=touched_s,
        clear=clear,
    )
    with floor.session() as session:
        return jobs.permit_start(session, ask, agent_id=floor.agent_id, now=floor.now)


def refusal(
    floor: Floor,
    offer: JobOffer,
    *,
    touched_s: float | None = None,
    clear: BedWord | None = None,
) -> str:
    with pytest.raises(NotArmed) as refused:
        arm(floor, offer, touched_s=touched_s, clear=clear)
    return refused.value.reason


def shown(floor: Floor) -> BoardMachine:
    floor.sees("Printer", MachineState.WAITING)
    with floor.session() as session:
        lab = session.get_one(LabRow, floor.lab_id)
        (machine,) = boards.show_board(session, lab, now=floor.now).machines
        return machine


def test_a_word_that_is_ten_minutes_old_starts_no_machine_that_nobody_may_leave(
    floor: Floor,
) -> None:
    offer = floor.staged()
    floor.clear()
    floor.later(minutes=10)
    assert (shown(floor).state, shown(floor).cleared) == (Condition.READY, True)
    floor.later(seconds=1)
    assert refusal(floor, offer) == "attended_only"
    assert (shown(floor).state, shown(floor).cleared) == (Condition.AWAIT_CLEAR, False)
    assert floor.reply("Printer").work == ()


def test_said_again_it_starts_and_the_last_who_said_it_stands_for_it(floor: Floor) -> None:
    offer = floor.staged()
    floor.clear()
    floor.later(minutes=11)
    floor.clear()
    assert floor.reply("Printer").work == (offer.machine_id,)
    arm(floor, offer)
    with floor.session() as session:
        (token,) = session.exec(select(BedClearRow)).all()
        assert (token.at, token.used_by) == (floor.now, offer.attempt_id)


def test_a_machine_that_may_be_left_alone_starts_however_long_ago_it_was_said(
    left_alone: Floor,
) -> None:
    left_alone.clear()
    left_alone.later(hours=3)
    offer = left_alone.staged()
    assert shown(left_alone).state is Condition.READY
    arm(left_alone, offer)


def test_a_word_from_before_somebody_worked_by_hand_starts_nothing(left_alone: Floor) -> None:
    offer = left_alone.staged()
    left_alone.clear()
    left_alone.later(minutes=1)
    assert refusal(left_alone, offer, touched_s=5.0) == "bed_not_clear"
    left_alone.clear()
    left_alone.later(seconds=10)
    arm(left_alone, offer, touched_s=15.0)


def test_a_touch_that_is_only_reported_takes_the_word_back(left_alone: Floor) -> None:
    left_alone.staged()
    left_alone.clear()
    left_alone.later(minutes=1)
    left_alone.sees("Printer", MachineState.WAITING, touched_s=90.0)
    assert left_alone.machine().cleared
    left_alone.sees("Printer", MachineState.WAITING, touched_s=5.0)
    assert not left_alone.machine().cleared


def test_a_word_given_beside_the_machine_starts_once_and_is_kept_with_its_name(
    floor: Floor,
) -> None:
    floor.order()
    offer = floor.staged()
    word = BedWord(id="w1", by="Ada", age_s=30.0)
    assert refusal(floor, offer, clear=word, touched_s=20.0) == "bed_not_clear"
    late = word.model_copy(update={"age_s": 601.0})
    assert refusal(floor, offer, clear=late) == "attended_only"
    first = arm(floor, offer, clear=word)
    assert arm(floor, offer, clear=word) == first  # its answer was lost
    with floor.session() as session:
        (token,) = session.exec(select(BedClearRow)).all()
    assert (token.said_by, token.person_id, token.used_by) == ("Ada", None, offer.attempt_id)
    assert token.at == floor.now - timedelta(seconds=30)
    assert not floor.machine().cleared
    floor.tell(EventKind.UNUSED, offer)
    again = floor.staged()
    assert refusal(floor, again, clear=word) == "bed_not_clear"
    arm(floor, again, clear=BedWord(id="w2", by="Ada", age_s=1.0))


def test_of_two_words_the_younger_is_used_and_the_other_is_no_word_for_the_next(
    floor: Floor,
) -> None:
    floor.order()
    offer = floor.staged()
    floor.clear()
    floor.later(minutes=11)
    arm(floor, offer, clear=BedWord(id="w1", by="Ada", age_s=1.0))
    floor.tell(EventKind.UNUSED, offer)
    assert refusal(floor, floor.staged()) == "bed_not_clear"


def test_a_word_that_an_agent_holds_is_shown_until_it_is_too_old(floor: Floor) -> None:
    word = BedWord(id="w1", by="Ada", age_s=590.0)
    floor.sees("Printer", MachineState.IDLE, clear=word)
    with floor.session() as session:
        machine = session.exec(select(MachineRow)).one()
        assert is_clear(machine, floor.now + timedelta(seconds=9))
        assert not is_clear(machine, floor.now + timedelta(seconds=11))


def test_a_machine_that_somebody_works_at_is_shown_so_and_cannot_be_cleared(floor: Floor) -> None:
    floor.clear()
    floor.sees("Printer", MachineState.MANUAL, sentence="Ada homes it")
    with floor.session() as session:
        lab = session.get_one(LabRow, floor.lab_id)
        (machine,) = boards.show_board(session, lab, now=floor.now).machines
    assert (machine.state, machine.sentence) == (Condition.MANUAL, "Ada homes it")
    assert not machine.cleared
    with pytest.raises(Conflict, match="manual"):
        floor.clear()
    assert floor.lease() is None


def test_a_machine_that_is_to_stop_and_says_nothing_gets_a_new_deadline_each_time(
    floor: Floor,
) -> None:
    offer = floor.running()
    with floor.session() as session:
        job = decisions.job_in(session, offer.job_id, lab_id=floor.lab_id)
        decisions.cancel(session, job, by=floor.manager, now=floor.now)
    for _ in range(2):
        deadline = floor.job(offer.job_id).silent_after
        assert deadline == floor.now + cards.SILENCE
        floor.later(minutes=4)
        with floor.session() as session:
            assert jobs.notice_silence(session, floor.now) == 1
        job = floor.job(offer.job_id)
        assert (job.state, job.fence_acknowledged) == (JobState.CANCELLING, False)
        assert "that is to stop" in job.sentence
    floor.later(minutes=1)
    floor.sees("Printer", MachineState.RUNNING)
    assert floor.job(offer.job_id).silent_after == floor.now + cards.SILENCE


def test_a_server_that_lacks_reports_says_which(floor: Floor) -> None:
    offer = floor.lease()
    assert offer is not None
    floor.seq = 6
    request = SyncRequest(boot=floor.boot, events=(floor.event(EventKind.DECLINED, offer),))
    with floor.session() as session:
        acked = reports.take_sync(session, request, agent_id=floor.agent_id, now=floor.now)
        told = replies.reply(session, request, agent_id=floor.agent_id, acked=acked, now=floor.now)
    assert told.acked == 0
    assert told.sentence.startswith("reports 1 to 6 of journal journal-1 are missing here")
