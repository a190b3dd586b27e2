"""A real OctoPrint with its own virtual printer, set up without a browser.

For the demonstration and the tests: OctoPrint lives in a virtual environment of its own, because
its pins exclude ours. Nothing of it calls out to the network.
"""

import os
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

from commons.errors import Unavailable
from cosmo.demo.processes import ends_with_parent

USER = "cosmo"
ROOM_C = 21.0
START_S, STOP_S, STEP_S = 60.0, 10.0, 0.1
# The plugins that call out or nag; nothing that prints needs them.
_CONFIG = """\
server:
  firstRun: false
  host: 127.0.0.1
  port: {port}
  onlineCheck: {{enabled: false}}
  pluginBlacklist: {{enabled: false}}
serial: {{autoconnect: true, port: VIRTUAL, baudrate: 115200}}
webcam: {{timelapseEnabled: false}}
plugins:
  _disabled: [softwareupdate, announcements, tracking, errortracking, discovery, pi_support,
              backup, health_check, achievements, pluginmanager, corewizard]
  virtual_printer:
    enabled: true
    sendWait: false
    simulated_errors: []
    ambientTemperature: {hotend_c:g}
"""
# The virtual printer sleeps through a tenth of each move's time, divided by these factors.
_FAST_MOVES = "M220 S{percent}\nM221 S{percent}\n"
_LOGGED = re.compile(r"^\S+ \S+ (<<<|>>>) (.*)$")
_NUMBERED = re.compile(r"^N(\d+) (.*)\*\d+$")
# What OctoPrint says of its own accord: when it connects, between lines, at a pause and an end.
_OWN = re.compile(r"M(?:105|110|114|115|400)(?!\d)")


@dataclass(frozen=True, slots=True)
class OctoPrintHost:
    """A running OctoPrint. Leaving the context, or `stop`, ends it."""

    url: str
    key: str
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
    key = _prepare(executable, basedir, port=port, speed=speed, hotend_c=hotend_c)
    command = [*_command(executable, basedir), "serve", "--host", "127.0.0.1", "--port", str(port)]
    if os.geteuid() == 0:
        command.append("--iknowwhatimdoing")
    with (basedir / "octoprint.out").open("wb") as output:
        process = subprocess.Popen(
            ends_with_parent(command), stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    host = OctoPrintHost(f"http://127.0.0.1:{port}", key, process)
    try:
        _wait_until_operational(host, basedir)
    except BaseException:
        host.stop()
        raise
    return host


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


def _prepare(executable: Path, basedir: Path, *, port: int, speed: float, hotend_c: float) -> str:
    """Everything a browser would be asked for; the API key is returned."""
    scripts = basedir / "scripts" / "gcode"
    scripts.mkdir(parents=True, exist_ok=True)
    (scripts / "afterPrinterConnected").write_text(_FAST_MOVES.format(percent=round(100 * speed)))
    (basedir / "config.yaml").write_text(_CONFIG.format(port=port, hotend_c=hotend_c))
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


def _wait_until_operational(host: OctoPrintHost, basedir: Path) -> None:
    end = time.monotonic() + START_S
    with httpx.Client(base_url=host.url, headers={"X-Api-Key": host.key}) as client:
        while time.monotonic() < end and host.process.poll() is None:
            if _is_operational(client):
                return
            time.sleep(STEP_S)
    raise Unavailable(f"OctoPrint did not come up on {host.url}: see {basedir}/octoprint.out")


def _is_operational(client: httpx.Client) -> bool:
    try:
        answer = client.get("/api/connection")
    except httpx.TransportError:
        return False
    return answer.status_code == 200 and answer.json()["current"]["state"] == "Operational"
