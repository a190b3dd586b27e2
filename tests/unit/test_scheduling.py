"""The plan of a queue: every work once, where it can be made, and nearly as cheap as can be."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commons.scheduling import Plan, Slot, Station, Work, cost, plan

LOADS = ("pla", "petg")


@st.composite
def works(draw: st.DrawFn, most: int = 12) -> list[Work]:
    able = st.dictionaries(st.sampled_from("abc"), st.integers(1, 300), min_size=1)
    return [
        Work(
            f"w{number}",
            {id_: float(minutes) for id_, minutes in draw(able).items()},
            loaded=draw(st.sampled_from(LOADS)),
            due=draw(st.none() | st.integers(0, 400)),
            weight=draw(st.sampled_from((1.0, 3.0))),
            not_before=draw(st.sampled_from((0.0, 0.0, 60.0))),
            pressed=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, most)))
    ]


stations = st.lists(
    st.builds(
        Station,
        id=st.sampled_from("abcd"),
        free=st.sampled_from((0.0, 45.0)),
        loaded=st.sampled_from((*LOADS, "")),
        change_minutes=st.sampled_from((0.0, 10.0)),
    ),
    max_size=4,
    unique_by=lambda it: it.id,
)


@given(works(), stations, st.sampled_from((0, 20)))
def test_every_work_is_made_once_where_it_can_be(
    wanted: list[Work], floor: list[Station], steps: int
) -> None:
    planned = plan(wanted, floor, steps=steps)
    assert planned == plan(wanted, floor, steps=steps)
    makeable = [work.id for work in wanted if {it.id for it in floor} & set(work.minutes)]
    assert sorted(slot.work for queue in planned.values() for slot in queue) == sorted(makeable)
    by_id = {work.id: work for work in wanted}
    for station in floor:
        at, loaded = station.free, station.loaded
        for slot in planned[station.id]:
            work = by_id[slot.work]
            change = station.change_minutes if work.loaded != loaded else 0.0
            assert slot.begin == max(at + change, work.not_before)
            assert slot.end == pytest.approx(slot.begin + work.minutes[station.id])
            at, loaded = slot.end, work.loaded


@given(works(), stations, st.sampled_from((0, 20)))
def test_nothing_goes_before_what_was_overtaken_often_enough(
    wanted: list[Work], floor: list[Station], steps: int
) -> None:
    pressed = {work.id: work.pressed for work in wanted}
    for queue in plan(wanted, floor, steps=steps).values():
        order = [pressed[slot.work] for slot in queue]
        assert order == sorted(order, reverse=True)


@given(works(), stations)
def test_a_plan_that_was_searched_for_costs_no_more(
    wanted: list[Work], floor: list[Station]
) -> None:
    assert cost(plan(wanted, floor, steps=30), wanted) <= cost(plan(wanted, floor), wanted)


def all_plans(wanted: Sequence[Work], floor: Sequence[Station]) -> Iterator[Plan]:
    ids = [it.id for it in floor]
    for order in permutations(wanted):
        for places in product(ids, repeat=len(order)):
            pairs = list(zip(order, places, strict=True))
            if all(id_ in work.minutes for work, id_ in pairs):
                yield {
                    it.id: timed(it, [w for w, at in pairs if at == it.id]) for it in floor
                }  # fmt: skip


def timed(station: Station, queue: Sequence[Work]) -> tuple[Slot, ...]:
    at, loaded, slots = station.free, station.loaded, []
    for work in queue:
        change = station.change_minutes if work.loaded != loaded else 0.0
        begin = max(at + change, work.not_before)
        at, loaded = begin + work.minutes[station.id], work.loaded
        slots.append(Slot(work.id, begin, at))
    return tuple(slots)


def test_small_queues_are_planned_as_well_as_can_be() -> None:
    """Against every plan that there is of four works on two machines."""
    floor = [Station("a", 30.0, "pla", 15.0), Station("b", 0.0, "petg", 15.0)]
    wanted = [
        Work("long", {"a": 300.0, "b": 280.0}, "petg"),
        Work("due", {"a": 40.0}, "petg", due=90.0),
        Work("short", {"a": 20.0, "b": 25.0}, "pla", due=50.0),
        Work("later", {"b": 60.0}, "pla", due=120.0, weight=3.0, not_before=40.0),
    ]
    least = min(cost(it, wanted) for it in all_plans(wanted, floor))
    assert cost(plan(wanted, floor, steps=200), wanted) == pytest.approx(least)


def test_a_search_finds_what_the_first_pass_does_not_see() -> None:
    """Which ends first where it ends earliest keeps the other from its only fast machine."""
    wanted = [Work("either", {"a": 100.0, "b": 60.0}), Work("fast on b", {"a": 500.0, "b": 50.0})]
    floor = [Station("a"), Station("b")]
    assert cost(plan(wanted, floor), wanted) == 110.0
    assert cost(plan(wanted, floor, steps=20), wanted) == 100.0


def test_what_is_loaded_already_goes_first() -> None:
    floor = [Station("a", loaded="petg", change_minutes=15.0)]
    wanted = [Work(f"{it}{n}", {"a": 30.0}, it) for n in (1, 2) for it in ("pla", "petg")]
    order = [slot.work for slot in plan(wanted, floor, steps=100)["a"]]
    assert order[:2] in (["petg1", "petg2"], ["petg2", "petg1"])


def test_a_deadline_that_cannot_be_kept_is_missed_by_as_little_as_can_be() -> None:
    late = Work("late", {"a": 100.0}, due=10.0)
    planned = plan([replace(late, id="other", due=None), late], [Station("a")])
    assert planned["a"][0] == Slot("late", 0.0, 100.0)
