"""Bytes to and from a machine. The only module that knows pyserial."""

import os
import select
from dataclasses import dataclass
from typing import Protocol, Self

import serial

from commons.errors import TransportLost

READ_SIZE = 4096
# A controller that takes nothing for this long is gone; a full window leaves the wire in 0.2 s
# even at 9600 baud.
WRITE_PATIENCE_S = 10.0


class Transport(Protocol):
    """A byte pipe to one machine. `read` and `write` raise TransportLost when it breaks."""

    def read(self, timeout: float) -> bytes:
        """What has arrived; b"" when nothing came within `timeout` seconds."""
        ...

    def write(self, data: bytes) -> None:
        """All of `data` is on its way."""
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

    pyserial opens and configures it; bytes then move by the file descriptor itself, since
    pyserial's own read costs more than all the rest of the sender.
    """

    def __init__(self, connection: SerialConnection) -> None:
        self._name = connection.port
        try:
            self._serial = serial.Serial(
                connection.port, connection.baudrate, timeout=0, exclusive=True
            )
        except (serial.SerialException, OSError, ValueError) as e:
            raise TransportLost(
                f"cannot open port {connection.port}: {e}; is the machine plugged in and "
                "switched on, and does no other program use it?"
            ) from e
        self._fd: int = self._serial.fileno()
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(self._fd, select.POLLIN)
        self._writable.register(self._fd, select.POLLOUT)

    def read(self, timeout: float) -> bytes:
        """What has arrived; b"" when nothing came within `timeout` seconds."""
        try:
            if not self._readable.poll(timeout * 1000):
                return b""
            data = os.read(self._fd, READ_SIZE)
        except BlockingIOError:
            return b""
        except OSError as e:
            raise self._lost() from e
        if not data:  # ready, but nothing there: the other end is gone
            raise self._lost()
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

    def close(self) -> None:
        """Let go of the port. Safe to call twice."""
        self._fd = -1
        self._serial.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wait_for_room(self) -> None:
        if not self._writable.poll(WRITE_PATIENCE_S * 1000):
            raise TransportLost(
                f"port {self._name} took no byte for {WRITE_PATIENCE_S:.0f} s: "
                "is the machine switched on?"
            )

    def _lost(self) -> TransportLost:
        return TransportLost(
            f"port {self._name} is gone: check the USB cable and the machine's power"
        )
