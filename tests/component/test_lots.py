"""Spools and sheets: one machine at a time, weighed, followed, cut and kept, on both databases."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from commons.errors import Conflict, InvalidInput
from commons.flows import Action, Ring, State, Unit
from commons.wire import EventKind
from repo_server import (
    attempts,
    coalitions,
    lot_corrections,
    lot_history,
    lot_loading,
    lot_mass,
    lots,
    offcuts,
    orders,
)
from repo_server.lot_corrections import LotCorrection
from repo_server.lot_mass import Weighing
from repo_server.order_requests import OrderRequest, Plates
from repo_server.tables import AttemptRow, MaterialLotRow
from tests.floor import PROGRAM, Floor, furnish, run
from tests.profiles import printer, router

K = EventKind
SPOOL = lots.NewLot(material="pla", name="Spool B", gross_g=1230, tare_g=230, net_g=1000)


@pytest.fixture
def floor(engine: Engine) -> Floor:
    return furnish(engine, printer(), router(), printer(name="Second"))


def add(floor: Floor, wanted: lots.NewLot = SPOOL) -> str:
    with floor.session() as session:
        return lots.add(session, wanted, **by(floor)).id


def by(floor: Floor) -> dict[str, object]:
    return {"lab_id": floor.lab_id, "by": floor.manager, "now": floor.now}


def load(floor: Floor, machine: str, lot_id: str | None) -> None:
    with floor.session() as session:
        lot_loading.put_on(session, floor.machines[machine], lot_id, **by(floor))


def weigh(floor: Floor, lot_id: str, gross_g: float, tare_g: float | None = None) -> str:
    with floor.session() as session:
        lot = lots.kept(session, lot_id, lab_id=floor.lab_id)
        said = Weighing(gross_g=gross_g, tare_g=tare_g)
        return lot_mass.weigh(session, lot, said, by=floor.manager, now=floor.now).sentence


def told(floor: Floor, lot_id: str) -> lot_history.LotTold:
    with floor.session() as session:
        return lot_history.show(session, session.get_one(MaterialLotRow, lot_id))


def test_a_weighing_is_told_and_is_no_second_consumption(floor: Floor) -> None:
    floor.order()
    floor.tell(K.FINISHED, floor.running(), run=run())
    lot = floor.lot()
    with floor.session() as session:
        year, cities = floor.now.year, [floor.city_id]
        figures = coalitions.totals(session, cities, period=year, simulated=False)
    floor.later(minutes=1)
    assert weigh(floor, lot.id, 650, 230) == "420 g are left, 62 g less than reckoned"
    with floor.session() as session:
        assert figures == coalitions.totals(session, cities, period=year, simulated=False)
    (used,) = [it for it in floor.ledger() if it.unit is Unit.GRAM]
    assert used.quantity == PROGRAM.material_g
    (lowered,) = [it for it in floor.stock() if it.action is Action.LOWER]
    assert (lowered.quantity, lowered.resource) == (62, f"lot:{lot.id}")
    now = told(floor, lot.id)
    assert now.mass_left == lot_history.MassLeft(
        central=420, low=416, high=424, state=State.MEASURED
    )
    assert [(it.kind, it.by) for it in now.acts][:1] == [("weighed", "Manu")]
    assert [(it.part, it.mass_g) for it in now.uses] == [("hook", 18)]


def test_what_is_at_work_is_neither_weighed_nor_taken_off(floor: Floor) -> None:
    floor.order()
    floor.running()
    lot_id = floor.lot().id
    with pytest.raises(Conflict, match="Printer is at work with white PLA; weigh it once"):
        weigh(floor, lot_id, 600, 230)
    with pytest.raises(Conflict, match="Printer holds a job"), floor.session() as session:
        lot_loading.take_off(session, lot_id, **by(floor))
    assert (floor.lot().id, floor.lot().mass_left_g) == (lot_id, 500)


def test_a_weighing_needs_the_empty_spool_and_keeps_it(floor: Floor) -> None:
    lot_id = floor.lot().id
    with pytest.raises(InvalidInput, match="how heavy is the empty spool"):
        weigh(floor, lot_id, 600)
    weigh(floor, lot_id, 600, 230)
    assert weigh(floor, lot_id, 590) == "360 g are left, 10 g less than reckoned"


def test_two_tabs_load_one_lot_and_one_of_them_is_told_where_it_is(floor: Floor) -> None:
    lot_id = add(floor)

    def tab(machine: str) -> str:
        try:
            load(floor, machine, lot_id)
        except Conflict as refused:
            return str(refused)
        return "loaded"

    with ThreadPoolExecutor(2) as tabs:
        said = sorted(tabs.map(tab, ("Printer", "Second")))
    assert said[1] == "loaded"
    assert said[0].startswith("Spool B is on ")
    assert said[0].endswith("; take it off there first")


def test_where_a_lot_was_and_who_put_it_there_is_kept(floor: Floor) -> None:
    first, second = floor.lot().id, add(floor)
    floor.later(minutes=1)
    load(floor, "Printer", second)
    off, *before = told(floor, first).acts
    assert (off.kind, off.machine, off.by, off.at) == ("unloaded", "Printer", "Manu", floor.now)
    assert {it.kind for it in before} == {"added", "loaded"}
    assert sum(it.action is Action.MOVE for it in floor.stock()) == 5
    with pytest.raises(InvalidInput, match="Router takes plywood"):
        load(floor, "Router", first)


def test_an_order_uses_up_a_short_spool_where_another_follows_and_waits_for_that(
    floor: Floor,
) -> None:
    lot_id = floor.lot().id
    weigh(floor, lot_id, 280, 230)  # 50 g: good for two hooks of 20 g
    load(floor, "Second", None)
    follows = add(floor)
    with floor.session() as session:
        lot_loading.follow(session, floor.machines["Printer"], follows, **by(floor))
    wanted = OrderRequest(
        release_id=floor.release_id, part="hook", copies=6, plates=Plates.AS_MANY_AS_FIT
    )
    with floor.session() as session:
        placed = orders.place(session, wanted, lab_id=floor.lab_id, by=floor.manager, now=floor.now)
        assert [job.copies for job in placed.jobs] == [2, 4]
    offer = floor.running()
    assert offer.copies == 2
    floor.tell(K.FINISHED, offer, run=run())
    assert floor.lease() is None  # four more need 88 g, and 32 g are left
    load(floor, "Printer", follows)
    offer = floor.lease()
    assert offer is not None and offer.copies == 4
    assert floor.machine().next_lot_id is None


def test_what_is_left_of_a_sheet_is_suggested_kept_and_offered_for_what_fits(floor: Floor) -> None:
    load(floor, "Router", None)
    sheet = add(
        floor,
        lots.NewLot(
            material="plywood", name="Birch", thickness_mm=12, width_mm=600, depth_mm=400, grain="x"
        ),
    )
    load(floor, "Router", sheet)
    floor.order("board")
    offer = floor.running("Router")
    floor.tell(K.FINISHED, offer, run=run())
    with floor.session() as session:
        attempt = session.get_one(AttemptRow, offer.attempt_id)
        attempt.program = (attempt.program or {}) | {"offcuts_mm": [[280, 400], [300, 150]]}
        session.add(attempt)
    first, second = told(floor, sheet).suggested
    assert (first.width_mm, first.depth_mm, second.width_mm) == (280, 400, 300)

    def keep(**size: float) -> MaterialLotRow:
        with floor.session() as session:
            return offcuts.keep(session, sheet, offcuts.NewOffcut(**size), **by(floor))

    with pytest.raises(InvalidInput, match="700 mm is more than the whole sheet has"):
        keep(width_mm=700, depth_mm=100)
    assert floor.machine("Router").lot_id == sheet
    small, large = keep(width_mm=300, depth_mm=150), keep(width_mm=320, depth_mm=240)
    assert (small.name, small.parent_id, small.grain) == ("Birch 300 × 150 mm", sheet, "x")
    assert (floor.machine("Router").lot_id, told(floor, sheet).places) == (None, ())
    assert [it.id for it in told(floor, sheet).offcuts] == [small.id, large.id]
    floor.order("board")  # 300 by 200 mm
    assert [it.jobs for it in told(floor, small.id).places] == [0]
    assert [it.jobs for it in told(floor, large.id).places] == [1]
    with pytest.raises(Conflict, match="Birch is archived as used up"):
        load(floor, "Router", sheet)
    spool, size = floor.lot().id, offcuts.NewOffcut(width_mm=1, depth_mm=1)
    with pytest.raises(InvalidInput, match="is no sheet"), floor.session() as session:
        offcuts.keep(session, spool, size, **by(floor))


def test_a_run_that_nobody_saw_leaves_less_for_sure(floor: Floor) -> None:
    floor.order()
    offer = floor.running()
    with floor.session() as session:
        end = attempts.End(attempts.Outcome.FAILED, floor.now)
        attempts.close(session, offer.attempt_id, end, now=floor.now)
    lot = floor.lot()
    assert (lot.mass_low_g, lot.mass_left_g, lot.mass_high_g) == (475 - 18, 500, 525)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"gross_g": 180, "tare_g": 230}, "gross_g: 180 g is less than the empty spool"),
        ({"gross_g": 900}, "tare_g: how heavy is the empty spool"),
        ({"mass_left_g": 1400, "net_g": 1000}, "it held 1000 g when it was new"),
        ({"mass_left_g": 9, "gross_g": 9, "tare_g": 1}, "mass_left_g: say what is left, or weigh"),
        ({"price_minor": 2490, "currency": "EURO"}, "'EURO' is no currency of ISO 4217.*EUR"),
        ({"price_minor": 2490}, "currency: is missing"),
    ],
)
def test_a_lot_that_cannot_be_is_not_put_on_the_shelf(
    floor: Floor, wrong: dict[str, object], sentence: str
) -> None:
    before = len(floor.stock())
    with pytest.raises(InvalidInput, match=sentence):
        add(floor, lots.NewLot(material="pla", name="Wrong", **wrong))
    assert len(floor.stock()) == before


def put_right(floor: Floor, lot_id: str, **said: object) -> None:
    with floor.session() as session:
        lot = lots.kept(session, lot_id, lab_id=floor.lab_id)
        wanted = LotCorrection.model_validate({"reason": "the label says so", **said})
        lot_corrections.correct(session, lot, wanted, by=floor.manager, now=floor.now)


def by_ring(floor: Floor) -> dict[Ring, float]:
    with floor.session() as session:
        totals = coalitions.totals(session, [floor.city_id], period=2026, simulated=False)
    return {ring: total.central for ring, total in totals.material_g.items() if total.central}


def test_what_was_made_of_a_lot_counts_under_its_right_origin_and_no_event_is_changed(
    floor: Floor,
) -> None:
    floor.order()
    floor.tell(K.FINISHED, floor.running(), run=run())
    before, lot_id = floor.ledger(), floor.lot().id
    assert by_ring(floor) == {Ring.CITY: PROGRAM.material_g}
    put_right(floor, lot_id, ring="beyond")
    floor.later(minutes=1)
    put_right(floor, lot_id, ring="region", name="Spool of elsewhere")
    assert by_ring(floor) == {Ring.REGION: pytest.approx(PROGRAM.material_g)}
    after = floor.ledger()
    assert [it for it in after if it.id in {row.id for row in before}] == before
    assert {it.corrects for it in after if it not in before} == {
        row.id for row in before if row.unit is Unit.GRAM
    }
    act = told(floor, lot_id).acts[0]
    assert (act.kind, act.reason) == ("corrected", "name, ring: the label says so")
    assert floor.lot().name == "Spool of elsewhere"


def test_a_correction_changes_something_and_a_price_has_its_currency(floor: Floor) -> None:
    lot_id = add(floor)
    with pytest.raises(InvalidInput, match="that is what is known of it already"):
        put_right(floor, lot_id, name="Spool B")
    with pytest.raises(InvalidInput, match="a price has an amount and a currency"):
        put_right(floor, lot_id, price_minor=2490)
    put_right(floor, lot_id, price_minor=2490, currency="EUR", maker="Mill & Co")
    shown = told(floor, lot_id)
    assert (shown.price_minor, shown.currency, shown.maker) == (2490, "EUR", "Mill & Co")
