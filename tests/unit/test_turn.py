"""Whose turn it is: what moves a job in the line, and by how much."""

from datetime import UTC, datetime, timedelta

import pytest

from commons.turn import (
    CHANGE,
    PATIENCE,
    SHARE_AT_MOST,
    USE_HALVES_AFTER,
    Claim,
    Turn,
    Why,
    begin_by,
    decayed,
    explained,
    rank,
    shares,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def claim(waited: timedelta = HOUR, due: timedelta | None = None, **more: object) -> Claim:
    since = NOW - waited
    place = int(since.timestamp())
    return Claim(place, begin_by(since, None if due is None else NOW + due), **more)


def turn(waited: timedelta = HOUR, **given: object) -> Turn:
    return explained(claim(waited, **given), since=NOW - waited, now=NOW)


def parts(it: Turn) -> dict[Why, float]:
    return {part.why: part.minutes for part in it.parts}


def test_a_score_is_the_sum_of_its_parts_the_weightiest_first() -> None:
    it = turn(due=2 * DAY, share=50 * timedelta(minutes=1), changes=1)
    due = (PATIENCE - HOUR - 2 * DAY) / timedelta(minutes=1)
    assert parts(it) == {Why.DUE: due, Why.WAITED: 60, Why.SHARE: -50, Why.SET_UP: -30}
    assert it.minutes == sum(part.minutes for part in it.parts)
    assert it.parts[0].sentence == "it is due: as if it had come 119 h earlier"


def test_rules_stand_above_the_score_and_what_moves_nothing_is_no_part_of_it() -> None:
    assert [it.why for it in turn(urgent=True, pressed=True).parts] == [
        Why.OVERTAKEN, Why.URGENT, Why.WAITED,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"waited": 2 * HOUR}, {"waited": HOUR}),
        ({"urgent": True}, {"due": timedelta()}),
        ({"urgent": True, "due": HOUR}, {"urgent": True, "waited": DAY}),
        ({"due": HOUR}, {"due": 2 * HOUR}),
        ({"due": -2 * HOUR}, {"due": -HOUR}),
        ({"due": 2 * DAY}, {"waited": 4 * DAY}),
        ({"waited": 6 * DAY}, {"due": 2 * DAY}),
        ({"waited": 2 * HOUR, "due": 30 * DAY}, {"waited": HOUR}),
        ({}, {"changes": 1, "waited": HOUR + CHANGE - timedelta(minutes=1)}),
        ({"changes": 1, "waited": HOUR + CHANGE + timedelta(minutes=1)}, {}),
        ({}, {"share": 90 * timedelta(minutes=1), "waited": 2 * HOUR}),
        ({"pressed": True}, {"urgent": True, "due": timedelta()}),
        ({"pressed": True, "waited": 2 * HOUR}, {"pressed": True, "urgent": True}),
    ],
)
def test_one_goes_before_the_other(first: dict[str, object], then: dict[str, object]) -> None:
    assert rank(claim(**first)) < rank(claim(**then))


def test_what_is_due_has_ended_by_then_as_far_as_it_is_known_how_long_it_takes() -> None:
    assert begin_by(NOW, NOW + DAY, takes=9 * HOUR) == NOW + 15 * HOUR
    assert begin_by(NOW, NOW + DAY) == NOW + DAY
    assert begin_by(NOW, None, takes=9 * HOUR) == NOW + PATIENCE


def test_nobody_waits_longer_than_half_a_day_for_what_they_had_and_less_for_less() -> None:
    assert shares({"ada": 60.0, "bo": 0.0}) == {"ada": HOUR, "bo": timedelta()}
    assert shares({"ada": 6000.0, "bo": 3000.0}) == {"ada": SHARE_AT_MOST, "bo": SHARE_AT_MOST / 2}
    assert shares({}) == {}


def test_what_was_used_counts_half_as_much_a_week_later_and_never_more() -> None:
    assert decayed(60.0, since=NOW - USE_HALVES_AFTER, now=NOW) == 30
    assert decayed(60.0, since=NOW + HOUR, now=NOW) == 60
