"""Economic events stand with the state that they follow from, or neither does."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from commons.errors import Conflict, NotFound
from commons.flows import Action, EventDraft, Mode, Ring, State, Unit, measure
from commons.job import JobState
from commons.wire import EventKind, MachineState, Phase, ProgressReport, SyncRequest
from repo_server import decisions, ledger, reports
from repo_server.attempts import Outcome
from tests.floor import PROGRAM, Floor, furnish, run
from tests.profiles import printer

K = EventKind


@pytest.fixture
def floor(engine: Engine) -> Floor:
    return furnish(engine)


def flows(floor: Floor) -> dict[tuple[Action, Unit], float]:
    return {(row.action, row.unit): row.quantity for row in floor.ledger()}


def judge(floor: Floor, job_id: str, *, good: int) -> None:
    with floor.session() as session:
        job = decisions.job_in(session, job_id, lab_id=floor.lab_id)
        decisions.give_verdict(session, job, good=good, note="", by=floor.manager, now=floor.now)


def attest(floor: Floor, job_id: str, *, nothing_ran: bool) -> None:
    with floor.session() as session:
        job = decisions.job_in(session, job_id, lab_id=floor.lab_id)
        decisions.attest(
            session, job, nothing_ran=nothing_ran, note="", by=floor.manager, now=floor.now
        )


def test_a_finished_run_cites_uses_and_consumes_and_takes_from_its_lot(floor: Floor) -> None:
    floor.order()
    offer = floor.running()
    floor.later(hours=1)
    floor.tell(K.FINISHED, offer, run=run(ran_s=3600))
    assert flows(floor) == {
        (Action.CITE, Unit.EACH): 1,
        (Action.USE, Unit.HOUR): 1.0,
        (Action.CONSUME, Unit.GRAM): PROGRAM.material_g,
        (Action.CONSUME, Unit.KILOWATT_HOUR): pytest.approx(0.1 * 0.431),
    }
    assert {row.process_id for row in floor.ledger()} == {offer.attempt_id}
    assert {row.happened_at for row in floor.ledger()} == {floor.now}
    assert floor.lot().mass_left_g == 500 - PROGRAM.material_g
    (used,) = [row for row in floor.ledger() if row.unit is Unit.GRAM]
    assert (used.ring, used.resource) == (Ring.CITY, f"lot:{floor.lot().id}")


def test_a_failed_run_uses_the_share_that_was_executed(floor: Floor) -> None:
    floor.order()
    offer = floor.running()
    floor.tell(K.FAILED, offer, run=run(done=250, ran_s=900))
    assert flows(floor)[Action.CONSUME, Unit.GRAM] == PROGRAM.material_g / 4
    assert floor.attempt(offer.attempt_id).outcome == Outcome.FAILED


def test_a_meter_is_written_down_as_measured(floor: Floor) -> None:
    floor.order()
    floor.tell(K.FINISHED, floor.running(), run=run(energy_kwh=0.2))
    (energy,) = [row for row in floor.ledger() if row.unit is Unit.KILOWATT_HOUR]
    assert (energy.quantity, energy.state) == (0.2, State.MEASURED)


def test_a_router_has_no_published_share_of_its_rated_power(floor: Floor) -> None:
    floor.order("board")
    floor.tell(K.FINISHED, floor.running("Router"), run=run())
    assert (Action.CONSUME, Unit.KILOWATT_HOUR) not in flows(floor)


def test_events_of_simulated_machines_are_marked(engine: Engine) -> None:
    floor = furnish(engine, printer(simulated=True))
    (job_id,) = floor.order()
    floor.tell(K.FINISHED, floor.running(), run=run())
    judge(floor, job_id, good=1)
    assert {row.simulated for row in floor.ledger()} == {True}


@pytest.fixture
def failing_ledger(engine: Engine) -> Iterator[None]:
    """A database that refuses every economic event."""

    def refuse(_c: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        if statement.startswith("INSERT INTO economic_event"):
            raise RuntimeError("the disk is gone")

    event.listen(engine, "before_cursor_execute", refuse)
    yield
    event.remove(engine, "before_cursor_execute", refuse)


def test_when_the_ledger_fails_the_attempt_stays_open_and_the_report_is_not_taken(
    floor: Floor, failing_ledger: None
) -> None:
    (job_id,) = floor.order()
    offer = floor.running()
    last = floor.seq
    told = floor.event(K.FINISHED, offer, run=run())
    with pytest.raises(RuntimeError, match="the disk is gone"):
        floor.send(told)
    assert floor.state(job_id) is JobState.RUNNING
    assert floor.attempt(offer.attempt_id).ended_at is None
    assert floor.lot().mass_left_g == 500
    assert floor.machine().attempt_id == offer.attempt_id
    assert floor.ledger() == []
    assert floor.send() == last


def test_the_report_that_failed_is_taken_whole_when_it_comes_again(engine: Engine) -> None:
    floor = furnish(engine)
    (job_id,) = floor.order()
    offer = floor.running()
    told = floor.event(K.FINISHED, offer, run=run())
    with pytest.raises(RuntimeError), floor.session() as session:
        request = SyncRequest(boot=floor.boot, events=(told,))
        reports.take_sync(session, request, agent_id=floor.agent_id, now=floor.now)
        raise RuntimeError("killed before the commit")
    assert floor.send(told) == told.seq
    assert floor.state(job_id) is JobState.FINISHED
    assert len(floor.ledger()) == 4


def test_a_lost_run_is_counted_once_when_the_truth_comes_from_the_agent(floor: Floor) -> None:
    (job_id,) = floor.order()
    offer = floor.running()
    floor.tell(K.LOST, offer, run=run(done=500, ran_s=1800))
    assert (floor.state(job_id), floor.ledger()) == (JobState.UNCONFIRMED, [])
    assert floor.attempt(offer.attempt_id).outcome == Outcome.UNKNOWN
    floor.tell(K.FINISHED, offer, run=run(done=1000, ran_s=3600))
    assert flows(floor)[Action.CONSUME, Unit.GRAM] == PROGRAM.material_g
    assert len(floor.ledger()) == 4


def test_a_lost_run_is_counted_once_when_a_person_tells_it_first(floor: Floor) -> None:
    (job_id,) = floor.order()
    offer = floor.running()
    floor.tell(K.LOST, offer, run=run(done=500, ran_s=1800))
    floor.tell(K.FENCED, offer, intent=True)
    attest(floor, job_id, nothing_ran=False)
    assert floor.state(job_id) is JobState.FAILED
    assert flows(floor)[Action.CONSUME, Unit.GRAM] == PROGRAM.material_g / 2
    floor.tell(K.FINISHED, offer, run=run())
    assert floor.state(job_id) is JobState.FAILED
    assert len(floor.ledger()) == 4


def test_a_run_that_nobody_saw_cites_its_design_and_claims_no_quantities(floor: Floor) -> None:
    (job_id,) = floor.order()
    offer = floor.running()
    floor.later(minutes=5)
    floor.send()  # another sync of the agent notices the silence
    floor.tell(K.FENCED, offer, intent=True)
    attest(floor, job_id, nothing_ran=False)
    assert list(flows(floor)) == [(Action.CITE, Unit.EACH)]
    assert floor.lot().mass_left_g == 500


def test_what_never_ran_leaves_no_trace_in_the_ledger(floor: Floor) -> None:
    (job_id,) = floor.order()
    offer = floor.armed()
    floor.tell(K.UNUSED, offer)
    assert (floor.state(job_id), floor.ledger()) == (JobState.QUEUED, [])
    assert floor.attempt(offer.attempt_id).outcome == Outcome.UNUSED


@pytest.mark.parametrize(
    ("good", "resource", "quantity"), [(1, "part:", 1), (0, "scrap:mixed", 18)]
)
def test_a_verdict_says_what_came_of_the_run(
    floor: Floor, good: int, resource: str, quantity: float
) -> None:
    (job_id,) = floor.order()
    floor.tell(K.FINISHED, floor.running(), run=run())
    judge(floor, job_id, good=good)
    (made,) = [row for row in floor.ledger() if row.action is Action.PRODUCE]
    assert made.resource.startswith(resource) and made.quantity == quantity
    with pytest.raises(Conflict):
        judge(floor, job_id, good=good)
    assert len(floor.ledger()) == 5


def test_a_new_attempt_is_counted_beside_the_rejected_one(floor: Floor) -> None:
    (job_id,) = floor.order()
    floor.tell(K.FINISHED, floor.running(), run=run())
    judge(floor, job_id, good=0)
    with floor.session() as session:
        job = decisions.job_in(session, job_id, lab_id=floor.lab_id)
        decisions.try_again(session, job, now=floor.now)
    floor.tell(K.FINISHED, floor.running(), run=run())
    judge(floor, job_id, good=1)
    assert sum(row.action is Action.CITE for row in floor.ledger()) == 2
    assert floor.lot().mass_left_g == 500 - 2 * PROGRAM.material_g


def test_a_correction_makes_the_sum_right_and_leaves_the_first_event_alone(floor: Floor) -> None:
    floor.order()
    floor.tell(K.FINISHED, floor.running(), run=run())
    (wrong,) = [row for row in floor.ledger() if row.unit is Unit.GRAM]
    for grams in (25.0, 21.0):
        with floor.session() as session:
            right = measure(grams, Unit.GRAM, State.MEASURED)
            ledger.correct(session, wrong.id, right, now=floor.later(minutes=1))
    rows = [row for row in floor.ledger() if row.unit is Unit.GRAM]
    assert [row.quantity for row in rows] == [18.0, 7.0, -4.0]
    assert [row.corrects for row in rows] == [None, wrong.id, wrong.id]
    assert sum(row.low for row in rows) == pytest.approx(right.low)
    assert sum(row.high for row in rows) == pytest.approx(right.high)
    assert rows[1].model_dump(include={"ring", "lab_id", "process_id", "simulated"}) == (
        wrong.model_dump(include={"ring", "lab_id", "process_id", "simulated"})
    )


def test_only_an_event_that_exists_and_is_no_correction_can_be_corrected(floor: Floor) -> None:
    floor.order()
    floor.tell(K.FINISHED, floor.running(), run=run())
    right = measure(1, Unit.GRAM, State.MEASURED)
    with pytest.raises(NotFound), floor.session() as session:
        ledger.correct(session, "nothing", right, now=floor.now)
    (wrong,) = [row for row in floor.ledger() if row.unit is Unit.GRAM]
    with floor.session() as session:
        correction = ledger.correct(session, wrong.id, right, now=floor.now)
    with pytest.raises(NotFound), floor.session() as session:
        ledger.correct(session, correction.id, right, now=floor.now)


def test_an_agents_clock_that_is_ahead_does_not_put_events_into_the_future(floor: Floor) -> None:
    floor.order()
    offer = floor.running()
    ahead = floor.event(K.FINISHED, offer, run=run()).model_copy(
        update={"at": floor.now + timedelta(days=400)}
    )
    floor.send(ahead)
    assert {row.happened_at for row in floor.ledger()} == {floor.now}


def test_a_silent_run_that_its_agent_still_streams_goes_on(floor: Floor) -> None:
    (job_id,) = floor.order()
    offer = floor.running()
    floor.later(minutes=5)
    floor.send()
    assert floor.state(job_id) is JobState.UNCONFIRMED
    progress = ProgressReport(attempt_id=offer.attempt_id, phase=Phase.STREAM, done=5, total=9)
    floor.sees("Printer", MachineState.RUNNING, progress=progress)
    assert floor.state(job_id) is JobState.RUNNING


def test_a_corrected_count_takes_its_mass_along_and_its_price_once(floor: Floor) -> None:
    draft = EventDraft(
        Action.PRODUCE, "part:r/hook", measure(4, Unit.EACH, State.DECLARED), "lab", "lab",
        mass_g=measure(40, Unit.GRAM, State.MEASURED), price_minor=500, currency="EUR",
        to_ring=Ring.CITY, mode=Mode.VAN, distance_km=3.0,
    )  # fmt: skip
    at = ledger.Occasion(floor.lab_id, None, simulated=False, happened_at=floor.now)
    with floor.session() as session:
        (event_id,) = ledger.append(session, [draft], at, now=floor.now)
        right = measure(3, Unit.EACH, State.DECLARED)
        ledger.correct(session, event_id, right, now=floor.now)
    first, second = floor.ledger()
    assert ledger.event(first).draft == draft
    assert (second.corrects, second.quantity, second.price_minor) == (event_id, -1, None)
    assert (second.mass_g, second.mass_low_g, second.mass_high_g) == pytest.approx(
        (-10, -9.5, -10.5)
    )
