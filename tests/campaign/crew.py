"""Plays schedules, each in a folder of its own; a print host is lent to one at a time."""

from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Self

from commons.machine import Driver
from tests.campaign.machines import HostedPrinter, machine_of
from tests.campaign.schedule import Schedule
from tests.campaign.story import Result, play
from tests.campaign.template import Template, make_template


class Crew:
    """Safe for several threads. Leaving the context stops every print host."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._making = Lock()
        self._templates: dict[Driver, Template] = {}
        self._free: SimpleQueue[HostedPrinter] = SimpleQueue()
        self._hosts: list[HostedPrinter] = []

    def play(self, schedule: Schedule) -> Result:
        """The schedule has happened, and this is what became of it."""
        folder = self._folder / f"seed-{schedule.seed}"
        folder.mkdir(parents=True)
        hosted = self._host() if schedule.machine is Driver.OCTOPRINT else None
        result = play(
            schedule, folder, machine_of(schedule, folder, hosted), self._template(schedule.machine)
        )
        if hosted is not None and not result.broken:  # else who knows what it still does
            self._free.put(hosted)
        return result

    def _template(self, machine: Driver) -> Template:
        with self._making:
            if machine not in self._templates:
                folder = self._folder / f"template-{machine}"
                folder.mkdir(parents=True, exist_ok=True)
                self._templates[machine] = make_template(machine, folder)
            return self._templates[machine]

    def _host(self) -> HostedPrinter:
        try:
            return self._free.get_nowait()
        except Empty:
            host = HostedPrinter(self._folder / f"octoprint-{len(self._hosts)}")
            self._hosts.append(host)
            return host

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        for host in self._hosts:
            host.stop()
