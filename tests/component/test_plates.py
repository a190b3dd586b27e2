"""A big order split into plates, what machines are offered, and what a verdict on a plate means."""

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from commons.errors import Conflict, InvalidInput
from commons.flows import Action, Unit
from commons.job import JobState
from commons.machine import Envelope
from commons.wire import EventKind, JobOffer, Orientation
from repo_server import decisions, orders
from repo_server.api.messages import check
from repo_server.order_requests import OrderedOptions, OrderRequest, Plates
from repo_server.tables import JobRow
from tests.floor import PROGRAM, Floor, furnish, run
from tests.profiles import printer, router

K = EventKind
SMALL = Envelope(x_max_mm=150, y_max_mm=120, z_max_mm=120)


@pytest.fixture
def floor(engine: Engine) -> Floor:
    return furnish(engine)


def order(floor: Floor, part: str = "hook", copies: int = 1, **more: object) -> list[JobRow]:
    options = OrderedOptions.model_validate(more.pop("options", {}))
    wanted = OrderRequest(
        release_id=floor.release_id, part=part, copies=copies, options=options,
        plates=Plates.AS_MANY_AS_FIT, **more,
    )  # fmt: skip
    with floor.session() as session:
        placed = orders.place(session, wanted, lab_id=floor.lab_id, by=floor.manager, now=floor.now)
        return list(placed.jobs)


def plates(jobs: list[JobRow]) -> list[tuple[int, int]]:
    return [(job.copy_number, job.copies) for job in jobs]


def finished(floor: Floor) -> JobOffer:
    offer = floor.running()
    floor.tell(K.FINISHED, offer, run=run())
    return offer


def judge(floor: Floor, job_id: str, good: int, note: str = "") -> None:
    with floor.session() as session:
        job = decisions.job_in(session, job_id, lab_id=floor.lab_id)
        decisions.give_verdict(session, job, good=good, note=note, by=floor.manager, now=floor.now)


def queue(floor: Floor) -> list[JobRow]:
    with floor.session() as session:
        waiting = session.exec(select(JobRow).where(JobRow.state == JobState.QUEUED))
        return sorted(waiting, key=lambda job: job.copy_number)


def test_a_big_order_is_split_into_full_plates_and_a_rest(floor: Floor) -> None:
    # Parts of 60 x 40 mm on a bed with 246 x 200 mm, 4 mm apart.
    assert plates(order(floor, copies=32)) == [(1, 15), (16, 15), (31, 2)]
    assert plates(order(floor, copies=3)) == [(1, 3)]


def test_the_smallest_machine_that_can_build_it_decides_so_that_any_may_take_it(
    engine: Engine,
) -> None:
    floor = furnish(engine, printer(), printer("Mini", envelope=SMALL))
    assert plates(order(floor, copies=10)) == [(1, 4), (5, 4), (9, 2)]
    for machine in ("Mini", "Printer"):
        offer = floor.lease(machine)
        assert offer is not None and offer.copies == 4


def test_what_a_plate_needs_around_its_parts_counts(floor: Floor) -> None:
    assert plates(order(floor, copies=30, options={"brim": True}))[0] == (1, 9)


def test_scale_counts_in_size_and_by_its_cube_in_mass(floor: Floor) -> None:
    # 120 x 80 x 60 mm and 160 g each: four have room, and 500 g are enough for two with reserve.
    assert plates(order(floor, copies=4, options={"scale": 2})) == [(1, 2), (3, 2)]
    offer = floor.lease()
    assert offer is not None and (offer.options.scale, offer.copies) == (2, 2)
    with pytest.raises(Conflict, match=r"this part is 300 × 200 × 150 mm"):
        order(floor, options={"scale": 5})


def test_a_part_that_may_lie_on_any_side_counts_with_its_largest(floor: Floor) -> None:
    with pytest.raises(Conflict, match=r"60 × 40 × 900 mm"):
        order(floor, "tower", copies=3, material="pla")
    tower = {"scale": 0.25, "orientation": Orientation.SUGGESTED}  # 225 mm long
    assert plates(order(floor, "tower", copies=99, material="pla", options=tower))[0] == (1, 10)
    with pytest.raises(Conflict, match="laid on another side it fits: order it with the suggested"):
        order(floor, "tower", material="pla", options={"scale": 0.25})


def test_sheet_parts_are_cut_several_at_a_time(engine: Engine) -> None:
    large = router(envelope=Envelope(x_max_mm=1250, y_max_mm=620, z_max_mm=60))
    floor = furnish(engine, large)
    lot = floor.lot("Router")
    with floor.session() as session:
        lot.mass_left_g = None
        session.add(lot)
    assert plates(order(floor, "board", copies=8)) == [(1, 6), (7, 2)]


@pytest.mark.parametrize(
    "chosen", [{"scale": 2}, {"brim": True}, {"quality": "fine"}, {"infill_percent": 0}]
)
def test_what_is_chosen_for_a_print_is_refused_for_a_milled_part(
    floor: Floor, chosen: dict[str, object]
) -> None:
    (name,) = chosen
    words = rf"options\.{name}: is for prints, and 'board' is milled: leave it out"
    with pytest.raises(InvalidInput, match=words):
        order(floor, "board", options=chosen)


def test_jobs_of_other_options_wait_for_their_own_machine(engine: Engine) -> None:
    floor = furnish(engine, printer(), printer("Mini", envelope=SMALL))
    (large,) = order(floor, options={"scale": 2.5})
    (small,) = order(floor)
    mini, whole = floor.lease("Mini"), floor.lease("Printer")
    assert mini is not None and mini.job_id == small.id
    assert whole is not None and whole.job_id == large.id


def test_a_plate_uses_its_material_once_and_its_good_copies_are_counted(floor: Floor) -> None:
    (job,) = order(floor, copies=4)
    offer = finished(floor)
    judge(floor, job.id, 3)
    made = [row for row in floor.ledger() if row.action is Action.PRODUCE]
    assert sorted((row.unit, row.quantity) for row in made) == [
        (Unit.EACH, 3), (Unit.GRAM, PROGRAM.material_g / 4),
    ]  # fmt: skip
    used = [row.quantity for row in floor.ledger()
            if (row.action, row.unit) == (Action.CONSUME, Unit.GRAM)]  # fmt: skip
    assert used == [PROGRAM.material_g]
    assert floor.lot().mass_left_g == 500 - PROGRAM.material_g
    assert floor.attempt(offer.attempt_id).good_copies == 3


def test_the_bad_copies_of_a_plate_are_queued_again_at_its_place(floor: Floor) -> None:
    first, second = order(floor, copies=18)
    assert (first.copies, second.copies) == (15, 3)
    finished(floor)
    judge(floor, first.id, 13)
    assert floor.state(first.id) is JobState.DONE
    assert floor.job(first.id).sentence == "13 of 15 are good; the others are queued again"
    again, _ = queue(floor)
    assert plates([again]) == [(14, 2)]
    assert again.sentence == "2 of a plate of 15 came out bad; to be made again"
    assert again.queued_at == floor.job(second.id).queued_at


def test_a_plate_without_a_good_copy_is_rejected_and_waits_for_a_decision(floor: Floor) -> None:
    (job,) = order(floor, copies=4)
    finished(floor)
    judge(floor, job.id, 0)
    assert floor.state(job.id) is JobState.REJECTED
    assert queue(floor) == []


def test_a_verdict_on_more_copies_than_there_are_changes_nothing(floor: Floor) -> None:
    (job,) = order(floor, copies=4)
    finished(floor)
    with pytest.raises(InvalidInput, match="5 good copies cannot be: this plate has 4"):
        judge(floor, job.id, 5)
    assert floor.state(job.id) is JobState.FINISHED


def test_options_as_people_write_them_are_refused_by_name() -> None:
    for options, words in (
        ({"scale": 25}, "options.scale: "),
        ({"scale": "nan"}, "options.scale: "),
        ({"infill_percent": 101}, "options.infill_percent: "),
        ({"orientation": "upside"}, "options.orientation: "),
        ({"quality": "best"}, "options.quality: "),
    ):
        wanted = {"release_id": "ab" * 32, "part": "hook", "options": options}
        with pytest.raises(InvalidInput) as refused:
            check(OrderRequest, wanted)
        assert str(refused.value).startswith(words)
        assert ";" not in str(refused.value)
