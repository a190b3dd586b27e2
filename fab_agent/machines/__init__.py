"""One driver a machine: pure protocol halves, and thin edges that own port or host."""

from collections.abc import Callable

from commons.errors import InvalidInput
from commons.machine import Driver, MachineProfile
from fab_agent.machines.driver import MachineDriver
from fab_agent.machines.grbl_driver import GrblDriver
from fab_agent.machines.marlin_driver import MarlinDriver
from fab_agent.machines.moonraker import MoonrakerDriver
from fab_agent.machines.moonraker_client import MoonrakerClient
from fab_agent.machines.octoprint import OctoPrintDriver
from fab_agent.machines.octoprint_client import OctoPrintClient
from fab_agent.machines.transport import HostConnection, SerialConnection, SerialPort

Connection = SerialConnection | HostConnection
Opener = Callable[[Connection, MachineProfile], MachineDriver]


def _open_marlin(connection: Connection, profile: MachineProfile) -> MachineDriver:
    return MarlinDriver(_serial_port(connection, profile, shortest=b"ok\n"), profile)


def _open_grbl(connection: Connection, profile: MachineProfile) -> MachineDriver:
    return GrblDriver(_serial_port(connection, profile, shortest=b"ok\r\n"), profile)


def _open_octoprint(connection: Connection, profile: MachineProfile) -> MachineDriver:
    if not isinstance(connection, HostConnection):
        raise InvalidInput(f"machine {profile.name} needs the url and the key of an OctoPrint")
    client = OctoPrintClient(connection)
    return OctoPrintDriver(client, unattended=not profile.attended_only)


def _open_moonraker(connection: Connection, profile: MachineProfile) -> MachineDriver:
    if not isinstance(connection, HostConnection):
        raise InvalidInput(f"machine {profile.name} needs the url of a Moonraker")
    return MoonrakerDriver(MoonrakerClient(connection))


def _serial_port(connection: Connection, profile: MachineProfile, *, shortest: bytes) -> SerialPort:
    if not isinstance(connection, SerialConnection):
        raise InvalidInput(f"machine {profile.name} needs a serial port, such as /dev/ttyUSB0")
    return SerialPort(connection, shortest=len(shortest))


DRIVERS: dict[Driver, Opener] = {
    Driver.MARLIN: _open_marlin,
    Driver.GRBL: _open_grbl,
    Driver.OCTOPRINT: _open_octoprint,
    Driver.MOONRAKER: _open_moonraker,
}
