"""A printer made of memory that behaves on its serial line as Marlin 2.1 does.

Modelled on Marlin/src/gcode/queue.cpp: a receive buffer that overflows, a queue of four checked
commands, a planner, an `ok` when a command is done, a flushed buffer with each resend.
"""

import re
from collections import deque
from dataclasses import dataclass
from functools import reduce
from operator import xor
from random import Random

from fab_agent.machines.firmware.motion import Planner
from fab_agent.machines.marlin import SYNC

AMBIENT_C = 21.0
# A 40 W cartridge and a 250 W bed, about.
HOTEND_C_PER_S, BED_C_PER_S, COOLING_C_PER_S = 3.0, 0.7, 1.0
# Marlin's WATCH_TEMP_PERIOD: no rise for so long, and it stops itself.
WATCH_S = 20.0
BUSY_EVERY_S = 2.0
COMMAND_QUEUE = 4

_BANNER = b"start\nMarlin 2.1.2\necho:Last Updated: simulated\n"
_KILLED = b"Error:Printer halted. kill() called!\n"
_SYNC = SYNC.decode()
_MOTION = re.compile(r"G(?:0|1|2|3|4|28|90|91|92)(?!\d)")
_TARGET = re.compile(r"[SR](\d+\.?\d*)")
_WAITS = re.compile(r"M(?:109|190|400)(?!\d)|G28")


@dataclass(frozen=True, slots=True)
class MarlinKnobs:
    """What kind of printer it is, and what goes wrong. 0 means never.

    `*_every` counts received lines, `*_at_line` means the program's line of that number, and
    `bad_line_ratio` is the share of lines in which one bit arrives flipped.
    """

    rx_buffer: int = 128
    planner_blocks: int = 16
    moves_take_time: bool = False
    lines_per_tick: int = 0
    thermal_protection: bool = True
    autoreport: bool = True
    resend_every: int = 0
    bad_line_ratio: float = 0.0
    seed: int = 1
    doubled_resend: bool = False
    ok_after_resend: bool = True
    lost_ok_every: int = 0
    garbage_every: int = 0
    heater_fails: bool = False
    reset_at_line: int = 0
    kill_at_line: int = 0


@dataclass(slots=True)
class Heater:
    """One heater and its sensor, °C."""

    rate_c_per_s: float
    actual_c: float = AMBIENT_C
    target_c: float = 0.0
    useless_s: float = 0.0  # how long it has been on without getting warmer

    @property
    def warm(self) -> bool:
        """As hot as it should be, within Marlin's one degree."""
        return self.actual_c >= self.target_c - 1

    def advance(self, seconds: float, *, fails: bool) -> None:
        """Let time pass."""
        goal = max(self.target_c, AMBIENT_C)
        rises = goal > self.actual_c
        if rises and fails:
            self.useless_s += seconds
            return
        step = seconds * (self.rate_c_per_s if rises else COOLING_C_PER_S)
        self.actual_c += max(-step, min(step, goal - self.actual_c))


class SimulatedMarlin:
    """Bytes in by `feed`, time by `tick`; both return the bytes that come out.

    `executed` are the lines of programs it has executed, in order, without number and checksum;
    a sender's own commands (no number, or `SYNC`) are not among them. `bytes_lost` counts what
    the receive buffer could not hold.
    """

    def __init__(self, knobs: MarlinKnobs | None = None) -> None:
        self.knobs = knobs or MarlinKnobs()
        self.executed: list[str] = []
        self.bytes_lost = 0
        self._random = Random(self.knobs.seed)  # noqa: S311  (noise, not a secret)
        self._dead = self._has_reset = False
        self._out: list[bytes] = []
        self._received = 0
        self._allowance = 0  # lines that may be worked on before the next tick
        self._boot()

    def feed(self, data: bytes) -> bytes:
        """The machine has got `data` on its serial line."""
        if self._dead:
            return b""
        self._emergency(data)
        while data and not self._dead:
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
        if self._dead:
            return b""
        self._allowance = self.knobs.lines_per_tick
        self.planner.advance(seconds)
        for heater in (self.hotend, self.bed):
            heater.advance(seconds, fails=self.knobs.heater_fails)
            if heater.useless_s > WATCH_S:
                self._kill(b"Error:Heating failed, system stopped! Heater_ID: 0\n")
        self._work()
        self._report_regularly(seconds)
        return self._say()

    def _boot(self) -> None:
        self.planner = Planner(self.knobs.planner_blocks, timed=self.knobs.moves_take_time)
        self.hotend, self.bed = Heater(HOTEND_C_PER_S), Heater(BED_C_PER_S)
        self._rx = b""
        self._queue: deque[tuple[int | None, str]] = deque()
        self._last_number = 0
        self._started = False  # the command at the head of the queue is under way
        self._autoreport_s = self._since_report_s = self._since_busy_s = 0.0

    def _say(self) -> bytes:
        out, self._out = b"".join(self._out), []
        return out

    def _emergency(self, data: bytes) -> None:
        """What Marlin's emergency parser obeys before all that waits."""
        if b"M112" in data:
            self._kill(b"")
        if b"M410" in data:
            self.planner.clear()
        if b"M108" in data:
            self.hotend.target_c, self.bed.target_c = 0.0, 0.0

    def _work(self) -> None:
        while not self._dead:
            while len(self._queue) < COMMAND_QUEUE and b"\n" in self._rx:
                line, _, self._rx = self._rx.partition(b"\n")
                self._accept(line.strip())
            if not self._queue or not self._may_go_on() or not self._execute(*self._queue[0]):
                return

    def _may_go_on(self) -> bool:
        if self.knobs.lines_per_tick:
            self._allowance -= 1
            return self._allowance >= 0
        return True

    def _accept(self, line: bytes) -> None:
        """Check one received line; it enters the command queue or is asked for again."""
        if not line:
            return
        self._received += 1
        line = self._damaged(line)
        if not line.startswith(b"N"):
            self._queue.append((None, line.decode("ascii", "replace")))
            return
        body, star, given = line.rpartition(b"*")
        first, _, text = body.partition(b" ")
        if not star or given != b"%d" % reduce(xor, body, 0):
            self._refuse(b"checksum mismatch")
            return
        number, is_reset = int(first[1:]), text.startswith(b"M110")
        if number != self._last_number + 1 and not is_reset:
            self._refuse(b"Line Number is not Last Line Number+1")
            return
        self._last_number = number
        self._queue.append((None if is_reset else number, text.decode()))

    def _damaged(self, line: bytes) -> bytes:
        knobs = self.knobs
        every = knobs.resend_every and self._received % knobs.resend_every == 0
        by_chance = knobs.bad_line_ratio and self._random.random() < knobs.bad_line_ratio
        if not line.startswith(b"N") or not (every or by_chance):
            return line
        where = self._random.randrange(1, len(line))  # the N itself stays: Marlin needs it
        flipped = line[where] ^ (1 << self._random.randrange(4))
        return line[:where] + bytes((flipped,)) + line[where + 1 :]

    def _refuse(self, why: bytes) -> None:
        last = self._last_number
        request = b"Error:%s, Last Line: %d\nResend: %d\n" % (why, last, last + 1)
        request += b"ok\n" * self.knobs.ok_after_resend
        self._out.append(request * (1 + self.knobs.doubled_resend))
        self._rx = b""

    def _execute(self, number: int | None, text: str) -> bool:
        """Work on the command at the head of the queue; False while it is not done."""
        if number is not None and self._strikes(number):
            return False
        if not self._started and not self._start(text):
            return False
        self._started = True
        if not self._is_done(text):
            return False
        self._started = False
        self._queue.popleft()
        if number is not None and text != _SYNC:
            self.executed.append(text)
        self._acknowledge(text)
        return True

    def _strikes(self, number: int) -> bool:
        """What the knobs want to go wrong at this line has gone wrong."""
        if number == self.knobs.kill_at_line:
            self._kill(b"Error:Thermal Runaway, system stopped! Heater_ID: 0\n")
        elif number == self.knobs.reset_at_line and not self._has_reset:
            self._has_reset = True
            self._boot()
            self._out.append(_BANNER)
        else:
            return False
        return True

    def _start(self, text: str) -> bool:
        """Begin a command; False when the planner must first take another move."""
        if _MOTION.match(text):
            if self.planner.full:
                return False
            self.planner.add(text)
            return True
        code, target = text.split(None, 1)[0], _TARGET.search(text)
        if code in ("M104", "M109") and target:
            self.hotend.target_c = float(target[1])
        elif code in ("M140", "M190") and target:
            self.bed.target_c = float(target[1])
        elif code == "M155" and target and self.knobs.autoreport:
            self._autoreport_s = float(target[1])
        elif not re.match(r"[GMT]\d", text):
            self._out.append(b'echo:Unknown command: "%s"\n' % text.encode("ascii", "replace"))
        return True

    def _is_done(self, text: str) -> bool:
        if not _WAITS.match(text):
            return True
        if text.startswith(("M109", "M190")):
            return (self.hotend if text.startswith("M109") else self.bed).warm
        return self.planner.empty

    def _acknowledge(self, text: str) -> None:
        lost, garbage = self.knobs.lost_ok_every, self.knobs.garbage_every
        if garbage and self._received % garbage == 0:
            self._out.append(b"\xf0\x91o*k\x00\n")
        if text.startswith("M105"):
            self._out.append(b"ok %s\n" % self._temperatures())
            return
        if text.startswith("M115"):
            self._out.append(self._capabilities())
        elif text.startswith("M114"):
            where = " ".join(f"{k}:{v:.2f}" for k, v in self.planner.position.items())
            self._out.append(f"{where} Count X:0 Y:0 Z:0\n".encode())
        if not lost or self._received % lost:
            self._out.append(b"ok\n")

    def _temperatures(self) -> bytes:
        hotend, bed = self.hotend, self.bed
        return b"T:%.2f /%.2f B:%.2f /%.2f @:0 B@:0" % (
            hotend.actual_c,
            hotend.target_c,
            bed.actual_c,
            bed.target_c,
        )

    def _capabilities(self) -> bytes:
        knobs = self.knobs
        return (
            "FIRMWARE_NAME:Marlin 2.1.2 (simulated) SOURCE_CODE_URL:github.com/MarlinFirmware/"
            "Marlin PROTOCOL_VERSION:1.0 MACHINE_TYPE:Memory EXTRUDER_COUNT:1\n"
            f"Cap:AUTOREPORT_TEMP:{knobs.autoreport:d}\nCap:EMERGENCY_PARSER:1\n"
            f"Cap:THERMAL_PROTECTION:{knobs.thermal_protection:d}\n"
        ).encode()

    def _report_regularly(self, seconds: float) -> None:
        self._since_report_s += seconds
        self._since_busy_s = self._since_busy_s + seconds if self._queue else 0.0
        heats = bool(self._queue) and self._queue[0][1].startswith(("M109", "M190"))
        every_s = 1.0 if heats else self._autoreport_s
        if every_s and self._since_report_s >= every_s:
            self._since_report_s = 0.0
            self._out.append(b" %s\n" % self._temperatures())
        if self._since_busy_s >= BUSY_EVERY_S and not heats:
            self._since_busy_s = 0.0
            self._out.append(b"echo:busy: processing\n")

    def _kill(self, why: bytes) -> None:
        self._dead = True
        self.hotend.target_c = self.bed.target_c = 0.0
        self._out.append(why + _KILLED)
