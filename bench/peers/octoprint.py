"""OctoPrint with a real port: its own server, no browser, no plugins that call out."""

import subprocess
from pathlib import Path

import httpx

from bench.peers.machine import take_core
from bench.peers.sender import PeerMissing, cpu_of, wait_until
from cosmo.octoprint_host import QUIET, serve, set_up
from cosmo.print_host import end

START_S, CONNECT_S = 60.0, 20.0
# Analysing the file would compete with printing it.
_PORTS = """\
serial: {{autoconnect: false, additionalPorts: ["{glob}"], longRunningCommands: []}}
gcodeAnalysis: {{runAt: never}}
"""


class OctoPrint:
    """One server for all runs; ports are connected and let go for each."""

    name = "octoprint"

    def __init__(self, executable: Path, folder: Path, *, ports: Path, http_port: int) -> None:
        if not executable.exists():
            raise PeerMissing(f"{executable} is not there: run `make setup`")
        self._basedir = folder / "octoprint"
        config = (QUIET + _PORTS).format(port=http_port, glob=f"{ports}/tty*")
        key = set_up(executable, self._basedir, config)
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{http_port}", headers={"X-Api-Key": key}, timeout=30
        )
        with (self._basedir / "out").open("wb") as out:
            command = serve(executable, self._basedir, http_port)
            self._process = subprocess.Popen(command, stdout=out, stderr=out)
        take_core(self._process.pid, 0)
        if not wait_until(self._answers, START_S):
            raise PeerMissing(f"OctoPrint did not start: see {self._basedir / 'out'}")

    def open(self, port: Path, baud: int, program: Path) -> None:
        with program.open("rb") as file:
            answer = self._http.post(
                "/api/files/local", files={"file": ("bench.gcode", file)}, data={"select": "false"}
            )
        answer.raise_for_status()
        # Ports are listed once a second.
        if not wait_until(lambda: self._connects(port, baud or 115200), CONNECT_S, step_s=0.1):
            raise PeerMissing(f"OctoPrint does not connect to {port}: {self._state()}")
        selected = self._http.post("/api/files/local/bench.gcode", json={"command": "select"})
        selected.raise_for_status()
        wait_until(lambda: self._state() == "Operational", CONNECT_S)

    def go(self) -> None:
        self._http.post("/api/job", json={"command": "start"}).raise_for_status()

    def cpu_s(self) -> float:
        return cpu_of(self._process.pid)

    def finish(self) -> None:
        wait_until(lambda: self._state() == "Operational", CONNECT_S)

    def close(self) -> None:
        self._http.post("/api/connection", json={"command": "disconnect"})
        wait_until(lambda: self._state() in ("Closed", "Offline"), CONNECT_S)

    def stop(self) -> None:
        """The server is gone."""
        self._http.close()
        end(self._process)

    def _answers(self) -> bool:
        try:
            return self._http.get("/api/version").status_code == 200
        except httpx.TransportError:
            return False

    def _state(self) -> str:
        return str(self._http.get("/api/connection").json()["current"]["state"])

    def _connects(self, port: Path, baud: int) -> bool:
        if self._state() in ("Closed", "Offline"):
            wish = {"command": "connect", "port": str(port), "baudrate": baud}
            self._http.post("/api/connection", json=wish)
        return wait_until(lambda: self._state() == "Operational", 2.0)
