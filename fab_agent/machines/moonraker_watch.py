"""What is known of one print of Klipper's. Pure: fed with news and answers, asked for the end."""

from collections.abc import Callable

from commons.errors import MachineFault
from fab_agent.machines.driver import MachineEvent, Outcome, Temperatures
from fab_agent.machines.handed_over import PrintWatch
from fab_agent.machines.moonraker_channel import Changes
from fab_agent.machines.moonraker_client import Printer, Record


class KlipperWatch(PrintWatch[Changes]):
    """One print, by its file name.

    Raises MachineFault when Klipper has failed it, has shut down, or was restarted under it.
    """

    def __init__(self, name: str, *, line_count: int, lines_at: Callable[[int], int]) -> None:
        super().__init__(name, line_count=line_count, lines_at=lines_at)
        self._printer = Printer()

    def hear(self, news: Changes) -> list[MachineEvent]:
        """What has changed, from the push channel."""
        return self.see(self._printer.updated(news))

    def see(self, now: Printer) -> list[MachineEvent]:
        """The whole state at one moment."""
        self._printer = now
        self._is_under_way(now.has_in_hand(self.name))
        self._judge(now)
        events: list[MachineEvent] = []
        if not self.idle:
            events += self._advance(self._lines_at(int(now.virtual_sdcard.file_position)))
            events += self._hold(now.print_stats.state == "paused", "Klipper")
        return events + self._heat(_temperatures(now))

    def look_up(self, record: Record | None) -> None:
        """What Moonraker's history says of a print that Klipper no longer has in hand."""
        status = record.status if record else ""
        if status == "completed":
            self.outcome = Outcome.FINISHED
        elif status == "cancelled":
            self.outcome = Outcome.ABORTED
        elif status in ("error", "klippy_shutdown"):
            raise self._fault("Klipper failed it", status)
        elif status == "klippy_disconnect" and self.seen_busy and self._printer.ready:
            raise self._fault("Klipper was restarted under it", "its position is lost")

    def _judge(self, now: Printer) -> None:
        if now.webhooks.state in ("shutdown", "error"):
            raise self._fault("Klipper has shut down", now.webhooks.state_message)
        if now.print_stats.filename != self.name:
            return
        match now.print_stats.state:
            case "complete":
                self.outcome = Outcome.FINISHED
            case "cancelled":
                self.outcome = Outcome.ABORTED
            case "error":
                raise self._fault("Klipper failed it", now.print_stats.message)

    def _fault(self, what: str, why: str) -> MachineFault:
        why = " ".join(why.split())[:200]
        return MachineFault(
            f"{self.name} ended near line {self.progress.lines_done}: {what} ({why}); look at the "
            "printer"
        )


def _temperatures(now: Printer) -> Temperatures:
    hotend, bed = now.extruder, now.heater_bed
    return Temperatures(
        hotend_c=hotend.temperature if hotend else None,
        hotend_target_c=hotend.target if hotend else None,
        bed_c=bed.temperature if bed else None,
        bed_target_c=bed.target if bed else None,
    )
