"""A Transport that ends in a simulated machine: no pty, no thread, no wall clock."""

from typing import Protocol


class SimulatedMachine(Protocol):
    """Bytes in, bytes out, and time that passes only when it is told."""

    executed: list[str]

    def feed(self, data: bytes) -> bytes:
        """The machine has got `data`; what it answers at once."""
        ...

    def tick(self, seconds: float) -> bytes:
        """Time has passed; what it says of itself."""
        ...


class Wire:
    """Straight into `machine`. Time (`clock`) passes only while somebody waits for an answer.

    `read_size` cuts what is read; everything written is kept in `written`.
    """

    def __init__(self, machine: SimulatedMachine, *, read_size: int = 4096) -> None:
        self.written = bytearray()
        self._machine, self._read_size = machine, read_size
        self._answers = b""
        self._now_s = 0.0

    def clock(self) -> float:
        """Seconds that have passed on this wire."""
        return self._now_s

    def read(self, timeout: float) -> bytes:
        """What has arrived; b"" when nothing came within `timeout` seconds."""
        if not self._answers:
            self._now_s += timeout
            self._answers = self._machine.tick(timeout)
        data, self._answers = self._answers[: self._read_size], self._answers[self._read_size :]
        return data

    def write(self, data: bytes) -> None:
        """The machine has got `data`."""
        self.written += data
        self._answers += self._machine.feed(data)

    def close(self) -> None:
        """Nothing to let go of."""
