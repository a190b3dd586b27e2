"""What the boards of both firmwares share: a cable, a receive buffer, power, and time."""

import re

from fab_agent.machines.firmware.uart import OneWay

# A board works on something new at the latest then, however long the tick is (s).
LONGEST_STEP_S = 0.5
# With a baud rate a firmware that is slow gets to work again after so long (s).
SLOW_TICK_S = 0.001
# Rounding must not make time stand still.
SHORTEST_STEP_S = 1e-5
_LINE_END = re.compile(rb"\n")


class Controller:
    """Bytes in by `feed`, time by `tick`; both return the bytes that come out.

    `executed` is the world's record: lines of programs that were executed, in order, over all
    resets. `bytes_lost` counts what the receive buffer could not hold, or what came while the
    board was deaf. `dropped` is true once the cable is pulled: nothing passes any more, while
    the machine goes on with what it has. `limited` is true when a baud rate is set.
    """

    # Bytes after which a firmware may act at once.
    AWAITED = re.compile(rb"[\r\n]")

    def __init__(self, rx_size: int, baudrate: int) -> None:
        self.executed: list[str] = []
        self.bytes_lost = 0
        self.dropped = False
        self.rx_size = rx_size
        self._rx = b""
        self.limited = bool(baudrate)
        self._inbound, self._outbound = OneWay(baudrate), OneWay(baudrate)
        self._out: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        """The sender has written `data`; without a baud rate it is there at once."""
        if self.dropped:
            return b""
        if self.limited:
            self._inbound.put(data)
        else:
            self._arrive(data)
        return self._say(0.0)

    def tick(self, seconds: float) -> bytes:
        """Time has passed."""
        said, passed_s = self.listen(seconds)
        while passed_s < seconds:
            more, step_s = self._step(seconds - passed_s)
            said += more
            passed_s += step_s
        return said

    def listen(self, seconds: float) -> tuple[bytes, float]:
        """Let time pass until something comes out, at most so long: what, and when."""
        self._begin_tick()
        said, passed_s = self._step(seconds)
        while not said and passed_s < seconds:
            said, step_s = self._step(seconds - passed_s)
            passed_s += step_s
        return said, passed_s

    def discard(self) -> None:
        """The sender takes back what it has handed over and what has not left yet."""
        self._inbound.cut()

    def pull_cable(self) -> None:
        """Nothing passes any more; what is on the way is lost."""
        self.dropped = True
        self._inbound.cut()
        self._outbound.cut()

    def _utter(self, data: bytes) -> None:
        """The firmware writes to its serial line."""
        if not self.dropped:
            self._out.append(data)

    def plug_in(self) -> None:
        """The cable is back; opening its port resets the board, as the DTR line does."""
        self.dropped = False
        self.reset()

    def reset(self) -> None:
        """The reset button."""
        raise NotImplementedError

    def _step(self, most_s: float) -> tuple[bytes, float]:
        """Go on until something may happen that the rest depends on; what came out, and when."""
        step_s = min(self._busy_s(), LONGEST_STEP_S)
        if self.limited:
            self._begin_tick()
            step_s = min(
                step_s,
                self._inbound.seconds_until(self.AWAITED),
                self._outbound.seconds_until(_LINE_END),
            )
        step_s = min(max(step_s, SHORTEST_STEP_S), most_s)
        self._advance(step_s)
        self._arrive(self._inbound.advance(step_s))
        return self._say(step_s), step_s

    def _arrive(self, data: bytes) -> None:
        """Bytes reach the receive buffer one after the other while the firmware works on them."""
        if data:
            data = self._notice(data)
        while data:
            if len(self._rx) >= self.rx_size:
                self._work()  # time has passed, so there may be room by now
            room = self.rx_size - len(self._rx)
            if not room or self.dropped:
                self.bytes_lost += len(data)
                break
            self._rx += data[:room]
            data = data[room:]
            self._work()
        self._work()

    def _say(self, seconds: float) -> bytes:
        said, self._out = b"".join(self._out), []
        if said:
            said = self._noise(said)
        if not self.limited or self.dropped:
            return said
        left = self._outbound.advance(seconds)
        self._outbound.put(said)
        return left

    def _noise(self, said: bytes) -> bytes:
        """What the cable makes of it."""
        return said

    def _begin_tick(self) -> None:
        """What is counted by ticks starts again: with a baud rate at every step of time."""

    def _busy_s(self) -> float:
        """Until the motion under way changes."""
        raise NotImplementedError

    def _advance(self, seconds: float) -> None:
        """Let time pass for everything but the cable."""
        raise NotImplementedError

    def _notice(self, data: bytes) -> bytes:
        """Obey what is obeyed as soon as it arrives; the rest is for the receive buffer."""
        raise NotImplementedError

    def _work(self) -> None:
        """Do what can be done now with what is in the receive buffer."""
        raise NotImplementedError
