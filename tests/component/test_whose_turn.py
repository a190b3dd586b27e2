"""Whose turn it is: urgent, then due, then oldest; and nobody is overtaken for ever."""

from datetime import timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine

from commons.errors import Conflict, InvalidInput
from commons.wire import MachineState, Phase, ProgressReport
from repo_server import boards, decisions, labs, orders, waiting
from repo_server.forecasts import Forecast
from repo_server.order_requests import OrderRequest, When
from repo_server.tables import JobRow, LabRoleRow, MachineRow
from repo_server.tables.people import LabRole
from repo_server.turns import OVERTAKEN_AT_MOST
from tests.floor import Floor, furnish


@pytest.fixture
def floor(engine: Engine) -> Floor:
    floor = furnish(engine)
    for name in floor.machines:
        floor.sees(name, MachineState.IDLE)
    return floor


def order(floor: Floor, **when: object) -> str:
    wanted = OrderRequest(release_id=floor.release_id, part="hook", when=When.model_validate(when))
    with floor.session() as session:
        placed = waiting.place_or_wait(
            session, wanted, lab_id=floor.lab_id, by=floor.manager, now=floor.now
        )
    assert isinstance(placed, orders.PlacedOrder)
    floor.later(seconds=1)
    return placed.jobs[0].id


def taken(floor: Floor) -> str | None:
    """The job that the printer gets, and that is then cancelled; None when it gets none."""
    if (offer := floor.lease()) is None:
        return None
    with floor.session() as session:
        job = session.get_one(JobRow, offer.job_id)
        decisions.cancel(session, job, by=floor.manager, now=floor.now)
    return offer.job_id


def test_what_is_urgent_goes_first_then_what_is_due_then_what_waits_longest(floor: Floor) -> None:
    usual = order(floor)
    due = {days: order(floor, deadline=floor.now + timedelta(days=days)) for days in (3, 2)}
    urgent = order(floor, urgent_because="the clinic waits for it")
    assert [taken(floor) for _ in range(4)] == [urgent, due[2], due[3], usual]
    assert taken(floor) is None


def test_a_job_is_overtaken_so_many_times_and_never_once_more(floor: Floor) -> None:
    first, second = order(floor), order(floor)
    order_of_turns = []
    for _ in range(OVERTAKEN_AT_MOST + 3):
        order(floor, urgent_because="just so", deadline=floor.now + timedelta(hours=1))
        order_of_turns.append(taken(floor))
    assert order_of_turns.index(first) == OVERTAKEN_AT_MOST
    assert order_of_turns.index(second) == OVERTAKEN_AT_MOST + 1


def test_nothing_is_made_before_its_time(floor: Floor) -> None:
    tomorrow = order(floor, not_before=floor.now + timedelta(days=1))
    assert taken(floor) is None
    floor.later(days=1)
    floor.sees("Printer", MachineState.IDLE)
    assert taken(floor) == tomorrow


def test_what_had_to_wait_for_its_time_was_not_overtaken_meanwhile(floor: Floor) -> None:
    tomorrow = order(floor, not_before=floor.now + timedelta(days=1))
    for _ in range(OVERTAKEN_AT_MOST + 1):
        order(floor)
        assert taken(floor) != tomorrow
    floor.later(days=1)
    floor.sees("Printer", MachineState.IDLE)
    urgent = order(floor, urgent_because="the clinic waits for it")
    assert [taken(floor), taken(floor)] == [urgent, tomorrow]


def test_a_job_that_is_parked_keeps_its_place_and_waits(floor: Floor) -> None:
    first, second = order(floor), order(floor)
    with floor.session() as session:
        job = session.get_one(JobRow, first)
        decisions.park(session, job, by=floor.manager, now=floor.now)
        decisions.park(session, job, by=floor.manager, now=floor.now)
    assert floor.job(first).sentence == "set aside by Manu"
    assert floor.lease() is not None
    with floor.session() as session:
        with pytest.raises(Conflict, match="only a queued one is set aside"):
            decisions.park(
                session, session.get_one(JobRow, second), by=floor.manager, now=floor.now
            )
        decisions.unpark(session, session.get_one(JobRow, first), by=floor.manager, now=floor.now)
        decisions.cancel(session, session.get_one(JobRow, second), by=floor.manager, now=floor.now)
    assert taken(floor) == first


@pytest.mark.parametrize(
    ("when", "sentence"),
    [
        ({"deadline": timedelta(minutes=-1)}, "has passed already; choose a later one"),
        ({"deadline": timedelta(hours=1), "not_before": timedelta(hours=1)}, "is not after"),
    ],
)
def test_a_deadline_that_cannot_be_kept_is_refused(
    floor: Floor, when: dict[str, timedelta], sentence: str
) -> None:
    with pytest.raises((InvalidInput, ValidationError), match=sentence):
        order(floor, **{name: floor.now + after for name, after in when.items()})


def test_members_cannot_say_that_something_is_urgent(floor: Floor) -> None:
    with floor.session() as session:
        role = session.get_one(LabRoleRow, (floor.manager, floor.lab_id))
        role.role = LabRole.MEMBER
        session.add(role)
    with pytest.raises(InvalidInput, match=r"^when\.urgent_because: only the lab's operators"):
        order(floor, urgent_because="I am in a hurry")


def forecasts(floor: Floor) -> dict[str, Forecast | None]:
    with floor.session() as session:
        shown = boards.show_board(session, labs.lab_of(session, "corner"), now=floor.now)
    return {job.id: job.forecast for job in shown.jobs}


def test_the_board_says_when_each_job_is_expected_to_begin(floor: Floor) -> None:
    """Of a part that was prepared once the time is known: PROGRAM takes an hour."""
    jobs = [order(floor) for _ in range(3)]
    running = floor.running()
    floor.sees(
        "Printer",
        MachineState.RUNNING,
        progress=ProgressReport(
            attempt_id=running.attempt_id, phase=Phase.STREAM, done=1, total=2, remaining_s=1800
        ),
    )
    due = order(floor, deadline=floor.now + timedelta(hours=1))
    found = forecasts(floor)
    assert found[jobs[0]] is None
    began = {id_: it.begins_at - floor.now for id_, it in found.items() if it and it.begins_at}
    assert timedelta(minutes=30) <= began[due] < timedelta(minutes=40)
    assert timedelta(minutes=90) <= began[jobs[1]] < timedelta(minutes=100)
    assert timedelta(minutes=150) <= began[jobs[2]] < timedelta(minutes=160)
    assert [id_ for id_, it in found.items() if it and it.late] == [due]
    assert not any(it.rough for it in found.values() if it)


def test_what_takes_an_unknown_time_is_told_roughly_and_what_nobody_can_make_not_at_all(
    floor: Floor,
) -> None:
    first, second = order(floor), order(floor)
    found = forecasts(floor)
    assert found[first] == Forecast(None, late=False, rough=False)
    assert found[second] is not None
    assert found[second].rough
    with floor.session() as session:
        session.get_one(MachineRow, floor.machines["Printer"]).lot_id = None
    assert set(forecasts(floor).values()) == {None}
