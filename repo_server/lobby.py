"""Where agents wait for words: however many they are, the database is looked at once for all.

What each is told depends on rules and on the time. So the common look only finds out whom something
may concern, by a few indexes; whoever it may concern looks for itself.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

from commons.machine import Process

# How often the common look is taken while somebody waits, s.
LOOK_EVERY_S = 0.2
# Whoever has looked in vain, and is still concerned by the same, looks again after this long, s.
PAUSE_S = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Concerns:
    """Machines that something is to be told of, and queues (lab, process) in which jobs wait."""

    machines: frozenset[str] = frozenset()
    queues: frozenset[tuple[str, Process]] = frozenset()

    def touch(self, other: "Concerns") -> bool:
        """Whether the two have a machine or a queue in common."""
        return not (
            self.machines.isdisjoint(other.machines) and self.queues.isdisjoint(other.queues)
        )


@dataclass(slots=True, eq=False)
class _Guest:
    mine: Concerns
    called: Event = field(default_factory=Event)


class Lobby:
    """The lobby of one process. Invariant: while somebody waits, one thread looks for all."""

    def __init__(self, look: Callable[[], Concerns]) -> None:
        self._look = look
        self._lock = Lock()
        self._guests: set[_Guest] = set()
        self._news = Concerns()
        self._thread: Thread | None = None

    def wait(self, mine: Concerns, until: float) -> bool:
        """True when something may concern `mine`, False when `until` (monotonic, s) has come."""
        guest = _Guest(mine)
        with self._lock:
            stands = self._news.touch(mine)
            self._guests.add(guest)
            if self._thread is None:
                self._thread = Thread(target=self._watch, name="lobby", daemon=True)
                self._thread.start()
        try:
            left_s = max(0.0, until - time.monotonic())
            if stands:
                time.sleep(min(PAUSE_S, left_s))
                return left_s > PAUSE_S
            return guest.called.wait(left_s)
        finally:
            with self._lock:
                self._guests.discard(guest)

    def close(self) -> None:
        """Nobody waits any longer, and nobody looks."""
        with self._lock:
            thread = self._thread
            for guest in self._guests:
                guest.called.set()
            self._guests.clear()
        if thread is not None:
            thread.join()

    def _watch(self) -> None:
        while self._somebody_waits():
            try:
                news = self._look()
            except Exception:
                _log.exception("the common look for waiting agents failed")
                news = self._news
            with self._lock:
                self._news = news
                for guest in self._guests:
                    if news.touch(guest.mine):
                        guest.called.set()
            time.sleep(LOOK_EVERY_S)

    def _somebody_waits(self) -> bool:
        """Whether to go on; the thread is forgotten in the same breath as it is told to end."""
        with self._lock:
            if not self._guests:
                self._thread = None
                self._news = Concerns()
            return bool(self._guests)
