"""All that one machine's work needs, gathered once: the parts are real or, in tests, made up."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from commons.bed import BedWord
from commons.errors import FabError, MachineError
from commons.machine import MachineProfile
from commons.wire import (
    CLEARS_NO_LONGER,
    ArmRequest,
    JobOffer,
    MachineReport,
    MachineState,
    Permit,
    ProgramFacts,
    ProgressReport,
)
from fab_agent.cache import Cache
from fab_agent.courier import Shown
from fab_agent.gcode.program import GcodeProgram
from fab_agent.journal import Journal
from fab_agent.machines.driver import (
    Controls,
    Evidence,
    MachineDriver,
    Report,
    RunEnd,
    Step,
    Temperatures,
)
from fab_agent.made import MadeBook
from fab_agent.offered import OfferedBook
from fab_agent.orders import Inbox, Touched

Answer = TypeVar("Answer")


def monotonic_s() -> float:
    """Seconds on a clock that only goes forward, and also while the computer sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Jobs(Protocol):
    """The half of the server that a machine thread talks with. See fab_agent.repository."""

    def lease(self, machine_id: str) -> JobOffer | None:
        """A job to prepare, or None."""
        ...

    def arm(self, request: ArmRequest) -> Permit:
        """The right to start once."""
        ...

    def fetch(
        self, sha256: str, size: int, *, cache: Cache, progress: Callable[[int, int], None]
    ) -> Path:
        """The file, verified."""
        ...

    def fetch_program(
        self, sha256: str, size: int, *, cache: Cache, progress: Callable[[int, int], None]
    ) -> Path:
        """A program that somebody brought, verified."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A proved program and what the server is told of it."""

    program: GcodeProgram
    facts: ProgramFacts


# Makes the offer's program from its files, which are in the order of its plate; told in words what
# it does.
Prepare = Callable[[JobOffer, Sequence[Path], Cache, Callable[[str], None]], Prepared]


class MachineLink:
    """The driver of one machine, opened when it is needed.

    Invariant: after a MachineError the driver is closed, so that the next use opens the port or
    host anew.
    """

    def __init__(self, open_driver: Callable[[], MachineDriver]) -> None:
        self._open = open_driver
        self._driver: MachineDriver | None = None

    def ready(self) -> Temperatures | None:
        """How warm a machine is that could start now; Unavailable or MachineError says why not."""
        return self._use(lambda driver: driver.ready())

    def evidence(self, attempt_id: str, program_sha256: str) -> Evidence:
        """What the machine's own records say about an earlier start."""
        return self._use(lambda driver: driver.evidence(attempt_id, program_sha256))

    def run(
        self, program: GcodeProgram, *, attempt: str, report: Report, controls: Controls
    ) -> RunEnd:
        """Send the program once. What fails was made safe, once, by the driver itself."""
        driver = self._opened()
        try:
            return driver.run(program, attempt=attempt, report=report, controls=controls)
        except BaseException:
            self.close()
            raise

    def make_safe(self) -> None:
        """Stop motion, heaters and spindle; TransportLost when the machine cannot be reached."""
        self._use(lambda driver: driver.make_safe())

    def operate(self, step: Step, *, wants_stop: Callable[[], bool]) -> str:
        """Carry out one step by hand; where the machine is now, in words."""
        return self._use(lambda driver: driver.operate(step, wants_stop=wants_stop))

    def close(self) -> None:
        """Let go of port or host. Safe to call twice."""
        if self._driver is not None:
            driver, self._driver = self._driver, None
            driver.close()

    def _use(self, ask: Callable[[MachineDriver], Answer]) -> Answer:
        try:
            return ask(self._opened())
        except MachineError:
            self.close()
            raise

    def _opened(self) -> MachineDriver:
        if self._driver is None:
            self._driver = self._open()
        return self._driver


class Display:
    """What the machine shows of itself; every change is told, temperatures with the next.

    `touched_at` is when somebody last worked at it by hand, on the display's clock: whoever said
    before that its bed is clear has to say it again.

    Invariant: a word that the bed is clear is held only as long as nothing has moved or gone
    wrong since, and never by a process that did not hear it: after every boot somebody looks.
    """

    def __init__(
        self,
        machine_id: str,
        tell: Callable[[MachineReport | Touched], None],
        *,
        clock: Callable[[], float] = monotonic_s,
        touched_at: float | None = None,
    ) -> None:
        self._machine_id, self._tell, self._clock = machine_id, tell, clock
        self._temperatures, self._touched_at = Temperatures(), touched_at
        self._clear: BedWord | None = None
        self._cleared_at = 0.0
        self._shown: tuple[MachineState, str, ProgressReport | None] = (MachineState.IDLE, "", None)
        if touched_at is not None:
            tell(Touched(touched_at))

    def touch(self) -> None:
        """Somebody works at the machine by hand now."""
        self._touched_at, self._clear = self._clock(), None
        self._tell(Touched(self._touched_at))

    def touched_s(self) -> float | None:
        """How long ago somebody last worked at the machine by hand, s; None if never."""
        return None if self._touched_at is None else max(0.0, self._clock() - self._touched_at)

    def clear(self, by: str, *, word_id: str) -> None:
        """`by` says that the bed is clear; said twice it counts once, as it was said last."""
        self._clear = BedWord(id=self._clear.id if self._clear else word_id, by=by, age_s=0.0)
        self._cleared_at = self._clock()
        self.show(*self._shown)

    def unclear(self) -> None:
        """Whatever anybody said about the bed may have been used up: it counts no longer."""
        if self._clear is not None:
            self._clear = None
            self.show(*self._shown)

    @property
    def state(self) -> MachineState:
        """What it was last shown to be in."""
        return self._shown[0]

    def word(self) -> BedWord | None:
        """The word that the bed is clear, as old as it is now; None when nobody has given one."""
        if self._clear is None:
            return None
        age_s = max(0.0, self._clock() - self._cleared_at)
        return self._clear.model_copy(update={"age_s": age_s})

    def warm(self, temperatures: Temperatures) -> None:
        """These temperatures are shown from now on."""
        self._temperatures = temperatures

    def show(
        self, state: MachineState, sentence: str = "", progress: ProgressReport | None = None
    ) -> None:
        """The machine is in this state, and the sentence says why or what it waits for."""
        if state in CLEARS_NO_LONGER:
            self._clear = None
        self._shown = state, sentence, progress
        report = MachineReport(
            machine_id=self._machine_id,
            state=state,
            sentence=sentence[:2000],
            hotend_c=self._temperatures.hotend_c,
            bed_c=self._temperatures.bed_c,
            progress=progress,
            clear=self.word(),
        )
        self._tell(report)


@dataclass(frozen=True, slots=True)
class Offline:
    """What a machine needs to be started without a server: what may be made then, what the machine
    can do, and since when (on the bench's clock) it works."""

    book: OfferedBook
    profile: MachineProfile
    since: float


def show_nobody(shown: Shown) -> None:
    """Where nobody wants to see programs."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One machine's workplace. `clock` is monotonic, s; `open_cache` opens one per attempt.

    `show` is told of each program that was staged or refused, and never waits. `made` is the book
    that the panel reads; `offline` is None where nothing is made without a server.
    """

    machine_id: str
    jobs: Jobs
    journal: Journal
    inbox: Inbox
    link: MachineLink
    display: Display
    prepare: Prepare
    open_cache: Callable[[], AbstractContextManager[Cache]]
    show: Callable[[Shown], None] = show_nobody
    made: MadeBook | None = None
    offline: Offline | None = None
    clock: Callable[[], float] = monotonic_s

    @property
    def silent_s(self) -> float:
        """For how long the server has not answered, s; 0 where nothing is made without it."""
        if self.offline is None:
            return 0.0
        spoke_at = self.inbox.spoke_at
        return self.clock() - (self.offline.since if spoke_at is None else spoke_at)

    def is_ready(self) -> bool:
        """The machine could start now; where it could not, the display says why."""
        try:
            warm = self.link.ready()
        except MachineError as gone:
            self.display.show(MachineState.OFFLINE, str(gone))
        except FabError as problem:
            self.display.show(MachineState.FAULT, str(problem))
        else:
            self.display.warm(warm or Temperatures())  # what was measured in a run is old
            return True
        return False
