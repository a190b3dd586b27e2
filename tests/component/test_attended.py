"""A start needs a person who has looked, and on some machines one who is there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from commons.errors import Conflict, NotArmed
from commons.wire import ArmRequest, JobOffer, MachineState, Permit
from repo_server import boards, jobs
from repo_server.boards import BoardMachine
from repo_server.conditions import Condition
from repo_server.tables import BedClearRow, LabRow
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


def arm(floor: Floor, offer: JobOffer, *, touched_s: float | None = None) -> Permit:
    ask = ArmRequest(
        attempt_id=offer.attempt_id,
        fence=offer.fence,
        program_sha256=PROGRAM.sha256,
        touched_s=touched_s,
    )
    with floor.session() as session:
        return jobs.permit_start(session, ask, agent_id=floor.agent_id, now=floor.now)


def refusal(floor: Floor, offer: JobOffer, *, touched_s: float | None = None) -> str:
    with pytest.raises(NotArmed) as refused:
        arm(floor, offer, touched_s=touched_s)
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
