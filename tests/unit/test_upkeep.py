"""How far off the next maintenance is, and what machines draw."""

from datetime import UTC, datetime, timedelta

import pytest

from commons import power
from commons.power import Draw, Load
from commons.upkeep import Due, Every, Since, wear

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "due", "words"),
    [
        (Since(hours=100, days=10), Due.FINE, "in 100 h"),
        (Since(hours=185, days=10), Due.SOON, "in 15 h"),
        (Since(hours=200), Due.DUE, "in 0.0 h"),
        (Since(hours=221), Due.OVERDUE, "21 h late"),
        (Since(hours=1, days=34), Due.OVERDUE, "4.0 days late"),
    ],
)
def test_what_comes_first_says_how_far_off_it_is(since, due, words):
    found = wear(Every(hours=200, days=30), since)
    assert (found.due, found.words) == (due, words)


def test_a_machine_counts_as_heating_from_its_permit_until_it_has_surely_heated_up():
    draw = Draw(heat_up_w=300, run_w=120, heat_up_s=240)
    waits = Load("Printer 1", draw, NOW, began=False)
    begun = Load("Printer 2", draw, NOW, began=True)
    assert waits.drawn_w(NOW + timedelta(days=1)) == 300
    assert begun.drawn_w(NOW + timedelta(seconds=299)) == 300
    assert begun.drawn_w(NOW + timedelta(seconds=300)) == 120


def test_one_machine_more_heats_up_only_while_all_stay_under_the_limit():
    draw = Draw(heat_up_w=300, run_w=120, heat_up_s=240)
    heating = Load("Printer 1", draw, NOW, began=True)
    assert power.refusal(600, draw, [heating], NOW) is None
    assert power.refusal(500, draw, [heating], NOW) == (
        "waits for power until Printer 1 has heated up: 300 W of 500 W are drawn, and it needs "
        "300 W"
    )
    later = NOW + timedelta(minutes=6)
    assert power.refusal(500, draw, [heating], later) is None
    assert "until one has ended" in (power.refusal(400, draw, [heating], later) or "")


def test_what_can_never_start_is_told_so_and_so_is_what_nobody_knows():
    strong = Draw(heat_up_w=3500, run_w=900, heat_up_s=0)
    assert "can never start here: it draws 3500 W and the lab may draw 3000 W" in (
        power.refusal(3000, strong, [], NOW) or ""
    )
    assert "has not said what it draws" in (power.refusal(3000, None, [], NOW) or "")


def test_of_twenty_machines_that_are_cleared_at_once_as_many_heat_up_as_the_lab_may():
    draw, limit_w = Draw(heat_up_w=300, run_w=110, heat_up_s=240), 3000
    waiting, loads, drawn = [f"Printer {number}" for number in range(20)], [], []
    for minute in range(20):
        now = NOW + timedelta(minutes=minute)
        for name in list(waiting):
            if power.refusal(limit_w, draw, loads, now) is None:
                loads.append(Load(name, draw, now, began=True))
                waiting.remove(name)
        drawn.append(sum(it.drawn_w(now) for it in loads))
    assert not waiting
    assert limit_w - 300 < max(drawn) <= limit_w
    assert drawn[-1] == 20 * 110
