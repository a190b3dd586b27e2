"""The whole server as one command, each of its processes killed: it goes on, and leaves nobody."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from commons.errors import Unavailable
from repo_server.server import serve
from repo_server.settings import Settings

pytestmark = pytest.mark.slow

SERVE = (
    "import sys; from repo_server.server import serve; "
    "from repo_server.settings import Settings; "
    "serve(Settings.from_env(), '127.0.0.1', int(sys.argv[1]))"
)
PARTS = {
    "the web server": "gunicorn",
    "the worker": "repo_server.worker",
    "valkey": "valkey-server",
}


class Running:
    """One `serve` in a process of its own."""

    def __init__(self, settings: Settings) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        others = {key: value for key, value in os.environ.items() if not key.startswith("COSMO_")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(self.port)],
            env={**others, **settings.environment()},
            start_new_session=True,
        )

    def healthy(self) -> bool:
        try:
            address = f"http://127.0.0.1:{self.port}/api/v1/healthz"
            return httpx.get(address, timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def parts(self) -> dict[str, set[int]]:
        """The ids of the processes of each part."""
        found: dict[str, set[int]] = {name: set() for name in PARTS}
        for pid, command in session_of(self.process.pid):
            for name, word in PARTS.items():
                if word in command:
                    found[name].add(pid)
        return found

    def complete(self) -> bool:
        return self.healthy() and all(self.parts().values())

    def everybody(self) -> list[int]:
        return [pid for pid, _ in session_of(self.process.pid)]


def session_of(leader: int) -> Iterator[tuple[int, str]]:
    """(pid, command line) of every living process of the leader's session."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, session = fields[0], int(fields[3])
        if session == leader and state != "Z":
            yield int(entry.name), command


def wait_for(condition: Callable[[], bool]) -> None:
    """Asks again and again; the test's own time limit ends it."""
    while not condition():
        pass


@pytest.fixture
def running(tmp_path) -> Iterator[Running]:
    server = Running(Settings.from_env({"COSMO_DATA": str(tmp_path)}))
    wait_for(server.complete)
    yield server
    for pid in server.everybody():
        os.kill(pid, signal.SIGKILL)
    server.process.wait()


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_killed_is_started_again(running, part):
    killed = running.parts()[part]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: running.complete() and not running.parts()[part] & killed)
    assert running.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_ends_well_and_leaves_no_process(running, number):
    running.process.send_signal(number)
    assert running.process.wait(timeout=60) == 0
    assert running.everybody() == []


def test_killed_itself_it_takes_its_web_server_along_and_starts_again(running, tmp_path):
    running.process.kill()
    running.process.wait()
    wait_for(lambda: not running.healthy() and not running.parts()["the web server"])
    again = Running(Settings.from_env({"COSMO_DATA": str(tmp_path)}))
    wait_for(again.healthy)
    again.process.terminate()
    assert again.process.wait(timeout=60) == 0
    assert running.everybody() == again.everybody() == []


def test_a_port_that_is_taken_is_a_sentence(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Unavailable, match=f"127.0.0.1:{port} cannot be served"):
            serve(Settings.from_env({"COSMO_DATA": str(tmp_path)}), "127.0.0.1", port)
