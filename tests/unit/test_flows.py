"""What an attempt implies for the ledger, whatever came of it."""

from dataclasses import replace

import pytest

from commons.fabrication import AttemptFacts, events_of_attempt, events_of_verdict
from commons.flows import HALF_WIDTH, Action, EventDraft, Ring, State, Unit, measure

FACTS = AttemptFacts(
    lab_id="lab", steward="ada", release_id="r1", machine_id="m1", lot_id="l1",
    lot_ring=Ring.CITY, material="pla", program_duration_s=7200, program_material_g=40,
    share_done=0.5, ran_s=3600, average_power_w=100,
)  # fmt: skip


def event(facts: AttemptFacts, action: Action, unit: Unit) -> EventDraft | None:
    found = [e for e in events_of_attempt(facts) if (e.action, e.quantity.unit) == (action, unit)]
    assert len(found) <= 1
    return found[0] if found else None


def test_the_design_is_cited_once_from_its_steward_to_the_lab() -> None:
    cite = event(FACTS, Action.CITE, Unit.EACH)
    assert cite == EventDraft(Action.CITE, "release:r1", measure(1, Unit.EACH, State.MEASURED),
                              "ada", "lab")  # fmt: skip


def test_half_a_run_uses_half_of_the_programs_material() -> None:
    used = event(FACTS, Action.CONSUME, Unit.GRAM)
    assert used is not None
    assert (used.resource, used.ring, used.quantity.central) == ("lot:l1", Ring.CITY, 20)
    assert used.quantity.state is State.MODELLED


def test_material_without_a_lot_has_no_origin() -> None:
    used = event(replace(FACTS, lot_id=None, lot_ring=Ring.UNKNOWN), Action.CONSUME, Unit.GRAM)
    assert used is not None
    assert (used.resource, used.ring) == ("material:pla", Ring.UNKNOWN)


def test_what_the_program_does_not_know_of_material_is_no_event_and_not_a_zero() -> None:
    assert event(replace(FACTS, program_material_g=None), Action.CONSUME, Unit.GRAM) is None


def test_machine_time_is_what_the_agent_saw_and_stays_inside_the_lab() -> None:
    used = event(FACTS, Action.USE, Unit.HOUR)
    assert used is not None
    assert (used.quantity.central, used.quantity.state) == (1.0, State.MEASURED)
    assert used.provider == used.receiver == "lab"


def test_a_meter_is_believed_before_a_model() -> None:
    metered = event(replace(FACTS, energy_kwh=0.3), Action.CONSUME, Unit.KILOWATT_HOUR)
    assert metered is not None
    assert metered.quantity == measure(0.3, Unit.KILOWATT_HOUR, State.MEASURED)


def test_without_a_meter_energy_is_average_power_over_the_share_of_the_program() -> None:
    modelled = event(FACTS, Action.CONSUME, Unit.KILOWATT_HOUR)
    assert modelled is not None
    assert modelled.quantity.central == pytest.approx(0.1)
    assert modelled.quantity.state is State.DEFAULT


def test_without_meter_and_power_energy_stays_unknown() -> None:
    assert event(replace(FACTS, average_power_w=None), Action.CONSUME, Unit.KILOWATT_HOUR) is None


def verdict(good: int, *, copies: int = 1, mass_g: float | None = 20) -> list[EventDraft]:
    return events_of_verdict(
        lab_id="lab", release_id="r1", part="hook", good=good, copies=copies, mass_g=mass_g
    )


def test_a_good_thing_is_one_part_produced() -> None:
    (made,) = verdict(1)
    assert (made.action, made.resource) == (Action.PRODUCE, "part:r1/hook")
    assert (made.quantity.low, made.quantity.central, made.quantity.high) == (1, 1, 1)


def test_good_things_weigh_their_part_of_the_plate_where_that_is_known() -> None:
    made, scrap = verdict(3, copies=4, mass_g=40)
    assert made.mass_g == measure(30, Unit.GRAM, State.MODELLED)
    assert scrap.quantity == measure(10, Unit.GRAM, State.MODELLED)
    (made,) = verdict(1, mass_g=None)
    assert made.mass_g is None


def test_a_bad_thing_is_scrap_by_mass_and_nothing_when_the_mass_is_unknown() -> None:
    (scrap,) = verdict(0)
    assert (scrap.resource, scrap.quantity.unit, scrap.quantity.central) == (
        "scrap:mixed", Unit.GRAM, 20,
    )  # fmt: skip
    assert not verdict(0, mass_g=None)


def test_of_a_plate_the_good_copies_are_counted_and_the_others_are_scrap_with_their_share() -> None:
    made, scrap = verdict(3, copies=4, mass_g=80)
    assert (made.resource, made.quantity.central) == ("part:r1/hook", 3)
    assert (scrap.resource, scrap.quantity.central) == ("scrap:mixed", 20)
    assert [it.quantity.central for it in verdict(4, copies=4, mass_g=80)] == [4]


@pytest.mark.parametrize("state", HALF_WIDTH)
def test_an_interval_is_as_wide_as_its_state_says(state: State) -> None:
    m = measure(10, Unit.GRAM, state)
    assert m.high - m.low == pytest.approx(20 * HALF_WIDTH[state])
    assert m.low <= m.central <= m.high


def test_a_count_is_exact_however_it_is_known() -> None:
    m = measure(3, Unit.EACH, State.DECLARED)
    assert (m.low, m.central, m.high) == (3, 3, 3)
