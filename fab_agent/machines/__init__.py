"""One driver a machine: pure protocol halves, and thin edges that own port or host."""

from collections.abc import Callable

from commons.errors import InvalidInput
from commons.machine import Driver, MachineProfile
from fab_agent.machines.driver import MachineDriver
from fab_agent.machines.marlin_driver import MarlinDriver
from fab_agent.machines.transport import SerialConnection, SerialPort

Connection = SerialConnection
Opener = Callable[[Connection, MachineProfile], MachineDriver]


def _open_marlin(connection: Connection, profile: MachineProfile) -> MachineDriver:
    return MarlinDriver(SerialPort(connection))


DRIVERS: dict[Driver, Opener] = {
    Driver.MARLIN: _open_marlin,
}
