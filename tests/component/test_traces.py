"""A passport's past: from the ledger and the lots, as far back as its lab has told."""

from datetime import datetime

from sqlalchemy import Engine

from commons.flows import Action, EventDraft, Ring, State, Unit, measure
from commons.wire import EventKind
from repo_server import ledger, passports
from repo_server.ledger import Occasion
from repo_server.tables import ActivityRow, MaterialLotRow
from tests.floor import Floor, furnish, run

ONE = measure(1, Unit.EACH, State.DECLARED)


def ground(floor: Floor, *steps: tuple[Action, str], at: datetime, of_lab: str) -> None:
    """An activity of the lab with these inputs and outputs."""
    drafts = [EventDraft(action, thing, ONE, of_lab, of_lab) for action, thing in steps]
    with floor.session() as session:
        activity = ActivityRow(id=f"a{len(steps)}{at:%d%H}", kind="reuse", lab_id=of_lab,
                               happened_at=at, created_at=at)  # fmt: skip
        session.add(activity)
        session.flush()
        ledger.append(session, drafts, Occasion(of_lab, None, False, at, activity.id), now=at)


def test_a_passport_goes_back_over_the_offcut_to_its_sheet_and_tells_what_goes_round(
    engine: Engine,
) -> None:
    floor = furnish(engine)
    lot = floor.lot()
    with floor.session() as session:
        for id_, ring in (("sheet", Ring.REGION), ("flakes", Ring.LAB)):
            session.add(MaterialLotRow(id=id_, lab_id=floor.lab_id, material="PLA", name=id_,
                                       ring=ring, added_at=None))  # fmt: skip
        session.flush()
        cut = session.get_one(MaterialLotRow, lot.id)
        cut.parent_id, cut.added_at = "sheet", floor.now
    ground(floor, (Action.CONSUME, "lot:flakes"), (Action.PRODUCE, "lot:sheet"),
           (Action.PRODUCE, "scrap:mixed"), at=floor.now, of_lab=floor.lab_id)  # fmt: skip
    ground(floor, (Action.CONSUME, "lot:sheet"), (Action.PRODUCE, "lot:flakes"),
           at=floor.now, of_lab=floor.lab_id)  # fmt: skip
    floor.later(hours=1)
    floor.order("hook")
    offer = floor.running("Printer")
    floor.tell(EventKind.FINISHED, offer, run=run())
    with floor.session() as session:
        known = passports.show_passport(session, offer.attempt_id).entries
    assert known["made_of"].value == ("sheet (region)", "flakes (lab)")
    assert known["circles"].value == ("flakes ↔ sheet",)
    assert "more" not in known


def test_a_lot_of_which_nobody_told_more_was_made_of_what_is_not_known(engine: Engine) -> None:
    floor = furnish(engine)
    floor.order("hook")
    offer = floor.running("Printer")
    floor.tell(EventKind.FINISHED, offer, run=run())
    with floor.session() as session:
        known = passports.show_passport(session, offer.attempt_id).entries
    assert (known["made_of"].value, known["made_of"].state) == (None, State.NOT_MEASURED)
