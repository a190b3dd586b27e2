"""A program that takes more than its spool has left is not started, whatever was expected of it."""

import pytest
from sqlalchemy import Engine

from commons.errors import LeaseLost, NotArmed
from commons.job import JobState
from commons.wire import EventKind, JobOffer, MachineState
from repo_server import boards, lot_loading, lot_mass, lots
from repo_server.attempts import Outcome
from repo_server.lot_mass import Weighing
from repo_server.lots import NewLot
from repo_server.tables import AttemptRow, LabRow, MaterialLotRow
from tests.floor import PROGRAM, Floor, furnish

# Its designer says 20 g; the slicer's supports make it this, g.
PROVED = PROGRAM.model_copy(update={"material_g": 40.0})


@pytest.fixture
def floor(engine: Engine) -> Floor:
    return furnish(engine)


@pytest.fixture
def short(floor: Floor) -> Floor:
    """The printer's spool has 43 g: enough for 20 g, too little for 40 g with a tenth."""
    weigh(floor, 43)
    floor.sees("Printer", MachineState.IDLE)
    return floor


def weigh(floor: Floor, left_g: float) -> None:
    lot_id = floor.lot().id
    with floor.session() as session:
        lot = lots.of_id(session, lot_id, lab_id=floor.lab_id)
        scale = Weighing(gross_g=left_g, tare_g=0)
        lot_mass.weigh(session, lot, scale, by=floor.manager, now=floor.now)


def load_another(floor: Floor, left_g: float) -> None:
    told = {"lab_id": floor.lab_id, "by": floor.manager, "now": floor.now}
    with floor.session() as session:
        lot = lots.add(session, NewLot(material="pla", name="full", mass_left_g=left_g), **told)
        lot_loading.put_on(session, floor.machines["Printer"], lot.id, **told)


def proved(floor: Floor) -> JobOffer:
    offer = floor.lease()
    assert offer is not None
    floor.tell(EventKind.STAGED, offer, program=PROVED)
    return offer


def waits(floor: Floor, job_id: str) -> list[str]:
    with floor.session() as session:
        board = boards.show_board(session, session.get_one(LabRow, floor.lab_id), now=floor.now)
    (job,) = [it for it in board.jobs if it.id == job_id]
    return [it.sentence for it in job.waits if it.code == "mass_left"]


def test_it_is_given_back_and_begins_once_a_fuller_spool_is_loaded(short: Floor) -> None:
    first, second = short.order(), short.order()
    (id_,), (other,) = first, second
    offer = proved(short)
    short.clear()
    with pytest.raises(LeaseLost):
        short.arm(offer)
    sentence = "Printer has 43 g left, this part needs 44 g with reserve"
    assert (short.state(id_), short.job(id_).sentence) == (JobState.QUEUED, sentence)
    assert short.attempt(offer.attempt_id).outcome == Outcome.DECLINED
    assert waits(short, id_) == [sentence]
    short.later(minutes=2)
    taken = short.lease()
    assert taken is not None
    assert taken.job_id == other  # of another order nothing is proved yet
    short.tell(EventKind.DECLINED, taken)
    load_another(short, 500)
    short.later(minutes=2)
    again = proved(short)
    assert again.job_id == id_
    short.arm(again)
    assert short.state(id_) is JobState.ARMED


def test_the_same_plates_of_its_order_are_not_prepared_one_after_the_other(short: Floor) -> None:
    ids = short.order(copies=3)
    proved(short)
    short.later(minutes=2)
    assert short.lease() is None
    assert {short.job(id_).proved_g for id_ in ids} == {40.0}


def test_a_spool_that_is_weighed_short_after_the_proof_stops_the_permit(floor: Floor) -> None:
    floor.order()
    offer = proved(floor)
    floor.clear()
    weigh(floor, 43)
    with pytest.raises(NotArmed, match="has 43 g left, this part needs 44 g") as no:
        floor.arm(offer)
    assert no.value.reason == "mass_left"
    with floor.session() as session:
        assert session.get_one(AttemptRow, offer.attempt_id).armed_at is None
    weigh(floor, 45)
    floor.arm(offer)


def test_of_a_spool_that_nobody_has_weighed_nothing_is_refused(floor: Floor) -> None:
    lot_id = floor.lot().id
    with floor.session() as session:
        lot = session.get_one(MaterialLotRow, lot_id)
        lot_mass.keep_left(lot, None)
        session.add(lot)
    floor.order()
    offer = proved(floor)
    floor.clear()
    floor.arm(offer)
