"""What the machine thread is told, by the office or at the machine, and what it says. Frozen."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from commons.errors import FabError, Unavailable
from commons.wire import ControlOrder, FenceOrder, MachineReport, Wish
from fab_agent.journal import Journal
from fab_agent.machines.driver import Step

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """A lease or a permit is worth asking for now."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The server has every event up to `seq`."""

    seq: int


@dataclass(frozen=True, slots=True)
class Leave:
    """The agent ends: finish what the machine does, take nothing new, and leave."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The agent ends now: make the machine safe, report, and leave."""


@dataclass(frozen=True, slots=True)
class ClearBed:
    """`by` has looked: nothing is on the bed, and one start may use that up."""

    by: str


@dataclass(frozen=True, slots=True)
class Make:
    """One of this part of a release is wanted, of what is kept here, while the server is away."""

    release_id: str
    part: str


@dataclass(frozen=True, slots=True)
class StartNow:
    """The attempt that was prepared here, and shown to whoever says so, is to start now."""

    attempt_id: str


Wanted = Wish | Step | ClearBed | Make | StartNow


@dataclass(frozen=True, slots=True)
class LocalOrder:
    """Somebody beside the machine wants something of it, and waits at `answer` for a sentence.

    Whoever takes it answers it. One whose answer was cancelled meanwhile is never begun.
    `same_length` belongs to RESUME at a stop for another cutter, which then needs no zero.
    """

    wants: Wanted
    by: str
    answer: "Future[str]"
    same_length: bool = False

    def carry_out(self, how: Callable[[], str]) -> bool:
        """Whether `how` was called: not when nobody waits any more. It, or its error, answers."""
        if not self.answer.set_running_or_notify_cancel():
            return False
        try:
            self.answer.set_result(how())
        except FabError as problem:
            self.answer.set_exception(problem)
        except BaseException:
            self.answer.set_exception(Unavailable("it failed, see the agent's log"))
            raise
        return True

    def refuse(self, problem: FabError) -> None:
        """Nothing was done, and `problem` says why."""
        if self.answer.set_running_or_notify_cancel():
            self.answer.set_exception(problem)


@dataclass(frozen=True, slots=True)
class Misses:
    """The server lacks reports before number `before` that are no longer kept here; 0: none."""

    before: int


@dataclass(frozen=True, slots=True)
class Spoke:
    """The server answered, `at` on the agent's monotonic clock, s."""

    at: float


Order = Work | Heard | Spoke | Leave | Stop | FenceOrder | ControlOrder | LocalOrder | Misses


def stopped_at_the_machine(by: str) -> str:
    """Why an attempt ended, when somebody beside the machine ended it."""
    return f"stopped at the machine by {by}" if by else "stopped at the machine"


@dataclass(frozen=True, slots=True)
class Recorded:
    """Something new is in the journal."""


@dataclass(frozen=True, slots=True)
class TookWork:
    """Work was read; the reports that follow are newer than it."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Somebody worked at the machine by hand, at `at` on the agent's monotonic clock, s."""

    at: float


News = MachineReport | Recorded | TookWork | Touched


class Inbox:
    """The orders as the machine thread reads them.

    Fences are answered and acknowledgements noted here, whatever the machine is doing, so that
    nobody else has to think of them. `leaving` and `stopped` stay true once they are; `misses`
    is the number before which the server lacks reports, 0 when it lacks none; `spoke_at` is when
    that answered last, None before it did.
    """

    def __init__(
        self, orders: "SimpleQueue[Order]", journal: Journal, tell: Callable[[News], None]
    ) -> None:
        self._orders, self._journal, self._tell = orders, journal, tell
        self.leaving = self.stopped = False
        self.misses = 0
        self.spoke_at: float | None = None
        self._put_back: LocalOrder | None = None

    def put_back(self, order: LocalOrder) -> None:
        """The order is the next to be taken."""
        self._put_back = order

    def take(self, timeout_s: float = 0.0) -> Order | None:
        """The next order, or None when none comes within `timeout_s`."""
        if (back := self._put_back) is not None:
            self._put_back = None
            return back
        try:
            order = (
                self._orders.get(timeout=timeout_s) if timeout_s > 0 else self._orders.get_nowait()
            )
        except Empty:
            return None
        self._note(order)
        return order

    def _note(self, order: Order) -> None:
        match order:
            case Leave():
                self.leaving = True
            case Stop():
                self.leaving = self.stopped = True
            case Misses(before):
                self.misses = before
            case Spoke(at):
                self.spoke_at = at
            case Heard(seq):
                self._journal.heard(seq)
            case FenceOrder():
                self._answer(order)
            case Work():
                self._tell(TookWork())

    def _answer(self, order: FenceOrder) -> None:
        """The promise is durable, or not given yet: a full disk stops no running machine."""
        try:
            self._journal.answer_fence(order)
        except Unavailable as problem:
            log.warning("fence %s is not answered yet: %s", order.fence, problem)
