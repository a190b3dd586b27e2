"""A Transport that ends in a simulated machine: no pty, no thread, no wall clock."""

from typing import Protocol

from commons.errors import TransportLost

# With a baud rate, reads return as soon as something has arrived: looked at so often (s).
STEP_S = 0.001
_NOTHING_S = 1e-9


class SimulatedMachine(Protocol):
    """Bytes in, bytes out, and time that passes only when it is told."""

    executed: list[str]

    @property
    def dropped(self) -> bool:
        """The cable is pulled: nothing passes any more, either way."""
        ...

    @property
    def limited(self) -> bool:
        """Bytes take their time on the cable (a baud rate is set)."""
        ...

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

    name = "simulated"

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
        self._check()
        step_s = STEP_S if self._machine.limited else timeout
        end_s = self._now_s + timeout
        while not self._answers:
            step_s = min(step_s, end_s - self._now_s)
            self._now_s += step_s
            self._answers = self._machine.tick(step_s)
            if self._now_s >= end_s - _NOTHING_S:
                break
        if not self._answers:
            self._check()
        data, self._answers = self._answers[: self._read_size], self._answers[self._read_size :]
        return data

    def write(self, data: bytes) -> None:
        """The machine has got `data`."""
        self._answers = b"" if self._machine.dropped else self._answers
        self._check()
        self.written += data
        self._answers += self._machine.feed(data)

    def discard(self) -> None:
        """Nothing waits: the machine has got what was written."""

    def close(self) -> None:
        """Nothing to let go of."""

    def _check(self) -> None:
        if self._machine.dropped and not self._answers:
            raise TransportLost("the simulated cable is pulled: plug it in again")
