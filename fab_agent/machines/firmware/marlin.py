"""A printer made of memory that behaves on its serial line as Marlin 2.1 does.

Modelled on Marlin/src/gcode/queue.cpp: a receive buffer that overflows, a queue of checked
commands, an `ok` when a command is done, everything received thrown away with each resend.
"""

import re
from collections import deque
from functools import reduce
from operator import xor
from random import Random
from typing import NamedTuple

from fab_agent.machines.firmware.controller import SLOW_TICK_S, Controller
from fab_agent.machines.firmware.heat import Heater
from fab_agent.machines.firmware.marlin_knobs import MarlinKnobs
from fab_agent.machines.firmware.marlin_printer import Done, Printer
from fab_agent.machines.firmware.motion import Planner
from fab_agent.machines.marlin import SYNC

__all__ = ["SECOND_START_S", "MarlinKnobs", "SimulatedMarlin"]

SECOND_START_S = 1.0
MAX_CMD_SIZE = 96  # with the closing NUL

_BANNER = "start\nPowerUp\nMarlin 2.1.2\necho:Last Updated: simulated"
_KILLED = "Error:Printer halted. kill() called!"
_SYNC = SYNC.decode()
# EmergencyParser::update: alone on a line, with a line number before it at most.
_EMERGENCY = re.compile(rb"(?:^|\n) *(?:N[-0-9 ]*)?(M(?:108|112|410))[^\n]*(?=\n)")
_LONGEST_EMERGENCY = 64
_HOT_REPORT_S = 1.0  # how often M109 and M190 say how far they are
_NUMBER = re.compile(rb" *([-+]?\d+)")


class Command(NamedTuple):
    """A command in the queue; `number` as it was sent, `program` when a program's line."""

    text: str
    number: int | None = None
    program: bool = False


class SimulatedMarlin(Controller):
    """Bytes in by `feed`, time by `tick`; both return the bytes that come out.

    `executed` are lines of programs without number and checksum, each when it was done; a sender's
    own commands (no number, or `SYNC`) are not among them.
    """

    def __init__(self, knobs: MarlinKnobs | None = None) -> None:
        self.knobs = knobs or MarlinKnobs()
        # A ring buffer leaves one byte free (HardwareSerial).
        super().__init__(self.knobs.rx_buffer - 1, self.knobs.baudrate)
        self._random = Random(self.knobs.seed)  # noqa: S311  (noise, not a secret)
        self._struck = set[str]()
        self._received = self._allowance = 0
        self._again_s = SECOND_START_S if self.knobs.second_start else 0.0
        self.printer = Printer(self.knobs, self._tell)
        self._boot()
        if self._again_s and not self._deaf_s:
            self._tell(_BANNER)

    @property
    def heaters_off(self) -> bool:
        """The firmware heats nothing; a burnt-out transistor heats all the same."""
        return self.printer.off

    @property
    def position(self) -> dict[str, float]:
        """Where the last planned move ends, mm."""
        return dict(zip("XYZE", self.planner.position, strict=True))

    @property
    def planner(self) -> Planner:
        """Moves that wait or are under way."""
        return self.printer.planner

    @property
    def hotend(self) -> Heater:
        """The heater of the nozzle."""
        return self.printer.hotend

    @property
    def bed(self) -> Heater:
        """The heater of the bed."""
        return self.printer.bed

    def reset(self) -> None:
        """The reset button: everything waiting is forgotten, heaters are off."""
        before = self.printer
        self.printer = Printer(self.knobs, self._tell)
        self.printer.inherit(before)
        self._boot()
        if not self._deaf_s:
            self._tell(_BANNER)

    def _boot(self) -> None:
        self.dead = False  # killed: silent until it is reset
        self._rx = self._line = self._unfinished = b""
        self._queue: deque[Command] = deque()
        self._last_number = 0
        self._done: Done | None = None  # of the command at the head of the queue, once begun
        self._since_report_s = self._since_busy_s = self._idle_s = 0.0
        self._deaf_s = self.knobs.starts_up_s

    def _tell(self, line: str) -> None:
        if not self.dead:
            self._utter(line.encode("ascii", "replace") + b"\n")

    # What arrives

    def _notice(self, data: bytes) -> bytes:
        if self.dead or self._deaf_s:
            self.bytes_lost += len(data)
            return b""
        data = data.replace(b"\r", b"\n")
        if self.knobs.emergency_parser:
            text = self._unfinished + data
            if b"M" in text:
                for found in _EMERGENCY.finditer(text):
                    self._obey(found[1])
            rest = text[max(text.rfind(b"\n"), 0) :]
            self._unfinished = rest if len(rest) < _LONGEST_EMERGENCY else b"x"
        return data

    def _obey(self, command: bytes) -> None:
        if command == b"M112":
            self._kill("")
        elif command == b"M410":
            self.printer.quickstop()
        else:
            self.printer.break_waits()

    def _work(self) -> None:
        while not (self.dead or self._deaf_s):
            self._read()
            if not self._queue or not self._may_go_on() or not self._execute(self._queue[0]):
                return

    def _may_go_on(self) -> bool:
        if self.knobs.lines_per_tick:
            self._allowance -= 1
            return self._allowance >= 0
        return True

    def _read(self) -> None:
        """GCodeQueue::get_serial_commands: bytes leave the buffer while the queue has room."""
        while self._rx and len(self._queue) < self.knobs.buffer_size and not self.dead:
            line, end, self._rx = self._rx.partition(b"\n")
            if self._line:
                line = self._line + line
            if not end:
                self._line = line[: MAX_CMD_SIZE - 1]
                return
            self._line = b""
            line = line[: MAX_CMD_SIZE - 1].partition(b";")[0].strip()
            if line:
                self._accept(line)

    def _accept(self, line: bytes) -> None:
        """Check one received line; it enters the command queue or is asked for again."""
        self._received += 1
        self._idle_s = 0.0
        if self.knobs.echo_every and self._received % self.knobs.echo_every == 0:
            self._tell("echo:Active Extruder: 0")
        if not line.startswith(b"N"):
            self._accept_unnumbered(line)
            return
        line = self._damaged(line)
        body, star, given = line.rpartition(b"*")
        # GCodeParser::parse skips N, its digits, and spaces if there are any.
        text = (body or line).lstrip(b"N").lstrip(b"-0123456789").lstrip(b" ")
        restarts = b"M110" in line
        number = _number(text[4:] if restarts and b"N" in text else line)
        if number != self._last_number + 1 and not restarts:
            self._refuse("Line Number is not Last Line Number+1")
        elif not star:
            self._refuse("No Checksum with line number")
        elif _number(given, after=b"") != reduce(xor, body, 0):
            self._refuse("checksum mismatch")
        else:
            self._last_number = number
            shown = text.decode("ascii", "replace")
            own = restarts or shown == _SYNC
            self._queue.append(Command(shown, number, program=not own))

    def _accept_unnumbered(self, line: bytes) -> None:
        """Without an emergency parser three commands are obeyed when they leave the buffer."""
        if not self.knobs.emergency_parser and line[:4] in (b"M108", b"M112", b"M410"):
            self._obey(line[:4])
        if line.startswith(b"M110") and b"N" in line:
            self._last_number = _number(line[4:])
        self._queue.append(Command(line.decode("ascii", "replace")))

    def _damaged(self, line: bytes) -> bytes:
        knobs = self.knobs
        every = knobs.resend_every and self._received % knobs.resend_every == 0
        by_chance = knobs.bad_line_ratio and self._random.random() < knobs.bad_line_ratio
        if not (every or by_chance):
            return line
        at = self._random.randrange(1, len(line))
        return line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]

    def _refuse(self, why: str) -> None:
        """GCodeQueue::gcode_line_error: what was received is thrown away, the line asked again."""
        last = self._last_number
        request = f"Error:{why}, Last Line: {last}\nResend: {last + 1}"
        request += "\nok" * self.knobs.ok_after_resend
        for _ in range(1 + self.knobs.doubled_resend):
            self._tell(request)
        self._rx = b""

    # What is done

    def _execute(self, command: Command) -> bool:
        """Work on the command at the head of the queue; False while it is not done."""
        if self._done is None:
            if command.program and self._strikes(command.number):
                return False
            self._done = self.printer.begin(command.text)
            self._since_busy_s = 0.0
        if self.printer.killed_by is not None:
            self._kill(self.printer.killed_by)
        if self.dead or self._done is None or not self._done():
            return False
        self._done = None
        if command.program:
            self.executed.append(command.text)
        self._acknowledge(command)
        self._queue.popleft()
        return True

    def _strikes(self, number: int | None) -> bool:
        """What the knobs want to go wrong at this line has gone wrong, once."""
        knobs = self.knobs
        if number == knobs.kill_at_line:
            self._kill("Thermal Runaway, system stopped! Heater_ID: 0")
        elif number == knobs.reset_at_line and "reset" not in self._struck:
            self._struck.add("reset")
            self.reset()
        elif number == knobs.drop_at_line and "drop" not in self._struck:
            self._struck.add("drop")
            self.pull_cable()
            return False
        else:
            return False
        return True

    def _acknowledge(self, command: Command) -> None:
        knobs = self.knobs
        if knobs.garbage_every and self._received % knobs.garbage_every == 0:
            self._utter(b"\xf0\x91o*k\x00\n")
        if command.text.startswith("M105"):
            self._tell(f"ok {self.printer.temperatures()}")
        elif knobs.lost_ok_every and self._received % knobs.lost_ok_every == 0:
            return
        elif knobs.advanced_ok:
            number = "" if command.number is None else f" N{command.number}"
            room = knobs.buffer_size - len(self._queue)
            self._tell(f"ok{number} P{self.planner.free} B{room}")
        else:
            self._utter(b"ok\n")

    # What time does

    def _begin_tick(self) -> None:
        self._allowance = self.knobs.lines_per_tick

    def _busy_s(self) -> float:
        if self.limited and self.knobs.lines_per_tick and self._queue:
            return min(self.planner.next_s, SLOW_TICK_S)
        return self.planner.next_s

    def _advance(self, seconds: float) -> None:
        self.printer.advance(seconds)
        if self.dead:
            return
        if self.printer.killed_by is not None:
            self._kill(self.printer.killed_by)
        elif self._deaf_s:
            self._wake(seconds)
        else:
            self._restart_again(seconds)
            self._report_regularly(seconds)
            self._wait_or_busy(seconds)

    def _wake(self, seconds: float) -> None:
        self._deaf_s = max(self._deaf_s - seconds, 0.0)
        if not self._deaf_s:
            self._tell(_BANNER)

    def _restart_again(self, seconds: float) -> None:
        if self._again_s:
            self._again_s = max(self._again_s - seconds, 0.0)
            if not self._again_s:
                self.reset()

    def _report_regularly(self, seconds: float) -> None:
        self._since_report_s += seconds
        heats = self._done is not None and self.printer.heating is not None
        every_s = _HOT_REPORT_S if heats else self.printer.autoreport_s
        if every_s and self._since_report_s >= every_s:
            self._since_report_s = 0.0
            self._tell(f" {self.printer.temperatures()}{self.printer.wait_shown()}")

    def _wait_or_busy(self, seconds: float) -> None:
        """GcodeSuite::host_keepalive while a command lasts; `wait` while there is none."""
        every_s = self.printer.busy_every_s
        if self._queue:
            self._since_busy_s += seconds
            if every_s and self._since_busy_s >= every_s:
                self._since_busy_s = 0.0
                user = self.printer.waits_for_user
                self._tell("echo:busy: " + ("paused for user" if user else "processing"))
        elif self.knobs.wait_every_s:
            self._idle_s += seconds
            if self._idle_s >= self.knobs.wait_every_s:
                self._idle_s = 0.0
                self._tell("wait")

    def _kill(self, why: str) -> None:
        """`kill`: heaters and motors lose their power, and nothing is heard any more."""
        if why:
            self._tell(f"Error:{why}")
        self._tell(_KILLED)
        self.dead = True
        self._rx = self._line = b""
        self._queue.clear()
        self._done = None
        self.printer.switch_off()


def _number(line: bytes, after: bytes = b"N") -> int:
    """As strtol reads it behind `after`: 0 when there is none."""
    found = _NUMBER.match(line.partition(after)[2] if after else line)
    return int(found[1]) if found else 0
