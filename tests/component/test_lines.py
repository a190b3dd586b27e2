"""The order in which a lab's line is read, against the plain one over all jobs; and what members
had of the machines."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from commons.job import JobState
from commons.machine import MachineProfile, MillLimits, Process
from commons.turn import Rank, Why, begin_by, rank
from commons.wire import EventKind
from repo_server import claims, orders, places, reordering, shares, turns
from repo_server.db import insert_rows
from repo_server.order_requests import OrderedOptions, OrderRequest
from repo_server.tables import (
    BuildOrderRow,
    JobRow,
    MachineRow,
    MachineUseRow,
    MaterialLotRow,
    PersonRow,
)
from tests.floor import PROGRAM, Floor, furnish, run
from tests.profiles import printer, router
from tests.steps import steps_of

MEMBERS = ("ada", "bo", "cem", "dua")


@pytest.fixture
def floor(engine: Engine) -> Floor:
    ball = MillLimits(cutter_shape="ball")
    return furnish(engine, printer("Printer"), router("Router", cnc=ball))


def join(session: Session, floor: Floor) -> None:
    for name in MEMBERS:
        row = PersonRow(id=name, handle=name, name=name, email=f"{name}@example.org",
                        password="-", created_at=floor.now)  # fmt: skip
        session.add(row)
    session.flush()


def fill(session: Session, floor: Floor, chance: Random, count: int) -> None:
    """So many boards to cut: some urgent or due, of several members and materials, some of which a
    cutter has to be changed for, some that nobody may make now."""
    orders, jobs = [], []
    for number in range(count):
        at = floor.now - timedelta(minutes=chance.randrange(20_000))
        due = chance.choice((None, floor.now + timedelta(minutes=chance.randrange(20_000))))
        material = chance.choice(("plywood", "plywood", "", "mdf"))
        member, urgent = chance.choice(MEMBERS), chance.random() < 0.1
        order = BuildOrderRow(
            id=f"o{number}", lab_id=floor.lab_id, release_id=floor.release_id, part="board",
            copies=1, material=material, options={}, answers=[], ordered_by=member, ordered_at=at,
            deadline=due, urgent_because="so" if urgent else None,
            after_id=chance.choice((None, None, None, f"o{chance.randrange(number or 1)}")),
        )  # fmt: skip
        orders.append(order.model_dump())
        late = timedelta(days=chance.choice((0, 0, 0, 20)))
        jobs.append(
            JobRow(
                id=f"j{number}", order_id=order.id, lab_id=floor.lab_id, copy_number=1,
                process=Process.CNC, place=places.place_of(at) + number, queued_at=at + late,
                state=chance.choice((*[JobState.QUEUED] * 5, JobState.DONE)), changed_at=at,
                parked_by=chance.choice((*[None] * 9, "ada")), material=material, urgent=urgent,
                begin_by=begin_by(at, due), claimant=member,
                set_up=chance.choice(("", "surface", "plate")),
            ).model_dump()
        )  # fmt: skip
    insert_rows(session, BuildOrderRow, orders)
    insert_rows(session, JobRow, jobs)
    insert_rows(
        session, MachineUseRow,
        [{"lab_id": floor.lab_id, "person_id": it, "at": floor.now - timedelta(days=3),
          "minutes": chance.uniform(0, 3000)} for it in MEMBERS[1:]],
    )  # fmt: skip


def plainly(session: Session, floor: Floor, machine: MachineRow, before: int) -> list[str]:
    """The same order, by looking at every job."""
    had = shares.of_lab(session, floor.lab_id, now=floor.now)
    orders = {it.id: it for it in session.exec(select(BuildOrderRow))}
    jobs = session.exec(select(JobRow)).all()
    done = {it.order_id for it in jobs if it.state is JobState.DONE}

    def is_open(job: JobRow) -> bool:
        after_id = orders[job.order_id].after_id
        waits = job.parked_by is not None or job.queued_at > floor.now
        free = after_id is None or after_id in done
        of_it = job.material in ("plywood", "")
        return job.state is JobState.QUEUED and free and of_it and not waits

    def turn(job: JobRow) -> Rank:
        claim = claims.claim(job, had, pressed_before=before)
        changes = claims.changes(job.set_up, MachineProfile.model_validate(machine.profile))
        return rank(replace(claim, changes=changes))

    return [it.id for it in sorted(filter(is_open, jobs), key=turn)]


@pytest.mark.parametrize("seed", range(3))
def test_the_line_is_read_in_the_order_of_all_its_jobs(
    floor: Floor, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = Random(seed)
    with floor.session() as session:
        join(session, floor)
        fill(session, floor, chance, 150)
    with floor.session() as session:
        machine = session.get_one(MachineRow, floor.machines["Router"])
        for before in (0, places.place_of(floor.now - timedelta(minutes=15_000))):
            monkeypatch.setattr(turns, "pressed_before", lambda *_, at=before: at)
            read = [it.id for it in turns.in_line(session, machine, now=floor.now)]
            assert read == plainly(session, floor, machine, before)
            assert len(read) > 30


def had(floor: Floor) -> float:
    """Minutes of the manager's jobs, as they count now."""
    with floor.session() as session:
        found = shares.of_lab(session, floor.lab_id, now=floor.now)
    return found.get(floor.manager, timedelta()) / timedelta(minutes=1)


def test_a_program_counts_from_its_start_as_planned_and_from_its_end_as_it_ran(
    floor: Floor,
) -> None:
    floor.order()
    offer = floor.armed()
    assert had(floor) == 0
    floor.tell(EventKind.STARTED, offer)
    assert had(floor) == PROGRAM.duration_s / 60
    floor.tell(EventKind.FINISHED, offer, run=run(ran_s=1200.0))
    assert had(floor) == 20
    floor.later(days=7)
    assert had(floor) == 10


def test_who_had_the_machines_lately_waits_and_what_is_put_beside_anothers_does_not(
    floor: Floor,
) -> None:
    floor.order()
    floor.tell(EventKind.FINISHED, floor.running(), run=run(ran_s=3600.0))
    (mine,) = floor.order()
    floor.later(minutes=30)
    other = Floor(floor.engine, floor.now, "", floor.lab_id, release_id=floor.release_id)
    with floor.session() as session:
        join(session, floor)
    other.manager = "ada"
    (theirs,) = other.order()
    assert line(floor) == [theirs, mine]
    with floor.session() as session:
        turn = turns.turn_of(session, session.get_one(JobRow, mine), now=floor.now)
    assert [(it.why, it.minutes) for it in turn.parts] == [
        (Why.SHARE, pytest.approx(-60, rel=0.01)), (Why.WAITED, pytest.approx(30)),
    ]  # fmt: skip
    with floor.session() as session:
        job = reordering.waiting_job(session, mine, lab_id=floor.lab_id)
        reordering.move(session, job, theirs, before=True, by=floor.manager, now=floor.now)
    assert line(floor) == [mine, theirs]


def test_what_fits_is_found_behind_many_that_do_not_and_nothing_where_nothing_does(
    floor: Floor,
) -> None:
    def order(scale: float) -> str:
        wanted = OrderRequest(
            release_id=floor.release_id, part="hook", options=OrderedOptions(scale=scale)
        )
        with floor.session() as session:
            told = {"lab_id": floor.lab_id, "by": floor.manager, "now": floor.now}
            return orders.place(session, wanted, **told).jobs[0].id

    for number in range(12):
        order(2 + number / 10)  # 160 g and more
    with floor.session() as session:
        machine = session.get_one(MachineRow, floor.machines["Printer"])
        session.get_one(MaterialLotRow, machine.lot_id).mass_left_g = 50
    assert floor.lease() is None
    small = order(1)
    found = floor.lease()
    assert found is not None
    assert found.job_id == small


def test_what_takes_longer_begins_earlier_of_what_is_due_where_that_is_known(floor: Floor) -> None:
    floor.order()
    offer = floor.running()  # from now on a hook is known to take an hour
    floor.tell(EventKind.FINISHED, offer, run=run())

    def order(due_h: float, **more: object) -> str:
        due = {"deadline": floor.now + timedelta(hours=due_h)}
        return floor.order(when=due, **more)[0]

    unknown = order(4.5, options={"brim": True})
    known = order(5)
    later = order(6)
    assert line(floor) == [known, unknown, later]


def line(floor: Floor) -> list[str]:
    with floor.session() as session:
        machine = session.get_one(MachineRow, floor.machines["Printer"])
        return [it.id for it in turns.in_line(session, machine, now=floor.now)]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # which counts its steps
def test_an_order_costs_the_database_as_much_however_many_jobs_wait(floor: Floor) -> None:
    few = steps_of_an_order(floor)
    with floor.session() as session:
        join(session, floor)
        fill(session, floor, Random(1), 400)
    assert steps_of_an_order(floor) < 1.5 * few


def steps_of_an_order(floor: Floor) -> int:
    wanted = OrderRequest(release_id=floor.release_id, part="hook")
    by = {"lab_id": floor.lab_id, "by": floor.manager, "now": floor.now}
    with floor.session() as session:
        return steps_of(session, lambda: orders.place(session, wanted, **by))
