"""A printer behind a print host: the order that each of their drivers keeps.

The file is handed over and compared, then started, then followed; whatever ends it before its last
line, the printer is made safe. What one host takes and tells stands in its own driver.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from commons.errors import Conflict, NotAllowed, ProtocolViolation
from fab_agent.gcode.program import GcodeProgram
from fab_agent.machines.driver import (
    Control,
    Controls,
    MachineEvent,
    Outcome,
    Report,
    RunEnd,
    Step,
    nobody_stops,
)
from fab_agent.machines.handed_over import (
    PATIENCE_S,
    RECORD_S,
    Following,
    LineCounter,
    News,
    PrintWatch,
    Told,
    digest_of_proved,
    job_name,
)

Watch = TypeVar("Watch", bound=PrintWatch[Any])


class HostedDriver(ABC, Generic[Told, Watch]):
    """One printer behind one print host. Nobody else's print is ever stopped from here.

    `host` and `printer` are their names in sentences; `algorithm` is that of the digest that the
    host tells of a file it holds.
    """

    host: ClassVar[str]
    printer: ClassVar[str]
    algorithm: ClassVar[str]

    def __init__(
        self,
        *,
        patience_s: float = PATIENCE_S,
        record_s: float = RECORD_S,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._patience_s, self._record_s = patience_s, record_s
        self._clock, self._wait = clock, wait
        self._mine: str | None = None  # the file that this driver has started

    @abstractmethod
    def ready(self) -> None:
        """Return when its printer could start now; Unavailable says why it cannot."""

    @abstractmethod
    def make_safe(self) -> None:
        """What this driver has started is stopped, and heaters are off when nobody prints."""

    def run(
        self, program: GcodeProgram, *, attempt: str, report: Report, controls: Controls
    ) -> RunEnd:
        """Upload, compare, start, watch.

        Conflict when it was printed under this attempt's name before: nothing is started twice.
        TransportLost when the host no longer says how the print goes: the outcome is unknown.
        """
        self.ready()
        name = job_name(attempt, program.sha256)
        self._hand_over(program, name)
        with closing(LineCounter(program.path)) as lines, self._news() as news:
            watch = self._watch(name, line_count=program.line_count, lines_at=lines.lines_at)
            self._mine = name
            try:
                self._start(name)
                self._following(watch).follow(news, report, controls)
                if watch.outcome is None:
                    self._abort(name)
            finally:
                if watch.outcome is not Outcome.FINISHED:
                    self.make_safe()
        self._settle(name, watch.outcome)
        for event in watch.close():
            report(event)
        return watch.end()

    def operate(self, step: Step, *, wants_stop: Callable[[], bool] = nobody_stops) -> str:
        """A printer finds its own zero at the start of every program."""
        raise NotAllowed("a printer is not set up by hand from here: its program homes it")

    def _hand_over(self, program: GcodeProgram, name: str) -> None:
        """The host holds exactly the program's bytes as `name`, which was never printed."""
        if self._has_printed(name):
            raise Conflict(
                f"{self.printer} has printed {name} before: this attempt has had its start"
            )
        digest = digest_of_proved(program, self.algorithm)
        self._upload(program.path, name, digest)
        if self._stored(name) != (program.path.stat().st_size, digest):
            raise ProtocolViolation(
                f"{self.host} stored other bytes than it was sent as {name}: nothing was started; "
                "switch off what changes files there, and look at its disk"
            )

    def _following(self, watch: Watch) -> Following[Told]:
        return Following(
            self.host,
            watch,
            poll=lambda: self._poll(watch),
            order=self._order,
            clock=self._clock,
            patience_s=self._patience_s,
            record_s=self._record_s,
        )

    @abstractmethod
    def _has_printed(self, name: str) -> bool:
        """A print of this file was begun before, however it ended."""

    @abstractmethod
    def _upload(self, path: Path, name: str, digest: str) -> None:
        """The host was sent the file, and starts nothing."""

    @abstractmethod
    def _stored(self, name: str) -> tuple[int | None, str | None] | None:
        """Bytes and digest of the file as the host tells them; None when it holds none."""

    @abstractmethod
    def _news(self) -> News[Told]:
        """What the host tells of its own accord."""

    @abstractmethod
    def _watch(self, name: str, *, line_count: int, lines_at: Callable[[int], int]) -> Watch:
        """What will be known of this print."""

    @abstractmethod
    def _poll(self, watch: Watch) -> list[MachineEvent]:
        """What the host answers when it is asked how the print goes."""

    @abstractmethod
    def _order(self, wish: Control) -> None:
        """The host was asked to pause the print, or to go on with it."""

    @abstractmethod
    def _start(self, name: str) -> None:
        """The host was told to print the file, once."""

    @abstractmethod
    def _abort(self, name: str) -> None:
        """A person wants it stopped; the printer is made safe next, whatever this raises."""

    @abstractmethod
    def _settle(self, name: str, outcome: Outcome | None) -> None:
        """The printer stands still. TransportLost when it should have stopped and has not."""
