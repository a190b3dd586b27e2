"""A print host as a process of its own: started, waited for until it is up, ended surely."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

from commons.errors import Unavailable
from cosmo.demo.processes import ends_with_parent

START_S, STOP_S, STEP_S = 60.0, 10.0, 0.1


@dataclass(frozen=True, slots=True)
class PrintHost:
    """A running print host. Leaving the context, or `stop`, ends it."""

    url: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """It has ended when this returns. Safe to call twice."""
        end(self.process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(
    command: Sequence[str | Path],
    *,
    name: str,
    log: Path,
    is_up: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """The command runs and `is_up`; what it says stands in `log`.

    It ends with this process. Unavailable, and it has ended, when it does not come up.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            ends_with_parent(command),
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
        )
    try:
        if not _comes_up(is_up, process):
            raise Unavailable(f"{name} did not come up: see {log}")
    except BaseException:
        end(process)
        raise
    return process


def end(process: subprocess.Popen[bytes], *, within_s: float = STOP_S) -> None:
    """The process has ended: asked to, and killed when it has not `within_s`."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _comes_up(is_up: Callable[[], bool], process: subprocess.Popen[bytes]) -> bool:
    over = time.monotonic() + START_S
    while time.monotonic() < over and process.poll() is None:
        with suppress(httpx.TransportError):  # nobody listens there yet
            if is_up():
                return True
        time.sleep(STEP_S)
    return False
