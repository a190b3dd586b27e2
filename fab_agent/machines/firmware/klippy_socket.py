"""A simulated Klipper behind its Unix socket: JSON requests and answers, each ended by 0x03.

Facts: Klipper's "API server" document; what Moonraker 0.11.0 asks when it connects. Enough for a
real Moonraker to find a printer here, and no more.
"""

import json
import os
import selectors
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fab_agent.machines.firmware.klippy import KlippyError, SimulatedKlippy, Status

END = b"\x03"
READ_SIZE = 1 << 16
TICK_S = 0.005
# Klipper looks for changes so often (SUBSCRIPTION_REFRESH_TIME of its webhooks).
TELL_S = 0.25
VERSION = "v0.13.0-simulated"
_SCRIPTS = {
    "pause_resume/pause": "PAUSE",
    "pause_resume/resume": "RESUME",
    "pause_resume/cancel": "CANCEL_PRINT",
    "gcode/restart": "RESTART",
    "gcode/firmware_restart": "FIRMWARE_RESTART",
}
_ENDPOINTS = [
    *_SCRIPTS,
    *("info", "list_endpoints", "emergency_stop", "register_remote_method"),
    *("gcode/help", "gcode/script", "gcode/subscribe_output"),
    *("objects/list", "objects/query", "objects/subscribe"),
]

Wanted = dict[str, list[str] | None]


@dataclass(eq=False, slots=True)
class _Client:
    """One connection, what it has subscribed to, and what it was told last."""

    socket: socket.socket
    partial: bytes = b""
    wanted: Wanted = field(default_factory=dict)
    told: Status = field(default_factory=dict)
    template: dict[str, Any] = field(default_factory=dict)
    output: dict[str, Any] | None = None

    def send(self, message: dict[str, Any]) -> None:
        with suppress(OSError):  # it has gone; the next read says so
            self.socket.sendall(json.dumps(message).encode() + END)


class KlippySocket:
    """Serves one simulated Klipper at `path` until it is told to stop."""

    def __init__(self, machine: SimulatedKlippy, path: Path, *, speed: float = 1.0) -> None:
        self._machine, self._path, self._speed = machine, path, speed
        self._selector = selectors.DefaultSelector()
        self._clients: set[_Client] = set()
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._selector.register(self._listener, selectors.EVENT_READ)

    def serve(self, stop: threading.Event) -> None:
        """Let time pass and answer, until `stop` is set."""
        ticked = told = time.monotonic()
        while not stop.is_set():
            for key, _ in self._selector.select(TICK_S):
                self._read(key.data) if key.data else self._accept()
            now = time.monotonic()
            self._machine.tick((now - ticked) * self._speed)
            ticked = now
            if self._machine.dropped:  # before a process that is new could say anything
                self._machine.dropped = False
                self._drop_all()
            self._say()
            if now - told >= TELL_S:
                told = now
                self._tell_changes()
        self._drop_all()
        self._selector.close()
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        client = _Client(self._listener.accept()[0])
        self._clients.add(client)
        self._selector.register(client.socket, selectors.EVENT_READ, client)

    def _read(self, client: _Client) -> None:
        try:
            data = client.socket.recv(READ_SIZE)
        except OSError:
            data = b""
        if not data:
            self._drop(client)
            return
        *requests, client.partial = (client.partial + data).split(END)
        for request in requests:
            self._take(client, json.loads(request))

    def _take(self, client: _Client, request: dict[str, Any]) -> None:
        number, params = request.get("id"), request.get("params") or {}
        method = request.get("method", "")
        script = params.get("script") if method == "gcode/script" else _SCRIPTS.get(method)
        if script is not None:
            self._machine.order(script, lambda error: _answer(client, number, {}, error))
            return
        try:
            _answer(client, number, self._result(client, method, params), None)
        except KlippyError as e:
            _answer(client, number, {}, str(e))

    def _result(self, client: _Client, method: str, params: dict[str, Any]) -> dict[str, Any]:
        match method:
            case "info":
                return self._info()
            case "list_endpoints":
                return {"endpoints": _ENDPOINTS}
            case "emergency_stop":
                self._machine.shut_down("Shutdown due to webhooks request")
            case "gcode/subscribe_output":
                client.output = params["response_template"]
            case "register_remote_method" | "gcode/help":
                pass
            case _:
                return self._objects(client, method, params)
        return {}

    def _objects(self, client: _Client, method: str, params: dict[str, Any]) -> dict[str, Any]:
        status = self._machine.status()
        match method:
            case "objects/list":
                return {"objects": list(status)}
            case "objects/query":
                return self._told(_selected(status, params["objects"]))
            case "objects/subscribe":
                client.wanted, client.template = params["objects"], params["response_template"]
                client.told = _selected(status, client.wanted)
                return self._told(client.told)
        raise KlippyError(f"webhooks: No registered callback for path '{method}'")

    def _info(self) -> dict[str, Any]:
        return {
            "state": self._machine.state,
            "state_message": self._machine.state_message,
            "hostname": "simulated",
            "klipper_path": str(Path(__file__).parent),  # Moonraker keeps clients out of it
            "python_path": sys.executable,
            "process_id": os.getpid(),
            "user_id": os.getuid(),
            "group_id": os.getgid(),
            "log_file": "",
            "config_file": "",
            "software_version": VERSION,
            "cpu_info": "simulated",
        }

    def _told(self, status: Status) -> dict[str, Any]:
        return {"eventtime": time.monotonic(), "status": status}

    def _say(self) -> None:
        while self._machine.said:
            line = self._machine.said.popleft()
            for client in self._clients:
                if client.output is not None:
                    client.send({**client.output, "params": {"response": line}})

    def _tell_changes(self) -> None:
        status = self._machine.status()
        for client in self._clients:
            now = _selected(status, client.wanted)
            news = {
                name: changed
                for name, fields in now.items()
                if (changed := _changed(fields, client.told.get(name, {})))
            }
            client.told = now
            if news:
                client.send({**client.template, "params": self._told(news)})

    def _drop(self, client: _Client) -> None:
        self._clients.discard(client)
        self._selector.unregister(client.socket)
        client.socket.close()

    def _drop_all(self) -> None:
        for client in list(self._clients):
            self._drop(client)


@contextmanager
def klippy_served(
    machine: SimulatedKlippy, path: Path, *, speed: float = 1.0
) -> Iterator[threading.Event]:
    """`machine` behind the socket at `path`, run by a thread; setting the event ends it.

    `speed` is how many seconds pass for the machine in one of ours.
    """
    stop = threading.Event()
    served = KlippySocket(machine, path, speed=speed)
    thread = threading.Thread(target=served.serve, args=(stop,), name="simulated Klipper")
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join()


def _selected(status: Status, wanted: Wanted) -> Status:
    return {
        name: {f: v for f, v in status[name].items() if fields is None or f in fields}
        for name, fields in wanted.items()
        if name in status
    }


def _changed(now: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in now.items() if before.get(name, END) != value}


def _answer(client: _Client, number: Any, result: dict[str, Any], error: str | None) -> None:
    if number is None:
        return
    if error is None:
        client.send({"id": number, "result": result})
    else:
        client.send({"id": number, "error": {"error": "WebRequestError", "message": error}})
