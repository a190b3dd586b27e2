"""Which jobs share a plate, what each has of it, and where each stands."""

from dataclasses import replace
from itertools import product
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize("who", ["leader", "mate"])
def test_none_comes_aboard_with_whom_somebody_would_be_late(who: str) -> None:
    hurried, mate = replace(LOAD, within=60.0), replace(LOAD, job_id="b")
    first, second = (hurried, mate) if who == "leader" else (mate, hurried)
    assert after(second, LOAD, leader=first) == [second]
    late = replace(hurried, within=-1.0)
    assert after(mate, leader=late) == [] == after(late)


def test_none_comes_aboard_with_whom_the_machine_is_not_free_for_so_long() -> None:
    assert len(next_to(LOAD, [LOAD] * 3, BED, margin_mm=0.0, left_g=None, free_minutes=60.0)) == 1


_LOADS = st.lists(
    st.builds(
        Load,
        job_id=st.uuids().map(str),
        size_mm=st.tuples(*[st.floats(1.0, 120.0)] * 3),
        copies=st.integers(1, 4),
        mass_g=st.none() | st.floats(0.0, 300.0),
        minutes=st.none() | st.floats(0.0, 200.0),
        within=st.just(inf) | st.floats(-10.0, 300.0),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda it: it.job_id,
)


@settings(max_examples=100, deadline=None)
@given(loads=_LOADS, left_g=st.none() | st.floats(0.0, 1000.0), free=st.floats(0.0, 300.0))
def test_a_plate_is_the_front_of_the_line_and_all_on_it_have_their_time_and_their_share(
    loads: list[Load], left_g: float | None, free: float
) -> None:
    leader, *line = loads
    mates = next_to(leader, line, BED, margin_mm=2.0, left_g=left_g, free_minutes=free)
    assert mates == line[: len(mates)]  # each once, and nobody is passed over
    plate = [leader, *mates]
    if mates:
        takes = sum(it.minutes or 0.0 for it in plate)
        assert takes <= min(MOST_MINUTES, free, *(it.within for it in plate))
        assert left_g is None or sum(it.mass_g or 0.0 for it in plate) <= left_g
    shares = shares_of(plate)
    assert min(shares) >= 0
    assert sum(shares) == pytest.approx(1.0, abs=1e-12)


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
