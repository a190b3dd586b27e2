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
    env = {"COSMO_DATA": str(folder / "server"), "COSMO_BASE_URL": url}
    password = secrets.token_urlsafe(16)
    processes.run(
        "add-admin",
        cosmo("server", "add-admin", "admin", "--name", "Admin", "--email", "admin@demo.invalid",
              "--password", password),
        env,
    )  # fmt: skip
    port = url.rsplit(":", 1)[1]
    files_port = str(free_port())
    command = cosmo("server", "run", "--port", port, "--files-port", files_port)
    processes.start("server", command, env)
    with Client(url) as client:
        _until(lambda: _answers(client), processes)
    return password


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
