"""A real Moonraker with a folder of its own, for the tests and whoever wants to try one.

It lives in a virtual environment of its own (`.venv-moonraker`). Nothing of it calls out to the
network, and it may change nothing of this system.
"""

import os
import sqlite3
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

from commons.errors import Unavailable
from cosmo.demo.processes import ends_with_parent

START_S, STOP_S, STEP_S = 60.0, 10.0, 0.1
# Update manager, zeroconf, announcements and the system's services are left out or switched off.
_CONFIG = """\
[server]
host: 127.0.0.1
port: {port}
klippy_uds_address: {klippy}
max_upload_size: {max_upload_mb}
[authorization]
{trusted}
[machine]
provider: none
validate_service: False
validate_config: False
[announcements]
dev_mode: True
subscriptions:
"""
_KEY = "SELECT password FROM authorized_users WHERE username = '_API_KEY_USER_'"


@dataclass(frozen=True, slots=True)
class MoonrakerHost:
    """A running Moonraker. Leaving the context, or `stop`, ends it.

    `key` is "" when it trusts this computer; `files` is where uploads are kept.
    """

    url: str
    key: str
    files: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """It has ended when this returns. Safe to call twice."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_moonraker(
    executable: Path,
    folder: Path,
    *,
    port: int,
    klippy: Path,
    with_key: bool = True,
    max_upload_mb: int = 1024,
) -> MoonrakerHost:
    """Start Moonraker on 127.0.0.1:`port` with its data in `folder`; return when it answers.

    `klippy` is Klipper's socket, which may come later. Without `with_key` every program on this
    computer is trusted. Unavailable when it does not come up.
    """
    files = folder / "gcodes"
    files.mkdir(parents=True, exist_ok=True)
    (folder / "config").mkdir(exist_ok=True)
    trusted = "" if with_key else "trusted_clients: 127.0.0.1"
    (folder / "config" / "moonraker.conf").write_text(
        _CONFIG.format(port=port, klippy=klippy, trusted=trusted, max_upload_mb=max_upload_mb)
    )
    # Uploads are written here first; DBus is not asked for the system's services.
    surroundings = {**os.environ, "TMPDIR": str(folder), "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/"}
    with (folder / "moonraker.out").open("ab") as output:
        process = subprocess.Popen(
            ends_with_parent([str(executable), "-d", str(folder)]),
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            env=surroundings,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_it_answers(url, process, folder)
        return MoonrakerHost(url, _key(folder) if with_key else "", files, process)
    except BaseException:
        process.kill()
        process.wait()
        raise


def _key(folder: Path) -> str:
    """The API key that it made for itself at its first start."""
    with closing(sqlite3.connect(folder / "database" / "moonraker-sql.db")) as database:
        return str(database.execute(_KEY).fetchone()[0])


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx.get(f"{url}/server/info")
            return
        except httpx.TransportError:
            time.sleep(STEP_S)
    raise Unavailable(f"Moonraker did not come up on {url}: see {folder}/moonraker.out")
