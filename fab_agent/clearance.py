"""From STAGED to a permit: wait for a person's clear bed, and never ask with a machine unready."""

import logging
import random

from commons.dispatch import PERMIT_VALID_S
from commons.errors import Conflict, FabError, NotArmed, Unavailable
from commons.wire import ArmRequest, ControlOrder, EventKind, MachineState, Permit, Wish
from fab_agent.bench import Bench
from fab_agent.handwork import attend
from fab_agent.journal import Start
from fab_agent.local_plan import plan
from fab_agent.orders import ClearBed, Heard, LocalOrder, Make, Order, Work, stopped_at_the_machine
from fab_agent.repository import backoff_s

log = logging.getLogger(__name__)
# The server says when asking is worth while; this often it is asked all the same (s), so that
# a lost hint or a lost lease is noticed.
ASK_EVERY_S = 30.0
# How often a machine that is not ready is looked at, s.
LOOK_S = 5.0
# A word about the bed with which a permit was refused for these reasons is given once more.
_WORD_COUNTS_NOT = ("bed_not_clear", "attended_only")
_MADE_WAY = "people make something else on it while the server is away"


class Clearance:
    """One attempt's way to its permit.

    Invariant: `_asked_at` is when the oldest request was sent whose answer is not known, so
    that a permit is never taken for younger than it is.
    """

    def __init__(self, start: Start, staged_seq: int, bench: Bench, *, holding: str = "") -> None:
        """`holding`: which cutter the machine must hold, as ProgramFacts say it."""
        self._start, self._staged_seq, self._bench = start, staged_seq, bench
        self._wanted = f"someone confirms that the machine is clear{holding}"
        self._asked_at: float | None = None
        self._has_asked = False
        self._failures = 0
        self._next_at = bench.clock()
        self._refusal: str | None = None

    def asked_at(self) -> float | None:
        """When the permit that we now hold was asked for, on the bench's clock.

        None: the attempt was given back, which the journal holds.
        """
        self._wait_for(self._wanted)
        while (why := self._why_not() or self._why_unanswered()) is None:
            if self._may_ask() and self._is_ready() and self._is_permitted():
                self._hear_all()  # somebody may have said stop while the server was asked
                if self._why_not() is None:
                    return self._asked_at
            else:
                self._obey(self._bench.inbox.take(self._patience_s()))
        self._give_back(why)
        return None

    def _why_not(self) -> str | None:
        if self._refusal is not None:
            return self._refusal
        if self._bench.inbox.leaving:
            return "the agent was stopped before the start"
        if self._bench.journal.card.fenced >= self._start.fence:
            return "the server took the permit back"
        return None

    def _why_unanswered(self) -> str | None:
        if self._asked_at is not None and self._bench.clock() > self._asked_at + PERMIT_VALID_S:
            return f"the server did not answer within {PERMIT_VALID_S:.0f} s: clear it once more"
        return None

    def _may_ask(self) -> bool:
        """The server knows the program, and it is time."""
        known = self._bench.journal.acked >= self._staged_seq
        return known and self._bench.clock() >= self._next_at

    def _is_ready(self) -> bool:
        """A clear-bed token is not spent on a machine that could not start now."""
        if self._bench.is_ready():
            return True
        self._next_at = self._bench.clock() + LOOK_S
        return False

    def _is_permitted(self) -> bool:
        start = self._start
        if not self._has_asked:
            self._bench.journal.ask(start)
            self._has_asked = True
        if self._asked_at is None:
            self._asked_at = self._bench.clock()
        request = ArmRequest(
            attempt_id=start.attempt_id,
            fence=start.fence,
            program_sha256=start.program_sha256,
            touched_s=self._bench.display.touched_s(),
            clear=self._bench.display.word(),
        )
        try:
            return self._fits(self._bench.jobs.arm(request))
        except NotArmed as not_yet:
            self._asked_at, self._failures = None, 0
            if not_yet.reason in _WORD_COUNTS_NOT:
                self._bench.display.unclear()
            self._wait_for(str(not_yet))
        except Conflict as lost:
            self._refusal = str(lost)
        except FabError as problem:
            log.warning("attempt %s: permit asked for in vain: %s", start.attempt_id, problem)
            self._next_at = self._bench.clock() + backoff_s(self._failures, random.random())  # noqa: S311
            self._failures += 1
        return False

    def _fits(self, permit: Permit) -> bool:
        start = self._start
        wanted = (start.attempt_id, self._bench.machine_id, start.fence, start.program_sha256)
        given = (permit.attempt_id, permit.machine_id, permit.fence, permit.program_sha256)
        if given != wanted:
            self._refusal = "the server's permit is for something else: nothing was started"
        return given == wanted

    def _wait_for(self, what: str) -> None:
        self._bench.display.show(MachineState.WAITING, what)
        self._next_at = self._bench.clock() + (ASK_EVERY_S if self._has_asked else 0.0)

    def _patience_s(self) -> float:
        """How long to wait for an order: until the next question, and never past a look."""
        left_s = self._next_at - self._bench.clock()
        return min(left_s, LOOK_S) if left_s > 0 else LOOK_S

    def _obey(self, order: Order | None) -> None:
        match order:
            case Work():
                self._next_at = self._bench.clock()
            case Heard() if not self._has_asked:
                self._next_at = self._bench.clock()
            case ControlOrder(attempt_id=self._start.attempt_id, wish=Wish.CANCEL):
                self._refusal = "cancelled before the start"
            case LocalOrder():
                self._obey_locally(order)

    def _hear_all(self) -> None:
        while (order := self._bench.inbox.take()) is not None:
            self._obey(order)

    def _obey_locally(self, order: LocalOrder) -> None:
        """What a person beside the machine asks. Nothing is moved where a permit may exist."""
        if order.wants is Wish.CANCEL:
            order.carry_out(lambda: "it is not started; the job goes back")
            self._refusal = f"{stopped_at_the_machine(order.by)} before the start"
        elif self._asked_at is not None:
            order.refuse(
                Unavailable("it may be about to start: stop it first, or wait until it has ended")
            )
        elif isinstance(order.wants, Make):
            self._make_way(order, order.wants)
        else:
            attend(order, self._bench)
            self._wait_for(self._wanted)
            if isinstance(order.wants, ClearBed):
                self._next_at = self._bench.clock()

    def _make_way(self, order: LocalOrder, wish: Make) -> None:
        """What people want to make without the server goes first, if it can be made."""
        try:
            plan(wish, order.by, self._bench)
        except FabError as why:
            order.refuse(why)
        else:
            self._bench.inbox.put_back(order)
            self._refusal = _MADE_WAY

    def _give_back(self, why: str) -> None:
        start = self._start
        log.info("attempt %s is given back: %s", start.attempt_id, why)
        if self._asked_at is not None:  # a permit may exist, and it has used the word up
            self._bench.display.unclear()
        # What people start now has a greater fence than all that was given up.
        if self._has_asked or why == _MADE_WAY:
            self._bench.journal.give_up(start, why)
        else:
            self._bench.journal.record(
                EventKind.DECLINED, start.attempt_id, start.fence, sentence=why
            )
