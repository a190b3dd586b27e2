"""A router made of memory that behaves on its serial line as GRBL 1.1h does."""

import re
from dataclasses import dataclass

from fab_agent.machines.firmware.motion import Planner

_BANNER = b"\r\nGrbl 1.1h ['$' for help]\r\n"
_REALTIME = b"?!~\x18"
_KNOWN = re.compile(r"[GMTSFXYZIJKPR]-?\d")
_SYNCHRONISES = re.compile(r"G0?4(?!\d)|M0?[0-9](?!\d)|M30")


@dataclass(frozen=True, slots=True)
class GrblKnobs:
    """What kind of router it is, and what goes wrong. 0 means never.

    `*_at_line` counts the lines it has got, from 1; `lines_per_tick` 0 is as fast as they come.
    """

    rx_buffer: int = 128
    planner_blocks: int = 15
    moves_take_time: bool = False
    lines_per_tick: int = 0
    starts_locked: bool = False
    limit_at_line: int = 0
    error_at_line: int = 0
    reset_at_line: int = 0
    lost_ok_at_line: int = 0
    garbage_at_line: int = 0


class SimulatedGrbl:
    """Bytes in by `feed`, time by `tick`; both return the bytes that come out.

    `executed` are the lines of G-code it has executed, in order. `bytes_lost` counts what the
    receive buffer could not hold.
    """

    def __init__(self, knobs: GrblKnobs | None = None) -> None:
        self.knobs = knobs or GrblKnobs()
        self.executed: list[str] = []
        self.bytes_lost = 0
        self._out: list[bytes] = []
        self._allowance = 0  # lines that may be worked on before the next tick
        self._boot(locked=self.knobs.starts_locked)

    def feed(self, data: bytes) -> bytes:
        """The machine has got `data` on its serial line."""
        if any(byte in _REALTIME for byte in data):
            data = self._realtime(data)
        while data:
            room = self.knobs.rx_buffer - len(self._rx)
            if not room:
                self.bytes_lost += len(data)
                break
            self._rx += data[:room]
            data = data[room:]
            self._work()
        return self._say()

    def tick(self, seconds: float) -> bytes:
        """Time has passed."""
        self._allowance = self.knobs.lines_per_tick
        if not self._held:
            self.planner.advance(seconds)
        self._work()
        return self._say()

    @property
    def state(self) -> str:
        """The word in its status report."""
        if self._locked or self._halted:
            return "Alarm"
        if self._held:
            return "Hold:0"
        return "Idle" if self.planner.empty and not self._rx else "Run"

    def _boot(self, *, locked: bool) -> None:
        self.planner = Planner(
            self.knobs.planner_blocks, timed=self.knobs.moves_take_time, dwell_unit_s=1.0
        )
        self._rx = b""
        self._started = self._held = self._halted = False
        self._locked = locked

    def _say(self) -> bytes:
        out, self._out = b"".join(self._out), []
        return out

    def _realtime(self, data: bytes) -> bytes:
        """Obey what GRBL's interrupt picks from the stream; the rest is returned."""
        if b"\x18" in data:
            data = data.rpartition(b"\x18")[2]
            self._reset()
        if b"!" in data and not self._halted:
            self._held = True
        if b"~" in data:
            self._held = False
        for _ in range(data.count(b"?")):
            self._out.append(self._status())
        return data.translate(None, _REALTIME)

    def _reset(self) -> None:
        at_rest = self.planner.empty or self._held
        lost_position = self._locked or self._halted or not at_rest
        self._boot(locked=lost_position)
        if lost_position:
            self._out.append(b"ALARM:3\r\n")
        self._out.append(_BANNER)
        if lost_position:
            self._out.append(b"[MSG:'$H'|'$X' to unlock]\r\n")

    def _status(self) -> bytes:
        where = ",".join(f"{self.planner.position[axis]:.3f}" for axis in "XYZ")
        free = self.knobs.rx_buffer - len(self._rx)
        return f"<{self.state}|MPos:{where}|Bf:{self.knobs.planner_blocks},{free}>\r\n".encode()

    def _work(self) -> None:
        while b"\n" in self._rx and not (self._held or self._halted) and self._may_go_on():
            line, _, rest = self._rx.partition(b"\n")
            text = line.strip().decode("ascii", "replace")
            if text and not text.startswith("$") and self._strikes():
                return
            answer = self._answer(text)
            if answer is None:
                return  # not done: the line stays where it is
            self._rx = rest
            self._started = False
            self._acknowledge(answer)

    def _may_go_on(self) -> bool:
        if self.knobs.lines_per_tick:
            self._allowance -= 1
            return self._allowance >= 0
        return True

    def _strikes(self) -> bool:
        """What the knobs want to go wrong at this line has gone wrong."""
        number = len(self.executed) + 1
        if number == self.knobs.limit_at_line:
            self._halted = True
            self._out.append(b"ALARM:1\r\n[MSG:Reset to continue]\r\n")
        elif number == self.knobs.reset_at_line:
            self._boot(locked=False)
            self._out.append(_BANNER)
        else:
            return False
        return True

    def _answer(self, text: str) -> bytes | None:
        """Execute one line; None while it is not done."""
        if not text:
            return b"ok\r\n"
        if text.startswith("$"):
            return self._system(text)
        if self._locked:
            return b"error:9\r\n"
        if not _KNOWN.match(text) or len(self.executed) + 1 == self.knobs.error_at_line:
            return b"error:20\r\n"
        if not self._started and self.planner.full:
            return None
        if not self._started:
            self._started = True
            self.planner.add(text)
        if _SYNCHRONISES.match(text) and not self.planner.empty:
            return None
        self.executed.append(text)
        return b"ok\r\n"

    def _system(self, text: str) -> bytes:
        if not self.planner.empty:
            return b"error:8\r\n"
        if text == "$I":
            buffers = f"{self.knobs.planner_blocks},{self.knobs.rx_buffer}"
            return f"[VER:1.1h.20190830:]\r\n[OPT:V,{buffers}]\r\nok\r\n".encode()
        if text in ("$X", "$H"):
            self._locked = False
            return b"ok\r\n"
        return b"error:3\r\n"

    def _acknowledge(self, answer: bytes) -> None:
        number = len(self.executed)
        if number == self.knobs.garbage_at_line:
            answer = b"\xf0\x91\r\n" + answer
        if not number or number != self.knobs.lost_ok_at_line:
            self._out.append(answer)
