"""A printer behind OctoPrint: the whole file is handed over, then started, then watched."""

import time
from collections.abc import Callable
from contextlib import closing, suppress

from commons.errors import (
    Conflict,
    FabError,
    MachineFault,
    NotAllowed,
    ProtocolViolation,
    TransportLost,
    Unavailable,
)
from fab_agent.gcode.program import GcodeProgram
from fab_agent.machines.driver import (
    Control,
    Controls,
    Evidence,
    Held,
    MachineEvent,
    MachineIdentity,
    Outcome,
    Progress,
    Report,
    Resumed,
    RunEnd,
    Step,
    Temperatures,
    nobody_stops,
)
from fab_agent.machines.handed_over import (
    ASK_S,
    PATIENCE_S,
    RECORD_S,
    Following,
    LineCounter,
    digest_of_proved,
    job_name,
)
from fab_agent.machines.octoprint_channel import channel_news, firmware_says
from fab_agent.machines.octoprint_client import (
    Event,
    Flags,
    Heats,
    OctoPrintClient,
    Push,
    StoredFile,
)

# Cancelling waits for the line in hand, heating included.
STOP_S = 60.0
GUARD = "Cap:THERMAL_PROTECTION:"


class PrintWatch:
    """What is known of one print. Pure: fed with messages and answers, asked for the outcome."""

    def __init__(self, name: str, *, line_count: int, lines_at: Callable[[int], int]) -> None:
        self.name = name
        self.outcome: Outcome | None = None
        self.seen_busy = False
        self.idle = True  # by the last word, no print is under way
        self.progress = Progress(0, 0, line_count)
        self._lines_at = lines_at
        self._held = False
        self._heats: Heats | None = None

    def hear(self, push: Push) -> list[MachineEvent]:
        """A message of the push channel. Raises MachineFault when the print has failed."""
        if push.event is not None:
            return self._happened(push.event)
        if push.current is None:
            return []
        now = push.current
        heats = now.temps[-1] if now.temps else None
        return self.see(now.state.flags, now.job.file.path, now.progress.filepos, heats)

    def see(
        self, flags: Flags, path: str | None, filepos: int | None, heats: Heats | None
    ) -> list[MachineEvent]:
        """The state at one moment: flags, selected file, bytes of it sent, temperatures."""
        mine = path == self.name
        self.idle = not (mine and flags.busy)
        self.seen_busy = self.seen_busy or not self.idle
        events: list[MachineEvent] = []
        if mine and flags.paused != self._held:
            self._held = flags.paused
            events.append(Held("paused at OctoPrint") if self._held else Resumed())
        if not self.idle and filepos is not None:  # before, it is that of an earlier print
            events += self._advance(min(self._lines_at(filepos), self.progress.line_count))
        if heats is not None and heats != self._heats:
            self._heats = heats
            events.append(_temperatures(heats))
        return events

    def look_up(self, stored: StoredFile | None) -> None:
        """What the file's own history says of a print that is no longer under way."""
        if stored is None or stored.prints is None or stored.prints.last is None:
            return
        self.outcome = Outcome.FINISHED if stored.prints.last.success else Outcome.ABORTED

    def close(self) -> list[MachineEvent]:
        """The last news: every line of a finished print was executed."""
        finished = self.outcome is Outcome.FINISHED
        return self._advance(self.progress.line_count) if finished else []

    def end(self) -> RunEnd:
        """How it ended, as far as is known."""
        done = self.progress.lines_done
        return RunEnd(self.outcome or Outcome.ABORTED, done, done)

    def _happened(self, event: Event) -> list[MachineEvent]:
        if event.payload is None or event.payload.path != self.name:
            return []
        if event.type == "PrintDone":
            self.outcome = Outcome.FINISHED
        elif event.type == "PrintCancelled" or event.payload.reason == "cancelled":
            self.outcome = Outcome.ABORTED
        elif event.type == "PrintFailed":
            raise MachineFault(
                f"OctoPrint reports that {self.name} failed ({event.payload.reason}) near line "
                f"{self.progress.lines_done}: look at the printer"
            )
        return []

    def _advance(self, lines: int) -> list[MachineEvent]:
        lines = max(lines, self.progress.lines_done)
        now = Progress(lines, lines, self.progress.line_count)
        changed, self.progress = now != self.progress, now
        return [now] if changed else []


class OctoPrintDriver:
    """One printer behind one OctoPrint. Nobody else's print is ever stopped from here."""

    def __init__(
        self,
        client: OctoPrintClient,
        *,
        unattended: bool = False,
        patience_s: float = PATIENCE_S,
        record_s: float = RECORD_S,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client, self._clock, self._wait = client, clock, wait
        self._patience_s, self._record_s = patience_s, record_s
        self._unattended = unattended
        self._is_known = self._guarded = False
        self._mine: str | None = None  # the file that this driver has started

    def identify(self) -> MachineIdentity:
        """OctoPrint's name and version, and what its printer answers to M115 when it is free."""
        version = self._client.version()
        said: list[str] = []
        with suppress(Unavailable, TransportLost):  # no printer, or no push channel to hear it
            if not self._client.printer().state.flags.busy:
                said = firmware_says(self._client, clock=self._clock)
        guard = next((line[-1] for line in said if line.startswith(GUARD)), None)
        return MachineIdentity(version, tuple(said), None if guard is None else guard == "1")

    def ready(self) -> None:
        """Return when its printer is connected and idle; Unavailable says what it does."""
        if not self._is_known:
            self._client.version()
            self._is_known = True
        state = self._client.printer().state
        if state.flags.busy or not state.flags.operational:
            raise Unavailable(
                f"the printer behind {self._client.url} is not free: OctoPrint says "
                f"'{state.text}'; wait, or stop it there"
            )
        if self._unattended and not self._guarded:
            self._guarded = self.identify().guarded is True
            if not self._guarded:
                raise Unavailable(
                    f"the printer behind {self._client.url} does not say that it guards against "
                    "thermal runaway: set attended_only = true"
                )

    def run(
        self, program: GcodeProgram, *, attempt: str, report: Report, controls: Controls
    ) -> RunEnd:
        """Upload, compare, start, watch.

        Conflict when OctoPrint has printed under this attempt's name before: nothing is started
        twice. TransportLost when it no longer says how the print goes: the outcome is unknown.
        """
        self.ready()
        name = job_name(attempt, program.sha256)
        self._hand_over(program, name)
        with (
            closing(LineCounter(program.path)) as lines,
            channel_news(self._client, clock=self._clock, wait=self._wait) as news,
        ):
            watch = PrintWatch(name, line_count=program.line_count, lines_at=lines.lines_at)
            self._mine = name
            try:
                self._client.start(name)
                self._following(watch).follow(news, report, controls)
            finally:
                if watch.outcome is not Outcome.FINISHED:
                    self.make_safe()
        if watch.outcome is not Outcome.FINISHED:
            self._require_stopped(name)
        with suppress(TransportLost):  # the print is done, whatever becomes of its host
            self._wait_until_stopped(name)
        for event in watch.close():
            report(event)
        return watch.end()

    def make_safe(self) -> None:
        """Cancel what this driver has started, heaters off, and wait until it has happened."""
        if self._mine is None:
            return
        try:
            if self._is_printing(self._mine):
                self._client.cancel()
                self._wait_until_stopped(self._mine)
            if not self._client.printer().state.flags.busy:
                self._client.cool_down()
        except FabError:
            return  # gone: OctoPrint and the firmware are on their own

    def operate(self, step: Step, *, wants_stop: Callable[[], bool] = nobody_stops) -> str:
        """A printer finds its own zero at the start of every program."""
        raise NotAllowed("a printer is not set up by hand from here: its program homes it")

    def evidence(self, attempt: str, program_sha256: str) -> Evidence:
        """What the job and the file's history say. A file without history proves nothing:
        OctoPrint writes the history at the end, and a person may have removed the file."""
        name = job_name(attempt, program_sha256)
        if self._is_printing(name):
            self._mine = name  # so that it can be stopped after a restart of the agent
            return Evidence.STILL_RUNNING
        stored = self._client.file(name)
        if stored is None or stored.prints is None or stored.prints.last is None:
            return Evidence.UNKNOWN
        return Evidence.FINISHED if stored.prints.last.success else Evidence.STOPPED

    def close(self) -> None:
        """Let go of the host. Safe to call twice."""
        self._client.close()

    def _hand_over(self, program: GcodeProgram, name: str) -> None:
        """OctoPrint holds exactly the program's bytes as `name`, and has never printed it."""
        before = self._client.file(name)
        if before is not None and before.prints is not None:
            raise Conflict(f"OctoPrint has printed {name} before: this attempt has had its start")
        sha1 = digest_of_proved(program, "sha1")
        self._client.upload(program.path, name)
        stored = self._client.file(name)
        if stored is None or (stored.size, stored.hash) != (program.path.stat().st_size, sha1):
            raise ProtocolViolation(
                f"OctoPrint stored other bytes than it was sent as {name}: nothing was started; "
                "look at its disk"
            )

    def _following(self, watch: PrintWatch) -> Following[Push]:
        return Following(
            "OctoPrint",
            watch,
            poll=lambda: self._poll(watch),
            order=lambda wish: self._client.pause("pause" if wish is Control.HOLD else "resume"),
            clock=self._clock,
            patience_s=self._patience_s,
            record_s=self._record_s,
        )

    def _poll(self, watch: PrintWatch) -> list[MachineEvent]:
        job, printer = self._client.job(), self._client.printer()
        events = watch.see(
            printer.state.flags, job.job.file.path, job.progress.filepos, printer.temperature
        )
        if watch.idle:
            watch.look_up(self._client.file(watch.name))
        return events

    def _is_printing(self, name: str) -> bool:
        try:
            busy = self._client.printer().state.flags.busy
        except Unavailable:
            return False
        return busy and self._client.job().job.file.path == name

    def _require_stopped(self, name: str) -> None:
        """TransportLost: it was told to stop, and prints on or no longer says what it does."""
        if self._is_printing(name):
            raise TransportLost(
                f"OctoPrint was told to stop {name} and has not said that it did: stop the "
                "printer by its own switch"
            )

    def _wait_until_stopped(self, name: str) -> None:
        end = self._clock() + STOP_S
        while self._is_printing(name) and self._clock() < end:
            self._wait(ASK_S)


def _temperatures(heats: Heats) -> Temperatures:
    tool, bed = heats.tool0, heats.bed
    return Temperatures(
        hotend_c=tool.actual if tool else None,
        hotend_target_c=tool.target if tool else None,
        bed_c=bed.actual if bed else None,
        bed_target_c=bed.target if bed else None,
    )
