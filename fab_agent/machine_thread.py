"""The machine thread: it owns port, program and journal, and does one thing after the other."""

import logging
import random

from commons.dispatch import AWAY_S
from commons.errors import FabError
from commons.wire import EventKind, JobOffer, MachineState
from fab_agent.attempt import carry_out
from fab_agent.bench import Bench
from fab_agent.handwork import attend
from fab_agent.orders import LocalOrder, Make, Work
from fab_agent.recovery import settle
from fab_agent.repository import backoff_s
from fab_agent.without_server import make

log = logging.getLogger(__name__)
# How often an idle machine is looked at, s.
LOOK_S = 5.0
# The server says when there is work; this often it is asked all the same, s.
ASK_EVERY_S = 60.0
_MISSED = (
    "the server misses reports before {before}: it was restored from a backup; look at the "
    "machine, give the agent a new data folder in agent.toml and enrol it again"
)


class MachineThread:
    """One machine's work, from the first look to the last report.

    Invariant: nothing new is asked for while a start has no end, or while the server has not
    heard everything: it would offer again what was just given back.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._ask_at = bench.clock()
        self._failures = 0

    def work(self) -> None:
        """Build what the server offers, until the agent leaves; then the machine is let go."""
        bench = self._bench
        try:
            while not bench.inbox.leaving:
                try:
                    self._turn()
                except FabError as problem:
                    log.error("machine %s: %s", bench.machine_id, problem)
                    bench.display.show(MachineState.FAULT, str(problem))
                    self._pause()
        finally:
            bench.link.close()
            bench.display.show(MachineState.OFFLINE, "the agent was stopped")

    def _turn(self) -> None:
        """Clear up what is open, then build one thing or wait a moment."""
        bench = self._bench
        settle(bench)
        bench.journal.forget()
        if bench.inbox.misses:
            bench.display.show(MachineState.FAULT, _MISSED.format(before=bench.inbox.misses))
            self._wait(LOOK_S)
        elif not bench.is_ready():
            self._wait(LOOK_S)
        elif (offer := self._offer()) is not None:
            self._build(offer)
        else:
            bench.display.show(MachineState.IDLE)
            self._wait(LOOK_S)

    def _build(self, offer: JobOffer) -> None:
        log.info("attempt %s: %s (%s)", offer.attempt_id, offer.title, offer.part)
        if carry_out(offer, self._bench) is EventKind.DECLINED:
            self._pause()
        else:
            self._failures, self._ask_at = 0, self._bench.clock()

    def _offer(self) -> JobOffer | None:
        bench = self._bench
        away = bench.silent_s >= AWAY_S
        if away or bench.clock() < self._ask_at or not bench.journal.all_heard:
            return None
        self._ask_at = bench.clock() + ASK_EVERY_S
        try:
            return bench.jobs.lease(bench.machine_id)
        except FabError as problem:
            log.warning("machine %s asked for work in vain: %s", bench.machine_id, problem)
            return None

    def _pause(self) -> None:
        """Wait before trying again what just failed, longer each time."""
        end = self._bench.clock() + backoff_s(self._failures, random.random())  # noqa: S311
        self._failures += 1
        while not self._bench.inbox.leaving and (left := end - self._bench.clock()) > 0:
            self._wait(left)
        self._ask_at = self._bench.clock()

    def _wait(self, seconds: float) -> None:
        match self._bench.inbox.take(seconds):
            case Work():
                self._ask_at = self._bench.clock()
            case LocalOrder(wants=Make() as wish) as order:
                make(order, wish, self._bench)
            case LocalOrder() as order:
                attend(order, self._bench)
