"""Bytes to and from a machine. The only module that knows pyserial."""

import fcntl
import os
import select
import termios
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, Self

import serial

from commons.errors import TransportLost, Unavailable

READ_SIZE = 4096
# A controller that takes nothing for this long is gone; a full window leaves the wire in 0.2 s
# even at 9600 baud.
WRITE_PATIENCE_S = 10.0
# What is left of an answer when it is shorter than the port waits for comes within this, s.
TAIL_S = 0.001


class Transport(Protocol):
    """A byte pipe to one machine. `read` and `write` raise TransportLost when it breaks."""

    @property
    def name(self) -> str:
        """What people call it, for messages."""
        ...

    def read(self, timeout: float) -> bytes:
        """What has arrived; b"" when nothing came within `timeout` seconds."""
        ...

    def write(self, data: bytes) -> None:
        """All of `data` is on its way."""
        ...

    def discard(self) -> None:
        """What was written and still waits in the computer is dropped, as far as that is possible.

        The machine may be left with half a line; never raises.
        """
        ...

    def close(self) -> None:
        """Let go of the line. Safe to call twice."""
        ...


@dataclass(frozen=True, slots=True)
class SerialConnection:
    """Where a serial machine is plugged in, as /dev/serial/by-id names it, and its speed."""

    port: str
    baudrate: int = 115200


@dataclass(frozen=True, slots=True)
class HostConnection:
    """Where a print host is, and a key for it; a host that trusts this network needs none."""

    url: str
    key: str = ""


class SerialPort:
    """A serial port that nobody else can open meanwhile.

    Opening raises DTR and RTS: most boards with an Arduino's reset circuit start anew then, so
    whoever opens a port must expect a machine that is deaf for some seconds and knows nothing.
    Closing lets both fall. The kernel is asked to pass bytes on at once (ASYNC_LOW_LATENCY): FTDI
    chips else hold them back for 16 ms.

    pyserial opens and configures it; bytes then move by the file descriptor itself, since
    pyserial's own read costs more than all the rest of the sender.

    Args:
        shortest: bytes of the machine's shortest answer. Where bytes trickle in one by one the
            kernel wakes us only once so many are there (VMIN), not at each of them.
    """

    def __init__(self, connection: SerialConnection, *, shortest: int = 1) -> None:
        self.name = connection.port
        self._serial = _opened(connection)
        self._fd: int = self._serial.fileno()
        try:
            _wait_for_bytes(self._fd, shortest)
        except termios.error as e:
            raise self._lost() from e
        self._has_tail = False  # the last bytes that came ended within a line
        self._keep_others_out()
        with suppress(ValueError, NotImplementedError):  # USB-CDC and ptys have no such switch
            self._serial.set_low_latency_mode(True)
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(self._fd, select.POLLIN)
        self._writable.register(self._fd, select.POLLOUT)

    def read(self, timeout: float) -> bytes:
        """What has arrived; b"" when nothing came within `timeout` seconds.

        The rest of a line that has begun is not waited for so long.
        """
        try:
            self._readable.poll((min(timeout, TAIL_S) if self._has_tail else timeout) * 1000)
            data = os.read(self._fd, READ_SIZE)
        except BlockingIOError:
            self._has_tail = False
            return b""
        except OSError as e:
            raise self._lost() from e
        if not data:  # the other end is gone
            raise self._lost()
        self._has_tail = not data.endswith(b"\n")
        return data

    def write(self, data: bytes) -> None:
        """All of `data` is in the port's queue."""
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:
                self._wait_for_room()
            except OSError as e:
                raise self._lost() from e

    def discard(self) -> None:
        """What the kernel has not sent yet is dropped; half a line may have left."""
        with suppress(OSError, ValueError, termios.error):  # gone, or closed already
            termios.tcflush(self._fd, termios.TCOFLUSH)

    def close(self) -> None:
        """Let go of the port. Safe to call twice."""
        self._fd = -1
        self._serial.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _keep_others_out(self) -> None:
        """Also those who ask for no lock. Whoever simulates a machine keeps the port of its pty
        open, and it would stay closed to everybody after a crash of ours: there the lock does."""
        if not os.ttyname(self._fd).startswith("/dev/pts/"):
            with suppress(OSError):
                fcntl.ioctl(self._fd, termios.TIOCEXCL)

    def _wait_for_room(self) -> None:
        if not self._writable.poll(WRITE_PATIENCE_S * 1000):
            raise TransportLost(
                f"port {self.name} took no byte for {WRITE_PATIENCE_S:.0f} s: "
                "is the machine switched on?"
            )

    def _lost(self) -> TransportLost:
        return TransportLost(
            f"port {self.name} is gone: check the USB cable and the machine's power"
        )


def _opened(connection: SerialConnection) -> serial.Serial:
    port, baudrate = connection.port, connection.baudrate
    try:
        return serial.Serial(port, baudrate, timeout=0, exclusive=True)
    except (ValueError, OverflowError) as e:
        raise TransportLost(
            f"port {port} cannot be set to {baudrate} baud: set 'baud' to the machine's own rate, "
            "which is 115200 or 250000 on most"
        ) from e
    except OSError as e:
        raise TransportLost(_why_not(port, e)) from e


def _wait_for_bytes(fd: int, count: int) -> None:
    """A read that has to wait is woken when `count` bytes are there; one that does not wait gets
    what there is."""
    attributes = termios.tcgetattr(fd)
    attributes[6][termios.VMIN], attributes[6][termios.VTIME] = count, 0
    termios.tcsetattr(fd, termios.TCSANOW, attributes)


def _why_not(port: str, error: OSError) -> str:
    # Only here: looking through the computer's ports loads what a running machine never needs.
    from fab_agent.machines.ports import require_usable

    try:
        require_usable(port)
    except Unavailable as why:
        return str(why)
    return (
        f"port {port} cannot be opened: {error}; does another program use it, and is it the "
        "machine's?"
    )
