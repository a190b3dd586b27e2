"""The demo's three machines: two made of memory behind real ports, one behind a real OctoPrint."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from commons.errors import NotFound, Unavailable
from cosmo.demo.processes import Processes, cosmo
from cosmo.octoprint_host import OctoPrintHost, executed_lines, start_octoprint

# How many times faster than real machines the simulated ones heat and move.
SPEED = 400.0
PRINTER, HOSTED, ROUTER = "Window printer", "OctoPrint printer", "Router"

_AGENT = """\
[repository]
url = "{url}"

[agent]
name = "{name}"
data = "agent"
"""
_PRINTER = """
[[machine]]
name = "{name}"
process = "fdm"
{connection}
materials = ["pla", "petg"]
max_feed_mm_s = 200
max_feed_z_mm_s = 20
rated_power_w = 350
simulated = true
envelope = {{ x_max_mm = {x_mm}, y_max_mm = {y_mm}, z_max_mm = {z_mm} }}
fdm = {{ nozzle_mm = 0.4, hotend_max_c = 260, bed_max_c = 100 }}
"""
_ROUTER = """
[[machine]]
name = "{name}"
process = "cnc"
driver = "grbl"
port = "{port}"
materials = ["plywood"]
max_feed_mm_s = 50
max_feed_z_mm_s = 20
simulated = true
envelope = {{ x_max_mm = 620, y_max_mm = 420, z_min_mm = -20, z_max_mm = 40 }}
cnc = {{ cutter_mm = 3.0, spindle_max_rpm = 24000 }}
"""


def agent_settings(url: str, *machines: str, name: str) -> str:
    """The text of an agent.toml of a lab with these machines; its data lie beside it."""
    return _AGENT.format(url=url, name=name) + "".join(machines)


def serial_printer(name: str, port: Path) -> str:
    """A simulated Marlin printer on `port`, for `agent_settings`."""
    connection = f'driver = "marlin"\nport = "{port}"'
    return _PRINTER.format(name=name, connection=connection, x_mm=220, y_mm=220, z_mm=250)


def _hosted_printer(name: str, url: str) -> str:
    """OctoPrint's own virtual printer."""
    connection = f'driver = "octoprint"\nurl = "{url}"\nkey_file = "octoprint.key"'
    return _PRINTER.format(name=name, connection=connection, x_mm=200, y_mm=200, z_mm=200)


@dataclass(frozen=True, slots=True)
class Machines:
    """Running machines. `executed` tells the lines that the machine of a name has executed."""

    settings: Path
    host: OctoPrintHost
    executed: Callable[[str], list[str]]

    def program(self, sha256: str) -> list[str]:
        """The lines of the proved program of that hash, from the agent's cache."""
        for file in (self.settings.parent / "agent").rglob("*"):
            if file.is_file() and _sha256(file) == sha256:
                return file.read_text().splitlines()
        raise NotFound(f"the agent's cache holds no program {sha256}")


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def start_machines(
    processes: Processes, folder: Path, *, url: str, octoprint_port: int
) -> Machines:
    """All three are running and `agent.toml` names them. Unavailable when one does not start."""
    executable = Path(".venv-octoprint/bin/octoprint")
    if not executable.exists():
        raise Unavailable("OctoPrint is not installed: run `make setup` in the project's folder")
    ports = (folder / "ports").absolute()
    for kind in ("marlin", "grbl"):
        record = folder / f"{kind}.executed"
        record.touch()
        command = cosmo("agent", "simulate", kind, "--link", ports / kind,
                        "--record", record, "--speed", str(SPEED))  # fmt: skip
        processes.start(f"simulated-{kind}", command)
    octoprint = folder / "octoprint"
    host = start_octoprint(executable, octoprint, port=octoprint_port, speed=SPEED, hotend_c=240)
    settings = folder / "agent.toml"
    settings.write_text(
        agent_settings(
            url,
            serial_printer(PRINTER, ports / "marlin"),
            _hosted_printer(HOSTED, host.url),
            _ROUTER.format(name=ROUTER, port=ports / "grbl"),
            name="The demo's agent",
        )
    )
    key = folder / "octoprint.key"
    key.touch(mode=0o600)
    key.write_text(host.key)
    records = {PRINTER: folder / "marlin.executed", ROUTER: folder / "grbl.executed"}

    def executed(machine: str) -> list[str]:
        if machine == HOSTED:
            return executed_lines(octoprint)
        return records[machine].read_text().splitlines()

    return Machines(settings, host, executed)
