"""The machines that every driver is held to its promise on.

Simulated Marlin and GRBL stand behind real ptys; OctoPrint is a real one (1.11.8) with its own
virtual printer; Moonraker is a real one (0.11.0), with a simulated Klipper behind its socket. With
`--machine` the promise is held against a person's own machine instead; see CONTRIBUTING.md.
"""

import hashlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from commons.machine import Driver, Envelope, MachineProfile, MillLimits, PrintLimits, Process
from cosmo.moonraker_host import MoonrakerHost, start_moonraker
from cosmo.octoprint_host import OctoPrintHost, executed_lines, start_octoprint
from fab_agent.gcode.program import Estimate, GcodeProgram
from fab_agent.machines import DRIVERS, Connection
from fab_agent.machines.driver import Control, MachineDriver, MachineEvent
from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.klippy import KlippyKnobs, SimulatedKlippy
from fab_agent.machines.firmware.klippy_socket import klippy_served
from fab_agent.machines.firmware.marlin import MarlinKnobs, SimulatedMarlin
from fab_agent.machines.firmware.pty import served
from fab_agent.machines.moonraker_client import MoonrakerClient
from fab_agent.machines.transport import HostConnection, SerialConnection

ROOT = Path(__file__).parents[2]
OCTOPRINT = ROOT / ".venv-octoprint" / "bin" / "octoprint"
MOONRAKER = ROOT / ".venv-moonraker" / "bin" / "moonraker"
MOVES = [f"G1 X{10 + i % 7 * 10}.5 Y{20 + i % 5}.25 F6000" for i in range(800)]
PROGRAMS = {
    Process.FDM: [
        "G28",
        "G1 Z10 F600",
        "M190 S40",
        "M109 S60",
        "G90",
        *MOVES,
        "M104 S0",
        "M140 S0",
    ],
    Process.CNC: ["G21", "G90", "M3 S1000", "G4 P0.5", *MOVES, "M5"],
}
SPEED = 200.0


@dataclass(frozen=True)
class Rig:
    """One machine on the bench: how to open its driver, and what it has executed so far."""

    kind: Driver
    process: Process
    open: Callable[[], MachineDriver]
    executed: Callable[[], list[str]]

    @property
    def lines(self) -> list[str]:
        """A program for this machine: some 800 short moves, about a second."""
        return PROGRAMS[self.process]


class Person:
    """Asks for a control after each of some events, one after the other; remembers events."""

    def __init__(self, *wishes: tuple[type[MachineEvent], Control]) -> None:
        self.events: list[MachineEvent] = []
        self._wishes = list(wishes)
        self._asked: list[Control] = []

    def report(self, event: MachineEvent) -> None:
        self.events.append(event)
        if self._wishes and isinstance(event, self._wishes[0][0]):
            self._asked.append(self._wishes.pop(0)[1])

    def controls(self) -> Control | None:
        return self._asked.pop(0) if self._asked else None


@pytest.fixture
def person() -> type[Person]:
    return Person


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., GcodeProgram]:
    def write(lines: list[str], process: Process = Process.FDM) -> GcodeProgram:
        content = "".join(f"{line}\n" for line in lines).encode()
        path = tmp_path / "program.gcode"
        path.write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        return GcodeProgram(path, sha256, len(lines), process, Estimate(1.0, None))

    return write


def profile_of(kind: Driver, process: Process) -> MachineProfile:
    limits = {"fdm": PrintLimits()} if process is Process.FDM else {"cnc": MillLimits()}
    return MachineProfile(
        name="bench",
        process=process,
        driver=kind,
        envelope=Envelope(x_max_mm=200, y_max_mm=200, z_max_mm=200),
        max_feed_mm_s=200,
        max_feed_z_mm_s=20,
        materials=(),
        **limits,
    )


@pytest.fixture
def profile() -> Callable[[Driver, Process], MachineProfile]:
    return profile_of


def rig_of(
    kind: Driver, process: Process, connection: Connection, executed: Callable[[], list[str]]
) -> Rig:
    return Rig(
        kind, process, lambda: DRIVERS[kind](connection, profile_of(kind, process)), executed
    )


@pytest.fixture
def marlin_rig() -> Iterator[Rig]:
    machine = SimulatedMarlin(MarlinKnobs(moves_take_time=True))
    with served(machine, speed=SPEED) as (port, _):
        connection = SerialConnection(port)
        yield rig_of(Driver.MARLIN, Process.FDM, connection, lambda: list(machine.executed))


@pytest.fixture
def grbl_rig() -> Iterator[Rig]:
    machine = SimulatedGrbl(GrblKnobs(moves_take_time=True))
    with served(machine, speed=SPEED) as (port, _):
        connection = SerialConnection(port)
        yield rig_of(Driver.GRBL, Process.CNC, connection, lambda: list(machine.executed))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_host(basedir: Path, port: int) -> OctoPrintHost:
    assert OCTOPRINT.exists(), "OctoPrint is not installed: run `make setup`"
    return start_octoprint(OCTOPRINT, basedir, port=port, speed=3, hotend_c=80)


@pytest.fixture
def new_host(tmp_path: Path) -> Callable[[], OctoPrintHost]:
    """Starts an OctoPrint of the test's own; called again, the same one again."""
    port = free_port()
    return lambda: start_host(tmp_path / "octoprint", port)


@pytest.fixture(scope="session")
def octoprint(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[OctoPrintHost, Path]]:
    basedir = tmp_path_factory.mktemp("octoprint")
    with start_host(basedir, free_port()) as host:
        yield host, basedir


@pytest.fixture
def octoprint_rig(octoprint: tuple[OctoPrintHost, Path]) -> Rig:
    host, basedir = octoprint
    before = len(executed_lines(basedir))
    connection = HostConnection(host.url, host.key)
    return rig_of(
        Driver.OCTOPRINT, Process.FDM, connection, lambda: executed_lines(basedir)[before:]
    )


@pytest.fixture
def lines() -> list[str]:
    """A program for a printer."""
    return PROGRAMS[Process.FDM]


@dataclass(frozen=True)
class Printer:
    """A simulated Klipper that a real Moonraker has found."""

    klippy: SimulatedKlippy
    host: MoonrakerHost
    switch_off: Callable[[], None]

    @property
    def connection(self) -> HostConnection:
        return HostConnection(self.host.url, self.host.key)


def moonraker_at(folder: Path, port: int, **options: bool | int) -> MoonrakerHost:
    assert MOONRAKER.exists(), "Moonraker is not installed: run `make setup-tests`"
    return start_moonraker(MOONRAKER, folder, port=port, klippy=klippy_of(folder), **options)


def klippy_of(folder: Path) -> Path:
    return folder / "klippy.sock"


@pytest.fixture
def new_moonraker(tmp_path: Path) -> Callable[..., MoonrakerHost]:
    """Starts a Moonraker of the test's own; called again, the same one again."""
    port = free_port()
    return lambda **options: moonraker_at(tmp_path / "moonraker", port, **options)


@pytest.fixture(scope="session")
def moonraker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MoonrakerHost]:
    with moonraker_at(tmp_path_factory.mktemp("moonraker"), free_port()) as host:
        yield host


@pytest.fixture
def klipper() -> Callable[..., AbstractContextManager[Printer]]:
    """Puts a simulated Klipper behind a Moonraker, and waits until it has been found."""

    @contextmanager
    def behind(
        host: MoonrakerHost, state: str = "ready", *, speed: float = SPEED, **knobs: int | str
    ) -> Iterator[Printer]:
        klippy = SimulatedKlippy(host.files, KlippyKnobs(**knobs))
        with klippy_served(klippy, klippy_of(host.files.parent), speed=speed) as stop:
            printer = Printer(klippy, host, stop.set)
            wait_for_klipper(printer, state)
            yield printer

    return behind


def wait_until(happened: Callable[[], bool]) -> None:
    """Returns when it has happened; the test's own time limit ends a wait that is in vain."""
    while not happened():
        time.sleep(0.01)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    return wait_until


def wait_for_klipper(printer: Printer, state: str) -> None:
    with closing(MoonrakerClient(printer.connection)) as client:
        wait_until(lambda: client.server().klippy_state == state)


@pytest.fixture
def printer(moonraker: MoonrakerHost, klipper) -> Iterator[Printer]:
    with klipper(moonraker) as found:
        yield found


@pytest.fixture
def moonraker_rig(printer: Printer) -> Rig:
    return rig_of(
        Driver.MOONRAKER, Process.FDM, printer.connection, lambda: list(printer.klippy.executed)
    )


@pytest.fixture
def machine_rig(request: pytest.FixtureRequest) -> Rig:
    kind, connection = parse_machine(request.config.getoption("--machine"))
    process = Process.CNC if kind is Driver.GRBL else Process.FDM
    return rig_of(kind, process, connection, list)


def parse_machine(text: str) -> tuple[Driver, Connection]:
    """`marlin:/dev/ttyUSB0,250000` or `octoprint:http://octopi.local,octoprint.key`."""
    kind, _, where = text.partition(":")
    place, _, rest = where.partition(",")
    driver = Driver(kind)
    if driver.hosted:
        key = Path(rest).read_text(encoding="utf-8").strip() if rest else ""
        return driver, HostConnection(place, key)
    return driver, SerialConnection(place, int(rest or 115200))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--machine", metavar="KIND:WHERE", help="hold your own machine to the promise")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "rig" in metafunc.fixturenames:
        own = metafunc.config.getoption("--machine", None)
        metafunc.parametrize("rig", ["machine"] if own else [*map(str, Driver)], indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Nobody can ask a real machine which lines it has executed: such tests are not for it."""
    if not config.getoption("--machine", None):
        return
    told = [item for item in items if _needs_no_simulator(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in told])
    items[:] = told


def _needs_no_simulator(item: pytest.Item) -> bool:
    names = item.fixturenames if isinstance(item, pytest.Function) else []
    return "rig" in names and "executed" not in names


@pytest.fixture
def rig(request: pytest.FixtureRequest) -> Rig:
    found = request.getfixturevalue(f"{request.param}_rig")
    assert isinstance(found, Rig)
    return found


@pytest.fixture
def executed(rig: Rig) -> Callable[[], list[str]]:
    """Which lines the machine has executed so far; simulated machines alone tell it."""
    return rig.executed
