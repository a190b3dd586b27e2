"""The web process as a process of its own, to be killed; and what lies in its folder then."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from repo_server import people
from repo_server.db import make_engine, transaction
from repo_server.ids import new_id
from repo_server.server import prepare
from repo_server.settings import Settings


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


class Server:
    """The web process as `cosmo server run` starts it, and a token that may upload.

    `disk` wraps its command, to give it a disk of its own.
    """

    def __init__(self, folder: Path, disk: tuple[str, ...] = ()) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._settings = Settings.from_env({"COSMO_DATA": str(folder)})
        self._disk = disk
        self._process: subprocess.Popen[str] | None = None
        self.blobs = folder / "blobs"
        prepare(self._settings)
        self.token = _token(self._settings)

    def start(self) -> None:
        """It answers when this returns."""
        prepare(self._settings)
        others = {key: value for key, value in os.environ.items() if not key.startswith("COSMO_")}
        command = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "8",
                   "--bind", f"127.0.0.1:{self._port}", "--no-control-socket",
                   "repo_server.wsgi:app"]  # fmt: skip
        self._process = subprocess.Popen(
            [*self._disk, *command],
            env={**others, **self._settings.environment()},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stderr is not None
        assert any("Listening at" in line for line in self._process.stderr)

    def kill(self) -> None:
        """kill -9 for every process of the server, wherever it stands."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()
            self._process = None

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """The answer to a request below /api/v1, with the token."""
        sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        return httpx.request(method, f"{self.url}/api/v1{path}", headers=sent, timeout=60, **more)


def _token(settings: Settings) -> str:
    engine, now = make_engine(settings.database_url), datetime.now(UTC)
    with transaction(engine) as session:
        person = people.sign_up(session, id=new_id(), handle="ada", name="Ada", email="a@b.org",
                                password_hash="", now=now)  # fmt: skip
        people.issue_token(session, id=new_id(), secret="cl_test", person_id=person.id, name="t",
                           scopes=["read", "design:write"], days=1, now=now)  # fmt: skip
    engine.dispose()
    return "cl_test"
