"""One attempt from offer to report: a real journal, a real cache, a server and a machine of words.

The clock is the test's: time passes only while somebody waits for an order.
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from math import nan
from pathlib import Path
from queue import SimpleQueue

import pytest

from commons.dispatch import MachineJournal
from commons.errors import (
    FabError,
    LeaseLost,
    MachineFault,
    NotArmed,
    NotFound,
    ProgramRefused,
    ProtocolViolation,
    TransportLost,
    Unavailable,
)
from commons.machine import Process
from commons.wire import (
    AgentEvent,
    ArmRequest,
    ControlOrder,
    EventKind,
    FenceOrder,
    JobOffer,
    MachineReport,
    MachineState,
    Permit,
    ProgramFacts,
    Refusal,
    Wish,
)
from fab_agent.attempt import carry_out
from fab_agent.bench import Bench, Display, MachineLink, Prepared
from fab_agent.cache import Cache
from fab_agent.courier import Shown
from fab_agent.gcode.program import Estimate, GcodeProgram
from fab_agent.journal import Journal, Outbox, Stage, Start
from fab_agent.machines.driver import (
    Control,
    Controls,
    Evidence,
    MachineIdentity,
    Outcome,
    Progress,
    Report,
    RunEnd,
    Step,
    nobody_stops,
)
from fab_agent.orders import Heard, Inbox, News, Order, Stop, Work
from fab_agent.recovery import settle

LINES = [b"G28\n", b"G1 X1\n", b"M84\n"]
BYTES = b"".join(LINES)
SHA = sha256(BYTES).hexdigest()
OFFER = JobOffer(
    job_id="j1",
    attempt_id="a1",
    machine_id="m1",
    fence=1,
    lease_ends_at=datetime(2026, 1, 1, tzinfo=UTC),
    title="Hook",
    part="hook",
    process=Process.FDM,
    file_name="hook.stl",
    file_sha256="cd" * 32,
    file_size=10,
    material="pla",
)
START = Start("a1", 1, SHA)
FACTS = ProgramFacts(
    sha256=SHA,
    line_count=3,
    duration_s=60,
    material_g=1.0,
    prepared_with="hand",
    profile_sha256="ef" * 32,
)
BED = NotArmed("the bed waits for someone", reason="bed_not_clear")


class ToldOrders(SimpleQueue[Order]):
    """Orders of the office, told in turn; waiting for one lets time pass at once."""

    def __init__(self, clock: "Clock") -> None:
        super().__init__()
        self._clock = clock
        self.script: deque[Order] = deque()

    def get(self, block: bool = True, timeout: float | None = None) -> Order:
        if self.script:
            return self.script.popleft()
        self._clock.now_s += timeout or 0.0
        return super().get_nowait()

    def get_nowait(self) -> Order:
        return self.script.popleft() if self.script else super().get_nowait()


@dataclass(slots=True)
class Clock:
    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass(slots=True)
class Server:
    """Answers ARM with what is in `answers` in turn; at the end with a permit."""

    answers: list[FabError | Permit] = field(default_factory=list)
    fetch_error: FabError | None = None
    asked: list[ArmRequest] = field(default_factory=list)
    on_arm: Callable[[], None] = lambda: None

    def lease(self, machine_id: str) -> JobOffer | None:
        return OFFER

    def arm(self, request: ArmRequest) -> Permit:
        self.asked.append(request)
        self.on_arm()
        answer = self.answers.pop(0) if self.answers else permit()
        if isinstance(answer, FabError):
            raise answer
        return answer

    def fetch(
        self, sha256: str, size: int, *, cache: Cache, progress: Callable[[int, int], None]
    ) -> Path:
        if self.fetch_error:
            raise self.fetch_error
        progress(size, size)
        return Path("/nowhere")


def permit(**changes: object) -> Permit:
    values = {
        "attempt_id": "a1",
        "machine_id": "m1",
        "fence": 1,
        "program_sha256": SHA,
        "valid_s": 60,
    }
    return Permit.model_validate(values | changes)


@dataclass(slots=True)
class Machine:
    """A driver that takes note.

    `during` happens before the first byte, `meanwhile` and then `error` after the second line.
    """

    unready: list[FabError] = field(default_factory=list)
    evidence_is: list[Evidence | FabError] = field(default_factory=list)
    error: Exception | None = None
    during: Callable[[], None] = lambda: None
    meanwhile: Callable[[], None] = lambda: None
    on_report: Callable[[Report], None] = lambda report: None  # may tell of a stop, and more
    steps_last: bool = False  # long enough that somebody may stop them
    started: list[str] = field(default_factory=list)
    made_safe: int = 0
    opened: int = 0
    obeyed: list[Control] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    step_error: FabError | None = None

    def open(self) -> "Machine":
        self.opened += 1
        return self

    def identify(self) -> MachineIdentity:
        return MachineIdentity("words")

    def ready(self) -> None:
        if self.unready:
            raise self.unready.pop(0)

    def run(
        self, program: GcodeProgram, *, attempt: str, report: Report, controls: Controls
    ) -> RunEnd:
        self.during()
        self._obey(controls)
        self.started.append(attempt)
        report(Progress(2, 1, 3))
        self.meanwhile()
        self.on_report(report)
        if self._obey(controls) is Control.ABORT:
            self.made_safe += 1
            return RunEnd(Outcome.ABORTED, 2, 1)
        if self.error:
            self.made_safe += 1
            raise self.error
        return RunEnd(Outcome.FINISHED, 3, 3)

    def _obey(self, controls: Controls) -> Control | None:
        last = None
        while last is not Control.ABORT and (asked := controls()) is not None:
            self.obeyed.append(asked)
            last = asked
        return last

    def make_safe(self) -> None:
        self.made_safe += 1

    def operate(self, step: Step, *, wants_stop: Callable[[], bool] = nobody_stops) -> str:
        self.steps.append(step)
        if self.steps_last and wants_stop():
            raise Unavailable("it was stopped")
        if self.step_error:
            raise self.step_error
        return "at x 1"

    def evidence(self, attempt: str, program_sha256: str) -> Evidence:
        known = self.evidence_is.pop(0) if self.evidence_is else Evidence.UNKNOWN
        if isinstance(known, FabError):
            raise known
        return known

    def close(self) -> None:
        pass


class Shop:
    """A bench and all that stands on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.server, self.machine = Server(), Machine()
        self.orders = ToldOrders(self.clock)
        self.reports: list[MachineReport] = []
        self.shown: list[Shown] = []
        self.program = folder / "program.gcode"
        self.program.write_bytes(BYTES)
        self.preparing: Callable[[], None] = lambda: None
        self.facts = FACTS
        self.on_fault: Callable[[MachineReport], None] = lambda report: None
        self.open()

    def open(self) -> None:
        """The process has started (again): only what is on the disk is known."""
        self.journal = Journal(self.folder / "journal", machine_id="m1")
        self.bench = Bench(
            machine_id="m1",
            jobs=self.server,
            journal=self.journal,
            inbox=Inbox(self.orders, self.journal, self._hear),
            link=MachineLink(self.machine.open),
            display=Display("m1", self._hear, clock=self.clock),
            prepare=self._prepare,
            open_cache=partial(Cache, self.folder / "cache", max_bytes=10**6),
            clock=self.clock,
            show=self.shown.append,
        )

    def crash(self) -> None:
        self.journal.close()
        self.open()

    def carry_out(self, *orders: Order) -> list[str]:
        """What the server hears of an attempt during which these orders come."""
        self.orders.script.extend(orders)
        carry_out(OFFER, self.bench)
        return self.told()

    def told(self) -> list[str]:
        return [event.kind.value for event in self.events()]

    def events(self) -> list[AgentEvent]:
        outbox = Outbox(self.folder / "journal")
        events = list(outbox.after(0))
        outbox.close()
        return events

    def last_sentence(self) -> str:
        return str(self.events()[-1].sentence)

    def states(self) -> list[MachineState]:
        return list(dict.fromkeys(report.state for report in self.reports))

    def _hear(self, news: News) -> None:
        if isinstance(news, MachineReport):
            self.reports.append(news)
            if news.state is MachineState.FAULT:
                self.on_fault(news)

    def _prepare(
        self, offer: JobOffer, file: Path, cache: Cache, say: Callable[[str], None]
    ) -> Prepared:
        self.preparing()
        program = GcodeProgram(self.program, SHA, 3, Process.FDM, Estimate(60.0, None))
        return Prepared(program, self.facts)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    shop.journal.close()


HEARD = Heard(1)
CANCEL = ControlOrder(attempt_id="a1", wish=Wish.CANCEL)
FENCE = FenceOrder(machine_id="m1", attempt_id="a1", fence=1)


def test_a_good_attempt_is_staged_started_and_finished(shop: Shop) -> None:
    assert shop.carry_out(HEARD) == ["staged", "started", "finished"]
    assert shop.machine.started == ["a1"]
    assert shop.journal.open_starts() == []
    run = shop.events()[-1].run
    assert (run.lines_sent, run.lines_done, run.line_count) == (3, 3, 3)
    assert shop.states() == [MachineState.PREPARING, MachineState.WAITING, MachineState.RUNNING]


@pytest.mark.parametrize(
    ("cutters_mm", "holds"),
    [
        ((), ""),
        ((2.0,), " and holds the 2 mm cutter"),
        ((3.0, 1.5, 6.0), " and holds the 3 mm cutter; it stops for 1.5 mm, then 6 mm"),
    ],
)
def test_whoever_clears_a_machine_is_told_its_cutters_in_their_order(
    shop: Shop, cutters_mm: tuple[float, ...], holds: str
) -> None:
    shop.facts = FACTS.model_copy(update={"cutters_mm": cutters_mm})
    shop.carry_out(HEARD)
    waits = [it.sentence for it in shop.reports if it.state is MachineState.WAITING]
    assert waits[0] == f"someone confirms that the machine is clear{holds}"


def test_no_permit_is_asked_for_before_the_server_knows_the_program(shop: Shop) -> None:
    shop.carry_out(Work(), Work(), Stop())
    assert shop.server.asked == []


def test_a_staged_program_is_shown(shop: Shop) -> None:
    shop.carry_out(HEARD)
    assert shop.shown == [Shown("a1", shop.program)]


def test_a_refused_program_is_told_with_its_rule_and_shown_with_its_place(shop: Shop) -> None:
    refused = ProgramRefused("outside", rule="envelope", line=4, place=(9.0, 3.0, nan))
    refused.program = shop.program

    def fail() -> None:
        raise refused

    shop.preparing = fail
    shop.carry_out()
    (event,) = shop.events()
    assert event.refusal == Refusal(rule="envelope", line=4, place=(9.0, 3.0, None))
    assert shop.shown == [Shown("a1", shop.program, (9.0, 3.0, None))]


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (ProgramRefused("x is 3 mm outside", rule="envelope"), "refused"),
        (NotFound("there is no such file"), "refused"),
        (ValueError("a bug"), "refused"),
        (Unavailable("the sandbox does not work here"), "declined"),
    ],
)
def test_what_cannot_be_prepared_is_given_back_with_the_sentence(
    shop: Shop, problem: Exception, kind: str
) -> None:
    def fail() -> None:
        raise problem

    shop.preparing = fail
    assert shop.carry_out(HEARD) == [kind]
    expected = str(problem) if isinstance(problem, FabError) else "ValueError"
    assert expected in shop.last_sentence()
    assert shop.machine.started == []


def test_a_server_without_the_file_now_gets_the_job_back(shop: Shop) -> None:
    shop.server.fetch_error = Unavailable("the server does not answer")
    assert shop.carry_out(HEARD) == ["declined"]


def test_a_bed_that_is_not_clear_is_waited_for(shop: Shop) -> None:
    shop.server.answers = [BED, BED]
    assert shop.carry_out(HEARD, Work(), Work()) == ["staged", "started", "finished"]
    assert len(shop.server.asked) == 3
    assert any(report.sentence == str(BED) for report in shop.reports)


def test_a_lost_hint_costs_half_a_minute_and_not_the_job(shop: Shop) -> None:
    shop.server.answers = [BED]
    began = shop.clock()
    assert shop.carry_out(HEARD)[-1] == "finished"
    assert 29 < shop.clock() - began < 36


def test_a_machine_that_is_not_ready_spends_no_clear_bed(shop: Shop) -> None:
    shop.machine.unready = [Unavailable("it is in alarm"), TransportLost("port is gone")]
    assert shop.carry_out(HEARD)[-1] == "finished"
    assert len(shop.server.asked) == 1
    assert {MachineState.FAULT, MachineState.OFFLINE} < set(shop.states())
    assert shop.machine.opened == 2


def test_a_lost_answer_is_asked_for_again_and_the_permit_is_as_old_as_the_first_question(
    shop: Shop,
) -> None:
    shop.server.answers = [Unavailable("no answer")] * 2
    assert shop.carry_out(HEARD)[-1] == "finished"
    assert len(shop.server.asked) == 3


def test_a_permit_that_never_comes_is_given_up_after_a_minute(shop: Shop) -> None:
    shop.server.answers = [Unavailable("no answer")] * 100
    began = shop.clock()
    assert shop.carry_out(HEARD) == ["staged", "unused", "declined"]
    assert 60 <= shop.clock() - began < 80
    assert shop.journal.card == MachineJournal(fenced=1)


def test_a_permit_that_took_too_long_to_come_starts_nothing(shop: Shop) -> None:
    def slowly() -> None:
        shop.clock.now_s += 61

    shop.server.on_arm = slowly
    assert shop.carry_out(HEARD) == ["staged", "unused", "declined"]
    assert "61 s old" in shop.last_sentence()
    assert shop.machine.started == []


@pytest.mark.parametrize(
    "change",
    [{"attempt_id": "a2"}, {"machine_id": "m2"}, {"fence": 2}, {"program_sha256": "00" * 32}],
)
def test_a_permit_for_something_else_starts_nothing(shop: Shop, change: dict[str, object]) -> None:
    shop.server.answers = [permit(**change)]
    assert shop.carry_out(HEARD) == ["staged", "unused", "declined"]
    assert shop.machine.started == []


def test_a_program_that_was_altered_since_its_proof_starts_nothing(shop: Shop) -> None:
    shop.server.on_arm = lambda: shop.program.write_bytes(BYTES + b"G1 X999\n")
    assert shop.carry_out(HEARD) == ["staged", "unused", "declined"]
    assert "not the one that was permitted" in shop.last_sentence()
    assert shop.machine.started == []


def test_a_lost_lease_is_forgotten(shop: Shop) -> None:
    shop.server.answers = [LeaseLost("attempt a1 no longer holds this job")]
    assert shop.carry_out(HEARD) == ["staged", "unused", "declined"]


@pytest.mark.parametrize("order", [Stop(), CANCEL])
def test_what_ends_the_wait_before_a_question_declines(shop: Shop, order: Order) -> None:
    assert shop.carry_out(order) == ["staged", "declined"]


@pytest.mark.parametrize("order", [Stop(), CANCEL])
def test_what_ends_the_wait_after_a_question_also_gives_up_the_permit(
    shop: Shop, order: Order
) -> None:
    shop.server.answers = [BED]
    assert shop.carry_out(HEARD, order) == ["staged", "unused", "declined"]


def test_a_fence_while_waiting_is_answered_and_nothing_starts_any_more(shop: Shop) -> None:
    shop.server.answers = [BED]
    assert shop.carry_out(HEARD, FENCE, Work()) == ["staged", "fenced", "unused", "declined"]
    assert shop.events()[1].intent is False
    assert shop.machine.started == []


def test_a_fence_never_comes_between_intent_and_the_first_byte(shop: Shop) -> None:
    shop.machine.during = lambda: shop.orders.put(FENCE)
    assert shop.carry_out(HEARD) == ["staged", "started", "finished"]


def test_a_fence_during_a_run_is_answered_with_the_intent(shop: Shop) -> None:
    shop.machine.meanwhile = lambda: shop.orders.put(FENCE)
    assert shop.carry_out(HEARD) == ["staged", "started", "fenced", "finished"]
    assert shop.events()[2].intent is True


@pytest.mark.parametrize(
    ("error", "kind", "stage"),
    [
        (TransportLost("port is gone"), "lost", [Stage.LOST]),
        (ProtocolViolation("nonsense"), "lost", [Stage.LOST]),
        (RuntimeError("a bug"), "lost", [Stage.LOST]),
        (MachineFault("thermal runaway"), "failed", []),
    ],
)
def test_a_run_that_breaks_off_is_made_safe_and_told_as_it_is_known(
    shop: Shop, error: Exception, kind: str, stage: list[Stage]
) -> None:
    shop.machine.error = error
    assert shop.carry_out(HEARD) == ["staged", "started", kind]
    assert shop.machine.made_safe == 1
    assert [it.stage for it in shop.journal.open_starts()] == stage
    run = shop.events()[-1].run
    assert (run.lines_sent, run.lines_done) == (2, 1)


def test_people_hold_resume_and_cancel_a_run_and_no_other(shop: Shop) -> None:
    def ask() -> None:
        for wish in Wish:
            shop.orders.put(ControlOrder(attempt_id="another", wish=wish))
            shop.orders.put(ControlOrder(attempt_id="a1", wish=wish))

    shop.machine.meanwhile = ask
    assert shop.carry_out(HEARD) == ["staged", "started", "failed"]
    assert shop.machine.obeyed == [Control.HOLD, Control.RESUME, Control.ABORT]
    assert "cancelled" in shop.last_sentence()


def test_stopping_the_agent_stops_the_machine(shop: Shop) -> None:
    shop.machine.meanwhile = lambda: shop.orders.put(Stop())
    assert shop.carry_out(HEARD) == ["staged", "started", "failed"]
    assert shop.machine.made_safe == 1
    assert "agent was stopped" in shop.last_sentence()


def test_a_full_disk_before_intent_starts_nothing(shop: Shop) -> None:
    shop.server.on_arm = lambda: fill(shop.journal)
    with pytest.raises(Unavailable, match="is full"):
        shop.carry_out(HEARD)
    assert shop.machine.started == []
    assert shop.journal.card == MachineJournal()
    make_room(shop.journal)
    settle(shop.bench)
    assert shop.told()[-2:] == ["unused", "declined"]
    assert shop.journal.card == MachineJournal(fenced=1)


def test_an_end_that_finds_the_disk_full_is_kept_until_there_is_room(shop: Shop) -> None:
    shop.machine.meanwhile = lambda: fill(shop.journal)
    tries = []

    def free_some(report: MachineReport) -> None:
        tries.append(report)
        if len(tries) == 3:
            make_room(shop.journal)

    shop.on_fault = free_some
    assert shop.carry_out(HEARD)[-1] == "finished"
    assert len(tries) == 3


def fill(journal: Journal) -> None:
    """No more room, down to the last page."""
    db: sqlite3.Connection = journal._db
    size = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {size}")
    with pytest.raises(Unavailable):
        for fence in range(10**6, 10**6 + 1000):
            journal.record(EventKind.STAGED, "filler", fence)


def make_room(journal: Journal) -> None:
    journal._db.execute("PRAGMA max_page_count = 100000")


def intend(shop: Shop) -> None:
    shop.journal.ask(START)
    with shop.journal.start_section(START, age_s=0.0, same_program=True):
        pass


def test_after_a_crash_before_intent_the_permit_is_given_up(shop: Shop) -> None:
    shop.journal.ask(START)
    shop.crash()
    settle(shop.bench)
    assert shop.told() == ["unused", "declined"]
    assert shop.machine.started == []
    with (
        pytest.raises(NotArmed, match="was given up"),
        shop.journal.start_section(START, age_s=0.0, same_program=True),
    ):
        pass


@pytest.mark.parametrize(
    ("evidence", "kind", "safe"),
    [
        (Evidence.FINISHED, "finished", 0),
        (Evidence.STOPPED, "failed", 1),
        (Evidence.NOTHING_RAN, "failed", 1),
        (Evidence.UNKNOWN, "lost", 1),
    ],
)
def test_after_a_crash_behind_intent_the_machine_is_asked_and_never_started(
    shop: Shop, evidence: Evidence, kind: str, safe: int
) -> None:
    intend(shop)
    shop.machine.evidence_is = [evidence]
    shop.crash()
    settle(shop.bench)
    settle(shop.bench)
    assert shop.told() == ["started", kind]
    assert shop.machine.made_safe == safe
    assert shop.machine.started == []
    assert shop.journal.open_starts() == []


def test_a_machine_that_ran_on_without_us_is_watched_to_its_end(shop: Shop) -> None:
    intend(shop)
    shop.machine.evidence_is = [Evidence.STILL_RUNNING, Evidence.STILL_RUNNING, Evidence.FINISHED]
    shop.crash()
    settle(shop.bench)
    assert shop.told() == ["started", "finished"]
    assert shop.machine.made_safe == 0
    assert MachineState.RUNNING in shop.states()


def test_a_machine_that_runs_on_can_be_cancelled(shop: Shop) -> None:
    intend(shop)
    shop.machine.evidence_is = [Evidence.STILL_RUNNING, Evidence.STOPPED]
    shop.orders.script.append(CANCEL)
    shop.crash()
    settle(shop.bench)
    assert shop.told() == ["started", "failed"]
    assert shop.machine.made_safe == 2


def test_a_machine_that_is_gone_is_lost_at_once_and_made_safe_when_it_is_back(shop: Shop) -> None:
    intend(shop)
    shop.machine.evidence_is = [TransportLost("port is gone")] * 3
    shop.crash()
    settle(shop.bench)
    assert shop.told() == ["started", "lost"]
    assert shop.machine.made_safe == 1
    assert shop.journal.open_starts() == []


def test_a_machine_found_running_after_it_was_lost_is_called_running_again(shop: Shop) -> None:
    intend(shop)
    gone = TransportLost("host is gone")
    shop.machine.evidence_is = [gone, Evidence.STILL_RUNNING, Evidence.FINISHED]
    shop.crash()
    settle(shop.bench)
    assert shop.told() == ["started", "lost", "started", "finished"]


def test_an_agent_that_leaves_while_a_machine_is_gone_asks_again_next_time(shop: Shop) -> None:
    intend(shop)
    shop.machine.evidence_is = [TransportLost("port is gone")]
    shop.orders.script.append(Stop())
    shop.crash()
    settle(shop.bench)
    assert [it.stage for it in shop.journal.open_starts()] == [Stage.LOST]
    shop.crash()
    settle(shop.bench)
    assert shop.told() == ["started", "lost"]
    assert shop.journal.open_starts() == []
