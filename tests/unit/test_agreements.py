"""An income shared by an agreement: to the last unit, in the open, and by nothing but its words."""

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from pydantic import ValidationError

from commons.agreements.lineage import arriving, equal_shares
from commons.agreements.payouts import COMMONS, Contribution, Income, share_out
from commons.agreements.terms import Bucket, Kind, Lifetime, Terms
from commons.errors import InvalidInput

DAY = date(2026, 1, 1)
WORK = Bucket(
    key="work", label="Work", share=Decimal("0.8"), lifetime=Lifetime.STANDING,
    weights={Kind.DESIGN: Decimal(2), Kind.REVIEW: Decimal(1)},
)  # fmt: skip
CARE = Bucket(
    key="care", label="Care", share=Decimal("0.2"), lifetime=Lifetime.ONCE,
    weights={Kind.CARE: Decimal(1)},
)  # fmt: skip
TERMS = Terms(
    name="Lamp makers", currency="EUR", digits=2, buckets=(WORK, CARE), upstream=Decimal("0.4"),
    reserve=Decimal("0.1"), reviewers=1, held_months=12, minimum_minor=500,
    ends_on=date(2028, 1, 1),
)  # fmt: skip


def given(id_: str, person: str, kind: Kind = Kind.DESIGN, **more: object) -> Contribution:
    values = {"release": "v1", "quantity": Decimal(1), "accepted_by": frozenset({"rey"}), **more}
    return Contribution(id_, person, kind=kind, **values)  # type: ignore[arg-type]


def test_the_reports_own_example_comes_out_to_the_cent() -> None:
    """Coalition accounting, 3.2 (5): v3 ← v2 (0.7) and x (0.3), v2 ← v1, 0.4 goes upstream."""
    parents = {
        "v3": {"v2": Fraction(7, 10), "x": Fraction(3, 10)},
        "v2": {"v1": Fraction(1)},
    }
    stays = arriving("v3", Fraction(30000), parents, upstream=Fraction(4, 10))
    assert stays == {"v3": 18000, "v2": 5040, "v1": 3360, "x": 3600}


def test_costs_and_taxes_come_off_first_then_the_reserve_and_the_rest_is_shared() -> None:
    work = [given("a", "ada"), given("b", "bea", Kind.REVIEW), given("c", "cem", Kind.CARE)]
    told = share_out(TERMS, Income("v1", 12_000, 1_500, 500), work, {})
    assert (told.reserve_minor, told.shared_minor) == (1_000, 9_000)
    assert told.by_person == {"ada": 4_800, "bea": 2_400, "cem": 1_800}
    ada = told.payouts[0]
    assert (ada.points, ada.of_points, ada.bucket_minor) == (2, 3, 7_200)
    assert ada.contributions == ("a",)


def test_a_bucket_to_which_nobody_gave_is_the_commons() -> None:
    told = share_out(TERMS, Income("v1", 1_000, 0, 0), [given("a", "ada")], {})
    assert told.by_person == {"ada": 720, COMMONS: 180}


def test_what_was_not_accepted_or_is_a_gift_or_was_paid_once_earns_nothing() -> None:
    paid = frozenset({"care"})
    work = [
        given("a", "ada"),
        given("b", "bea", accepted_by=frozenset()),
        given("c", "cem", gift=True),
        given("d", "dan", Kind.CARE, paid_in=paid),
        given("e", "eva", Kind.CARE),
        given("f", "fay", Kind.MONEY),
    ]
    told = share_out(TERMS, Income("v1", 1_000, 0, 0), work, {})
    assert told.by_person == {"ada": 720, "eva": 180}


def test_as_many_others_accept_as_the_agreement_asks_for() -> None:
    two = TERMS.model_copy(update={"reviewers": 2})
    work = [given("a", "ada"), given("b", "bea", accepted_by=frozenset({"rey", "sol"}))]
    assert "ada" not in share_out(two, Income("v1", 1_000, 0, 0), work, {}).by_person


def test_what_its_own_giver_accepted_is_refused_by_name() -> None:
    work = [given("a", "ada", accepted_by=frozenset({"ada", "rey"}))]
    with pytest.raises(InvalidInput, match="contribution a is accepted by ada, who gave it"):
        share_out(TERMS, Income("v1", 1_000, 0, 0), work, {})


def test_what_stands_is_paid_again_and_again() -> None:
    work = [given("a", "ada", paid_in=frozenset({"work"}))]
    assert share_out(TERMS, Income("v1", 100, 0, 0), work, {}).by_person["ada"] == 72


def test_upstream_authors_have_their_part_by_the_same_buckets() -> None:
    work = [given("a", "ada"), given("b", "bea", release="v0"), given("c", "cem", Kind.CARE)]
    parents = equal_shares({"v1": ["v0"]})
    told = share_out(TERMS, Income("v1", 10_000, 0, 0), work, parents)
    assert told.by_person == {"ada": 4_320, "bea": 2_880, "cem": 1_080, COMMONS: 720}


@pytest.mark.parametrize(
    ("parents", "sentence"),
    [
        ({"v1": {"v0": Fraction(1)}, "v0": {"v1": Fraction(1)}}, "cannot descend from itself"),
        ({"v1": {"v1": Fraction(1)}}, "cannot descend from itself"),
        ({"v1": {"v0": Fraction(1, 2)}}, "the parents of v1 have 0.5 of it together"),
        ({"v1": {"v0": Fraction(2), "x": Fraction(-1)}}, "x has less than nothing of v1"),
    ],
)
def test_a_lineage_that_is_none_is_refused_by_name(
    parents: dict[str, dict[str, Fraction]], sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        share_out(TERMS, Income("v1", 100, 0, 0), [], parents)


@pytest.mark.parametrize(
    ("income", "sentence"),
    [
        (Income("v1", -1, 0, 0), "no less than nothing"),
        (Income("v1", 100, 90, 20), "costs of 90 and taxes of 20 are more than the 100"),
    ],
)
def test_an_income_that_is_none_is_refused(income: Income, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        share_out(TERMS, income, [], {})


def test_a_contribution_of_nothing_and_one_told_twice_are_refused_by_name() -> None:
    for work in ([given("a", "ada", quantity=Decimal(0))], [given("a", "ada"), given("a", "bea")]):
        with pytest.raises(InvalidInput, match="contribution a is"):
            share_out(TERMS, Income("v1", 100, 0, 0), work, {})


def test_terms_that_cannot_be_adopted_tell_everything_that_is_wrong() -> None:
    half = WORK.model_copy(update={"share": Decimal("0.5")})
    wrong = TERMS.model_copy(update={"buckets": (half, half, half), "ends_on": DAY})
    with pytest.raises(InvalidInput) as refused:
        wrong.checked(adopted_on=DAY)
    assert [problem.problem for problem in refused.value.fields] == [
        "the shares of the buckets are 1.5 together and have to be 1",
        "3 buckets are called 'work': name each once",
        "an agreement adopted on 2026-01-01 cannot end on 2026-01-01: give a later day, on which "
        "it is adopted anew or ends",
    ]
    assert TERMS.checked(adopted_on=DAY) is TERMS


@pytest.mark.parametrize(
    "missing", ["buckets", "digits", "upstream", "reserve", "held_months", "ends_on"]
)
def test_no_term_has_a_default(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        Terms.model_validate(TERMS.model_dump(exclude={missing}))


def test_a_formula_is_no_weight() -> None:
    said = TERMS.model_dump(mode="json")
    said["buckets"][0]["weights"] = {"design": "2 * hours"}
    with pytest.raises(ValidationError):
        Terms.model_validate_json(json.dumps(said))
