"""What is left of a lot is an interval that use widens and a weighing puts right."""

from dataclasses import replace

import pytest

from commons import lots
from commons.errors import InvalidInput
from commons.fabrication import event_of_weighing
from commons.flows import Action, Ring, State, Unit, measure
from commons.machine import Process
from commons.manifest import Part
from commons.matching import BuildNeed, MachineOffer, Refusal, candidates, capacity, leftover
from commons.wire import PrintOptions
from repo_server.matches import Buildable
from repo_server.print_estimate import estimate
from tests.profiles import printer

USED = measure(100, Unit.GRAM, State.MODELLED)  # 80 to 120 g
HOOK = BuildNeed(Process.FDM, (60, 40, 30), "pla", mass_g=20)
SHORT = MachineOffer("p", "Printer", printer(), "pla", mass_left_g=50)


def ends(left: lots.Measure) -> tuple[float, float, float, State]:
    return left.low, left.central, left.high, left.state


def test_use_takes_off_what_it_surely_and_what_it_at_most_used() -> None:
    left = lots.after_use(lots.as_weighed(730, 230), USED)
    assert left is not None
    assert ends(left) == (496 - 120, 400, 504 - 80, State.MODELLED)


def test_less_than_nothing_is_nothing_and_unknown_stays_unknown() -> None:
    left = lots.after_use(lots.as_said(50), USED)
    assert left is not None
    assert (left.low, left.central) == (0, 0)
    assert lots.after_use(None, USED) is None
    assert lots.after_unseen(None, 100) is None


def test_a_run_that_nobody_saw_may_have_used_all_of_its_program_or_nothing() -> None:
    left = lots.after_unseen(lots.as_weighed(730, 230), 100)
    assert left is not None
    assert ends(left) == (396, 500, 504, State.MODELLED)


@pytest.mark.parametrize(
    ("gross", "tare", "new", "sentence"),
    [
        (180, 230, None, "less than the empty spool alone"),
        (1400, 230, 1000, "it held 1000 g when it was new"),
    ],
)
def test_a_weighing_that_cannot_be_is_refused(
    gross: float, tare: float, new: float | None, sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence) as refused:
        lots.require_believable(gross, tare, new_g=new)
    assert [it.field for it in refused.value.fields] == ["gross_g"]


def test_a_spool_that_was_wound_full_and_one_that_is_empty_are_believed() -> None:
    lots.require_believable(1270, 230, new_g=1000)  # wound 4 % too full
    lots.require_believable(228, 230, new_g=1000)  # the scale's own error
    assert lots.as_weighed(228, 230).central == 0


@pytest.mark.parametrize(
    ("before", "sentence"),
    [
        (None, "500 g are left; nobody knew before"),
        (503, "500 g are left, as reckoned"),
        (560, "500 g are left, 60 g less than reckoned"),
        (440, "500 g are left, 60 g more than reckoned"),
    ],
)
def test_the_difference_is_told(before: float | None, sentence: str) -> None:
    was = None if before is None else lots.as_said(before)
    assert lots.difference(was, lots.as_weighed(730, 230)) == sentence


@pytest.mark.parametrize(
    ("off", "action", "quantity"), [(-60, Action.LOWER, 60), (40, Action.RAISE, 40)]
)
def test_a_weighing_is_no_consumption(off: float, action: Action, quantity: float) -> None:
    difference = lots.Measure(off, Unit.GRAM, State.MEASURED, off - 10, off + 10)
    event = event_of_weighing(lab_id="l", lot_id="s", ring=Ring.CITY, off=difference)
    assert (event.action, event.resource) == (action, "lot:s")
    told = event.quantity
    assert (told.low, told.central, told.high) == (quantity - 10, quantity, quantity + 10)


def test_a_short_spool_is_used_up_first_where_another_follows() -> None:
    three = replace(HOOK, mass_g=66)
    (alone,) = candidates(three, [SHORT])
    assert (alone.refusal, leftover(HOOK, SHORT)) == (Refusal.MASS_LEFT, 0)
    assert capacity(HOOK, SHORT, limit=6) == 2
    chained = replace(SHORT, next_lot="Spool B", next_mass_left_g=1000)
    (answer,) = candidates(three, [chained])
    assert answer.refusal is Refusal.MASS_LEFT
    assert answer.sentence.endswith("load Spool B, which follows")
    assert (capacity(HOOK, chained, limit=6), leftover(HOOK, chained)) == (6, 2)
    assert capacity(HOOK, replace(chained, next_mass_left_g=None), limit=6) == 6


@pytest.mark.parametrize(
    ("copies", "at_once", "leftovers", "plates"),
    [
        (7, 3, [], [3, 3, 1]),
        (10, 6, [2], [2, 6, 2]),
        (10, 6, [2, 3], [2, 3, 5]),
        (6, 6, [0, 6, 7], [6]),
        (2, 6, [2], [2]),
        (1, 1, [0], [1]),
    ],
)
def test_an_orders_plates_are_shared_out(
    copies: int, at_once: int, leftovers: list[int], plates: list[int]
) -> None:
    assert lots.shared_out(copies, at_once, leftovers) == plates


def test_a_print_that_nobody_has_weighed_is_as_heavy_as_its_volume_lets_expect() -> None:
    cube = {"box_mm": [50, 50, 50], "volume_mm3": 125_000, "area_mm2": 15_000}
    part = Part("Cube", Process.FDM, "c.stl", "pla", 1, None, None, None, None)
    build = Buildable("r", "Cube", part, Process.FDM, "c.stl", "0" * 64, 84, None, facts=cube)
    need = build.need("pla", PrintOptions(), copies=2)
    low, high = estimate(
        volume_mm3=125_000, area_mm2=15_000, height_mm=50, density_g_cm3=1.24
    ).mass_g
    assert need.mass_g == pytest.approx(low + high)
    (answer,) = candidates(need, [SHORT])
    assert answer.refusal is Refusal.MASS_LEFT
    assert replace(build, facts=None).need("pla", PrintOptions()).mass_g is None
