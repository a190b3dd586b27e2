"""However an agent's reports arrive, each counts once and the end is the same.

An agent tells a whole life of two jobs. The network cuts the outbox into batches, repeats them,
mixes them up and loses answers; as an agent does, it sends again from the last acknowledged
event until everything is safe.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commons.job import JobState
from commons.wire import AgentEvent, EventKind
from tests.floor import PROGRAM, Floor, fresh_engine, furnish, run

K = EventKind


@dataclass(frozen=True)
class Story:
    """How a run goes on after its permit, and what must be true at the end."""

    told: tuple[EventKind, ...]
    state: JobState
    ran: bool


STORIES = {
    "finished": Story((K.STARTED, K.FINISHED), JobState.FINISHED, ran=True),
    "failed": Story((K.STARTED, K.FAILED), JobState.FAILED, ran=True),
    "lost": Story((K.STARTED, K.LOST), JobState.UNCONFIRMED, ran=False),
    "lost, then found finished": Story(
        (K.STARTED, K.LOST, K.STARTED, K.FINISHED), JobState.FINISHED, ran=True
    ),
    "told twice by the agent itself": Story(
        (K.STARTED, K.FINISHED, K.FINISHED, K.FAILED), JobState.FINISHED, ran=True
    ),
    "given back after the permit": Story((K.UNUSED, K.DECLINED), JobState.QUEUED, ran=False),
}


class Floors:
    """One furnished floor, put back as it was for each example. The engine stays: it knows every
    statement by then."""

    def __init__(self, folder: Path) -> None:
        self._file, self._kept = folder / "floor.sqlite", folder / "kept.sqlite"
        self._floor = furnish(fresh_engine(self._file))
        self._floor.engine.dispose()
        shutil.copyfile(self._file, self._kept)

    @contextmanager
    def new(self) -> Iterator[Floor]:
        shutil.copyfile(self._kept, self._file)
        try:
            yield replace(self._floor)
        finally:
            self._floor.engine.dispose()  # the last connection takes its log with it


@pytest.fixture(scope="module")
def floors(tmp_path_factory: pytest.TempPathFactory) -> Floors:
    return Floors(tmp_path_factory.mktemp("floors"))


@pytest.fixture(scope="module")
def undisturbed(floors: Floors) -> dict[str, list[tuple[str, float]]]:
    """What the ledger says of each story when every event arrives once, in order."""
    ledgers = {}
    for name, story in STORIES.items():
        with floors.new() as floor:
            _, events = outbox(floor, story)
            floor.send(*events)
            ledgers[name] = ledger_of(floor)
    return ledgers


def outbox(floor: Floor, story: Story) -> tuple[str, list[AgentEvent]]:
    """An armed job and the events that its agent still has to report."""
    (job_id,) = floor.order()
    offer = floor.armed()
    facts = {K.FINISHED: {"run": run()}, K.FAILED: {"run": run(done=400)},
             K.LOST: {"run": run(done=300)}}  # fmt: skip
    return job_id, [floor.event(k, offer, **facts.get(k, {})) for k in story.told]


def ledger_of(floor: Floor) -> list[tuple[str, float]]:
    return sorted((e.action + ":" + e.unit, e.quantity) for e in floor.ledger())


batches = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.randoms(use_true_random=False)), max_size=8
)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from(sorted(STORIES)), cuts=batches)
def test_any_order_and_repetition_of_reports_ends_in_the_same_state_and_ledger(
    name: str,
    cuts: list[tuple[int, int, Random]],
    floors: Floors,
    undisturbed: dict[str, list[tuple[str, float]]],
) -> None:
    story = STORIES[name]
    with floors.new() as floor:
        job_id, events = outbox(floor, story)
        for first, length, random in cuts:
            batch = events[first : first + length]
            random.shuffle(batch)
            acked = floor.send(*batch)
            assert events[0].seq - 1 <= acked <= events[-1].seq
        assert floor.send(*events) == events[-1].seq
        assert floor.state(job_id) is story.state
        assert ledger_of(floor) == undisturbed[name]
    assert bool(undisturbed[name]) is story.ran


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(batches=st.lists(st.lists(st.integers(1, 6), max_size=4), min_size=1, max_size=6))
def test_what_is_acknowledged_is_exactly_what_arrived_without_a_gap(
    batches: list[list[int]], floors: Floors
) -> None:
    with floors.new() as floor:
        floor.order()
        offer = floor.lease()
        assert offer is not None
        events = [floor.event(K.STAGED, offer, program=PROGRAM) for _ in range(6)]
        arrived = 0
        for batch in batches:
            acked = floor.send(*(events[n - 1] for n in batch))
            while arrived + 1 in batch:
                arrived += 1
            assert acked == arrived
