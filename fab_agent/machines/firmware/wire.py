"""A Transport that ends in a simulated machine: no pty, no thread, no wall clock."""

from typing import Protocol

from commons.errors import TransportLost


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

    def listen(self, seconds: float) -> tuple[bytes, float]:
        """Let time pass until something comes out, at most so long: what, and when."""
        ...

    def discard(self) -> None:
        """The sender takes back what it has handed over and what has not left yet."""
        ...


class Wire:
    """Straight into `machine`. Time (`clock`) passes only while somebody waits for an answer; with
    a baud rate a read ends as soon as there is one.

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
        if not self._answers:
            if self._machine.limited:
                self._answers, passed_s = self._machine.listen(timeout)
            else:
                self._answers, passed_s = self._machine.tick(timeout), timeout
            self._now_s += passed_s
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
        """What is still on its way to the machine, at its baud rate, is taken back."""
        self._machine.discard()

    def close(self) -> None:
        """Nothing to let go of."""

    def _check(self) -> None:
        if self._machine.dropped and not self._answers:
            raise TransportLost("the simulated cable is pulled: plug it in again")
