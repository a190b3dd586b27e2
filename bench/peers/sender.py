"""A sender that lives in a process of its own and streams when it is told to."""

import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from bench.peers.machine import take_core

READY_S = 60.0


class PeerMissing(RuntimeError):
    """This sender cannot be measured, and why."""


class Sender(Protocol):
    """Somebody who streams a file to a port."""

    name: str

    def open(self, port: Path, baud: int, program: Path) -> None:
        """Connected, and the file is loaded; nothing of it was sent."""
        ...

    def go(self) -> None:
        """Stream now; returns at once."""
        ...

    def cpu_s(self) -> float:
        """CPU time that its process has used, s."""
        ...

    def finish(self) -> None:
        """It is done with this run in its own view, if it ever says so."""
        ...

    def close(self) -> None:
        """It has let go of the port. Safe to call twice."""
        ...


def cpu_of(pid: int) -> float:
    """User and system time of all threads of a process, s (as clock_getcpuclockid does)."""
    return time.clock_gettime((~pid << 3) | 2)


class Child:
    """A sender of the form `command port baud program`: says `ready`, waits for a line, streams."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name, self._command = name, command
        self._process: subprocess.Popen[str] | None = None

    def open(self, port: Path, baud: int, program: Path) -> None:
        command = [*self._command, str(port), str(baud or 115200), str(program)]
        if not Path(command[0]).exists():
            raise PeerMissing(f"{command[0]} is not there: run `make bench-peers`")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        take_core(self._process.pid, 0)
        self._expect("ready", READY_S)

    def go(self) -> None:
        self.tap("go")

    def cpu_s(self) -> float:
        assert self._process is not None
        return cpu_of(self._process.pid)

    def finish(self) -> None:
        self._expect("done", READY_S)

    def close(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process = None

    def tap(self, word: str) -> None:
        """It reads this word from its standard input."""
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")

    def _expect(self, word: str, timeout_s: float) -> None:
        assert self._process is not None and self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], timeout_s)[0]:
            raise PeerMissing(f"{self.name} did not say '{word}' within {timeout_s:.0f} s")
        if (said := self._process.stdout.readline().strip()) != word:
            raise PeerMissing(f"{self.name} said '{said}' instead of '{word}'")


def wait_until(true: Callable[[], bool], within_s: float, *, step_s: float = 0.02) -> bool:
    """Whether it became true in time."""
    end = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(step_s)
    return True
