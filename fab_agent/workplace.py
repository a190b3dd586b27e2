"""Where one machine's process works: who it is, its folders, and how it gets its parts."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from commons.errors import Unavailable
from commons.machine import MachineProfile
from fab_agent.bench import Prepare
from fab_agent.cache import Cache
from fab_agent.identity import Identity, load_identity
from fab_agent.machines import DRIVERS, Connection
from fab_agent.machines.driver import MachineDriver
from fab_agent.machines.transport import HostConnection, SerialConnection
from fab_agent.offered import OfferedBook
from fab_agent.settings import AgentSettings, MachineSettings
from fab_agent.staging import Staging

BYTES_PER_GB = 10**9


class Assignment(BaseModel):
    """Which machine of which agent a process is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: AgentSettings
    machine: str


@dataclass(frozen=True, slots=True)
class Workplace:
    """All that a machine's process is given. `journal` is a folder that only it may use.

    `operators` are the people who may move the machine by hand; `profile` is told to the server;
    `offered` is what may be made without that, None where there is no panel to order it at.
    """

    identity: Identity
    machine_id: str
    journal: Path
    open_cache: Callable[[], Cache]
    open_driver: Callable[[], MachineDriver]
    prepare: Prepare
    operators: tuple[str, ...] = ()
    profile: MachineProfile | None = None
    offered: OfferedBook | None = None


def folder_of(settings: AgentSettings, machine_id: str) -> Path:
    """Where a machine keeps its journal, its record of operations and its socket."""
    return settings.agent.data / "machines" / machine_id


def workplace(assignment: Assignment) -> Workplace:
    """The real parts for an assignment; InvalidInput when the machine is not enrolled."""
    settings = assignment.settings
    data = settings.agent.data
    machine = next(m for m in settings.machines if m.name == assignment.machine)
    identity = load_identity(data, url=settings.repository.url)
    machine_id = identity.machine_id(machine.name)
    max_bytes = int(settings.agent.cache_gb * BYTES_PER_GB)
    return Workplace(
        identity=identity,
        machine_id=machine_id,
        journal=folder_of(settings, machine_id),
        open_cache=partial(Cache, data / "cache", max_bytes=max_bytes),
        open_driver=partial(_open_driver, machine),
        prepare=Staging(machine.profile),
        operators=machine.operators,
        profile=machine.profile,
        offered=OfferedBook(data) if settings.panel.enabled else None,
    )


def _open_driver(machine: MachineSettings) -> MachineDriver:
    return DRIVERS[machine.driver](_connection(machine), machine.profile)


def _connection(machine: MachineSettings) -> Connection:
    """Where the machine is. Its settings were checked: what its driver needs is there."""
    if machine.driver.hosted:
        return HostConnection(machine.url or "", read_key(machine))
    return SerialConnection(machine.port or "", machine.baud)


def read_key(machine: MachineSettings) -> str:
    """The key for its print host; "" when it has none. Unavailable: its file cannot be read."""
    if machine.key_file is None:
        return ""
    try:
        return machine.key_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(
            f"the key of {machine.name} cannot be read from {machine.key_file}: {error}"
        ) from error
