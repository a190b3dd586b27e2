"""A real OctoPrint with its own virtual printer, set up without a browser.

For the demonstration and the tests: OctoPrint lives in a virtual environment of its own, because
its pins exclude ours. Nothing of it calls out to the network.
"""

import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from commons.errors import Unavailable
from cosmo import print_host

USER = "cosmo"
ROOM_C = 21.0
# The plugins that call out or nag; nothing that prints needs them. More plugins may follow.
QUIET = """\
server:
  firstRun: false
  host: 127.0.0.1
  port: {port}
  onlineCheck: {{enabled: false}}
  pluginBlacklist: {{enabled: false}}
webcam: {{timelapseEnabled: false}}
plugins:
  _disabled: [softwareupdate, announcements, tracking, errortracking, discovery, pi_support,
              backup, health_check, achievements, pluginmanager, corewizard]
"""
_VIRTUAL = """\
  virtual_printer:
    enabled: true
    sendWait: false
    simulated_errors: []
    ambientTemperature: {hotend_c:g}
serial: {{autoconnect: true, port: VIRTUAL, baudrate: 115200}}
"""
# The virtual printer sleeps through a tenth of each move's time, divided by these factors.
_FAST_MOVES = "M220 S{percent}\nM221 S{percent}\n"
_LOGGED = re.compile(r"^\S+ \S+ (<<<|>>>) (.*)$")
_NUMBERED = re.compile(r"^N(\d+) (.*)\*\d+$")
# What OctoPrint says of its own accord: when it connects, between lines, at a pause and an end.
_OWN = re.compile(r"M(?:105|110|114|115|400)(?!\d)")


@dataclass(frozen=True, slots=True)
class OctoPrintHost(print_host.PrintHost):
    """A running OctoPrint, and the key that it takes."""

    key: str


def start_octoprint(
    executable: Path,
    basedir: Path,
    *,
    port: int,
    speed: float = 1.0,
    hotend_c: float = ROOM_C,
) -> OctoPrintHost:
    """Prepare `basedir`, start OctoPrint on 127.0.0.1:`port`, return when its printer is ready.

    `speed` divides the time of every move; `hotend_c` is what hotend and bed have before
    they are heated, which its simulation does at 10 °C/s. Unavailable when it does not come up.
    """
    scripts = basedir / "scripts" / "gcode"
    scripts.mkdir(parents=True, exist_ok=True)
    (scripts / "afterPrinterConnected").write_text(_FAST_MOVES.format(percent=round(100 * speed)))
    key = set_up(executable, basedir, (QUIET + _VIRTUAL).format(port=port, hotend_c=hotend_c))
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, headers={"X-Api-Key": key}) as client:
        process = print_host.start(
            serve(executable, basedir, port),
            name=f"OctoPrint on {url}",
            log=basedir / "octoprint.out",
            is_up=lambda: _is_operational(client),
        )
    return OctoPrintHost(url, process, key)


def executed_lines(basedir: Path) -> list[str]:
    """The lines of files that its virtual printer has executed, in order.

    Every numbered line counts once, whatever was resent. M105, M110, M114, M115 and M400 are left
    out: OctoPrint adds its own. After a cancelled print, its script for that is there too.
    """
    lines: dict[tuple[int, int], str] = {}
    job = 0
    for text in _sent(basedir):
        match = _NUMBERED.match(text)
        if match is None:
            continue
        job += match[2].startswith("M110")  # numbers begin again with every file
        lines[job, int(match[1])] = match[2]
    return [text for _, text in sorted(lines.items()) if not _OWN.match(text)]


def _sent(basedir: Path) -> Iterator[str]:
    log = basedir / "logs" / "plugin_virtual_printer_serial.log"
    with log.open(encoding="utf-8", errors="replace") as opened:
        for line in opened:
            match = _LOGGED.match(line)
            if match and match[1] == "<<<":
                yield match[2].strip()


def _command(executable: Path, basedir: Path) -> list[str]:
    return [str(executable), "--basedir", str(basedir)]


def serve(executable: Path, basedir: Path, port: int) -> list[str]:
    """The command line of an OctoPrint on 127.0.0.1:`port`."""
    words = ["serve", "--host", "127.0.0.1", "--port", str(port)]
    as_root = ["--iknowwhatimdoing"] if os.geteuid() == 0 else []
    return [*_command(executable, basedir), *words, *as_root]


def set_up(executable: Path, basedir: Path, config: str) -> str:
    """Everything that a browser would be asked for at the first start; the API key is returned.

    Unavailable when OctoPrint makes no user.
    """
    basedir.mkdir(parents=True, exist_ok=True)
    (basedir / "config.yaml").write_text(config)
    users = basedir / "users.yaml"
    if not users.exists():
        words = ["user", "add", USER, "--password", secrets.token_urlsafe(), "-g", "users"]
        done = subprocess.run(
            [*_command(executable, basedir), *words], capture_output=True, check=False
        )
        if done.returncode or not users.exists():
            raise Unavailable(f"{executable} cannot make a user in {basedir}: {done.stderr!r}")
        users.chmod(0o600)
        key = secrets.token_urlsafe(32)
        users.write_text(users.read_text().replace("apikey: null", f"apikey: {key}"))
    match = re.search(r"apikey: (\S+)", users.read_text())
    if match is None or match[1] == "null":
        raise Unavailable(f"{users} holds no API key: remove {basedir} and start again")
    return match[1]


def _is_operational(client: httpx.Client) -> bool:
    answer = client.get("/api/connection")
    return answer.status_code == 200 and answer.json()["current"]["state"] == "Operational"
