"""What people write down stands in the ledger once, is found again, and is put right by more."""

from datetime import timedelta

import pytest
from pydantic import TypeAdapter
from sqlalchemy import Engine

from commons.errors import Conflict, InvalidInput, NotFound
from commons.flows import Action, Ring
from commons.happenings import Happening
from commons.wire import EventKind
from repo_server import happenings
from repo_server.happenings import Rightly, Told, Which
from repo_server.paging import BEGINNING
from tests.floor import Floor, furnish, run

FORM: TypeAdapter[Happening] = TypeAdapter(Happening)


@pytest.fixture
def floor(engine: Engine) -> Floor:
    return furnish(engine)


def record(floor: Floor, **said: object) -> tuple[Told, ...]:
    form = FORM.validate_python({"happened_at": floor.now, **said})
    with floor.session() as session:
        return happenings.record(
            session, form, lab_id=floor.lab_id, by=floor.manager, now=floor.now
        )


def correct(floor: Floor, event_id: str, quantity: float) -> Told:
    wanted = Rightly(quantity=quantity, reason="typed wrongly")
    with floor.session() as session:
        return happenings.correct(
            session, event_id, wanted, lab_id=floor.lab_id, by=floor.manager, now=floor.now
        )


def listed(floor: Floor, **which: object) -> list[Told]:
    """What the lab has of these; of all of it, only what people wrote down."""
    with floor.session() as session:
        page = happenings.of_lab(session, floor.lab_id, Which(**which), BEGINNING)
    return [it for it in page.entries if it.activity or which]


def scrap(floor: Floor, **more: object) -> Told:
    return record(floor, kind="scrap", material="PLA", mass_g=50, **more)[0]


def test_what_is_written_down_is_found_by_what_it_is(floor: Floor) -> None:
    sold = {"kind": "delivery", "what": "part:r1/seat", "to": "School", "to_ring": "city"}
    (sent,) = record(floor, **sold)
    (again,) = record(floor, **sold)
    thrown = scrap(floor, happened_at=floor.now - timedelta(days=1))
    assert (sent.receiver, again.receiver, sent.to_ring) == ("School", "School", Ring.CITY)
    schools = {row.receiver for row in floor.ledger() if row.action is Action.TRANSFER}
    assert len(schools) == 1
    assert listed(floor, kind="scrap") == listed(floor, action=Action.PRODUCE) == [thrown]
    assert thrown not in listed(floor, since=floor.now) and len(listed(floor)) == 3
    assert listed(floor, process=sent.activity) == [sent]


def test_an_event_is_put_right_by_further_ones_and_stays(floor: Floor) -> None:
    first = scrap(floor)
    correct(floor, first.id, 80)
    last = correct(floor, first.id, 0)
    assert (last.quantity, last.corrects, last.note) == (-80, first.id, "typed wrongly")
    assert [row.quantity for row in floor.ledger()].count(50) == 1
    assert sum(it.quantity for it in listed(floor)) == 0
    with pytest.raises(NotFound, match="this lab has no event"):
        correct(floor, last.id, 5)


def test_what_cannot_be_leaves_nothing_behind(floor: Floor) -> None:
    with pytest.raises(InvalidInput, match="in the future"):
        scrap(floor, happened_at=floor.now + timedelta(hours=1))
    with pytest.raises(NotFound, match="this lab has no lot:nowhere"):
        record(floor, kind="reuse", what="lot:nowhere", mass_g=5)
    with pytest.raises(InvalidInput, match="currency"):
        record(floor, kind="purchase", what="material:PLA", mass_g=5, supplier="Shop",
               price_minor=5, currency="XQX")  # fmt: skip
    (chair,) = record(floor, kind="delivery", what="part:r1/seat", to="School")
    with pytest.raises(InvalidInput, match="whole number"):
        correct(floor, chair.id, 0.5)
    assert [it.id for it in listed(floor)] == [chair.id]


def test_what_a_job_says_is_put_right_at_the_job(floor: Floor) -> None:
    floor.order()
    offer = floor.running()
    floor.tell(EventKind.FINISHED, offer, run=run(ran_s=60))
    used = listed(floor, process=offer.attempt_id)[0]
    with pytest.raises(Conflict, match="put right the verdict"):
        correct(floor, used.id, 1)
