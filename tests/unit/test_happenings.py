"""What people write down becomes events in the words of Valueflows, or is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from commons.activities import Kind
from commons.errors import InvalidInput
from commons.flows import Action, EventDraft, Mode, Ring, Side, State, Unit, side_of
from commons.happenings import (
    Happening,
    Sides,
    events_of,
    kind_of,
    party_named,
    require_past,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FORM: TypeAdapter[Happening] = TypeAdapter(Happening)
MATERIAL = {"kind": "purchase", "what": "material:PLA", "mass_g": 1000, "supplier": "Shop"}
VAN = {"kind": "transport", "what": "material:PLA", "mass_g": 2000, "distance_km": 12,
       "mode": "van", "carrier": "Cargo"}  # fmt: skip
CHAIR = {"kind": "delivery", "what": "part:r1/seat", "count": 4, "to": "School"}


def read(**said: object) -> Happening:
    return FORM.validate_python({"happened_at": NOW, **said})


def events(**said: object) -> list[EventDraft]:
    return events_of(read(**said), Sides("lab", "ada", "outside"))


@pytest.mark.parametrize("kind", ["work", "care", "review", "teaching"])
def test_hours_are_work_of_the_person_with_a_skill(kind: str) -> None:
    (work,) = events(kind=kind, hours=1.5, skill="cooking")
    assert (work.action, work.resource) == (Action.WORK, "work:cooking")
    assert (work.provider, work.receiver) == ("ada", "lab")
    assert (work.quantity.central, work.quantity.unit) == (1.5, Unit.HOUR)
    assert kind_of(read(kind=kind, hours=1.5, skill="cooking")) is Kind(kind)


def test_a_delivery_goes_where_nobody_said_until_somebody_does() -> None:
    (sent,) = events(**CHAIR)
    assert (sent.action, sent.receiver, sent.to_ring) == (
        Action.TRANSFER, "outside", Ring.UNKNOWN,
    )  # fmt: skip
    assert (sent.quantity.central, sent.mass_g, sent.price_minor) == (4, None, None)
    (gift,) = events(**CHAIR, price_minor=0, mass_g=900, weighed=True, to_ring="city")
    assert gift.price_minor == 0 and gift.to_ring is Ring.CITY
    assert gift.mass_g is not None and gift.mass_g.state is State.MEASURED
    assert party_named(read(**CHAIR)) == ("School", "receiver")


def test_what_is_bought_has_the_origin_that_somebody_can_show_and_no_other() -> None:
    (bought,) = events(**MATERIAL, price_minor=2100, currency="EUR")
    assert (bought.provider, bought.receiver, bought.ring) == ("outside", "lab", Ring.UNKNOWN)
    with pytest.raises(ValidationError, match="evidence: is missing"):
        read(**MATERIAL, ring="city")
    assert events(**MATERIAL, ring="city", evidence="seen")[0].ring is Ring.CITY


def test_a_transport_is_picked_up_and_dropped_off_and_paid_once() -> None:
    up, down = events(**VAN, price_minor=900, currency="EUR")
    assert [up.action, down.action] == [Action.PICKUP, Action.DROPOFF]
    assert {(it.provider, it.mode, it.distance_km) for it in (up, down)} == {
        ("outside", Mode.VAN, 12.0)
    }
    assert [up.price_minor, down.price_minor] == [None, 900]
    assert party_named(read(**{**VAN, "carrier": None})) is None


def test_a_repair_accepts_and_modifies_the_same_thing_and_consumes_parts() -> None:
    parts = [{"what": "material:PLA", "mass_g": 20}]
    done = events(kind="repair", what="thing:kettle", parts=parts, hours=1)
    assert [it.action for it in done] == [
        Action.ACCEPT, Action.CONSUME, Action.WORK, Action.MODIFY,
    ]  # fmt: skip
    assert done[0].resource == done[-1].resource == "thing:kettle"
    assert [side_of(it.action) for it in done] == [Side.INPUT] * 3 + [Side.OUTPUT]


def test_energy_scrap_and_reuse_stay_in_the_lab() -> None:
    (power,) = events(kind="energy", kwh=3, metered=True)
    (thrown,) = events(kind="scrap", material="PLA", mass_g=50)
    (again,) = events(kind="reuse", what="material:plywood", mass_g=700)
    assert (power.action, power.quantity.state) == (Action.CONSUME, State.MEASURED)
    assert (thrown.action, thrown.resource) == (Action.PRODUCE, "scrap:PLA")
    assert (again.action, again.ring) == (Action.RAISE, Ring.UNKNOWN)


@pytest.mark.parametrize("wrong", [
    {"kind": "scrap", "material": "PLA", "mass_g": -5},
    {"kind": "energy", "kwh": float("nan")},
    {"kind": "energy", "kwh": 3, "unit": "MJ"},
    {"kind": "work", "hours": 25, "skill": "cooking"},
    {**CHAIR, "to_ring": "nearby"},
    {**CHAIR, "price_minor": 5},
    {**CHAIR, "what": "chairs"},
    {"kind": "dreaming", "hours": 1},
])  # fmt: skip
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        read(**wrong)


def test_nothing_is_written_down_before_it_happens() -> None:
    require_past(NOW + timedelta(minutes=5), NOW)
    with pytest.raises(InvalidInput, match="happened_at: is in the future"):
        require_past(NOW + timedelta(minutes=6), NOW)
