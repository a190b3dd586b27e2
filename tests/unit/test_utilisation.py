"""What a machine's week went into."""

from datetime import UTC, datetime, timedelta

import pytest

from commons.utilisation import Use, hours

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def at(hour: float) -> datetime:
    return MONDAY + timedelta(hours=hour)


def test_each_hour_counts_once_and_all_of_them_together_are_the_week():
    spent = hours(
        MONDAY,
        at(168),
        {
            Use.RUNNING: [(at(-5), at(10)), (at(8), at(20))],
            Use.DOWN: [(at(18), at(30))],
            Use.CLOSED: [(at(0), at(9)), (at(40), at(50))],
            Use.WAITING: [(at(30), at(42))],
            Use.IDLE_WHILE_WORK: [(at(20), at(60))],
        },
    )
    assert spent == {
        Use.RUNNING: 20,
        Use.UNKNOWN: 0,
        Use.DOWN: 10,
        Use.CLOSED: 10,
        Use.WAITING: 10,
        Use.IDLE_WHILE_WORK: 10,
        Use.IDLE: 108,
    }
    assert sum(spent.values()) == pytest.approx(168)
