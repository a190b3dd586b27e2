"""A server as `cosmo server run` starts its web process, and what the system counts of it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from cosmo.demo.serving import free_port
from repo_server.server import web_command
from repo_server.settings import Settings

START_S = 60.0


@dataclass(frozen=True)
class Web:
    """The web process that answers at `url`: gunicorn's parent, and the one child that works."""

    url: str
    pid: int

    @property
    def worker(self) -> int:
        """The process that answers."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return int(children[0])

    def memory_mb(self) -> float:
        """What it holds in memory, MB."""
        status = Path(f"/proc/{self.worker}/status").read_text()
        (line,) = (it for it in status.splitlines() if it.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def cpu_s(self) -> float:
        """Seconds of CPU that it has used."""
        return cpu_of(self.worker)


def cpu_of(pid: int) -> float:
    """Seconds of CPU that the process has used, the system's on its behalf among them."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(settings: Settings, port: int | None = None) -> Iterator[Web]:
    """The web process answers; it is ended, and so are its children, with all that it knew."""
    port = port or free_port()
    environment = {**os.environ, **settings.environment()}
    process = subprocess.Popen(
        [sys.executable, "-m", *web_command("127.0.0.1", [port])],
        env=environment,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process)
        yield Web(url, process.pid)
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{url}/api/v1/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError(f"the server at {url} did not start")
