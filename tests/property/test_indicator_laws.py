"""Laws of figures: intervals hold their middle, the unknown never narrows, cities add up."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from commons.flows import Ring, State, Unit, measure
from commons.footprints import Term, footprint
from commons.indicators.materials import Made, local_parts
from commons.indicators.places import placed
from commons.indicators.sums import HERE, NOT_HERE, WHO_KNOWS, Local, Sum, share_of
from repo_server.factors import shipped

CITY = frozenset({"city"})
amounts = st.floats(0.001, 1e6)
states = st.sampled_from([State.MEASURED, State.DECLARED, State.MODELLED, State.DEFAULT])
locals_ = st.sampled_from([HERE, NOT_HERE, WHO_KNOWS, Local(0.25, 0.5)])
known = st.sampled_from([it for it in shipped().values() if it.value is not None])
laws = settings(max_examples=60, deadline=None)


def summed(amount: float, state: State) -> Sum:
    it = measure(amount, Unit.GRAM, state)
    return Sum(it.low, it.central, it.high, 1, state)


sums = st.builds(summed, amounts, states)
parts = st.lists(st.tuples(sums, locals_), min_size=1, max_size=8)
terms = st.lists(st.builds(Term, st.sampled_from("abc"), sums, known), min_size=1, max_size=8)


@laws
@given(terms)
def test_a_footprint_holds_its_middle_and_is_never_below_nothing(of) -> None:
    found = footprint(of)
    assert found.central is not None and found.high is not None
    assert 0 <= found.low <= found.central <= found.high


@laws
@given(terms, sums)
def test_an_unknown_never_narrows_a_footprint(of, amount) -> None:
    before, after = footprint(of), footprint([*of, Term("unknown", amount, None)])
    assert after.low <= before.low and after.high is None and after.central is None


@laws
@given(terms, st.randoms())
def test_a_footprint_knows_no_order_and_no_grouping(of, chance) -> None:
    halves = [replace(it, amount=it.amount.times(0.5)) for it in of for _ in range(2)]
    chance.shuffle(halves)
    whole, again = footprint(of), footprint(halves)
    for end in ("low", "central", "high"):
        assert abs(getattr(whole, end) - getattr(again, end)) <= 1e-9 * whole.high


@laws
@given(parts, sums)
def test_an_unknown_never_narrows_a_share(of, amount) -> None:
    before, after = share_of(of), share_of([*of, (amount, WHO_KNOWS)])
    slack = 1e-9
    assert after.low / after.whole <= before.low / before.whole + slack
    assert after.high / after.whole >= before.high / before.whole - slack


@laws
@given(parts, parts)
def test_two_cities_are_the_sum_of_their_parts_and_no_mean(one, other) -> None:
    both, apart = share_of([*one, *other]), share_of(one) + share_of(other)
    assert both.state == apart.state
    for name in ("low", "high", "whole"):
        assert abs(getattr(both, name) - getattr(apart, name)) <= 1e-9 * both.whole
    assert 0 <= both.low <= both.high <= both.whole * (1 + 1e-9)


@laws
@given(st.lists(st.lists(st.tuples(st.integers(0, 9), amounts), max_size=4), max_size=8), parts)
def test_a_lot_is_no_more_and_no_less_local_than_what_it_is_made_of(recipes, bought) -> None:
    """Lot n is made of bought ones and of lots before it: the ends stay those of its inputs."""
    lots = {f"b{n}": local for n, (_, local) in enumerate(bought)}
    for n, recipe in enumerate(recipes):
        names = sorted(lots)
        lots[f"m{n}"] = Made({names[at % len(names)]: mass for at, mass in recipe})
    found = local_parts(lots)
    for name, it in lots.items():
        local, slack = found[name], 1e-9
        assert -slack <= local.low <= local.high + slack <= 1 + 2 * slack
        if isinstance(it, Made) and it.of:
            assert local.low >= min(found[of].low for of in it.of) - slack
            assert local.high <= max(found[of].high for of in it.of) + slack


@given(st.sampled_from(list(Ring)), st.sampled_from(["city", "other", None]))
def test_a_coalition_is_never_less_local_than_its_city_by_more_than_doubt(ring, city) -> None:
    alone, joined = placed(ring, city, CITY), placed(ring, city, CITY | {"other"})
    assert joined.high >= alone.high
    assert joined.low >= alone.low
