"""A lab whose link is cut for a day: two machines go on, and afterwards nothing is made twice.

The server's use-cases, and the agent's journals, caches, offices and machine threads are real; the
clock, the link between both and the machines are the test's.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import pytest
from sqlmodel import select

from commons.content import content_id
from commons.errors import MachineFault, Unavailable
from commons.flows import Action, Unit
from commons.job import JobState
from commons.local_builds import LocalBuilds
from commons.local_starts import is_local
from commons.machine import Process
from commons.verdict import PanelVerdict, VerdictReceipt
from commons.wire import ArmRequest, JobOffer, MachineState, Permit, SyncReply, SyncRequest
from fab_agent.attempt import carry_out
from fab_agent.bench import Bench, Display, MachineLink, Offline, Prepared
from fab_agent.cache import Cache
from fab_agent.gcode.program import Estimate, GcodeProgram
from fab_agent.journal import Journal, Outbox
from fab_agent.machines.driver import Evidence
from fab_agent.offered import OfferedBook
from fab_agent.office import Office
from fab_agent.orders import ClearBed, Inbox, LocalOrder, Make, News, StartNow, Stop, Wanted, Work
from fab_agent.panel.verdicts import Verdicts
from fab_agent.recovery import settle
from fab_agent.without_server import make
from repo_server import jobs, local_builds, panel_verdicts, replies, reports
from repo_server.agents import Agent
from repo_server.blobs import BlobStore
from repo_server.tables import AttemptRow, JobRow
from tests.component.test_attempt import BYTES, FACTS, SHA, Machine, ToldOrders
from tests.component.test_without_server import Script
from tests.floor import START, Floor, fresh_engine, furnish
from tests.profiles import printer

Answer = TypeVar("Answer")
HOUR_S = 3600.0
RUN_S = 1800.0


@dataclass
class Clock:
    """The floor's time, as the agent's monotonic clock counts it, s."""

    floor: Floor

    def __call__(self) -> float:
        return (self.floor.now - START).total_seconds()

    @property
    def now_s(self) -> float:
        return self()

    @now_s.setter
    def now_s(self, now_s: float) -> None:
        self.floor.now = START + timedelta(seconds=now_s)


@dataclass
class Link:
    """The server as the agent sees it: there, away, or once with its answer lost."""

    floor: Floor
    store: BlobStore
    up: bool = True
    loses_next: bool = False

    def _through(self, ask: Callable[[], Answer]) -> Answer:
        if not self.up:
            raise Unavailable("the link is cut")
        answer = ask()
        if self.loses_next:
            self.loses_next = False
            raise Unavailable("the answer was lost")
        return answer

    def lease(self, machine_id: str) -> JobOffer | None:
        name = next(name for name, id_ in self.floor.machines.items() if id_ == machine_id)
        return self._through(lambda: self.floor.lease(name))

    def arm(self, request: ArmRequest) -> Permit:
        def ask() -> Permit:
            with self.floor.session() as session:
                agent, now = self.floor.agent_id, self.floor.now
                return jobs.permit_start(session, request, agent_id=agent, now=now)

        return self._through(ask)

    def sync(self, request: SyncRequest) -> SyncReply:
        def ask() -> SyncReply:
            who = {"agent_id": self.floor.agent_id, "now": self.floor.now}
            with self.floor.session() as session:
                acked = reports.take_sync(session, request, **who)
            with self.floor.session() as session:
                return replies.reply(session, request, acked=acked, **who)

        return self._through(ask)

    def local_builds(self) -> LocalBuilds:
        agent = Agent(self.floor.agent_id, self.floor.lab_id, "agent")
        with self.floor.session() as session:
            return local_builds.told(session, agent, now=self.floor.now)

    def tell_verdict(self, verdict: PanelVerdict) -> VerdictReceipt:
        def ask() -> VerdictReceipt:
            with self.floor.session() as session:
                return panel_verdicts.take(
                    session, verdict, agent_id=self.floor.agent_id, store=self.store,
                    now=self.floor.now,
                )  # fmt: skip

        return self._through(ask)

    def fetch(self, sha256: str, size: int, *, cache: Cache, progress: object) -> Path:
        return cache.put_file(sha256, [b"hook.stl"])

    fetch_program = fetch


@dataclass
class Place:
    """One machine's process, which may be killed and started again."""

    name: str
    folder: Path
    link: Link
    clock: Clock
    book: OfferedBook
    machine: Machine = field(default_factory=Machine)
    off: timedelta = timedelta()

    def __post_init__(self) -> None:
        self.machine.during = lambda: setattr(self.clock, "now_s", self.clock() + RUN_S)
        self.folder.mkdir()
        (self.folder / "program.gcode").write_bytes(BYTES)
        self.open()

    def open(self) -> None:
        self.orders = ToldOrders(self.clock)  # type: ignore[arg-type]
        self.orders.script = Script()  # type: ignore[assignment]
        id_, journal = self.link.floor.machines[self.name], self.folder / "journal"
        self.journal = Journal(journal, machine_id=id_, now=lambda: self.link.floor.now + self.off)
        self.news: SimpleQueue[News] = SimpleQueue()
        self.shown = ""
        self.outbox = Outbox(journal)
        self.office = self.new_office()
        self.bench = Bench(
            machine_id=id_, jobs=self.link, journal=self.journal,
            inbox=Inbox(self.orders, self.journal, self._hear),
            link=MachineLink(self.machine.open),
            display=Display(id_, self._hear, clock=self.clock),
            prepare=self._prepare,
            open_cache=partial(Cache, self.folder.parent / "cache", max_bytes=10**6),
            clock=self.clock,
            offline=Offline(self.book, printer(), since=self.clock()),
        )  # fmt: skip

    def new_office(self) -> Office:
        return Office(
            self.link.floor.machines[self.name], self.link, self.outbox,  # type: ignore[arg-type]
            boot=self.journal.boot, news=self.news, orders=self.orders, clock=self.clock,
        )  # fmt: skip

    def crash(self) -> None:
        self.outbox.close()
        self.journal.close()
        self.open()
        settle(self.bench)

    def _hear(self, news: News) -> None:
        self.news.put(news)
        progress = getattr(news, "progress", None)
        self.shown = progress.attempt_id if progress else self.shown

    def _prepare(self, offer: JobOffer, *_: object) -> Prepared:
        program = GcodeProgram(
            self.folder / "program.gcode", SHA, 3, Process.FDM, Estimate(60.0, None)
        )
        return Prepared(program, FACTS)

    def _order(self, wants: Wanted) -> LocalOrder:
        return LocalOrder(wants, "manu", Future())

    def make(self) -> str:
        """Somebody has one made here, clears the bed, and starts it; the attempt."""
        self.orders.script.extend((  # type: ignore[arg-type]
            lambda: self._order(ClearBed("manu")),
            lambda: self._order(StartNow(self.shown)),
        ))  # fmt: skip
        wish = Make(self.link.floor.release_id, "hook")
        wanted = self._order(wish)
        make(wanted, wish, self.bench)
        wanted.answer.result(0)
        return self.shown

    def tell(self) -> Work:
        """The office talks with the server, while the machine waits."""
        self.office.flush()
        return Work()

    def serve(self, *while_staged: Callable[[], object]) -> bool:
        """Whether the server had a job, which was made once these things had happened."""
        self.bench.display.show(MachineState.IDLE)  # as its machine thread does
        self.tell()
        while self.bench.inbox.take() is not None:
            pass
        offer = self.link.lease(self.bench.machine_id) if self.journal.all_heard else None
        if offer is None:
            return False
        waits: list[Callable[[], object]] = [self.tell, *while_staged, self.tell]
        self.orders.script.extend(waits)  # type: ignore[arg-type]
        carry_out(offer, self.bench)
        self.tell()
        return True


class Killed(BaseException):
    """kill -9."""


@dataclass
class Day:
    floor: Floor
    link: Link
    left: Place
    right: Place
    verdicts: Verdicts

    def judge(self, attempt_id: str) -> None:
        self.verdicts.keep(attempt_id, "m", good=1, copies=1, by="Manu at the panel")

    def cut(self) -> None:
        self.link.up = False
        self.left.clock.now_s += 120


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    floor = furnish(
        fresh_engine(tmp_path / "floor.sqlite"),
        *(printer().model_copy(update={"name": name}) for name in ("Left", "Right")),
    )
    clock, book = Clock(floor), OfferedBook(tmp_path)
    link = Link(floor, BlobStore(tmp_path / "blobs"))
    left, right = (Place(name, tmp_path / name, link, clock, book) for name in ("Left", "Right"))
    right.off = timedelta(hours=30)  # its clock is more than a day ahead
    with Cache(tmp_path / "cache", max_bytes=10**6) as cache:
        cache.put_file(content_id(b"hook.stl"), [b"hook.stl"])
    yield Day(floor, link, left, right, Verdicts(tmp_path / "panel", now=lambda: floor.now))
    for place in (left, right):
        place.outbox.close()
        place.journal.close()
    floor.engine.dispose()


def test_each_wished_copy_is_made_once_and_the_ledger_says_what_the_machines_measured(
    day: Day,
) -> None:
    floor, left, right = day.floor, day.left, day.right
    ordered = floor.order(copies=2)
    left.book.ask(day.link, now=floor.now)

    # Left has prepared the first job, and somebody has said that its bed is clear: the link falls.
    def falls() -> LocalOrder:
        day.cut()
        return left._order(wish)

    wish = Make(floor.release_id, "hook")
    offer = day.link.lease(left.bench.machine_id)
    assert offer is not None
    left.orders.script.extend((left.tell, falls, Stop()))  # type: ignore[arg-type]
    carry_out(offer, left.bench)
    assert left.machine.started == []
    floor.clear("Left")
    left.crash()
    left.clock.now_s += 120
    made = [left.make(), left.make()]

    # Right is killed while it makes something; its own records know that it was finished.
    right.machine.meanwhile = _kill
    with pytest.raises(Killed):
        right.make()
    made.append(right.shown)
    right.machine.meanwhile, right.machine.evidence_is = lambda: None, [Evidence.FINISHED]
    right.crash()
    right.machine.error = MachineFault("it ran hot")
    right.clock.now_s += 120
    failed = right.make()
    right.machine.error = None

    # Meanwhile somebody orders one more there, and what was made here is judged.
    ordered += floor.order()
    for attempt_id in made:
        day.judge(attempt_id)
    left.clock.now_s += 20 * HOUR_S
    day.link.up = day.link.loses_next = True
    with pytest.raises(Unavailable, match="lost"):
        left.tell()
    left.tell()
    right.tell()
    day.verdicts.tell(day.link)
    assert not floor.machine("Left").cleared  # the word of yesterday
    while left.serve(lambda: _say_clear(floor, "Left", left)):
        pass
    while right.serve(lambda: _say_clear(floor, "Right", right)):
        pass

    states = {job_id: floor.state(job_id) for job_id in ordered}
    assert set(states.values()) == {JobState.FINISHED}
    _counted(day, made, failed)
    before = [row.id for row in floor.ledger()]
    for place in (left, right):  # a server whose answers were all lost is told all again
        place.office = place.new_office()
        place.tell()
    day.verdicts.tell(day.link)
    assert [row.id for row in floor.ledger()] == before


def _counted(day: Day, made: list[str], failed: str) -> None:
    """Every start is one attempt, and what was used and made is what was measured."""
    floor = day.floor
    started = [*day.left.machine.started, *day.right.machine.started]
    assert [count for count in Counter(started).values() if count > 1] == []
    with floor.session() as session:
        attempts = {it.id: it for it in session.exec(select(AttemptRow))}
        of_jobs = Counter(it.job_id for it in attempts.values() if it.started_at)
        assert len(session.exec(select(JobRow)).all()) == 3 + 4
    assert set(of_jobs.values()) == {1}
    ran = {it.id for it in attempts.values() if it.started_at is not None}
    assert ran == set(started)
    assert {it for it in ran if is_local(it)} == {*made, failed}
    assert {attempts[it].outcome for it in made} == {"done"}
    assert attempts[failed].outcome == "failed"
    assert all(it.started_at <= floor.now for it in attempts.values() if it.started_at)
    total = Counter[tuple[Action, Unit]]()
    for row in floor.ledger():
        total[row.action, row.unit] += row.quantity
    measured = [it.run for it in attempts.values() if it.run is not None]
    assert total[Action.USE, Unit.HOUR] == pytest.approx(
        sum(float(str(run["ran_s"])) for run in measured) / 3600
    )
    assert total[Action.PRODUCE, Unit.EACH] == len(made)
    grams = sum(int(str(run["lines_done"])) / 3 for run in measured)
    assert total[Action.CONSUME, Unit.GRAM] == pytest.approx(grams)


def _kill() -> None:
    raise Killed


def _say_clear(floor: Floor, machine: str, place: Place) -> Work:
    """Somebody looks, empties the bed, and says so; without that nothing would start."""
    if not floor.machine(machine).cleared:
        floor.clear(machine)
    return place.tell()
