"""After a crash, a kill or a pulled cable: find out what became of a start. Nothing is started."""

import logging

from commons.errors import Conflict, MachineError
from commons.wire import ControlOrder, EventKind, MachineState, Wish
from fab_agent.bench import Bench
from fab_agent.handwork import only_stop
from fab_agent.journal import OpenStart, Stage, Start
from fab_agent.machines.driver import Evidence
from fab_agent.orders import LocalOrder

log = logging.getLogger(__name__)
# How often a machine that runs on, or does not answer, is asked again, s.
LOOK_S = 2.0
_ONLY_STOP = "what an earlier start came to is not known yet: it can only be stopped now"
_ENDS = {
    Evidence.FINISHED: (EventKind.FINISHED, "the machine's own records say that it finished"),
    Evidence.STOPPED: (EventKind.FAILED, "the machine's own records say that it was stopped"),
    Evidence.NOTHING_RAN: (EventKind.FAILED, "the machine's own records say that nothing ran"),
    Evidence.UNKNOWN: (EventKind.LOST, "the agent was away and the machine keeps no records"),
}


def settle(bench: Bench) -> None:
    """Every start in the journal has its end, or the agent is leaving.

    A start that was never intended is given up. Of one that was, the machine's own records tell
    the end; a machine that runs on is watched, one that is gone is LOST at once and made safe
    as soon as it answers.

    Raises:
        Unavailable: the journal cannot be written; the rest is for later.
    """
    for it in bench.journal.open_starts():
        if it.stage is Stage.ASKED:
            bench.journal.give_up(it.start, "the agent was interrupted before the start")
        else:
            _Inquiry(it, bench).carry_out()


class _Inquiry:
    """What became of one start. Invariant: LOST is told once, and the machine is never started."""

    def __init__(self, it: OpenStart, bench: Bench) -> None:
        self._start: Start = it.start
        self._told_lost = it.stage is Stage.LOST
        self._bench = bench

    def carry_out(self) -> None:
        """The start has its end, or the agent leaves before it could be learned."""
        while not self._bench.inbox.leaving:
            if self._is_over():
                return
            order = self._bench.inbox.take(LOOK_S)
            match order:
                case ControlOrder(attempt_id=self._start.attempt_id, wish=Wish.CANCEL):
                    self._stop()
                case LocalOrder():
                    only_stop(order, self._bench, Conflict(_ONLY_STOP))

    def _is_over(self) -> bool:
        start, link = self._start, self._bench.link
        try:
            evidence = link.evidence(start.attempt_id, start.program_sha256)
            if evidence is Evidence.STILL_RUNNING:
                self._runs_on()
                return False
            if evidence is not Evidence.FINISHED:
                link.make_safe()
        except MachineError as gone:
            self._tell_lost(str(gone))
            self._bench.display.show(MachineState.OFFLINE, str(gone))
            return False
        self._close(evidence)
        return True

    def _close(self, evidence: Evidence) -> None:
        kind, sentence = _ENDS[evidence]
        log.warning("attempt %s: %s", self._start.attempt_id, sentence)
        if kind is EventKind.LOST:
            self._tell_lost(sentence)
            self._bench.journal.close_start(self._start)
        else:
            self._bench.journal.end(self._start, kind, sentence=sentence)
            if self._bench.made is not None:
                self._bench.made.ended(self._start.attempt_id, kind)

    def _tell_lost(self, sentence: str) -> None:
        if not self._told_lost:
            self._bench.journal.end(self._start, EventKind.LOST, sentence=sentence)
            self._told_lost = True

    def _runs_on(self) -> None:
        start = self._start
        if self._told_lost:  # it is known again: the server may call it running
            self._bench.journal.resume(start)
            self._told_lost = False
        self._bench.display.show(
            MachineState.RUNNING, f"attempt {start.attempt_id} runs on since before a restart"
        )

    def _stop(self) -> None:
        try:
            self._bench.link.make_safe()
        except MachineError as gone:
            log.warning("attempt %s cannot be stopped: %s", self._start.attempt_id, gone)
