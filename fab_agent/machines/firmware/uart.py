"""The cable between a sender and a controller, and what arrives at the controller's end."""

import math
import re
from random import Random

BITS_PER_BYTE = 10  # start, eight, stop


class OneWay:
    """One direction of a serial line: bytes that are on their way at `baudrate` (0: no limit)."""

    def __init__(self, baudrate: int) -> None:
        self._s_per_byte = BITS_PER_BYTE / baudrate if baudrate else 0.0
        self._waiting = b""
        self._spent_s = 0.0  # of the byte that is just being sent

    def put(self, data: bytes) -> None:
        """The near end has handed over `data`."""
        self._waiting += data

    def advance(self, seconds: float) -> bytes:
        """Let time pass; the bytes whose last bit has arrived meanwhile."""
        if not self._waiting:
            return b""
        if not self._s_per_byte:
            arrived, self._waiting = self._waiting, b""
            return arrived
        self._spent_s += seconds
        # A byte counts as arrived a thousandth of its time early, lest rounding delays it.
        count = int(self._spent_s / self._s_per_byte + 0.001)
        arrived, self._waiting = self._waiting[:count], self._waiting[count:]
        self._spent_s = self._spent_s - len(arrived) * self._s_per_byte if self._waiting else 0.0
        return arrived

    def seconds_until(self, awaited: re.Pattern[bytes]) -> float:
        """When the next byte that `awaited` matches is through; for ever if there is none."""
        found = awaited.search(self._waiting)
        return found.end() * self._s_per_byte - self._spent_s if found else math.inf

    def cut(self) -> None:
        """What was on its way is lost."""
        self._waiting, self._spent_s = b"", 0.0


class Noise:
    """A bad cable: of a share of the bytes that pass, one bit arrives flipped."""

    def __init__(self, ratio: float, random: Random) -> None:
        self._ratio, self._random = ratio, random

    def spoil(self, data: bytes) -> bytes:
        """What arrives of `data`."""
        if not self._ratio:
            return data
        return bytes(
            byte ^ (1 << self._random.randrange(8)) if self._random.random() < self._ratio else byte
            for byte in data
        )
