"""Which jobs share a plate, what each has of it, and where each stands."""

from dataclasses import replace
from itertools import product

import pytest

from commons.job import COMMITTED_STATES, HELD_STATES, TRANSITIONS, JobEvent, JobState
from commons.plates import PrintArea
from commons.sharing import MOST_MINUTES, Load, carried, next_to, shares_of

S = JobState
BED = PrintArea(0, 0, 200, 200, 150)
LOAD = Load("a", (60.0, 60.0, 20.0), 1, 20.0, 30.0)


def after(*waiting: Load, leader: Load = LOAD, left_g: float | None = None) -> list[Load]:
    return next_to(leader, waiting, BED, margin_mm=0.0, left_g=left_g)


def test_they_come_aboard_as_their_turns_come_until_one_has_no_room() -> None:
    small, wide = replace(LOAD, job_id="b"), replace(LOAD, job_id="c", size_mm=(190.0, 190.0, 5.0))
    assert after(small, wide, small) == [small]
    assert after(wide, small) == []


@pytest.mark.parametrize(
    "odd",
    [
        {"minutes": None}, {"minutes": MOST_MINUTES}, {"size_mm": None}, {"copies": 50},
        {"size_mm": (10.0, 10.0, 151.0)},
    ],
)  # fmt: skip
def test_what_is_too_much_or_too_little_known_shares_no_plate(
    odd: dict[str, object],
) -> None:
    assert after(replace(LOAD, job_id="b", **odd)) == []


def test_a_leader_of_which_nobody_knows_how_long_it_takes_is_alone() -> None:
    assert after(LOAD, leader=replace(LOAD, minutes=None)) == []


def test_a_lot_holds_all_of_them_with_a_reserve_or_fewer_are_made() -> None:
    assert len(after(LOAD, LOAD, left_g=66.1)) == 2
    assert len(after(LOAD, LOAD, left_g=65.9)) == 1
    assert after(replace(LOAD, mass_g=None), left_g=1000.0) == []
    assert len(after(replace(LOAD, mass_g=None), left_g=None)) == 1


@pytest.mark.parametrize("masses", [(20.0, 5.0, 1.0), (20.0, None, 1.0), (0.0, 0.0, 0.0)])
def test_shares_are_all_of_the_plate(masses: tuple[float | None, ...]) -> None:
    loads = [replace(LOAD, mass_g=mass) for mass in masses]
    shares = shares_of(loads)
    assert sum(shares) == pytest.approx(1.0, abs=1e-12)
    assert min(shares) > 0


def test_shares_follow_the_masses_or_else_the_boxes() -> None:
    heavy = replace(LOAD, mass_g=60.0)
    assert shares_of([LOAD, heavy]) == pytest.approx([0.25, 0.75])
    unknown = replace(LOAD, mass_g=None, copies=3)
    assert shares_of([LOAD, unknown]) == pytest.approx([0.25, 0.75])


def test_a_mate_goes_wherever_its_leader_does_while_somebody_wants_that_one() -> None:
    for (before, event), to in TRANSITIONS.items():
        if before in HELD_STATES and event is not JobEvent.CANCEL and before is not S.CANCELLING:
            expected = S.QUEUED if to is S.REFUSED else to
            assert carried(before, to) is expected


def test_no_mate_is_cancelled_with_its_leader_nor_made_again_by_itself() -> None:
    for mate, leader in product(HELD_STATES - {S.CANCELLING}, (S.CANCELLING, S.CANCELLED)):
        stands = carried(mate, leader)
        assert stands not in (S.CANCELLING, S.CANCELLED)
        if mate in COMMITTED_STATES:
            assert stands is not S.QUEUED
