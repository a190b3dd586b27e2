"""What is known of one print of OctoPrint's. Pure: fed with news and answers, asked for the end."""

from commons.errors import MachineFault
from fab_agent.machines.driver import MachineEvent, Outcome, Temperatures
from fab_agent.machines.handed_over import PrintWatch
from fab_agent.machines.octoprint_client import Event, Flags, Heats, Push, StoredFile


class OctoPrintWatch(PrintWatch[Push]):
    """One print, by its file name."""

    def hear(self, news: Push) -> list[MachineEvent]:
        """A message of the push channel. Raises MachineFault when the print has failed."""
        if news.event is not None:
            return self._happened(news.event)
        if news.current is None:
            return []
        now = news.current
        heats = now.temps[-1] if now.temps else None
        return self.see(now.state.flags, now.job.file.path, now.progress.filepos, heats)

    def see(
        self, flags: Flags, path: str | None, filepos: int | None, heats: Heats | None
    ) -> list[MachineEvent]:
        """The state at one moment: flags, selected file, bytes of it sent, temperatures."""
        mine = path == self.name
        self._is_under_way(mine and flags.busy)
        events = self._hold(flags.paused, "OctoPrint") if mine else []
        if not self.idle and filepos is not None:  # before, it is that of an earlier print
            events += self._advance(self._lines_at(filepos))
        return events + (self._heat(_temperatures(heats)) if heats is not None else [])

    def look_up(self, stored: StoredFile | None) -> None:
        """What the file's own history says of a print that is no longer under way."""
        if stored is None or stored.prints is None or stored.prints.last is None:
            return
        self.outcome = Outcome.FINISHED if stored.prints.last.success else Outcome.ABORTED

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


def _temperatures(heats: Heats) -> Temperatures:
    tool, bed = heats.tool0, heats.bed
    return Temperatures(
        hotend_c=tool.actual if tool else None,
        hotend_target_c=tool.target if tool else None,
        bed_c=bed.actual if bed else None,
        bed_target_c=bed.target if bed else None,
    )
