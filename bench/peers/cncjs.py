"""cncjs without a browser: its own server, told what to do over the socket its pages use."""

import json
import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import httpx
import websocket

from bench.peers.machine import take_core
from bench.peers.sender import PeerMissing, cpu_of, wait_until
from cosmo.print_host import end

START_S, CONNECT_S = 30.0, 10.0
# An `ok` to one of its own first questions that came after the start would count for a line, and
# it would keep two lines in flight from then on.
SETTLE_S = 1.5
CONTROLLERS = {"grbl": "Grbl", "marlin": "Marlin"}


class Cncjs:
    """One server for all runs; it speaks GRBL by counting characters, Marlin line by line.

    To Marlin it sends neither numbers nor checksums: its lines are shorter, and what is damaged
    on the way stays damaged.
    """

    name = "cncjs"

    def __init__(self, executable: Path, folder: Path, *, kind: str, http_port: int) -> None:
        if not executable.exists():
            raise PeerMissing(f"{executable} is not there: run `make bench-peers`")
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / f"cncrc-{kind}"
        config.write_text(json.dumps({"checkForUpdates": False}))
        command = ["node", executable, "-H", "127.0.0.1", "-p", http_port, "-c", config]
        env = {**os.environ, "HOME": str(folder)}
        with (folder / f"cncjs-{kind}.out").open("wb") as out:
            self._process = subprocess.Popen(
                [str(word) for word in command], stdout=out, stderr=out, env=env
            )
        take_core(self._process.pid, 0)
        self._kind, self._port = kind, ""
        self._base = f"127.0.0.1:{http_port}"
        self._socket: websocket.WebSocket | None = None
        if not wait_until(self._answers, START_S):
            raise PeerMissing(f"cncjs did not start: see {folder}/cncjs-{kind}.out")

    def open(self, port: Path, baud: int, program: Path) -> None:
        token = httpx.post(f"http://{self._base}/api/signin", json={}).json()["token"]
        self._socket = websocket.create_connection(
            f"ws://{self._base}/socket.io/?EIO=3&transport=websocket&token={token}",
            timeout=CONNECT_S,
        )
        # It opens the device itself, not the link.
        self._port = str(port.resolve())
        options = {"controllerType": CONTROLLERS[self._kind], "baudrate": baud or 115200}
        self._emit("open", self._port, options)
        self._hear("serialport:open")
        if self._kind == "grbl":
            self._hear("Grbl:settings")
        else:
            self._hear("serialport:read")
        self._emit("command", self._port, "gcode:load", "bench", program.read_text(), {})
        self._hear("gcode:load")
        time.sleep(SETTLE_S)

    def go(self) -> None:
        self._emit("command", self._port, "gcode:start")

    def cpu_s(self) -> float:
        return cpu_of(self._process.pid)

    def finish(self) -> None:
        """It says nothing that a client could wait for."""

    def close(self) -> None:
        if self._socket is None:
            return
        self._emit("close", self._port)
        with suppress(PeerMissing):
            self._hear("serialport:close")
        self._socket.close()
        self._socket = None

    def stop(self) -> None:
        """The server is gone."""
        end(self._process)

    def _answers(self) -> bool:
        try:
            return httpx.post(f"http://{self._base}/api/signin", json={}).status_code == 200
        except httpx.TransportError:
            return False

    def _emit(self, *words: object) -> None:
        """A socket.io event: engine.io's `4` (message), socket.io's `2` (event), JSON."""
        assert self._socket is not None
        self._socket.send("42" + json.dumps(words))

    def _hear(self, event: str) -> None:
        assert self._socket is not None
        try:
            while not self._socket.recv().startswith(f'42["{event}"'):
                pass
        except (websocket.WebSocketException, OSError) as error:
            raise PeerMissing(f"cncjs never said '{event}': {error}") from error
