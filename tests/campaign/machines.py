"""The machine of a world: simulated on a pty in its own process, or behind a real OctoPrint."""

import json
import re
import signal
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

import httpx

from cosmo.octoprint_host import OctoPrintHost, start_octoprint
from tests.campaign.processes import ROOT, Running, pause
from tests.campaign.schedule import Schedule
from tests.campaign.verdict import Entry

OCTOPRINT = ROOT / ".venv-octoprint" / "bin" / "octoprint"
# How many times faster than a real machine the simulated ones heat and move.
SPEED = 60.0
_SENT = re.compile(r"^(\S+ \S+) <<< N(\d+) (.*?)\*\d+\s*$")


class Machine(Protocol):
    """What a world needs of its machine."""

    def start(self) -> None: ...

    def power_off(self) -> None: ...

    def pull_cable(self) -> None: ...

    def plug_in(self) -> None: ...

    def freeze_at(self, *, line: int = 0, resend: int = 0) -> None: ...

    def is_there(self, *, line: int = 0) -> bool: ...

    def go_on(self) -> None: ...

    def entries(self) -> list[Entry]: ...

    def is_safe(self) -> bool: ...

    def needs_a_person(self) -> bool: ...

    def is_whole(self) -> bool: ...

    def settings(self) -> str: ...

    def close(self) -> None: ...


# Knobs that end a run, whenever its line comes: the first try may not have got there.
_FAILS = ("_at_line", "_fails", "_away")


class SimulatedMachine:
    """A controller of its own process; its record outlives it."""

    def __init__(self, schedule: Schedule, folder: Path) -> None:
        self._port, self._record = folder / "port", folder / "record"
        self._record.touch()
        self._entries_before = 0
        command = ["-m", "tests.campaign.machine_child", schedule.machine, self._port, self._record]
        healthy = Running("machine", [*command, str(SPEED), "{}"], folder)
        knobs = json.dumps({name: _number(value) for name, value in schedule.knobs})
        self._process = Running("machine", [*command, str(SPEED), knobs], folder)
        # What went wrong once does not go wrong again after somebody has looked at the machine.
        self._healthy = healthy
        self._fails = any(name.endswith(_FAILS) for name, _ in schedule.knobs)

    def start(self) -> None:
        self._process.start()
        while not self._port.exists():
            if not self._process.runs:
                raise AssertionError(f"the simulated machine ended: see {self._record.parent}")
            pause()

    def power_off(self) -> None:
        """Without current: nothing moves, nothing heats, and the port is gone."""
        self._process.kill()
        self._port.unlink(missing_ok=True)
        self._process = self._healthy
        self._entries_before = len(self.entries())

    def pull_cable(self) -> None:
        self._process.say("pull")

    def plug_in(self) -> None:
        """It has current and its cable."""
        self._process.say("plug")
        self.start()

    def freeze_at(self, *, line: int = 0, resend: int = 0) -> None:
        self._process.say(f"freeze-at-line {line}" if line else f"freeze-at-resend {resend}")

    def is_there(self, *, line: int = 0) -> bool:
        entries = self.entries()
        return bool(entries) and entries[-1].kind == "frozen"

    def go_on(self) -> None:
        self._process.say("go")

    def entries(self) -> list[Entry]:
        *lines, _ = self._record.read_text().split("\n")
        return [_entry(line) for line in lines]

    def is_safe(self) -> bool:
        """Nothing is hot, nothing turns; so it is without current."""
        if not self._process.runs:
            return True
        told = [e for e in self.entries() if e.kind in ("safe", "boot")]
        return told[-1].kind == "boot" or told[-1].text == "1"

    def needs_a_person(self) -> bool:
        """It gave an alarm or halted since it has current: a reset alone does not mend that."""
        told = {e.kind for e in self.entries()[self._entries_before :]}
        return bool(told & {"alarm", "dead"})

    def is_whole(self) -> bool:
        """Nothing is left in it that ends a run."""
        return self._process is self._healthy or not self._fails

    def settings(self) -> str:
        return f'port = "{self._port}"'

    def close(self) -> None:
        self._process.signal(signal.SIGCONT)
        self._process.kill()


def _number(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _entry(line: str) -> Entry:
    at, kind, *text = line.split(" ", 2)
    return Entry(int(at) / 1e9, kind, *text)


class HostedPrinter:
    """A real OctoPrint with its virtual printer, shared by the schedules of one worker."""

    def __init__(self, basedir: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._at_port = int(probe.getsockname()[1])
        self._basedir = basedir
        self._host: OctoPrintHost | None = None
        self._boots: list[Entry] = []

    def start(self) -> None:
        """It is up, its printer connected, and the record of earlier schedules forgotten."""
        if self._host is None or self._host.process.poll() is not None:
            self._host = start_octoprint(
                OCTOPRINT, self._basedir, port=self._at_port, speed=10, hotend_c=170
            )
        log = self._basedir / "logs" / "plugin_virtual_printer_serial.log"
        self._log, self._begin = log, log.stat().st_size if log.exists() else 0
        self._boots = []

    def power_off(self) -> None:
        if self._host is not None:
            self._host.process.kill()
            self._host.process.wait()

    def plug_in(self) -> None:
        if self._host is not None and self._host.process.poll() is not None:
            boots, begin = self._boots, self._begin
            self._boots = []
            self.start()
            self._boots, self._begin = boots, begin

    def pull_cable(self) -> None:
        raise NotImplementedError("a print host has no cable of ours")

    def freeze_at(self, *, line: int = 0, resend: int = 0) -> None:
        """It is only watched: see `is_there`."""

    def is_there(self, *, line: int = 0) -> bool:
        return sum(e.kind == "line" for e in self.entries()) >= line

    def is_whole(self) -> bool:
        return True

    def go_on(self) -> None:
        """It was never stopped."""

    def entries(self) -> list[Entry]:
        """Every numbered line once, whatever was resent. Each count from N0 is a life of its own:
        OctoPrint counts anew with every print and every connection."""
        seen: dict[tuple[int, int], Entry] = {}
        life = 0
        for at, number, text in self._sent():
            if text.startswith("M110"):
                life += 1
                seen[life, -1] = Entry(at, "boot")
            elif (life, number) not in seen:
                seen[life, number] = Entry(at, "line", text)
        return [entry for _, entry in sorted(seen.items())]

    def _sent(self) -> Iterator[tuple[float, int, str]]:
        if not self._log.exists():
            return
        with self._log.open(encoding="utf-8", errors="replace") as opened:
            opened.seek(self._begin)
            for line in opened:
                if match := _SENT.match(line):
                    yield _seconds(match[1]), int(match[2]), match[3].strip()

    def is_safe(self) -> bool:
        """No heater has a target and nothing is printed."""
        if self._host is None or self._host.process.poll() is not None:
            return True
        with httpx.Client(base_url=self._host.url, headers=self._headers()) as client:
            answer = client.get("/api/printer")
        if answer.status_code != 200:
            return answer.status_code == 409  # its printer is not connected
        told = answer.json()
        targets = [heater["target"] or 0 for heater in told["temperature"].values()]
        return not any(targets) and not told["state"]["flags"]["printing"]

    def needs_a_person(self) -> bool:
        return self._host is not None and self._host.process.poll() is not None

    def settings(self) -> str:
        assert self._host is not None
        (self._basedir / "key").write_text(self._host.key)
        return f'url = "{self._host.url}"\nkey_file = "{self._basedir / "key"}"'

    def close(self) -> None:
        """The next schedule may use it; see `stop`."""

    def stop(self) -> None:
        if self._host is not None:
            self._host.stop()

    def _headers(self) -> dict[str, str]:
        return {"X-Api-Key": self._host.key if self._host else ""}


def _seconds(told: str) -> float:
    """OctoPrint's log has the local time."""
    return datetime.strptime(told, "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp()


def machine_of(schedule: Schedule, folder: Path, hosted: HostedPrinter | None) -> Machine:
    """The machine that the schedule is about, not yet started."""
    return hosted or SimulatedMachine(schedule, folder)
