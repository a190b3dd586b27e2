"""A printer behind OctoPrint: the whole file is handed over, then started, then watched."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from commons.errors import FabError, TransportLost, Unavailable
from fab_agent.machines.driver import Control, Evidence, MachineEvent, MachineIdentity, Outcome
from fab_agent.machines.handed_over import ASK_S, PATIENCE_S, RECORD_S, News, job_name
from fab_agent.machines.hosted import HostedDriver
from fab_agent.machines.octoprint_channel import channel_news, firmware_says
from fab_agent.machines.octoprint_client import OctoPrintClient, Push
from fab_agent.machines.octoprint_watch import OctoPrintWatch

# Cancelling waits for the line in hand, heating included.
STOP_S = 60.0
GUARD = "Cap:THERMAL_PROTECTION:"


class OctoPrintDriver(HostedDriver[Push, OctoPrintWatch]):
    """One printer behind one OctoPrint. Nobody else's print is ever stopped from here."""

    host = printer = "OctoPrint"
    algorithm = "sha1"

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
        super().__init__(patience_s=patience_s, record_s=record_s, clock=clock, wait=wait)
        self._client, self._unattended = client, unattended
        self._is_known = self._guarded = False

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

    def _has_printed(self, name: str) -> bool:
        stored = self._client.file(name)
        return stored is not None and stored.prints is not None

    def _upload(self, path: Path, name: str, digest: str) -> None:
        self._client.upload(path, name)

    def _stored(self, name: str) -> tuple[int | None, str | None] | None:
        stored = self._client.file(name)
        return None if stored is None else (stored.size, stored.hash)

    def _news(self) -> News[Push]:
        return channel_news(self._client, clock=self._clock, wait=self._wait)

    def _watch(
        self, name: str, *, line_count: int, lines_at: Callable[[int], int]
    ) -> OctoPrintWatch:
        return OctoPrintWatch(name, line_count=line_count, lines_at=lines_at)

    def _start(self, name: str) -> None:
        self._client.start(name)

    def _poll(self, watch: OctoPrintWatch) -> list[MachineEvent]:
        job, printer = self._client.job(), self._client.printer()
        events = watch.see(
            printer.state.flags, job.job.file.path, job.progress.filepos, printer.temperature
        )
        if watch.idle:
            watch.look_up(self._client.file(watch.name))
        return events

    def _order(self, wish: Control) -> None:
        self._client.pause("pause" if wish is Control.HOLD else "resume")

    def _abort(self, name: str) -> None:
        """Making safe cancels it; `_settle` looks whether that was obeyed."""

    def _settle(self, name: str, outcome: Outcome | None) -> None:
        if outcome is not Outcome.FINISHED:
            self._require_stopped(name)
        with suppress(TransportLost):  # the print is done, whatever becomes of its host
            self._wait_until_stopped(name)

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
