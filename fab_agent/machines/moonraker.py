"""A Klipper printer behind Moonraker: the whole file is handed over, then started, then watched.

Facts: Klipper's "Status reference" and "API server", Moonraker's "External API"; run against
Moonraker 0.11.0. Two of them shape this file. Klipper's own `print_stats` is the truth about a
print; Moonraker's history only repeats it, and stays at "interrupted", "server_exit" or
"klippy_disconnect" for a print that went on without Moonraker. And a cancel waits for the command
in hand, so that a heating nozzle is stopped by the emergency stop alone.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from commons.errors import FabError, TransportLost, Unavailable
from fab_agent.gcode.program import GcodeProgram
from fab_agent.machines.driver import Control, Evidence, MachineEvent, MachineIdentity, Outcome
from fab_agent.machines.handed_over import (
    ASK_S,
    NOT_NOW,
    PATIENCE_S,
    RECORD_S,
    News,
    job_name,
)
from fab_agent.machines.hosted import HostedDriver
from fab_agent.machines.moonraker_channel import Changes, channel_news
from fab_agent.machines.moonraker_client import MoonrakerClient, Printer, Record
from fab_agent.machines.moonraker_watch import KlipperWatch

# A cancel waits for the line in hand; one that heats or homes for longer is stopped hard.
STOP_S = 20.0
# After the last line the moves that are planned already are made, for two seconds or so.
STILL_S = 20.0

_BY_KLIPPER = {
    "complete": Evidence.FINISHED,
    "cancelled": Evidence.STOPPED,
    "error": Evidence.STOPPED,
}
# What is not here says how Moonraker lost sight of the print, and not how the print ended.
_BY_HISTORY = {
    "completed": Evidence.FINISHED,
    "cancelled": Evidence.STOPPED,
    "error": Evidence.STOPPED,
    "klippy_shutdown": Evidence.STOPPED,
}


class MoonrakerDriver(HostedDriver[Changes, KlipperWatch]):
    """One Klipper printer behind one Moonraker. Nobody else's print is ever stopped from here."""

    host, printer = "Moonraker", "Klipper"
    algorithm = "sha256"

    def __init__(
        self,
        client: MoonrakerClient,
        *,
        patience_s: float = PATIENCE_S,
        record_s: float = RECORD_S,
        stop_s: float = STOP_S,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(patience_s=patience_s, record_s=record_s, clock=clock, wait=wait)
        self._client, self._stop_s = client, stop_s
        self._unanswered = False  # its start was asked for, and may still be obeyed

    def identify(self) -> MachineIdentity:
        """Klipper's version and Moonraker's. Klipper watches every heater of its own accord
        (its Config reference, "verify_heater")."""
        server, klipper = self._client.server(), self._client.klipper()
        return MachineIdentity(
            f"Klipper {klipper.software_version}",
            (f"Moonraker {server.moonraker_version}",),
            guarded=True,
        )

    def ready(self) -> None:
        """Return when Klipper is ready, idle, and nothing but this driver can start a print."""
        server = self._client.server()
        if server.klippy_state != "ready":
            raise self._not_ready(server.klippy_state)
        if server.missing_klippy_requirements:
            missing = ", ".join(f"[{name}]" for name in server.missing_klippy_requirements)
            raise Unavailable(
                f"Klipper at {self._client.url} lacks {missing}: add it to printer.cfg"
            )
        printer = self._client.printer()
        if printer.busy:
            raise Unavailable(
                f"the printer behind {self._client.url} is not free: "
                f"{printer.print_stats.filename} is {printer.print_stats.state}; wait, or stop it "
                "there"
            )
        if printer.idle_timeout.state == "Printing":
            raise Unavailable(
                f"the printer behind {self._client.url} is not free: it is moved by hand; wait"
            )
        if waiting := len(self._client.queue().queued_jobs):
            raise Unavailable(
                f"{waiting} files wait in the job queue of Moonraker at {self._client.url}, which "
                "could start them by itself: empty it"
            )

    def make_safe(self) -> None:
        """Cancel what this driver has started, and heaters off when nobody prints."""
        with suppress(FabError):  # gone: Klipper and its boards are on their own
            if self._mine is not None:
                self._stop(self._mine, within_s=2 * self._stop_s)
            if not self._client.printer().busy:
                self._client.cool_down()

    def evidence(self, attempt: str, program_sha256: str) -> Evidence:
        """What Klipper says of the file, else what the history says.

        No record proves nothing: a person may have removed it. TransportLost while Klipper is
        not connected: the print may go on without Moonraker.
        """
        name = job_name(attempt, program_sha256)
        try:
            printer = self._client.printer()
        except Unavailable as e:
            raise TransportLost(f"what became of {name} cannot be asked now: {e}") from e
        if printer.has_in_hand(name):
            self._mine = name
            return Evidence.STILL_RUNNING
        stats = printer.print_stats
        if stats.filename == name and stats.state in _BY_KLIPPER:
            return _BY_KLIPPER[stats.state]
        record = self._closed_record(name)
        return _BY_HISTORY.get(record.status, Evidence.UNKNOWN) if record else Evidence.UNKNOWN

    def close(self) -> None:
        """Let go of the host. Safe to call twice."""
        self._client.close()

    def _closed_record(self, name: str) -> Record | None:
        """The record of a print that Klipper no longer has in hand. Moonraker closes it a moment
        later than Klipper ends the print, and later still when it has much to do."""
        end = self._clock() + self._record_s
        while (record := self._client.record(name)) and record.status == "in_progress":
            if self._clock() >= end:
                break
            self._wait(ASK_S)
        return record

    def _not_ready(self, state: str) -> Unavailable:
        at = self._client.url
        if state == "disconnected":
            return Unavailable(f"Klipper is not connected to Moonraker at {at}: start it")
        if state == "startup":
            return Unavailable(f"Klipper at {at} is starting: wait")
        why = " ".join(self._client.klipper().state_message.split())
        return Unavailable(f"Klipper at {at} is in {state}: {why[:200]}")

    def _hand_over(self, program: GcodeProgram, name: str) -> None:
        super()._hand_over(program, name)
        self.ready()  # a start would drop a print that somebody has begun and paused meanwhile

    def _has_printed(self, name: str) -> bool:
        known = self._client.printer().print_stats.filename == name
        return known or self._client.record(name) is not None

    def _upload(self, path: Path, name: str, digest: str) -> None:
        self._client.upload(path, name, digest)

    def _stored(self, name: str) -> tuple[int | None, str | None] | None:
        return self._client.digest(name)

    def _news(self) -> News[Changes]:
        return channel_news(self._client, clock=self._clock, wait=self._wait)

    def _watch(self, name: str, *, line_count: int, lines_at: Callable[[int], int]) -> KlipperWatch:
        return KlipperWatch(name, line_count=line_count, lines_at=lines_at)

    def _start(self, name: str) -> None:
        self._unanswered = True
        try:
            self._client.start(name)
        except Unavailable:
            self._unanswered = False
            raise
        self._unanswered = False

    def _poll(self, watch: KlipperWatch) -> list[MachineEvent]:
        events = watch.see(self._client.printer())
        if watch.idle and watch.outcome is None:
            watch.look_up(self._client.record(watch.name))
        return events

    def _order(self, wish: Control) -> None:
        self._client.order("pause" if wish is Control.HOLD else "resume")

    def _abort(self, name: str) -> None:
        self._stop(name, within_s=self._patience_s)

    def _settle(self, name: str, outcome: Outcome | None) -> None:
        end = self._clock() + STILL_S
        with suppress(*NOT_NOW):  # the print has ended, whatever becomes of its host
            while self._clock() < end and self._client.printer().idle_timeout.state == "Printing":
                self._wait(ASK_S)

    def _stop(self, name: str, *, within_s: float) -> None:
        """The print has ended: by a cancel, or hard when that is not obeyed in time.

        TransportLost when neither can be confirmed `within_s`.
        """
        end, ordered_at, hard = self._clock() + within_s, None, False
        while (now := self._clock()) < end:
            with suppress(*NOT_NOW):
                printer = self._client.printer()
                if self._is_over(printer, name, ordered=ordered_at is not None):
                    return
                if ordered_at is None:
                    ordered_at = now
                    self._client.order("cancel")
                elif not hard and now - ordered_at > self._stop_s:
                    hard = True
                    self._client.emergency_stop()
            self._wait(ASK_S)
        raise TransportLost(f"{name} could not be stopped: switch the printer off by hand")

    def _is_over(self, printer: Printer, name: str, *, ordered: bool) -> bool:
        """An unanswered start may still be obeyed, but never after a cancel that followed it."""
        if printer.has_in_hand(name):
            return False
        return ordered or printer.busy or not self._unanswered
