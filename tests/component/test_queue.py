"""Orders of any size, and what people change about the queue: seen by what machines get."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from commons.errors import Conflict, InvalidInput, NotArmed
from commons.job import JobState
from commons.wire import EventKind, MachineState
from repo_server import (
    boards,
    changes,
    decisions,
    labs,
    orders,
    reordering,
    retirement,
    waiting,
)
from repo_server.boards import BoardJob
from repo_server.changes import Kind
from repo_server.order_requests import OrderRequest
from repo_server.tables import DeliveryRow, JobRow, WebhookRow
from repo_server.turns import OVERTAKEN_AT_MOST
from tests.floor import PROGRAM, Floor, furnish, run
from tests.profiles import printer

on_one = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def floor(engine: Engine) -> Floor:
    floor = furnish(engine, printer(name="Left"), printer(name="Right", attended_only=False))
    for name in floor.machines:
        floor.sees(name, MachineState.IDLE)
    return floor


def order(floor: Floor, **wanted: object) -> list[str]:
    """The ids of the jobs of a new order of hooks; a second later."""
    asked = OrderRequest.model_validate({"release_id": floor.release_id, "part": "hook", **wanted})
    with floor.session() as session:
        placed = waiting.place_or_wait(
            session, asked, lab_id=floor.lab_id, by=floor.manager, now=floor.now
        )
    assert isinstance(placed, orders.PlacedOrder)
    floor.later(seconds=1)
    return [job.id for job in placed.jobs]


def order_of(floor: Floor, job_id: str) -> str:
    return floor.job(job_id).order_id


def change(
    floor: Floor, job_id: str, what: Callable[..., object], *about: object, **more: object
) -> None:
    with floor.session() as session:
        job = reordering.waiting_job(session, job_id, lab_id=floor.lab_id)
        what(session, job, *about, by=floor.manager, now=floor.now, **more)


def cancel(floor: Floor, job_id: str) -> None:
    with floor.session() as session:
        decisions.cancel(session, session.get_one(JobRow, job_id), by=floor.manager, now=floor.now)


def shown(floor: Floor) -> dict[str, BoardJob]:
    """The jobs of the board by id, those that wait as their turns come."""
    with floor.session() as session:
        board = boards.show_board(session, labs.lab_of(session, "corner"), now=floor.now)
    return {job.id: job for job in board.jobs}


def taken(floor: Floor, machine: str = "Left") -> str | None:
    """The job that the machine gets, and that is then cancelled."""
    if (offer := floor.lease(machine)) is None:
        return None
    cancel(floor, offer.job_id)
    return offer.job_id


def done(floor: Floor, job_id: str) -> None:
    with floor.session() as session:
        session.get_one(JobRow, job_id).state = JobState.DONE


def test_an_order_goes_only_to_the_machines_that_it_names(floor: Floor) -> None:
    (job,) = order(floor, machines=[floor.machines["Right"]])
    said = {it.machine: (it.code, it.sentence) for it in shown(floor)[job].waits}
    assert said["Left"] == ("not_chosen", "Left was not chosen for this")
    assert said["Right"][0] == "next"
    assert taken(floor, "Left") is None
    assert taken(floor, "Right") == job


@on_one
def test_a_machine_that_is_none_of_the_lab_is_refused_with_those_that_are(floor: Floor) -> None:
    with pytest.raises(InvalidInput, match=r"'elsewhere' is no machine of this lab; there are: Le"):
        order(floor, machines=["elsewhere"])


@on_one
def test_what_is_attended_only_starts_while_somebody_is_there_on_whatever_machine(
    floor: Floor,
) -> None:
    """On a machine that may run alone, too; and it keeps that from nothing else meanwhile."""
    (careful,) = order(floor, attended_only=True)
    (usual,) = order(floor)
    floor.clear("Right")
    floor.later(minutes=11)
    floor.sees("Right", MachineState.IDLE)
    assert taken(floor, "Right") == usual
    floor.clear("Right")
    offer = floor.staged("Right")
    assert offer.job_id == careful
    floor.later(minutes=11)
    floor.sees("Right", MachineState.WAITING)
    with pytest.raises(NotArmed, match="starts only while somebody is there"):
        floor.arm(offer)
    floor.clear("Right")
    assert floor.arm(offer).program_sha256 == PROGRAM.sha256


@on_one
def test_an_order_waits_until_the_one_before_it_is_done(floor: Floor) -> None:
    (first,) = order(floor)
    (second,) = order(floor, after=order_of(floor, first))
    assert shown(floor)[second].follows == "waits until the order of 'hook' is done"
    assert floor.lease("Left").job_id == first
    assert floor.lease("Right") is None
    done(floor, first)
    assert shown(floor)[second].follows is None
    assert taken(floor, "Right") == second


@on_one
def test_what_follows_a_cancelled_order_asks_a_person_and_never_starts_by_itself(
    floor: Floor,
) -> None:
    (first,) = order(floor)
    (second,) = order(floor, after=order_of(floor, first))
    with pytest.raises(InvalidInput, match="waits for this one itself"):
        change(floor, first, reordering.follow, order_of(floor, second))
    with floor.session() as session:
        told = {
            "id": "told",
            "place": floor.lab_id,
            "lab_id": floor.lab_id,
            "kinds": ["order.asks"],
        }
        made = {"person_id": floor.manager, "url": "https://example.org", "made_at": floor.now}
        session.add(WebhookRow(**told, **made))
    cancel(floor, first)
    with floor.session() as session:
        assert [it.kind for it in session.exec(select(DeliveryRow))] == ["order.asks"]
    job = shown(floor)[second]
    assert "say whether it is to be made all the same" in (job.follows or "")
    assert "go_on" in job.acts
    assert taken(floor) is None
    change(floor, second, reordering.go_on)
    assert taken(floor) == second
    with pytest.raises(InvalidInput, match="has ended and was not made whole"):
        order(floor, after=order_of(floor, first))


@on_one
def test_a_job_is_moved_beside_another_one_and_stands_as_if_ordered_with_it(floor: Floor) -> None:
    usual = [*order(floor), *order(floor), *order(floor)]
    urgent = [*order(floor, when={"urgent_because": "the clinic waits"})]
    change(floor, usual[2], reordering.move, usual[0], before=True)
    change(floor, usual[1], reordering.move, urgent[0], before=True)
    line = [usual[1], urgent[0], usual[2], usual[0]]
    assert list(shown(floor)) == line
    assert [taken(floor) for _ in line] == line
    with floor.session() as session:
        (said,) = changes.of_jobs(session, [usual[2]])[usual[2]]
    assert (said.kind, said.named, said.person, said.past_bound) == (
        Kind.MOVED_BEFORE, "hook", "Manu", False,
    )  # fmt: skip


@on_one
def test_so_many_may_be_put_before_one_job_as_there_are(floor: Floor) -> None:
    """Places run out between two jobs after some twenty; then those behind move up."""
    (last,) = order(floor, copies=2)[:1]
    moved = order(floor, copies=40)
    for job in moved:
        change(floor, job, reordering.move, last, before=True)
    assert list(shown(floor))[:41] == [*moved, last]


@on_one
def test_a_move_in_an_old_view_of_the_queue_is_refused_once_its_place_is_gone(floor: Floor) -> None:
    first, second, third = (*order(floor), *order(floor), *order(floor))
    change(floor, third, reordering.move, second, before=True)  # another tab was faster
    change(floor, first, reordering.move, third, before=False)  # and this still means one thing
    assert list(shown(floor)) == [third, first, second]
    cancel(floor, third)
    with pytest.raises(Conflict, match="hook waits no more: look at the queue as it is now"):
        change(floor, second, reordering.move, third, before=True)
    assert list(shown(floor)) == [first, second]


@on_one
def test_by_hand_the_bound_may_be_passed_and_it_is_said(floor: Floor) -> None:
    (old,) = order(floor)
    for _ in range(OVERTAKEN_AT_MOST):
        order(floor, when={"urgent_because": "just so"})
        taken(floor)
    (late,) = order(floor, when={"urgent_because": "just so"})
    assert list(shown(floor)) == [old, late]
    change(floor, late, reordering.move, old, before=True)
    assert [taken(floor), taken(floor)] == [late, old]
    with floor.session() as session:
        assert changes.of_jobs(session, [late])[late][0].past_bound


@on_one
def test_a_job_that_is_pinned_waits_for_that_machine_alone(floor: Floor) -> None:
    (job,) = order(floor)
    change(floor, job, reordering.pin, floor.machines["Right"])
    assert shown(floor)[job].pinned_to == "Right"
    assert taken(floor, "Left") is None
    change(floor, job, reordering.pin, None)
    assert taken(floor, "Left") == job


@on_one
def test_a_plate_is_split_in_two_that_stand_one_behind_the_other(floor: Floor) -> None:
    (plate,) = order(floor, copies=4, plates="as_many_as_fit")
    order(floor)
    with pytest.raises(InvalidInput, match="4 cannot be taken off a plate of 4"):
        change(floor, plate, reordering.split, 4)
    change(floor, plate, reordering.split, 1)
    line = list(shown(floor).values())
    assert [(it.copy_number, it.plate) for it in line] == [(1, 3), (4, 1), (1, 1)]


def test_who_orders_and_reorders_at_once_gets_distinct_places(floor: Floor) -> None:
    writers = 16
    beside = order(floor, copies=writers)
    problems: list[BaseException] = []

    def write(number: int) -> None:
        try:
            order(floor, copies=4)
            change(floor, beside[number], reordering.move, beside[number - 1], before=True)
        except BaseException as problem:  # told below, in the test's own thread
            problems.append(problem)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with floor.session() as session:
        found = session.exec(select(JobRow.place).order_by(col(JobRow.place))).all()
    assert len(found) == len(set(found)) == writers + writers * 4


def retire(floor: Floor, machine: str) -> None:
    with floor.session() as session:
        retirement.retire(
            session, floor.machines[machine], lab_id=floor.lab_id, by=floor.manager, now=floor.now
        )


@on_one
def test_a_machine_is_retired_with_what_it_prepared_and_never_while_it_runs(floor: Floor) -> None:
    (job,) = order(floor)
    floor.running("Left")
    with pytest.raises(Conflict, match="Left may be at work: wait until that has ended, or stop"):
        retire(floor, "Left")
    (prepared,) = order(floor)
    offer = floor.staged("Right")
    retire(floor, "Right")
    assert floor.job(prepared).sentence == "Right is not used any more; it is in the queue again"
    assert floor.state(prepared) is JobState.QUEUED
    assert floor.attempt(offer.attempt_id).outcome == "lapsed"
    assert [it.machine for it in shown(floor)[prepared].waits] == ["Left"]
    with floor.session() as session:
        session.get_one(JobRow, prepared).pinned_to = floor.machines["Right"]
    assert shown(floor)[prepared].pinned_to == "a machine that is not used any more"
    floor.sees("Right", MachineState.IDLE)
    assert floor.reply("Right").work == ()
    assert floor.lease("Right") is None
    with floor.session() as session:
        retirement.take_back(session, floor.machines["Right"], lab_id=floor.lab_id)
    assert taken(floor, "Right") == prepared
    assert floor.state(job) is JobState.RUNNING


@on_one
def test_what_nothing_in_the_lab_can_make_is_refused_with_what_to_do(floor: Floor) -> None:
    with pytest.raises(Conflict, match="The largest room here is 250 × 210 × 210 mm, of Left: or"):
        order(floor, part="tower", material="pla")
    with pytest.raises(Conflict, match="No machine here takes abs: choose one of petg, pla, or an"):
        order(floor, material="abs")


@on_one
def test_what_will_hardly_come_in_time_or_has_no_material_is_told_and_not_refused(
    floor: Floor,
) -> None:
    order(floor)
    floor.running("Left")  # its program takes an hour
    asked = OrderRequest.model_validate(
        {
            "release_id": floor.release_id,
            "part": "hook",
            "material": "petg",
            "when": {"deadline": floor.now + timedelta(minutes=30)},
        }
    )
    for material, says in (("pla", "takes about 1.0 h by our"), ("petg", "no petg on its shelf")):
        with floor.session() as session:
            placed = orders.place(
                session, asked.model_copy(update={"material": material}), lab_id=floor.lab_id,
                by=floor.manager, now=floor.now,
            )  # fmt: skip
        (remark,) = placed.remarks
        assert says in remark


@on_one
def test_a_clock_that_was_a_day_off_changes_nothing_that_is_written(floor: Floor) -> None:
    """While it is off nothing that it signs is taken; what it noted meanwhile is told later."""
    order(floor)
    offer = floor.armed("Left")
    began, floor.now = floor.now, floor.now + timedelta(days=1)
    started = floor.event(EventKind.STARTED, offer)
    floor.now -= timedelta(days=2)
    ended = floor.event(EventKind.FINISHED, offer, run=run())
    floor.now = began + timedelta(hours=1)
    floor.send(started, ended)
    attempt = floor.attempt(offer.attempt_id)
    assert (attempt.started_at, attempt.outcome) == (floor.now, "done")
    assert attempt.leased_at <= attempt.ended_at <= floor.now
