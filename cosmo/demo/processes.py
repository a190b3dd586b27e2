"""Processes that the demo starts: each with a log of its own, none left behind."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from commons.errors import Unavailable

STOP_AFTER_S = 15.0
LAST_WORDS = 5


class Processes:
    """Starts programs and stops them in reverse order, each with all of its children.

    Should this process itself be killed, the system ends the others (parent death signal).
    """

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(
        self, name: str, command: Sequence[str | Path], env: Mapping[str, str] | None = None
    ) -> None:
        """`command` runs in a process group of its own and writes to `logs/NAME.log`."""
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                ends_with_parent(command),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
                start_new_session=True,
            )  # fmt: skip

    def run(
        self, name: str, command: Sequence[str | Path], env: Mapping[str, str] | None = None
    ) -> None:
        """`command` has ended well; Unavailable with its last words when it has not."""
        with self._log(name).open("ab") as log:
            done = subprocess.run(
                [*map(str, command)], check=False, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})},
            )  # fmt: skip
        if done.returncode:
            raise Unavailable(f"{name} ended with {done.returncode}: {self.last_words(name)}")

    def require_all(self) -> None:
        """Pass while everything runs; Unavailable names what has ended, with its last words."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise Unavailable(
                    f"{name} ended with {process.returncode}: {self.last_words(name)}"
                )

    def pid(self, name: str) -> int:
        """The id of the process that was started under this name."""
        return self._running[name].pid

    def last_words(self, name: str) -> str:
        """The end of the log of `name`."""
        lines = self._log(name).read_text(errors="replace").splitlines()
        return " / ".join(lines[-LAST_WORDS:]) or "it wrote nothing"

    def stop(self) -> None:
        """Nothing that was started is running any more."""
        for process in reversed(self._running.values()):
            _stop(process)
        self._running.clear()

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_AFTER_S)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _kill_group(process.pid)
        process.wait()


def _kill_group(leader: int) -> None:
    """Whatever the process left of its own children ends too."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def ends_with_parent(command: Sequence[str | Path]) -> list[str]:
    """`command` such that the system ends it should this process be killed."""
    guard = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    return [*guard, *map(str, command)]


def cosmo(*words: str | Path) -> list[str | Path]:
    """The command line of this same `cosmo`."""
    return [sys.executable, "-m", "cosmo", *words]
