"""The serial ports of this computer: their lasting names, and who holds them."""

import grp
import os
import pwd
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

from commons.errors import Unavailable

# Names that stay when cables are plugged elsewhere; made by udev.
BY_ID = Path("/dev/serial/by-id")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Port:
    """A port. `name` is the one to write down, `device` what it leads to today."""

    name: str
    device: str
    description: str


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has the port open."""

    pid: int
    program: str

    def __str__(self) -> str:
        return f"{self.program} (process {self.pid})"


def list_serial_ports() -> list[Port]:
    """Every port with something plugged in, under its lasting name where it has one."""
    lasting = {}
    if BY_ID.is_dir():
        lasting = {os.path.realpath(link): str(link) for link in sorted(BY_ID.iterdir())}
    return [
        Port(lasting.get(port.device, port.device), port.device, port.description)
        for port in sorted(list_ports.comports())
        if port.hwid != "n/a"  # a connector of the main board, there with or without a machine
    ]


def same_port(one: str, other: str) -> bool:
    """Both names lead to the same port."""
    return os.path.realpath(one) == os.path.realpath(other)


def require_usable(port: str) -> None:
    """Return when the port could be opened now.

    Raises:
        Unavailable: it is not there, this account may not use it, or a program holds it.
    """
    path = Path(os.path.realpath(port))
    if not path.exists():
        raise Unavailable(
            f"there is no port {port}: is the machine plugged in and switched on? "
            "'ls /dev/serial/by-id' shows those that are"
        )
    if not path.is_char_device():
        raise Unavailable(f"{port} is no serial port: name one of /dev/serial/by-id")
    if not os.access(path, os.R_OK | os.W_OK):
        raise Unavailable(f"this account may not use {port}: {_way_in(path)}")
    if (holder := holder_of(port)) is not None:
        raise Unavailable(f"port {port} is held by {holder}: close that program first")


def holder_of(port: str) -> Holder | None:
    """A process besides this one that has the port open, as far as this account can see.

    The process that is the machine itself, behind a pseudo-terminal, does not count.
    """
    device = os.path.realpath(port)
    for process in _PROC.iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            files = list(_open_files(process))
            if any(path == device for _, path in files) and not _serves(process, files, device):
                return Holder(int(process.name), _program(process))
    return None


def way_in(group: str, account: str, *, is_member: bool) -> str:
    """What lets the account use a port of the group."""
    if is_member:
        return f"it belongs to group {group} only since the last login: log out and in again"
    return f"run 'sudo usermod -aG {group} {account}', then log out and in again"


def _way_in(path: Path) -> str:
    account = pwd.getpwuid(os.getuid()).pw_name
    group = grp.getgrgid(path.stat().st_gid)
    return way_in(group.gr_name, account, is_member=account in group.gr_mem)


def _open_files(process: Path) -> Iterator[tuple[str, str]]:
    """Descriptors and paths; nothing for a process of another account, or one that has ended."""
    with suppress(OSError):
        for link in (process / "fd").iterdir():
            with suppress(OSError):
                yield link.name, os.readlink(link)


def _serves(process: Path, files: list[tuple[str, str]], device: str) -> bool:
    """It has the other end of this pseudo-terminal: fdinfo tells the number (Linux 4.18 on)."""
    _, _, number = device.rpartition("/dev/pts/")
    for descriptor, path in files:
        if path.endswith("ptmx"):
            with suppress(OSError):
                told = (process / "fdinfo" / descriptor).read_text()
                if f"tty-index:\t{number}\n" in told:
                    return True
    return False


def _program(process: Path) -> str:
    """What people call it: the script behind an interpreter, else the program's own name."""
    try:
        words = (process / "cmdline").read_text(errors="replace").split("\0")
    except OSError:
        words = []
    name = os.path.basename(words[0]) if words else ""
    if name.startswith(("python", "node", "sh", "bash")) and "-c" not in words[:3]:
        name = next((os.path.basename(w) for w in words[1:] if w and not w.startswith("-")), name)
    return name or "another program"
