"""The office thread: it talks with the server, so that the machine thread need not wait.

While the machine rests the office waits at the server (long poll) and hears at once what
people want. While it works the office reports every second and at once what is durable. A
server that is away changes nothing for the machine; what was not heard is told later.
"""

import logging
import random
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event

from commons.errors import Conflict, FabError, Unavailable
from commons.machine import MachineProfile
from commons.wire import MachineReport, MachineState, SyncReply, SyncRequest
from fab_agent.journal import Outbox
from fab_agent.orders import Heard, Misses, News, Order, Recorded, Spoke, TookWork, Touched, Work
from fab_agent.repository import Repository, backoff_s

log = logging.getLogger(__name__)
# The server keeps a question open for this long; it allows 25 s.
LONG_POLL_S = 15.0
# A working machine is reported at most this often, s.
REPORT_EVERY_S = 1.0
# Between two questions of a resting machine, s, whatever the server answers.
LEAST_PAUSE_S = 0.1
# A profile that the server could not take now is told again after this long, s.
PROFILE_EVERY_S = 30.0
_RESTING = {
    MachineState.IDLE,
    MachineState.WAITING,
    MachineState.OFFLINE,
    MachineState.FAULT,
}


class Office:
    """One machine's correspondence. Invariant: events are sent in order until they are heard."""

    def __init__(
        self,
        machine_id: str,
        repository: Repository,
        outbox: Outbox,
        *,
        boot: str,
        news: "SimpleQueue[News]",
        orders: "SimpleQueue[Order]",
        clock: Callable[[], float],
        profile: MachineProfile | None = None,
    ) -> None:
        self._machine_id, self._boot = machine_id, boot
        self._repository, self._outbox = repository, outbox
        self._news, self._orders, self._clock = news, orders, clock
        self._profile, self._tell_profile_at = profile, clock()
        self._report: MachineReport | None = None
        self._touched_at: float | None = None
        self._reported_at = clock()
        self._is_resting = False
        self._acked = self._misses = 0
        self._unheard = True  # something durable may wait for the server
        self._has_work_out = False  # the machine has not read our last Work yet
        self._told_at = self._worked_at = clock() - REPORT_EVERY_S

    def run(self, stopping: Event) -> None:
        """Talk with the server until `stopping`; a server that is away is asked again later."""
        failures = 0
        while not stopping.is_set():
            try:
                self.turn()
            except FabError as problem:
                if not failures:
                    log.warning("%s", problem)
                wait_s = backoff_s(failures, random.random())  # noqa: S311
                failures += 1
                stopping.wait(wait_s)
            except Exception:
                log.exception("the correspondence of machine %s failed", self._machine_id)
                failures += 1
                stopping.wait(REPORT_EVERY_S)
            else:
                if failures:
                    log.info("the server answers again")
                failures = 0

    def turn(self) -> None:
        """Wait until there is a reason to talk, tell the server the news, pass on its answer."""
        while (news := self._next_news()) is not None:
            self._note(news)
            if isinstance(news, Recorded):
                break
        self._tell_profile()
        self._converse(LONG_POLL_S if self._rests() else 0.0)

    def _tell_profile(self) -> None:
        """The server has the profile that agent.toml holds now, or is told later; once is enough.

        What it does not want keeps nobody from reporting.
        """
        if self._profile is None or self._clock() < self._tell_profile_at:
            return
        try:
            self._repository.tell_profile(self._machine_id, self._profile)
        except (Conflict, Unavailable) as later:
            log.info("the machine's profile is told again later: %s", later)
            self._tell_profile_at = self._clock() + PROFILE_EVERY_S
            return
        except FabError as refused:
            log.warning("the server does not take the machine's profile: %s", refused)
        self._profile = None

    def flush(self) -> None:
        """The server has heard everything there was. Unavailable when it does not answer."""
        with suppress(Empty):
            while True:
                self._note(self._news.get_nowait())
        self._converse(0.0)
        while self._outbox.after(self._acked):
            before = self._acked
            self._converse(0.0)
            if self._acked == before:
                raise Unavailable("the server does not take our reports: they are kept for later")

    def _converse(self, wait_s: float) -> None:
        events = self._outbox.after(self._acked)
        request = SyncRequest(
            boot=self._boot,
            machines=self._machines(),
            events=events,
            wait_s=0.0 if events else wait_s,
        )
        self._told_at = self._clock()
        self._pass_on(self._repository.sync(request))
        self._unheard = bool(events) and self._acked < events[-1].seq

    def _machines(self) -> tuple[MachineReport, ...]:
        """The machine as it is now: a report may have waited, and words are older by then."""
        report, now = self._report, self._clock()
        if report is None:
            return ()
        update: dict[str, object] = {}
        if self._touched_at is not None:
            update["touched_s"] = max(0.0, now - self._touched_at)
        if report.clear is not None:
            age_s = report.clear.age_s + max(0.0, now - self._reported_at)
            update["clear"] = report.clear.model_copy(update={"age_s": age_s})
        return (report.model_copy(update=update),)

    def _pass_on(self, reply: SyncReply) -> None:
        self._orders.put(Spoke(self._clock()))
        self._look_for_gap(reply.acked)
        if reply.acked > self._acked:
            self._acked = reply.acked
            self._orders.put(Heard(reply.acked))
        for fence in reply.fences:
            self._orders.put(fence)
        for control in reply.controls:
            self._orders.put(control)
        due = self._clock() >= self._worked_at + REPORT_EVERY_S
        if self._machine_id in reply.work and not self._has_work_out and due:
            self._has_work_out, self._worked_at = True, self._clock()
            self._orders.put(Work())

    def _look_for_gap(self, acked: int) -> None:
        """A server that was restored from a backup may lack what it acknowledged before."""
        kept_from = self._outbox.kept_from()
        misses = kept_from if acked + 1 < kept_from else 0
        if misses != self._misses:
            self._misses = misses
            self._orders.put(Misses(misses))

    def _rests(self) -> bool:
        return self._is_resting and not self._has_work_out and not self._unheard

    def _next_news(self) -> News | None:
        """The next piece of news; None when it is time to talk."""
        if self._rests():
            talk_at = max(self._worked_at + REPORT_EVERY_S, self._told_at + LEAST_PAUSE_S)
        else:
            talk_at = self._told_at + REPORT_EVERY_S
        wait_s = talk_at - self._clock()
        try:
            return self._news.get(timeout=wait_s) if wait_s > 0 else self._news.get_nowait()
        except Empty:
            return None

    def _note(self, news: News) -> None:
        match news:
            case Recorded():
                self._unheard = True
            case TookWork():  # what the machine said before is older than our hint
                self._has_work_out = self._is_resting = False
            case Touched(at):
                self._touched_at = at
            case MachineReport():
                self._report, self._is_resting = news, news.state in _RESTING
                self._reported_at = self._clock()
