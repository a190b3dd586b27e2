"""What the lab's machines do now, and how warm they were in the last half hour.

A thread for each machine asks its process by the control socket, so that one that hangs keeps
nobody from seeing the others. Pages read the last look and never wait.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread

from commons.errors import FabError
from commons.machine import MachineProfile
from commons.wire import MachineReport
from fab_agent.asking import look
from fab_agent.bench import monotonic_s

log = logging.getLogger(__name__)
LOOK_EVERY_S = 1.0
# How far back the temperatures are kept, and how often one of them is, s.
KEPT_S, SAMPLE_S = 1800.0, 2.0


@dataclass(frozen=True, slots=True)
class Station:
    """One machine of the lab: its id, its folder, what it can do, and who may move it by hand."""

    machine_id: str
    folder: Path
    profile: MachineProfile
    operators: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What people call it."""
        return self.profile.name


@dataclass(frozen=True, slots=True)
class Warmth:
    """What was measured at `at_s`, °C; None where nothing was."""

    at_s: float
    hotend_c: float | None
    bed_c: float | None


@dataclass(frozen=True, slots=True)
class Seen:
    """One machine at the last look, `at_s` on the watch's clock.

    `report` is None when its process did not answer; `sentence` says why then.
    """

    at_s: float
    report: MachineReport | None = None
    sentence: str = "it has not been looked at yet"


@dataclass(slots=True)
class _Log:
    """What was seen of one machine. Whoever reads gets frozen values."""

    seen: Seen
    warmth: deque[Warmth] = field(default_factory=deque)
    lock: Lock = field(default_factory=Lock)

    def note(self, seen: Seen) -> None:
        with self.lock:
            self.seen = seen
            if self.warmth and seen.at_s - self.warmth[-1].at_s < SAMPLE_S:
                return
            report = seen.report
            measured = (report.hotend_c, report.bed_c) if report else (None, None)
            self.warmth.append(Warmth(seen.at_s, *measured))
            while self.warmth[0].at_s < seen.at_s - KEPT_S:
                self.warmth.popleft()


class Watch:
    """The machines as they were at the last look. `clock` is monotonic, s."""

    def __init__(
        self, stations: Iterable[Station], *, clock: Callable[[], float] = monotonic_s
    ) -> None:
        self._clock = clock
        self._logs = {it: _Log(Seen(clock())) for it in stations}

    def run(self, stopping: Event) -> None:
        """Look at every machine until `stopping`."""
        threads = [
            Thread(target=self._watch, args=(station, stopping), name=f"watch {station.name}")
            for station in self._logs
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def look(self, station: Station) -> Seen:
        """Look at one machine now."""
        try:
            answer = look(station.folder)
            seen = Seen(self._clock(), answer.report, answer.sentence)
        except FabError as problem:
            seen = Seen(self._clock(), None, str(problem))
        self._logs[station].note(seen)
        return seen

    def seen(self, station: Station) -> Seen:
        """The machine at the last look."""
        return self._logs[station].seen

    def age_s(self, seen: Seen) -> float:
        """How long ago that was, s."""
        return max(0.0, self._clock() - seen.at_s)

    def warmth(self, station: Station) -> tuple[list[Warmth], float]:
        """How warm it was in the last half hour, oldest first, and what time it is now, s."""
        kept = self._logs[station]
        with kept.lock:
            return list(kept.warmth), self._clock()

    def _watch(self, station: Station, stopping: Event) -> None:
        while not stopping.is_set():
            try:
                self.look(station)
            except Exception:
                log.exception("the panel failed to look at %s", station.name)
            stopping.wait(LOOK_EVERY_S)
