"""The small rules around an attempt: when to talk, how long to wait, how long it will take."""

from collections import deque
from itertools import pairwise
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import cast

import pytest

from commons.errors import Conflict, FabError, NotFound, Unavailable
from commons.machine import MachineProfile, Process
from commons.wire import (
    AgentEvent,
    ControlOrder,
    FenceOrder,
    JobOffer,
    MachineReport,
    MachineState,
    SyncReply,
    SyncRequest,
    Wish,
)
from fab_agent.journal import Outbox
from fab_agent.machines.driver import Progress
from fab_agent.office import LONG_POLL_S, PROFILE_EVERY_S, REPORT_EVERY_S, Office
from fab_agent.orders import Heard, Misses, News, Order, Recorded, Spoke, TookWork, Touched, Work
from fab_agent.repository import Repository, backoff_s
from fab_agent.running import remaining_s
from fab_agent.staging import BRIM_MM, plan_of
from tests.profiles import printer

FENCE = FenceOrder(machine_id="m1", attempt_id="a1", fence=1)
CANCEL = ControlOrder(attempt_id="a1", wish=Wish.CANCEL)


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class SilentQueue(SimpleQueue[News]):
    """News that came already; waiting for more only lets time pass."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def get(self, block: bool = True, timeout: float | None = None) -> News:
        try:
            return super().get_nowait()
        except Empty:
            self.clock.now_s += timeout or 0.0
            raise


class Desk:
    """An office between a server and a machine that are lists."""

    def __init__(self, profile: MachineProfile | None = None) -> None:
        self.clock = Clock()
        self.profiles: list[tuple[str, MachineProfile]] = []
        self.profile_errors: list[FabError] = []
        self.last_seq = 0
        self.news, self.orders = SilentQueue(self.clock), SimpleQueue[Order]()
        self.events: list[AgentEvent] = []
        self.replies: deque[SyncReply] = deque()
        self.heard: list[tuple[float, SyncRequest]] = []
        self.office = Office(
            "m1",
            cast(Repository, self),
            cast(Outbox, self),
            boot="b",
            news=self.news,
            orders=self.orders,
            clock=self.clock,
            profile=profile,
        )

    def sync(self, request: SyncRequest) -> SyncReply:
        self.heard.append((self.clock.now_s, request))
        return self.replies.popleft() if self.replies else SyncReply(acked=self.last_seq)

    def tell_profile(self, machine_id: str, profile: MachineProfile) -> None:
        self.profiles.append((machine_id, profile))
        if self.profile_errors:
            raise self.profile_errors.pop(0)

    def after(self, acked: int) -> tuple[AgentEvent, ...]:
        return tuple(event for event in self.events if event.seq > acked)

    def kept_from(self) -> int:
        return self.events[0].seq if self.events else self.last_seq + 1

    def record(self) -> None:
        self.last_seq += 1
        event = {"seq": self.last_seq, "at": "2026-01-01T00:00:00Z", "kind": "staged"}
        ids = {"machine_id": "m1", "attempt_id": "a1", "fence": 1}
        self.events.append(AgentEvent.model_validate(event | ids))
        self.news.put(Recorded())

    def show(self, *states: MachineState) -> None:
        for state in states:
            self.news.put(MachineReport(machine_id="m1", state=state))

    def turn(self) -> SyncRequest:
        self.office.turn()
        return self.heard[-1][1]

    def ordered(self) -> list[Order]:
        """What it put in the queue, but that the server answered."""
        orders = []
        while not self.orders.empty():
            orders.append(self.orders.get_nowait())
        return [it for it in orders if not isinstance(it, Spoke)]


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.turn()
    return desk


def test_a_resting_machine_waits_at_the_server(desk: Desk) -> None:
    desk.show(MachineState.IDLE)
    assert desk.turn().wait_s == LONG_POLL_S


def test_a_working_machine_is_reported_once_a_second_as_it_is_last(desk: Desk) -> None:
    for _ in range(3):
        desk.show(*[MachineState.PREPARING] * 5, MachineState.RUNNING)
        request = desk.turn()
        assert [report.state for report in request.machines] == [MachineState.RUNNING]
        assert request.wait_s == 0
    times = [at for at, _ in desk.heard]
    assert all(b - a >= REPORT_EVERY_S for a, b in pairwise(times))


def test_a_touch_is_as_old_as_it_is_when_it_is_told(desk: Desk) -> None:
    desk.show(MachineState.RUNNING)
    assert desk.turn().machines[0].touched_s is None
    desk.news.put(Touched(desk.clock() - 5.0))
    first, second = desk.turn(), desk.turn()
    assert first.machines[0].touched_s == 5.0 + REPORT_EVERY_S
    assert second.machines[0].touched_s == 5.0 + 2 * REPORT_EVERY_S


def test_a_profile_is_told_until_the_server_has_taken_or_refused_it() -> None:
    desk = Desk(printer())
    desk.profile_errors = [Unavailable("away"), Conflict("at work")]
    desk.show(MachineState.RUNNING)
    for _ in range(round(3 * PROFILE_EVERY_S)):
        desk.turn()
    assert desk.profiles == [("m1", printer())] * 3


def test_a_profile_that_the_server_does_not_want_keeps_nobody_from_reporting() -> None:
    desk = Desk(printer())
    desk.profile_errors = [NotFound("there is no such route")] * 2
    desk.show(MachineState.RUNNING)
    for _ in range(round(2 * PROFILE_EVERY_S)):
        assert desk.turn().machines
    assert len(desk.profiles) == 1


def test_a_server_that_lacks_what_is_no_longer_kept_is_noticed_once(desk: Desk) -> None:
    desk.last_seq = 500
    desk.record()
    desk.replies.extend([SyncReply(acked=300)] * 3)
    for _ in range(3):
        desk.turn()
    assert desk.ordered() == [Misses(501), Heard(300)]
    desk.turn()
    assert desk.ordered() == [Misses(0), Heard(501)]


def test_a_restored_server_is_noticed_when_there_is_nothing_to_report(desk: Desk) -> None:
    desk.last_seq = 500
    desk.replies.append(SyncReply(acked=300))
    desk.turn()
    assert Misses(501) in desk.ordered()


def test_what_is_durable_is_told_at_once(desk: Desk) -> None:
    desk.show(MachineState.RUNNING)
    desk.turn()
    before = desk.clock()
    desk.record()
    assert len(desk.turn().events) == 1
    assert desk.clock() == before


def test_events_are_told_until_they_are_heard(desk: Desk) -> None:
    desk.record()
    desk.record()
    desk.replies.extend([SyncReply(acked=0), SyncReply(acked=1)])
    counts = [len(desk.turn().events) for _ in range(4)]
    assert counts == [2, 2, 1, 0]
    assert desk.ordered() == [Heard(1), Heard(2)]


def test_orders_are_passed_on(desk: Desk) -> None:
    desk.replies.append(SyncReply(acked=0, fences=(FENCE,), controls=(CANCEL,), work=("m1",)))
    desk.clock.now_s += 10
    desk.turn()
    assert desk.ordered() == [FENCE, CANCEL, Work()]


def test_work_of_another_machine_is_none_of_ours(desk: Desk) -> None:
    desk.replies.append(SyncReply(acked=0, work=("m2",)))
    desk.turn()
    assert desk.ordered() == []


def test_work_that_leads_to_nothing_is_passed_on_once_a_second_at_most(desk: Desk) -> None:
    desk.show(MachineState.IDLE)
    began = desk.clock()
    passed_on = 0
    for _ in range(20):
        desk.replies.append(SyncReply(acked=0, work=("m1",)))
        desk.turn()
        for order in desk.ordered():
            passed_on += order == Work()
            desk.news.put(TookWork())
            desk.show(MachineState.IDLE)
    assert passed_on <= desk.clock() - began + 1


def test_what_the_machine_said_before_it_read_the_hint_does_not_make_it_rest(desk: Desk) -> None:
    desk.clock.now_s += 10
    desk.show(MachineState.IDLE)
    desk.replies.append(SyncReply(acked=0, work=("m1",)))
    desk.turn()
    desk.show(MachineState.IDLE)  # older than the hint
    assert desk.turn().wait_s == 0
    desk.news.put(TookWork())
    assert desk.turn().wait_s == 0
    desk.show(MachineState.IDLE)
    assert desk.turn().wait_s == LONG_POLL_S


def test_waits_grow_and_are_never_all_the_same() -> None:
    longest = [backoff_s(n, 1.0) for n in range(8)]
    assert longest == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]
    assert [backoff_s(n, 0.0) for n in range(8)] == [wait / 2 for wait in longest]


@pytest.mark.parametrize(
    ("done", "ran_s", "left_s"),
    [(0, 5.0, 600.0), (10, 1.0, 594.0), (500, 20.0, 20.0), (1000, 40.0, 0.0)],
)
def test_the_rest_takes_as_long_as_the_lines_so_far_say(
    done: int, ran_s: float, left_s: float
) -> None:
    assert remaining_s(Progress(done, done, 1000), ran_s, 600.0) == pytest.approx(left_s)


OFFER = {
    "job_id": "j1",
    "attempt_id": "a1",
    "machine_id": "m1",
    "fence": 1,
    "lease_ends_at": "2026-01-01T00:00:00Z",
    "title": "Hook",
    "part": "hook",
    "process": "fdm",
    "file_name": "hook.stl",
    "file_sha256": "ab" * 32,
    "file_size": 1,
    "material": "petg",
}


def test_what_was_ordered_is_what_is_prepared() -> None:
    chosen = {"quality": "fine", "supports": True, "brim": True, "infill_percent": 40}
    offer = JobOffer.model_validate(OFFER | {"options": chosen})
    plan = plan_of(offer, [Path("hook")], printer())
    assert (plan.process, plan.material, plan.quality) == (Process.FDM, "petg", "fine")
    assert (plan.options.infill, plan.options.supports, plan.options.brim_mm) == (
        0.4,
        True,
        BRIM_MM,
    )


def test_what_was_not_chosen_is_left_to_the_profile() -> None:
    offer = JobOffer.model_validate(OFFER | {"thickness_mm": 12})
    plan = plan_of(offer, [Path("board")], printer())
    assert (plan.options.supports, plan.options.brim_mm, plan.stock_mm) == (False, 0.0, 12.0)
