"""The processes of one small world: each can be killed, frozen and started again."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from cosmo.demo.processes import ends_with_parent

ROOT = Path(__file__).parents[2]
PAUSE_S = 0.01


def pause(seconds: float = PAUSE_S) -> None:
    """Let others work for a moment."""
    select.select([], [], [], seconds)


class Running:
    """One program, in a process group of its own; started, killed, frozen as one likes."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        folder: Path,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self._command, self._log = name, command, folder / f"{name}.log"
        self._env = {**os.environ, **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """It runs, unless it does already."""
        if self.runs:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ends_with_parent([sys.executable, *self._command]),
                cwd=ROOT, env=self._env, start_new_session=True, pipesize=4096,
                stdin=subprocess.PIPE, stdout=log, stderr=log,
            )  # fmt: skip

    def say(self, word: str) -> None:
        """It can read a line on its stdin."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.write(f"{word}\n".encode())
                self._process.stdin.flush()

    def signal(self, number: int) -> None:
        """The process and all of its group have got the signal."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within so many seconds."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL, so that it can tidy up nothing; it has ended when this returns."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait()
            if self._process.stdin is not None:
                with suppress(BrokenPipeError):
                    self._process.stdin.close()
            self._process = None


class MachineProcess:
    """What drives the machine: the supervisor's child, in a session of its own.

    There may be two for a moment. They are known by their command line, from their first moment.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def pids(self) -> list[int]:
        """Those that live."""
        numbers = [int(it.name) for it in Path("/proc").iterdir() if it.name.isdigit()]
        return [pid for pid in numbers if self._lives(pid)]

    def _lives(self, pid: int) -> bool:
        try:
            told = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
        words = told.split(b"\0")
        return b"machine" in words and str(self._folder).encode() in words

    def signal(self, number: int) -> None:
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """None is left when this returns."""
        while self.pids():
            self.signal(signal.SIGKILL)
            pause()
