"""A repository server of one's own, in a folder, for the demo, the tests and the measurements."""

import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path

from commons.errors import FabError, Unavailable
from cosmo.client import Client
from cosmo.demo.processes import Processes, cosmo

START_S, STEP_S = 30.0, 0.1


def free_port(wanted: int = 0) -> int:
    """`wanted` if nobody has it, else any free port of 127.0.0.1."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            free: int = probe.getsockname()[1]
            return free
    raise Unavailable("there is no free port on 127.0.0.1")


def start_server(processes: Processes, folder: Path, url: str) -> str:
    """The server answers at `url`; returns the password of its admin, who is named admin."""
    password = secrets.token_urlsafe(16)
    processes.run(
        "add-admin",
        cosmo("server", "add-admin", "admin", "--name", "Admin", "--email", "admin@demo.invalid",
              "--password", password),
        _environment(folder, url),
    )  # fmt: skip
    run_server(processes, folder, url)
    return password


def run_server(processes: Processes, folder: Path, url: str) -> None:
    """The server with all its parts answers at `url`; what it keeps is in `folder`/server."""
    port = url.rsplit(":", 1)[1]
    command = cosmo("server", "run", "--port", port, "--files-port", str(free_port()))
    processes.start("server", command, _environment(folder, url))
    with Client(url) as client:
        _until(lambda: _answers(client), processes)


def _environment(folder: Path, url: str) -> dict[str, str]:
    return {"COSMO_DATA": str(folder / "server"), "COSMO_BASE_URL": url}


def _answers(client: Client) -> bool:
    try:
        return bool(client.get("/healthz"))
    except FabError:
        return False


def _until(answers: Callable[[], bool], processes: Processes) -> None:
    end = time.monotonic() + START_S
    while not answers():
        processes.require_all()
        if time.monotonic() > end:
            raise Unavailable(f"after {START_S:.0f} s the server does not answer")
        time.sleep(STEP_S)
