"""Jobs of several orders on one plate: one start, one end, and a verdict on each thing."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from commons.errors import Conflict, LeaseLost, NotAllowed
from commons.flows import Action, Unit
from commons.job import JobState
from commons.verdict import PanelVerdict
from commons.wire import ArmRequest, EventKind, JobOffer, MachineState
from repo_server import (
    attempts,
    decisions,
    downtimes,
    jobs,
    matches,
    panel_verdicts,
    passports,
    prices,
    rules,
    start_records,
    turns,
    upkeep,
)
from repo_server.attempts import Outcome
from repo_server.blobs import BlobStore
from repo_server.downtimes import NewDowntime
from repo_server.order_requests import When
from repo_server.rules import LabRules
from repo_server.tables import (
    AttemptRow,
    BuildOrderRow,
    EconomicEventRow,
    JobRow,
    LabRow,
    MachineRow,
    MaterialLotRow,
    PersonRow,
)
from tests.floor import PROGRAM, Floor, furnish, run
from tests.profiles import printer

K, S = EventKind, JobState


@pytest.fixture
def floor(engine: Engine) -> Floor:
    """A lab that wants plates shared, and that knows how long a hook takes: an hour."""
    floor = furnish(engine, printer(), printer("Other"))
    with floor.session() as session:
        rules.set_lab(session, session.get_one(LabRow, floor.lab_id), LabRules(shared_plates=True))
        named = {"id": "bea", "handle": "bea", "name": "Bea", "email": "bea@example.org"}
        session.add(PersonRow(**named, password="-", created_at=floor.now))
    floor.order(by="bea")
    floor.tell(K.FINISHED, floor.running(), run=run())
    floor.later(hours=1)
    return floor


def shared(floor: Floor, mates: int = 2) -> tuple[JobOffer, list[str]]:
    """A plate with a hook of the manager's and so many of Bea's; the jobs, the leader's first."""
    ids = floor.order() + [id_ for _ in range(mates) for id_ in floor.order(by="bea")]
    offer = floor.lease(shares_plates=True)
    assert offer is not None
    return offer, ids


def started(floor: Floor) -> tuple[JobOffer, list[str]]:
    offer, ids = shared(floor)
    floor.tell(K.STAGED, offer, program=PROGRAM)
    floor.clear()
    floor.arm(offer)
    floor.tell(K.STARTED, offer)
    return offer, ids


def states(floor: Floor, ids: list[str]) -> list[JobState]:
    return [floor.state(id_) for id_ in ids]


def judge(floor: Floor, job_id: str, good: int) -> None:
    with floor.session() as session:
        job = decisions.job_in(session, job_id, lab_id=floor.lab_id)
        decisions.give_verdict(session, job, good=good, note="", by=floor.manager, now=floor.now)


def cancel(floor: Floor, job_id: str, by: str) -> None:
    with floor.session() as session:
        job = decisions.job_in(session, job_id, lab_id=floor.lab_id)
        decisions.cancel(session, job, by=by, now=floor.now)


def attempts_of(floor: Floor, ids: list[str]) -> list[AttemptRow]:
    with floor.session() as session:
        rows = session.exec(select(AttemptRow).where(col(AttemptRow.job_id).in_(ids))).all()
    return sorted(rows, key=lambda row: -row.fence)


def test_those_next_in_line_share_the_plate_of_the_one_whose_turn_it_is(floor: Floor) -> None:
    offer, ids = shared(floor)
    assert [offer.job_id, *(mate.job_id for mate in offer.also)] == ids
    assert states(floor, ids) == [S.LEASED] * 3
    assert floor.lease(shares_plates=True) == offer  # asked again, the same again
    rows = attempts_of(floor, ids)
    assert sum(row.share for row in rows) == pytest.approx(1.0, abs=1e-12)
    assert [row.led_by for row in rows] == [None, offer.attempt_id, offer.attempt_id]


def test_a_lab_that_does_not_want_it_and_an_agent_that_cannot_make_one_thing_at_a_time(
    floor: Floor,
) -> None:
    floor.order()
    floor.order(by="bea")
    first = floor.lease("Other")
    assert first is not None and first.also == ()
    with floor.session() as session:
        rules.set_lab(session, session.get_one(LabRow, floor.lab_id), LabRules())
    floor.order()
    second = floor.lease(shares_plates=True)
    assert second is not None and second.also == ()


def test_an_agent_that_was_put_back_to_an_older_one_gets_one_job_alone(floor: Floor) -> None:
    _, ids = shared(floor)
    offer = floor.lease()
    assert offer is not None and (offer.job_id, offer.also) == (ids[0], ())
    assert states(floor, ids) == [S.LEASED, S.QUEUED, S.QUEUED]


@pytest.mark.parametrize("other", [{"alone": True}, {"options": {"brim": True}}])
def test_the_first_that_does_not_go_with_it_ends_the_plate_so_that_none_is_overtaken(
    floor: Floor, other: dict[str, object]
) -> None:
    (leader,), (alone,), (behind,) = floor.order(), floor.order(**other), floor.order(by="bea")
    offer = floor.lease(shares_plates=True)
    assert offer is not None and (offer.job_id, offer.also) == (leader, ())
    assert states(floor, [alone, behind]) == [S.QUEUED] * 2


def test_a_plate_takes_no_longer_than_four_hours_together(floor: Floor) -> None:
    offer, ids = shared(floor, mates=5)
    assert len(offer.also) == 3
    assert states(floor, ids) == [S.LEASED] * 4 + [S.QUEUED] * 2


def test_a_lot_that_does_not_suffice_for_all_is_used_for_as_many_as_it_does(floor: Floor) -> None:
    lot = floor.lot().id
    with floor.session() as session:
        session.get_one(MaterialLotRow, lot).mass_left_g = 25.0
    offer, _ = shared(floor)
    assert offer.also == ()


def test_a_job_that_another_machine_is_to_make_is_on_no_plate_of_this_one(floor: Floor) -> None:
    other = floor.machines["Other"]
    (leader,), (chosen,) = floor.order(), floor.order(by="bea", machines=(other,))
    (pinned,), (mate,) = floor.order(by="bea"), floor.order(by="bea")
    with floor.session() as session:
        session.get_one(JobRow, pinned).pinned_to = other
    offer = floor.lease(shares_plates=True)
    assert offer is not None
    assert [offer.job_id, *(it.job_id for it in offer.also)] == [leader, mate]
    assert states(floor, [chosen, pinned]) == [S.QUEUED] * 2


def test_none_comes_aboard_whose_time_would_keep_the_others_from_starting(floor: Floor) -> None:
    floor.sees("Printer", MachineState.IDLE)
    with floor.session() as session:
        machine = session.get_one(MachineRow, floor.machines["Printer"])
        rest = NewDowntime(reason="new belts", begins_at=floor.now + timedelta(hours=2.5))
        downtimes.take_down(session, machine, rest, by=floor.manager, now=floor.now)
    offer, ids = shared(floor, mates=3)
    assert len(offer.also) == 1
    assert states(floor, ids) == [S.LEASED] * 2 + [S.QUEUED] * 2


def test_none_comes_aboard_for_whom_the_others_would_be_late(floor: Floor) -> None:
    due = floor.now + timedelta(hours=2.5)
    (leader,) = floor.order(when=When(deadline=due))
    mates = [id_ for _ in range(3) for id_ in floor.order(by="bea")]
    offer = floor.lease(shares_plates=True)
    assert offer is not None and offer.job_id == leader
    assert [it.job_id for it in offer.also] == mates[:1]


def test_what_is_urgent_waits_for_nothing_that_is_not(floor: Floor) -> None:
    floor.order(by="bea")
    (urgent,) = floor.order(when=When(urgent_because="the fair opens at noon"))
    offer = floor.lease(shares_plates=True)
    assert offer is not None and (offer.job_id, offer.also) == (urgent, ())


def test_a_plate_is_one_start_of_its_machine_and_counts_its_hours_once(floor: Floor) -> None:
    offer, _ = started(floor)
    floor.later(hours=1)
    floor.tell(K.FINISHED, offer, run=run(ran_s=3600.0))
    with floor.session() as session:
        counted, _ = upkeep.counters(session, floor.machines["Printer"])
    assert counted.hours == pytest.approx((3500 + 3600) / 3600)  # with the one before
    assert counted.starts == 2


def test_all_start_once_and_end_together_and_each_is_judged_by_itself(floor: Floor) -> None:
    offer, ids = started(floor)
    assert states(floor, ids) == [S.RUNNING] * 3
    floor.later(hours=1)
    floor.tell(K.FINISHED, offer, run=run())
    assert states(floor, ids) == [S.FINISHED] * 3
    judge(floor, ids[1], 0)
    judge(floor, ids[2], 1)
    assert states(floor, ids) == [S.FINISHED, S.REJECTED, S.DONE]
    with floor.session() as session:
        decisions.try_again(
            session, decisions.job_in(session, ids[1], lab_id=floor.lab_id), now=floor.now
        )
    assert states(floor, ids) == [S.FINISHED, S.QUEUED, S.DONE]
    assert floor.machine().attempt_id is None


def test_what_each_took_adds_up_to_what_the_plate_took(floor: Floor) -> None:
    before = floor.lot().mass_left_g
    offer, ids = started(floor)
    floor.tell(K.FINISHED, offer, run=run(ran_s=3500.0, energy_kwh=0.5))
    tries = {row.id for row in attempts_of(floor, ids)}
    with floor.session() as session:
        mine = col(EconomicEventRow.process_id).in_(tries)
        events = session.exec(select(EconomicEventRow).where(mine)).all()
    assert len([it for it in events if it.action is Action.CITE]) == 3

    def whole(unit: Unit) -> float:
        return sum(it.quantity for it in events if it.unit is unit)

    assert whole(Unit.GRAM) == pytest.approx(PROGRAM.material_g)
    assert whole(Unit.HOUR) == pytest.approx(3500 / 3600)
    assert whole(Unit.KILOWATT_HOUR) == pytest.approx(0.5)
    assert floor.lot().mass_left_g == pytest.approx(before - PROGRAM.material_g)


def test_a_mate_is_no_start_of_its_own(floor: Floor) -> None:
    offer, ids = shared(floor)
    floor.tell(K.STAGED, offer, program=PROGRAM)
    floor.clear()
    mate = offer.also[0]
    ask = ArmRequest(attempt_id=mate.attempt_id, fence=offer.fence, program_sha256=PROGRAM.sha256)
    with pytest.raises(LeaseLost), floor.session() as session:
        jobs.permit_start(session, ask, agent_id=floor.agent_id, now=floor.now)
    assert states(floor, ids) == [S.STAGED] * 3


def test_whoever_withdraws_before_the_start_is_taken_off_and_the_others_are_prepared_again(
    floor: Floor,
) -> None:
    offer, ids = shared(floor)
    floor.tell(K.STAGED, offer, program=PROGRAM)
    cancel(floor, ids[1], "bea")
    assert states(floor, ids) == [S.QUEUED, S.CANCELLED, S.QUEUED]
    with pytest.raises(LeaseLost):
        floor.arm(offer)
    again = floor.lease(shares_plates=True)
    assert again is not None
    assert [again.job_id, *(it.job_id for it in again.also)] == [ids[0], ids[2]]


def test_a_leader_that_is_not_wanted_any_more_leaves_the_others_waiting(floor: Floor) -> None:
    _, ids = shared(floor)
    cancel(floor, ids[0], floor.manager)
    assert states(floor, ids) == [S.CANCELLED, S.QUEUED, S.QUEUED]


def test_nobody_takes_a_thing_out_of_a_plate_that_is_being_made(floor: Floor) -> None:
    _, ids = started(floor)
    with pytest.raises(Conflict, match="one plate with other people's things"):
        cancel(floor, ids[1], "bea")
    with pytest.raises(NotAllowed, match="one plate with other people's things"):
        cancel(floor, ids[0], "bea")
    assert states(floor, ids) == [S.RUNNING] * 3


def test_of_a_plate_that_an_operator_stopped_only_the_leader_is_cancelled(floor: Floor) -> None:
    offer, ids = started(floor)
    cancel(floor, ids[0], floor.manager)
    assert states(floor, ids) == [S.CANCELLING, S.RUNNING, S.RUNNING]
    floor.tell(K.FAILED, offer, run=run(done=300))
    assert states(floor, ids) == [S.CANCELLED, S.FAILED, S.FAILED]
    assert {row.outcome for row in attempts_of(floor, ids)} == {Outcome.ABORTED}


def test_one_part_that_cannot_be_made_spoils_no_other(floor: Floor) -> None:
    offer, ids = shared(floor)
    floor.tell(K.REFUSED, offer, sentence="hook.stl: is no closed body")
    assert states(floor, ids) == [S.QUEUED] * 3
    assert "each is tried alone: hook.stl" in floor.job(ids[0]).sentence
    floor.later(minutes=2)
    offers = [floor.lease(name, shares_plates=True) for name in ("Printer", "Other")]
    assert [(it.job_id, it.also) for it in offers if it] == [(ids[0], ()), (ids[1], ())]
    assert offers[0] is not None
    floor.tell(K.REFUSED, offers[0], sentence="hook.stl: is no closed body")
    assert floor.state(ids[0]) is S.REFUSED


def test_a_plate_too_heavy_for_its_lot_is_taken_apart(floor: Floor) -> None:
    offer, ids = shared(floor)
    heavy = PROGRAM.model_copy(update={"material_g": 5000.0})
    floor.tell(K.STAGED, offer, program=heavy)
    assert states(floor, ids) == [S.QUEUED] * 3
    with floor.session() as session:
        rows = session.exec(select(JobRow).where(col(JobRow.id).in_(ids))).all()
    assert {(row.alone, row.proved_g) for row in rows} == {(True, None)}


def test_a_plate_of_which_nothing_is_heard_is_unconfirmed_whole_until_somebody_looks(
    floor: Floor,
) -> None:
    offer, ids = started(floor)
    floor.later(minutes=5)
    with floor.session() as session:
        assert jobs.notice_silence(session, floor.now) == 1
    assert states(floor, ids) == [S.UNCONFIRMED] * 3
    floor.tell(K.FENCED, offer, intent=True)
    with floor.session() as session:
        mate = decisions.job_in(session, ids[2], lab_id=floor.lab_id)
        decisions.attest(session, mate, nothing_ran=False, note="", by=floor.manager, now=floor.now)
    assert states(floor, ids) == [S.FAILED] * 3


def test_a_lease_that_ran_out_lets_all_of_them_go(floor: Floor) -> None:
    _, ids = shared(floor)
    floor.later(minutes=16)
    with floor.session() as session:
        assert jobs.notice_silence(session, floor.now) == 1
    assert states(floor, ids) == [S.QUEUED] * 3
    assert {row.outcome for row in attempts_of(floor, ids)} == {Outcome.LAPSED}


def test_each_person_has_their_share_of_the_machine(floor: Floor) -> None:
    offer, ids = started(floor)
    floor.later(hours=1)
    floor.tell(K.FINISHED, offer, run=run(ran_s=3600.0))
    rows = attempts_of(floor, ids)
    assert sum(attempts.ran_s(row) or 0.0 for row in rows) == pytest.approx(3600.0)
    assert sum(attempts.used_g(row) or 0.0 for row in rows) == pytest.approx(PROGRAM.material_g)


def test_the_record_of_the_start_tells_of_all_that_lay_on_the_plate(floor: Floor) -> None:
    offer, ids = started(floor)
    mate = offer.also[1]
    with floor.session() as session:
        record = start_records.of_attempt(session, mate.attempt_id, to=floor.manager)
    assert (record.attempt_id, record.job_id) == (offer.attempt_id, ids[0])
    assert [(it.job_id, it.ordered_by) for it in record.also] == [(ids[1], "bea"), (ids[2], "bea")]


def test_the_panels_verdict_on_one_thing_says_nothing_of_the_others(
    floor: Floor, tmp_path: Path
) -> None:
    offer, ids = started(floor)
    floor.tell(K.FINISHED, offer, run=run())
    mate = offer.also[1]
    word = PanelVerdict(id="v1", attempt_id=mate.attempt_id, good_copies=1, by="Olga", age_s=1.0)
    store = BlobStore(tmp_path)
    with floor.session() as session:
        receipt = panel_verdicts.take(
            session, word, agent_id=floor.agent_id, store=store, now=floor.now
        )
    assert receipt.taken
    assert states(floor, ids) == [S.FINISHED, S.FINISHED, S.DONE]


def test_the_passport_of_each_thing_tells_its_own_order_and_how_many_lay_beside_it(
    floor: Floor,
) -> None:
    offer, ids = started(floor)
    floor.tell(K.FINISHED, offer, run=run())
    with floor.session() as session:
        shown = passports.show_passport(session, offer.also[0].attempt_id)
    assert shown.job_id == ids[1]
    assert shown.entries["beside"].value == 2
    assert shown.entries["mass"].value == pytest.approx(PROGRAM.material_g / 3)


def test_how_long_a_thing_takes_and_what_it_costs_is_not_taken_from_a_plate_of_many(
    floor: Floor,
) -> None:
    offer, ids = shared(floor)
    floor.tell(K.STAGED, offer, program=PROGRAM.model_copy(update={"duration_s": 36_000.0}))
    order_id = floor.job(ids[0]).order_id
    with floor.session() as session:
        order = session.get_one(BuildOrderRow, order_id)
        machine = session.get_one(MachineRow, floor.machines["Printer"])
        build = matches.build_of(session, order)
        assert turns.minutes_of(session, machine, order, 1, build) == 60
        assert prices.agreement(session, build, order).minutes == 60
