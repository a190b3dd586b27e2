"""A real Moonraker with a folder of its own, for the tests and whoever wants to try one.

It lives in a virtual environment of its own (`.venv-moonraker`). Nothing of it calls out to the
network, and it may change nothing of this system.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx

from cosmo import print_host

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
class MoonrakerHost(print_host.PrintHost):
    """A running Moonraker: `key` is "" when it trusts this computer; `files` keeps uploads."""

    key: str
    files: Path


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
    environment = {"TMPDIR": str(folder), "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/"}
    url = f"http://127.0.0.1:{port}"
    process = print_host.start(
        [executable, "-d", folder],
        name=f"Moonraker on {url}",
        log=folder / "moonraker.out",
        # 401: it wants its key.
        is_up=lambda: httpx.get(f"{url}/server/info").status_code in (200, 401),
        environment=environment,
    )
    try:
        return MoonrakerHost(url, process, _key(folder) if with_key else "", files)
    except BaseException:
        print_host.end(process)
        raise


def _key(folder: Path) -> str:
    """The API key that it made for itself at its first start."""
    with closing(sqlite3.connect(folder / "database" / "moonraker-sql.db")) as database:
        return str(database.execute(_KEY).fetchone()[0])
