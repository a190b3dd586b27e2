"""What the office thread tells the machine thread, and what it hears from it. Frozen values."""

import logging
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from commons.errors import Unavailable
from commons.wire import ControlOrder, FenceOrder, MachineReport
from fab_agent.journal import Journal

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """A lease or a permit is worth asking for now."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The server has every event up to `seq`."""

    seq: int


@dataclass(frozen=True, slots=True)
class Stop:
    """The agent ends: make the machine safe, report, and leave."""


Order = Work | Heard | Stop | FenceOrder | ControlOrder


@dataclass(frozen=True, slots=True)
class Recorded:
    """A new event is in the outbox."""


News = MachineReport | Recorded


class Inbox:
    """The orders as the machine thread reads them.

    Fences are answered and acknowledgements noted here, whatever the machine is doing, so that
    nobody else has to think of them. Once Stop was read, `stopped` stays true.
    """

    def __init__(self, orders: "SimpleQueue[Order]", journal: Journal) -> None:
        self._orders, self._journal = orders, journal
        self.stopped = False

    def take(self, timeout_s: float = 0.0) -> Order | None:
        """The next order, or None when none comes within `timeout_s`."""
        try:
            order = self._orders.get(timeout=timeout_s) if timeout_s else self._orders.get_nowait()
        except Empty:
            return None
        match order:
            case Stop():
                self.stopped = True
            case Heard(seq):
                self._journal.heard(seq)
            case FenceOrder():
                self._answer(order)
        return order

    def _answer(self, order: FenceOrder) -> None:
        """The promise is durable, or not given yet: a full disk stops no running machine."""
        try:
            self._journal.answer_fence(order)
        except Unavailable as problem:
            log.warning("fence %s is not answered yet: %s", order.fence, problem)
