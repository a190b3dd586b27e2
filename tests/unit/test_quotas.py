"""Quotas: what has begun counts, what waits takes what is left, in its order."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from commons.quotas import (
    Amounts,
    Claim,
    Kind,
    Limits,
    Shortage,
    allot,
    days,
    month_of,
    shortage,
)


def test_what_is_too_little_is_told_with_its_figures() -> None:
    lacks = shortage(Limits(prints=9, grams=500), Amounts(grams=380), Amounts(1, 210))
    assert lacks == Shortage(Kind.GRAMS, limit=500, left=120, need=210)
    assert shortage(Limits(grams=500), Amounts(grams=380), Amounts(grams=120)) is None
    assert shortage(Limits(), Amounts(grams=1e6), Amounts(grams=1e6)) is None


def test_what_does_not_fit_takes_nothing_and_what_is_smaller_passes_it() -> None:
    claims = [Claim(Amounts(grams=it)) for it in (60, 50, 40)]
    fits = [it is None for it in allot(Limits(grams=100), Amounts(), claims)]
    assert fits == [True, False, True]


def test_what_has_begun_counts_even_above_the_limit() -> None:
    claims = [Claim(Amounts(prints=3), begun=True), Claim(Amounts(prints=1))]
    assert [it is None for it in allot(Limits(prints=2), Amounts(), claims)] == [True, False]


@given(st.lists(st.floats(0, 1000), max_size=30), st.floats(0, 5000), st.floats(0, 5000))
def test_what_fits_never_takes_more_than_is_left(
    needs: list[float], limit: float, used: float
) -> None:
    claims = [Claim(Amounts(grams=it)) for it in needs]
    lacking = allot(Limits(grams=limit), Amounts(grams=used), claims)
    given_out = sum(need for need, lacks in zip(needs, lacking, strict=True) if lacks is None)
    assert given_out <= max(0, limit - used) + 1e-3


def test_terms_are_months_or_days_with_the_last_one_whole() -> None:
    december = month_of(datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert december.ends_at == datetime(2027, 1, 1, tzinfo=UTC)
    assert december.last_day == date(2026, 12, 31)
    semester = days(date(2026, 10, 1), date(2027, 3, 31))
    assert semester.begins_at == datetime(2026, 10, 1, tzinfo=UTC)
    assert semester.last_day == date(2027, 3, 31)
