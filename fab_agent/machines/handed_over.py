"""What printers behind a print host share: a whole file is handed over, and known by its name.

Then it is watched: by what the host tells of its own accord, and by asking when that is in doubt.
"""

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

from commons.errors import FabError, ProtocolViolation, TransportLost, Unavailable
from fab_agent.gcode.program import GcodeProgram
from fab_agent.machines.driver import (
    Control,
    Controls,
    Held,
    MachineEvent,
    Message,
    Outcome,
    Progress,
    Report,
    Resumed,
    RunEnd,
    Temperatures,
)
from fab_agent.machines.lines import changed

# How long one look at the channel waits, and so how late a person's wish can be noticed.
LOOK_S = 0.04
# Between two questions whether it stands still.
ASK_S = 0.25
# Asked at most once a second, and only while the push channel is silent or in doubt.
POLL_S, CHANNEL_SILENT_S = 1.0, 5.0
# A host that is restarted is back within a minute or two.
PATIENCE_S = 120.0
# Between the end of a print and its record; also until a start shows.
RECORD_S = 10.0
# What a host that restarts answers, or the printer behind it: patience decides.
NOT_NOW = (TransportLost, ProtocolViolation, Unavailable)
HASH_BLOCK = 1 << 20


def job_name(attempt: str, program_sha256: str) -> str:
    """The file name under which a print host remembers this attempt."""
    return f"a{re.sub(r'[^A-Za-z0-9-]', '-', attempt)}-{program_sha256[:8]}.gcode"


def digest_of_proved(program: GcodeProgram, algorithm: str) -> str:
    """The `algorithm` digest (hex) of the file, which still has the bytes that were permitted.

    ProgramRefused when it is no longer the program that was proved.
    """
    sha256, wanted = hashlib.sha256(), hashlib.new(algorithm, usedforsecurity=False)
    with program.path.open("rb") as opened:
        while block := opened.read(HASH_BLOCK):
            sha256.update(block)
            wanted.update(block)
    if sha256.hexdigest() != program.sha256:
        raise changed(program)
    return wanted.hexdigest()


class LineCounter:
    """How many lines of a file lie before a position that only grows. Memory stays flat."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._position = self._lines = 0

    def lines_at(self, position: int) -> int:
        """Whole lines in the first `position` bytes; a position that went back counts as before."""
        while (left := position - self._position) > 0:
            block = self._file.read(min(left, HASH_BLOCK))
            if not block:
                break
            self._position += len(block)
            self._lines += block.count(b"\n")
        return self._lines

    def close(self) -> None:
        """Let go of the file. Safe to call twice."""
        self._file.close()


Told = TypeVar("Told")
Told_co = TypeVar("Told_co", covariant=True)


class Channel(Protocol[Told_co]):
    """What a host tells of its own accord. `receive` raises TransportLost when it breaks."""

    def receive(self, timeout: float) -> Told_co | None:
        """The next message; None when none came within `timeout` seconds."""
        ...

    def close(self) -> None:
        """Let go of the channel. Safe to call twice."""
        ...


class News(Generic[Told]):
    """A push channel as long as there is one; a lost one is opened anew every `reopen_s`."""

    def __init__(
        self,
        open_channel: Callable[[], Channel[Told]],
        *,
        reopen_s: float,
        clock: Callable[[], float],
        wait: Callable[[float], None],
    ) -> None:
        self._new, self._reopen_s, self._clock, self._wait = open_channel, reopen_s, clock, wait
        self._channel: Channel[Told] | None = None
        self._open_at = clock()

    @property
    def live(self) -> bool:
        """What happens is told without being asked for."""
        return self._channel is not None

    def next(self, timeout_s: float) -> Told | None:
        """The next message; None when none came within `timeout_s`, or none can come now."""
        if self._channel is None and self._clock() >= self._open_at:
            self._open_at = self._clock() + self._reopen_s
            with suppress(FabError):  # polling goes on meanwhile
                self._channel = self._new()
        if self._channel is not None:
            try:
                return self._channel.receive(timeout_s)
            except TransportLost:
                self.close()
        self._wait(timeout_s)
        return None

    def close(self) -> None:
        """Let go of the channel. Safe to call twice."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class PrintWatch(ABC, Generic[Told]):
    """What is known of one print, by its file name. Pure: fed with news, asked for the outcome.

    Lines done never go back, and never pass the end of the file.
    """

    def __init__(self, name: str, *, line_count: int, lines_at: Callable[[int], int]) -> None:
        self.name = name
        self.outcome: Outcome | None = None
        self.seen_busy = False
        self.idle = True  # by the last word, it is not under way
        self.progress = Progress(0, 0, line_count)
        self._lines_at = lines_at
        self._held = False
        self._temperatures = Temperatures()

    @abstractmethod
    def hear(self, news: Told) -> list[MachineEvent]:
        """What a message of the push channel tells. Raises MachineFault when it has failed."""

    def close(self) -> list[MachineEvent]:
        """The last news: every line of a finished print was executed."""
        finished = self.outcome is Outcome.FINISHED
        return self._advance(self.progress.line_count) if finished else []

    def end(self) -> RunEnd:
        """How it ended, as far as is known."""
        done = self.progress.lines_done
        return RunEnd(self.outcome or Outcome.ABORTED, done, done)

    def _is_under_way(self, busy: bool) -> None:
        self.idle, self.seen_busy = not busy, self.seen_busy or busy

    def _hold(self, held: bool, where: str) -> list[MachineEvent]:
        changed, self._held = held != self._held, held
        if not changed:
            return []
        return [Held(f"paused at {where}") if held else Resumed()]

    def _advance(self, lines: int) -> list[MachineEvent]:
        lines = min(max(lines, self.progress.lines_done), self.progress.line_count)
        now = Progress(lines, lines, self.progress.line_count)
        changed, self.progress = now != self.progress, now
        return [now] if changed else []

    def _heat(self, now: Temperatures) -> list[MachineEvent]:
        changed, self._temperatures = now != self._temperatures, now
        return [now] if changed else []


@dataclass(frozen=True, slots=True)
class Following(Generic[Told]):
    """How one print is watched to its end.

    `host` is its name in sentences. `poll` asks it for what the channel did not tell, `order`
    hands a person's wish on; both may raise what `NOT_NOW` names.
    """

    host: str
    watch: PrintWatch[Told]
    poll: Callable[[], list[MachineEvent]]
    order: Callable[[Control], None]
    clock: Callable[[], float]
    patience_s: float = PATIENCE_S
    record_s: float = RECORD_S

    def follow(self, news: News[Told], report: Report, controls: Controls) -> None:
        """Return when the print has ended or a person wants it stopped.

        TransportLost when the host no longer says how it goes: the outcome is unknown.
        """
        watch = self.watch
        heard = polled = busy_at = self.clock()
        while watch.outcome is None and (control := controls()) is not Control.ABORT:
            self._obey(control, report)
            message = news.next(LOOK_S)
            events = watch.hear(message) if message is not None else []
            now = self.clock()
            heard = now if message is not None else heard
            in_doubt = not news.live or watch.idle or now - heard > CHANNEL_SILENT_S
            if watch.outcome is None and in_doubt and now - polled >= POLL_S:
                polled = now
                with suppress(*NOT_NOW):
                    events, heard = events + self.poll(), now
            busy_at = busy_at if watch.idle else now
            for event in events:
                report(event)
            self._check_patience(silent_s=now - heard, idle_s=heard - busy_at)

    def _obey(self, control: Control | None, report: Report) -> None:
        if control is None:
            return
        try:
            self.order(control)
        except NOT_NOW as e:
            report(Message(f"'{control}' had no effect: {e}"))

    def _check_patience(self, *, silent_s: float, idle_s: float) -> None:
        """`silent_s` since the last word, `idle_s` in which all words were that it is idle."""
        host, name = self.host, self.watch.name
        if silent_s > self.patience_s:
            raise TransportLost(
                f"{host} has said nothing about {name} for {silent_s:.0f} s: how the print ended "
                "is not known; look at the printer"
            )
        if self.watch.idle and self.watch.outcome is None and idle_s > self.record_s:
            if self.watch.seen_busy:
                raise TransportLost(
                    f"{host} no longer prints {name} and has no record of its end: was it "
                    "restarted? Look at the printer"
                )
            raise ProtocolViolation(
                f"{host} accepted the start of {name} but does not print it: look at its page"
            )
