"""Tracing: every ancestor once, in whatever order events are told; circles survive."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from commons.flows import Action, Event, EventDraft, State, Unit, measure
from commons.tracing import Trail, trace, track

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def happened(
    id: str,
    action: Action,
    resource: str,
    process: str | None = None,
    *,
    day: int = 0,
    to: str | None = None,
    corrects: str | None = None,
    quantity: float = 1.0,
) -> Event:
    amount = measure(quantity, Unit.GRAM, State.MEASURED)
    draft = EventDraft(action, resource, amount, "lab", "lab", to_resource=to)
    at = DAY + timedelta(days=day)
    return Event(id, draft, process, "lab", at, at, corrects)


def ids(trail: Trail) -> list[str]:
    return [event.id for event in trail.events]


BOUGHT = happened("bought", Action.TRANSFER, "material:pla", day=0, to="lot:a")
PRINTED = [
    BOUGHT,
    happened("eaten", Action.CONSUME, "lot:a", "print", day=1),
    happened("run", Action.USE, "machine:m", "print", day=1),
    happened("made", Action.PRODUCE, "part:r/p", "print", day=2),
    happened("left", Action.PRODUCE, "scrap:mixed", "print", day=2),
]


def test_a_thing_is_traced_to_what_was_bought_and_its_lot_is_tracked_to_the_thing():
    assert ids(trace(PRINTED, "part:r/p")) == ["made", "eaten", "bought", "run"]
    assert ids(trace(PRINTED, "print")) == ["eaten", "bought", "run"]
    assert sorted(ids(track(PRINTED, "material:pla"))) == ["bought", "eaten", "left", "made"]
    assert ids(trace(PRINTED, "part:of-nobody")) == []


def test_what_came_into_the_lot_later_is_not_in_the_thing():
    later = happened("refilled", Action.TRANSFER, "material:petg", day=5, to="lot:a")
    assert "refilled" not in ids(trace([*PRINTED, later], "part:r/p"))
    assert ids(track([*PRINTED, later], "material:petg")) == ["refilled"]


def test_an_event_that_was_corrected_to_nothing_did_not_happen():
    undone = happened("undone", Action.CONSUME, "lot:a", day=3, corrects="eaten", quantity=-1.0)
    assert ids(trace([*PRINTED, undone], "part:r/p")) == ["made", "run"]
    less = happened("less", Action.CONSUME, "lot:a", day=3, corrects="eaten", quantity=-0.4)
    assert ids(trace([*PRINTED, less], "part:r/p")) == ["made", "eaten", "bought", "run"]


def test_material_that_goes_round_is_told_and_mending_is_no_circle():
    again = [
        happened("ground", Action.CONSUME, "scrap:mixed", "extrude", day=2),
        happened("drawn", Action.PRODUCE, "lot:a", "extrude", day=2),
        happened("next", Action.CONSUME, "lot:a", "print", day=2),
    ]
    trail = trace([*PRINTED, *again], "part:r/p")
    assert sorted(ids(trail)) == sorted(event.id for event in [*PRINTED, *again])
    assert trail.circles == (("lot:a", "scrap:mixed"),)
    mended = [
        happened("taken", Action.ACCEPT, "part:r/p", "repair", day=4),
        happened("back", Action.MODIFY, "part:r/p", "repair", day=4),
    ]
    assert {"taken", "back"} <= set(ids(trace([*PRINTED, *mended], "part:r/p")))
    assert trace([*PRINTED, *mended], "part:r/p").circles == ()


THINGS = st.sampled_from([f"lot:{name}" for name in "abcde"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from([Action.CONSUME, Action.PRODUCE, Action.TRANSFER]),
        THINGS, st.sampled_from("uvw"), st.integers(0, 4), THINGS,
    ),
    max_size=14,
)  # fmt: skip


def world(steps: list[tuple[Action, str, str, int, str]]) -> list[Event]:
    return [
        happened(f"{n:02}", action, thing, process, day=day,
                 to=to if action is Action.TRANSFER else None)
        for n, (action, thing, process, day, to) in enumerate(steps)
    ]  # fmt: skip


def leads(event: Event, other: Event) -> bool:
    """Does `event` come straight from `other`? The rules once more, a pair at a time."""
    mine, its = event.draft, other.draft
    if mine.action is Action.PRODUCE:
        return its.action is Action.CONSUME and event.process == other.process
    gives = {Action.PRODUCE: its.resource, Action.TRANSFER: its.to_resource}.get(its.action)
    return gives == mine.resource and other.happened_at <= event.happened_at


@given(STEPS, st.randoms(use_true_random=False))
def test_every_ancestor_is_found_once_whatever_the_order(steps, random):
    events = world(steps)
    expected = {e.id for e in events if e.draft.action is not Action.CONSUME
                and (e.draft.to_resource or e.draft.resource) == "lot:a"}  # fmt: skip
    while more := {o.id for e in events for o in events
                   if e.id in expected and o.id not in expected and leads(e, o)}:  # fmt: skip
        expected |= more
    told = trace(events, "lot:a")
    assert sorted(ids(told)) == sorted(expected)
    random.shuffle(events)
    assert trace(events, "lot:a") == told


@given(STEPS)
def test_tracking_is_tracing_the_other_way_round(steps):
    events = world(steps)
    for event in events:
        if event.draft.action is Action.PRODUCE and event.id in ids(track(events, "lot:b")):
            behind = trace(events, event.process or "").events
            assert any(met.draft.resource == "lot:b" for met in behind)


def test_a_chain_of_ten_thousand_is_walked_to_its_end():
    chain = []
    for n in range(5_000):
        chain.append(happened(f"i{n}", Action.CONSUME, f"lot:{n}", f"p{n}", day=n))
        chain.append(happened(f"o{n}", Action.PRODUCE, f"lot:{n + 1}", f"p{n}", day=n))
    assert len(trace(chain, "lot:5000").events) == 10_000
    assert len(track(chain, "lot:0").events) == 10_000
