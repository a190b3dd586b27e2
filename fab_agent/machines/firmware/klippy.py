"""A Klipper made of memory: its state, its print from a file, its heaters. Time passes by `tick`.

Behaves as Klipper's "Status reference", "API server" and "G-Codes" tell: a file's lines are carried
out one after the other, other orders wait until the line in hand has ended, a line that is not
known is skipped with a message, a cancel leaves the heaters on. The socket is in klippy_socket.py.
"""

import math
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Status = dict[str, dict[str, Any]]
Reply = Callable[[str | None], None]

ROOM_C = 21.0
HEATING_C_S, COOLING_C_S = 10.0, 2.0
HOMING_S = 8.0
_FIRST_FEED_MM_MIN = 1500.0
_WORD = re.compile(r"([A-Z])(-?\d*\.?\d+)")
_FILENAME = re.compile(r'SDCARD_PRINT_FILE FILENAME="?([^"]+)"?')
_RESTART_HINT = "Once the underlying issue is corrected, use the FIRMWARE_RESTART command"
_KNOWN = frozenset(
    [*(f"G{n}" for n in (0, 1, 4, 28, 21, 90, 91, 92)),
     *(f"M{n}" for n in (18, 73, 82, 83, 84, 104, 105, 106, 107, 109, 114, 140, 190)),
     *(f"M{n}" for n in (204, 220, 221, 400))]
)  # fmt: skip
# In which states of a print it is obeyed, and what the state is then.
_PRINT_ORDERS = {
    "PAUSE": (("printing",), "paused"),
    "RESUME": (("paused",), "printing"),
    "CANCEL_PRINT": (("printing", "paused"), "cancelled"),
}
_RESTARTS = ("RESTART", "FIRMWARE_RESTART")
_HEATERS = {"M104": "extruder", "M109": "extruder", "M140": "heater_bed", "M190": "heater_bed"}


class KlippyError(Exception):
    """An order that Klipper refuses, in its own words."""


@dataclass(frozen=True, slots=True)
class KlippyKnobs:
    """What goes wrong; lines count from 1, 0 is never. All default to a healthy machine."""

    shutdown_at_line: int = 0
    error_at_line: int = 0
    restart_at_line: int = 0  # the process starts anew: the print is lost
    disconnect_at_line: int = 0  # the socket alone is closed: the print goes on
    starts_up_s: float = 0.0  # in machine time, after each start of the process
    never_ready: str = ""  # the configuration is wrong, and this is what Klipper says of it
    heater_stays_cold: bool = False
    missing: tuple[str, ...] = ()  # objects that printer.cfg does not have


@dataclass(slots=True)
class _Heat:
    now_c: float = ROOM_C
    target_c: float = 0.0

    def tick(self, seconds: float) -> None:
        goal = max(self.target_c, ROOM_C)
        step = (HEATING_C_S if goal > self.now_c else COOLING_C_S) * seconds
        self.now_c += math.copysign(min(step, abs(goal - self.now_c)), goal - self.now_c)


class SimulatedKlippy:
    """One printer. `executed` holds the lines of files that were carried out, in order."""

    # Set by each start of the process.
    state: str
    state_message: str
    _state: str
    _awaited: "_Heat | None"

    def __init__(self, folder: Path, knobs: KlippyKnobs | None = None) -> None:
        self.folder, self.knobs = folder, knobs or KlippyKnobs()
        self.executed: list[str] = []
        self.unknown: list[str] = []  # lines that were skipped
        self.said: deque[str] = deque()  # to those who subscribed to the output
        self.dropped = False  # the socket must be closed; whoever closes it resets this
        self._boot()

    @property
    def heaters_off(self) -> bool:
        """Nothing is asked to be hot."""
        return all(heat.target_c == 0 for heat in self._heats.values())

    def status(self) -> Status:
        """Every printer object with all its fields."""
        printing = self._state == "printing"
        objects: Status = {
            "webhooks": {"state": self.state, "state_message": self.state_message},
            "print_stats": {
                "filename": self._name,
                "state": self._state,
                "message": self._message,
                "total_duration": round(self._age_s, 3),
                "print_duration": round(self._age_s, 3),
                "filament_used": 0.0,
                "info": {"total_layer": None, "current_layer": None},
            },
            "virtual_sdcard": {
                "file_path": str(self.folder / self._name) if self._lines else None,
                "progress": self._position / self._size if self._size else 0.0,
                "is_active": printing,
                "file_position": self._position,
                "file_size": self._size,
            },
            "pause_resume": {"is_paused": self._state == "paused"},
            "display_status": {"progress": 0.0, "message": None},
            "idle_timeout": {"state": "Printing" if printing or self._left_s > 0 else "Ready"},
            "toolhead": {"position": list(self._here), "homed_axes": "xyz"},
            "configfile": {
                "config": {"virtual_sdcard": {"path": str(self.folder)}},
                "settings": {"virtual_sdcard": {"path": str(self.folder)}},
            },
            "heaters": {"available_heaters": list(self._heats), "available_sensors": []},
        }
        for name, heat in self._heats.items():
            objects[name] = {"temperature": round(heat.now_c, 2), "target": heat.target_c}
        return {name: it for name, it in objects.items() if name not in self.knobs.missing}

    def order(self, script: str, reply: Reply) -> None:
        """Carry out these commands after the one in hand; `reply` is told None, or the error."""
        self._orders.append((script, reply))

    def shut_down(self, why: str) -> None:
        """Everything off at once; nothing moves until the process is started anew."""
        self.state, self.state_message = "shutdown", f"{why}\n{_RESTART_HINT}"
        self._left_s, self._awaited = 0.0, None
        for heat in self._heats.values():
            heat.target_c = 0.0
        if self._state == "printing":
            self._state = "paused"  # as virtual_sdcard leaves it
        self._answer_orders()

    def restart(self) -> None:
        """The process starts anew; it knows nothing of a print."""
        self._boot()
        self.dropped = True

    def tick(self, seconds: float) -> None:
        """Let time pass, and do in it what can be done."""
        if self.state == "startup":
            self._startup_s -= seconds
            if self._startup_s <= 0:
                self.state, self.state_message = "ready", "Printer is ready"
        for heat in self._heats.values():
            heat.tick(0.0 if self.knobs.heater_stays_cold else seconds)
        if self._state in ("printing", "paused"):
            self._age_s += seconds
        while self.state == "ready" and not self._awaits_heat():
            used = min(seconds, self._left_s)
            self._left_s -= used
            seconds -= used
            if self._left_s > 0 or not self._next():
                break
        if self.state != "ready":
            self._answer_orders()

    def _boot(self) -> None:
        knobs = self.knobs
        self._startup_s = knobs.starts_up_s
        self.state, self.state_message = "startup", "Printer is not ready"
        if knobs.never_ready:
            self.state, self.state_message = "error", knobs.never_ready
        self._heats = {"extruder": _Heat(), "heater_bed": _Heat()}
        self._awaited = None
        self._orders: deque[tuple[str, Reply]] = deque()
        self._here, self._feed, self._relative = [0.0] * 4, _FIRST_FEED_MM_MIN, False
        self._left_s = self._age_s = 0.0
        self._state, self._message = "standby", ""
        self._forget_file()

    def _forget_file(self) -> None:
        self._name, self._lines = "", list[str]()
        self._number = self._position = self._size = 0

    def _awaits_heat(self) -> bool:
        heat = self._awaited
        if heat is not None and heat.now_c >= heat.target_c:
            self._awaited = None
        return self._awaited is not None

    def _next(self) -> bool:
        """Take up the next order or line; False when there is none."""
        if self._orders:
            script, reply = self._orders.popleft()
            self._answer(script, reply)
            return True
        if self._state != "printing":
            return False
        if self._number == len(self._lines):
            self._state = "complete"
            self._lines = []
            return False
        self._print_line()
        return True

    def _print_line(self) -> None:
        line = self._lines[self._number]
        number = self._number + 1
        if self._trips(number):
            return
        self.executed.append(line)
        self._number = number
        self._position += len(line) + 1
        self._carry_out(line)

    def _trips(self, number: int) -> bool:
        """A knob stands at this line. Those that leave the print be are turned back."""
        knobs = self.knobs
        if number == knobs.shutdown_at_line:
            self.shut_down("MCU 'mcu' shutdown: Timer too close")
        elif number == knobs.restart_at_line:
            self.restart()
        elif number == knobs.error_at_line:
            self._state, self._message = "error", "Move out of range: 999.000 0.000 0.000"
            self._heat_off()
        else:
            self.dropped = self.dropped or number == knobs.disconnect_at_line
            return False
        return True

    def _answer(self, script: str, reply: Reply) -> None:
        try:
            for line in script.splitlines():
                self._obey(line.strip())
            reply(None)
        except KlippyError as e:
            reply(str(e))

    def _answer_orders(self) -> None:
        """Refuse what waits: Klipper is not ready."""
        while self._orders:
            script, reply = self._orders.popleft()
            if script in _RESTARTS:
                self._answer(script, reply)
            else:
                reply(self.state_message)

    def _obey(self, line: str) -> None:
        """One command that does not come from a file."""
        if match := _FILENAME.fullmatch(line):
            self._start(match[1])
        elif line in _PRINT_ORDERS:
            self._steer(*_PRINT_ORDERS[line])
        elif line == "TURN_OFF_HEATERS":
            self._heat_off()
        elif line == "SDCARD_RESET_FILE":
            self._forget_file()
            self._state = "standby"
        elif line in _RESTARTS:
            self.restart()
        else:
            self._carry_out(line)

    def _steer(self, when: tuple[str, ...], then: str) -> None:
        if self._state not in when:
            self.said.append("// nothing is being printed")
            return
        self._state = then
        if then == "cancelled":
            self._lines, self._position, self._size = [], 0, 0

    def _start(self, name: str) -> None:
        if self._state == "printing":
            raise KlippyError("SD busy")
        path = self.folder / name
        if not path.is_file():
            raise KlippyError("Unable to open file")
        self._forget_file()
        self._name, self._lines = name, path.read_text().splitlines()
        self._size = path.stat().st_size
        self._state, self._message, self._age_s = "printing", "", 0.0

    def _heat_off(self) -> None:
        self._awaited = None
        for heat in self._heats.values():
            heat.target_c = 0.0

    def _carry_out(self, line: str) -> None:
        """One G-code: what it sets, and how long it takes."""
        code, *_ = line.split() or [""]
        words = {letter: float(value) for letter, value in _WORD.findall(line)}
        if code not in _KNOWN:
            self.unknown.append(line)
            self.said.append(f'// Unknown command:"{code}"')
        elif code in _HEATERS:
            heat = self._heats[_HEATERS[code]]
            heat.target_c = words.get("S", 0.0)
            self._awaited = heat if code in ("M109", "M190") else self._awaited
        elif code == "G28":
            self._here[:3] = [0.0] * 3
            self._left_s = HOMING_S
        elif code == "G4":
            self._left_s = words.get("P", 0.0) / 1000
        elif code in ("G90", "G91"):
            self._relative = code == "G91"
        elif code in ("G0", "G1"):
            self._move(words)

    def _move(self, words: dict[str, float]) -> None:
        self._feed = words.get("F", self._feed)
        before = list(self._here)
        for axis, letter in enumerate("XYZE"):
            if letter in words:
                self._here[axis] = words[letter] + self._here[axis] * self._relative
        steps = [now - then for now, then in zip(self._here, before, strict=True)]
        path_mm = math.hypot(*steps[:3]) or abs(steps[3])
        self._left_s = 60 * path_mm / self._feed
