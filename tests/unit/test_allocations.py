"""A use beside what was allotted to it: judged by its ends, and only where people decided."""

from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError

from commons.allocations import Allocation, Measure, Rule, Share, Side, Use, Verdict, Way, weigh
from commons.errors import InvalidInput, NotFound
from commons.thresholds import THRESHOLDS, threshold

TODAY = date(2026, 6, 1)
CARBON = threshold("lifestyle_carbon_2030")
RAW = threshold("raw_material_2050")


def allocation(**more: object) -> Allocation:
    values: dict[str, object] = {
        "threshold": CARBON.key, "whose": "Corner Lab", "rule": Rule.EQUAL_PER_PERSON,
        "persons": 1000, "shares": (), "proposed_by": "ada", "decided_by": Way.CONSENT,
        "discussion": "https://talk.example/7", "decided_on": date(2026, 1, 1),
        "review_on": date(2027, 1, 1), **more,
    }  # fmt: skip
    return Allocation.model_validate(values)


def use(low: str, high: str | None, **more: object) -> Use:
    values: dict[str, object] = {
        "measure": Measure.LIFESTYLE_CARBON, "unit": "t CO2e", "year": 2026,
        "low": Decimal(low), "high": None if high is None else Decimal(high), **more,
    }  # fmt: skip
    return Use.model_validate(values)


@pytest.mark.parametrize(
    ("low", "high", "below", "above"),
    [
        ("2000", "2500", Verdict.WITHIN, Verdict.NOT_CONCLUSIVE),
        ("2500", "2500", Verdict.WITHIN, Verdict.WITHIN),
        ("2400", "2600", Verdict.NOT_CONCLUSIVE, Verdict.NOT_CONCLUSIVE),
        ("2501", "2600", Verdict.OVER, Verdict.WITHIN),
        ("2000", "2499", Verdict.WITHIN, Verdict.UNDER),
        ("2000", None, Verdict.NOT_CONCLUSIVE, Verdict.NOT_CONCLUSIVE),
        ("2501", None, Verdict.OVER, Verdict.WITHIN),
    ],
)
def test_the_ends_decide_and_a_social_need_turns_them_round(
    low: str, high: str | None, below: Verdict, above: Verdict
) -> None:
    need = CARBON.model_copy(update={"side": Side.ABOVE})
    for limit, verdict in ((CARBON, below), (need, above)):
        told = weigh(limit, allocation(), use(low, high), on=TODAY)
        assert told is not None
        assert told.verdict is verdict


def test_balance_and_quotient_by_hand_along_the_shares_that_were_decided() -> None:
    """2.5 t × 1000 persons × 0.1 × 0.02 = 5 t; of them 2 to 4 t were used."""
    shares = (Share(of="furniture", share=Decimal("0.1")), Share(of="us", share=Decimal("0.02")))
    told = weigh(CARBON, allocation(shares=shares), use("2", "4"), on=TODAY)
    assert told is not None
    assert (told.allotted.low, told.allotted.high) == (5, 5)
    assert (told.balance.low, told.balance.high) == (1, 3)
    assert (told.quotient.low, told.quotient.high) == (Decimal("0.4"), Decimal("0.8"))


@pytest.mark.parametrize("low", ["10", "7000"])
def test_what_was_weighed_is_a_floor_that_can_be_over_and_never_within(low: str) -> None:
    weighed = use(low, low, measure=Measure.WEIGHED_MATERIAL, unit="t")
    told = weigh(RAW, allocation(threshold=RAW.key), weighed, on=TODAY)
    assert told is not None and told.is_floor
    assert (told.balance.low, told.quotient.high) == (None, None)
    assert told.verdict is (Verdict.OVER if low == "7000" else Verdict.NOT_CONCLUSIVE)


@pytest.mark.parametrize("day", [date(2025, 12, 31), date(2027, 1, 1)])
def test_without_a_decision_that_holds_there_is_no_judgement(day: date) -> None:
    assert weigh(CARBON, allocation(), use("1", "2"), on=day) is None


def test_what_cannot_be_compared_is_refused_with_everything_that_is_wrong() -> None:
    with pytest.raises(InvalidInput) as refused:
        weigh(RAW, allocation(), use("1", "2"), on=TODAY)
    assert [it.field for it in refused.value.fields] == [
        "allocation.threshold", "use.unit", "use.measure",
    ]  # fmt: skip


def test_ends_and_days_that_are_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(ValidationError, match="more than its high end"):
        use("2", "1")
    with pytest.raises(ValidationError, match="cannot be looked at again on 2026-01-01"):
        allocation(review_on=date(2026, 1, 1))
    with pytest.raises(ValidationError, match="has to be above 0"):
        type(CARBON).model_validate({**CARBON.model_dump(), "low": Decimal(0)})


@pytest.mark.parametrize("missing", ["shares", "persons", "discussion", "proposed_by", "review_on"])
def test_nothing_of_a_decision_is_assumed(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        Allocation.model_validate(allocation().model_dump(exclude={missing}))


def test_a_threshold_that_is_not_there_is_named_beside_those_that_are() -> None:
    with pytest.raises(NotFound, match="no threshold 'copper'; there are raw_material_2050"):
        threshold("copper")
    assert all(it.source and it.read for it in THRESHOLDS.values())
