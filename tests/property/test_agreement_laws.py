"""What holds of every sharing out, whatever was given by whom and wherever it descends from."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from commons.agreements.lineage import equal_shares
from commons.agreements.payouts import Contribution, Income, share_out, whole_units
from commons.agreements.terms import Kind
from tests.unit.test_agreements import TERMS

RELEASES = ("v0", "v1", "v2", "v3", "v4")
PARENTS = st.fixed_dictionaries(
    {
        release: st.lists(st.sampled_from(RELEASES[:at]), unique=True)
        for at, release in enumerate(RELEASES)
        if at
    }
).map(equal_shares)
WORK = st.lists(
    st.builds(
        Contribution,
        id=st.integers(0, 10**6).map(str),
        person=st.sampled_from(("ada", "bea", "cem")),
        release=st.sampled_from(RELEASES),
        kind=st.sampled_from((Kind.DESIGN, Kind.REVIEW, Kind.CARE)),
        quantity=st.decimals("0.25", "40", places=2),
        accepted_by=st.frozensets(st.sampled_from(("rey", "sol"))),
        gift=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda it: it.id,
)
INCOME = st.builds(
    Income,
    release=st.sampled_from(RELEASES),
    gross_minor=st.integers(1000, 10**9),
    costs_minor=st.integers(0, 500),
    taxes_minor=st.integers(0, 500),
)
NOTHING_LEFT = Income("v1", 1000, 500, 500)


@given(INCOME, WORK, PARENTS)
@example(NOTHING_LEFT, [], {})
def test_all_of_the_income_is_told_and_nobody_has_less_than_nothing(income, work, parents):
    told = share_out(TERMS, income, work, parents)
    assert sum(told.by_person.values()) == told.shared_minor
    assert told.shared_minor + told.reserve_minor == (
        income.gross_minor - income.costs_minor - income.taxes_minor
    )
    assert all(payout.minor >= 0 for payout in told.payouts)


@given(INCOME, WORK, PARENTS, st.randoms())
def test_the_order_of_telling_decides_nothing(income, work, parents, rng):
    shuffled = rng.sample(work, len(work))
    assert share_out(TERMS, income, work, parents) == share_out(TERMS, income, shuffled, parents)


@given(INCOME, WORK, PARENTS)
@example(NOTHING_LEFT, [], {})
def test_nothing_goes_upstream_where_the_agreement_gives_it_nothing(income, work, parents):
    alone = TERMS.model_copy(update={"upstream": Decimal(0)})
    told = share_out(alone, income, work, parents)
    assert {payout.release for payout in told.payouts} <= {income.release}


@given(INCOME, WORK, PARENTS)
def test_one_contribution_told_as_two_halves_is_paid_the_same(income, work, parents):
    halves = [
        replace(it, id=it.id + half, quantity=it.quantity / 2) for it in work for half in ("a", "b")
    ]
    whole = share_out(TERMS, income, work, parents).by_person
    assert share_out(TERMS, income, halves, parents).by_person == whole


@given(INCOME, WORK, PARENTS)
def test_what_was_not_accepted_changes_nothing(income, work, parents):
    accepted = [it for it in work if it.accepted_by]
    assert share_out(TERMS, income, work, parents) == share_out(TERMS, income, accepted, parents)


@given(st.lists(st.fractions(0, 1000), min_size=1, max_size=20))
def test_whole_units_are_all_of_it_and_each_is_within_one(exact):
    total = int(sum(exact))
    units = whole_units([*exact, total - sum(exact) + 1], total + 1)
    assert sum(units) == total + 1
    assert all(abs(unit - it) < 1 for unit, it in zip(units, exact, strict=False))


@given(INCOME, WORK, PARENTS)
def test_each_line_is_its_points_of_its_bucket_within_one_unit(income, work, parents):
    for it in share_out(TERMS, income, work, parents).payouts:
        assert abs(it.minor - it.bucket_minor * Fraction(it.points, it.of_points)) < 1
