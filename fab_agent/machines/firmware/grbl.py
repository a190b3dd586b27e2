"""A router made of memory that behaves on its serial line as GRBL 1.1h or grblHAL does.

After gnea/grbl: grbl/serial.c (real-time bytes leave the stream as they arrive), protocol.c (lines,
alarms, holds, doors), doc/markdown/interface.md.
"""

import re
from collections.abc import Callable, Iterator
from random import Random

from fab_agent.machines.firmware import grbl_system
from fab_agent.machines.firmware.controller import SLOW_TICK_S, Controller
from fab_agent.machines.firmware.grbl_knobs import GrblKnobs
from fab_agent.machines.firmware.grbl_parser import Refused
from fab_agent.machines.firmware.grbl_planner import RouterPlanner
from fab_agent.machines.firmware.grbl_reports import Status, banner
from fab_agent.machines.firmware.grbl_router import Alarm, Router
from fab_agent.machines.firmware.uart import Noise

__all__ = ["DOOR_OPEN_S", "GrblKnobs", "SimulatedGrbl"]

LONGEST_LINE = 79  # LINE_BUFFER_SIZE is 80 with the closing NUL
DOOR_OPEN_S = 5.0
SPINDLE_UP_S = 4.0  # SAFETY_DOOR_SPINDLE_DELAY
RX_BUFFER, RX_BUFFER_HAL = 128, 1024
_REALTIME = re.compile(rb"[?!~\x18\x80-\xff]")
_NOT_LINE = bytes(range(0x80, 0x100)) + b"?!~\x18"
_COMMENT = re.compile(rb"\([^)]*\)?|;.*")
_THROWN_AWAY = bytes(range(0x21)) + b"/"
_SUSPENDED = frozenset({"Hold", "Door", "Sleep", "Home"})


class SimulatedGrbl(Controller):
    """Bytes in by `feed`, time by `tick`; both return the bytes that come out.

    `executed` are the lines of G-code it has executed, in order, each when it was answered.
    `mode` is Idle (or running), Check, Alarm, Hold, Door, Jog, Home or Sleep; `state` the word in
    its status report. `then` is done after the command under way was answered.
    """

    AWAITED = re.compile(rb"[\r\n?!~\x18\x80-\xff]")

    def __init__(self, knobs: GrblKnobs | None = None) -> None:
        self.knobs = knobs or GrblKnobs()
        # grblHAL's ring buffer leaves one byte free, GRBL's is one byte larger than it says.
        holds = RX_BUFFER_HAL - 1 if self.knobs.grblhal else RX_BUFFER
        super().__init__(self.knobs.rx_buffer or holds, self.knobs.baudrate)
        ratio, seed = self.knobs.bad_byte_ratio, self.knobs.seed
        self._noise_in, self._noise_out = Noise(ratio, Random(seed)), Noise(ratio, Random(-seed))  # noqa: S311
        self._struck = set[str]()
        self._questions = (b"?", b"\x87") if self.knobs.grblhal else (b"?",)  # STATUS_REPORT_ALL
        self._allowance = 0  # lines that may be worked on before the next tick
        self.router = Router(self.knobs)
        locked = self.knobs.starts_locked or (self.knobs.homing and not self.knobs.starts_homed)
        self._boot("Alarm" if locked else "Idle")

    @property
    def planner(self) -> RouterPlanner:
        """Moves that wait or are under way."""
        return self.router.planner

    @property
    def spindle_off(self) -> bool:
        """Nothing turns."""
        return self.router.spindle == "M5"

    @property
    def position(self) -> dict[str, float]:
        """Where the tool is now, in machine coordinates, mm."""
        return dict(zip("XYZ", self.router.where, strict=True))

    @property
    def work_position(self) -> dict[str, float]:
        """Where the tool is now as a program sees it, mm."""
        pairs = zip(self.router.where, self.router.work_offset, strict=True)
        return dict(zip("XYZ", (place - zero for place, zero in pairs), strict=True))

    @property
    def moving(self) -> bool:
        """Some axis moves."""
        return not self.planner.stands

    @property
    def state(self) -> str:
        """The word in its status report."""
        if self.mode == "Idle":
            return "Run" if self.moving else "Idle"
        if self.mode == "Hold":
            return "Jog" if self._jog_ends else f"Hold:{self.moving:d}"
        if self.mode == "Door":
            return f"Door:{self._door_state()}"
        return self.mode

    def open_door(self) -> None:
        """The safety door is opened."""
        self._door_open = True
        self._suspend("Door")

    def close_door(self) -> None:
        """It is closed again; the machine waits for a cycle start."""
        self._door_open = False

    def reset(self) -> None:
        """The reset button, or 0x18."""
        self._reset(6 if self.mode == "Home" else 3)

    def _reset(self, alarm: int) -> None:
        if lost := (self.mode == "Home" or self.moving) and not self._critical:
            self.say(f"ALARM:{alarm}")
        locked = lost or self.mode in ("Alarm", "Sleep")
        self.router.homed = self.router.homed and not lost
        self.router.forget()
        self._boot("Alarm" if locked else "Idle")
        self.say(banner(grblhal=self.knobs.grblhal))
        if locked:
            self.say("[MSG:'$H'|'$X' to unlock]")

    def say(self, line: str) -> None:
        """Answer a line."""
        self._utter(line.encode() + b"\r\n")

    def sleep(self) -> None:
        """Everything is off until a reset."""
        self.mode = "Sleep"
        self.router.switch_off()
        self.say("[MSG:Sleeping]")

    def wait(self, seconds: float) -> Iterator[None]:
        """Let so much time pass, if moves take any."""
        self._wait_s = seconds if self.knobs.moves_take_time else 0.0
        while self._wait_s > 0:
            yield

    def _boot(self, mode: str) -> None:
        self.mode = mode
        self._critical = False  # a hard or soft limit: only a reset is heard
        self._refused = 0  # grblHAL: the error that blocks all further G-code
        self._rx = self._line = b""
        self._job: Iterator[None] | None = None
        self._status, self._asked = Status(), False
        self._wait_s = self._door_s = self._restore_s = 0.0
        self._door_open = self._jog_ends = False
        self.then: Callable[[], None] | None = None
        self._restored = "M5"  # what the spindle did before the door opened

    # What arrives

    def _notice(self, data: bytes) -> bytes:
        data = self._noise_in.spoil(data).replace(b"\r", b"\n")  # each ends a line of its own
        if not _REALTIME.search(data):
            return data
        for found in _REALTIME.finditer(data):
            self._realtime(found[0])
        if b"\x18" in data:
            data = data.rpartition(b"\x18")[2]
        return data.translate(None, _NOT_LINE)

    def _noise(self, said: bytes) -> bytes:
        return self._noise_out.spoil(said)

    def _realtime(self, byte: bytes) -> None:
        if byte == b"\x18":
            self.reset()
        elif self._critical:
            # protocol_exec_rt_system waits for the reset; grblHAL still says its state.
            self._asked = byte == b"?" and self.knobs.grblhal
        elif byte in self._questions:
            self._asked = True
            self.router.offsets_changed |= byte == b"\x87"  # a complete report tells them
        elif byte == b"!":
            self._suspend("Hold")
        elif byte == b"~":
            self._resume()
        elif byte == b"\x84":
            self._suspend("Door")
        elif byte == b"\x85" and self.mode == "Jog":
            self._suspend("Hold")
        self._answer_status()

    def _answer_status(self) -> None:
        """Told at the next check point; GRBL has none while it homes."""
        if self._asked and (self.mode != "Home" or self.knobs.grblhal):
            self._asked = False
            if self.router.offsets_changed:
                self.router.offsets_changed = False
                self._status.offsets_changed()
            free = self.rx_size - len(self._rx)
            self.say(self._status.report(self.router, self.state, free))

    # Holds and doors

    def _suspend(self, mode: str) -> None:
        """Feed hold or safety door: slow down and stand; a jog is given up altogether."""
        if self.mode == "Home" and mode == "Door":
            self._reset(7)
        if self.mode in ("Alarm", "Check", "Sleep", "Home") or self._critical:
            return
        if mode == "Door":
            self.say("[MSG:Check Door]")
        elif self.mode == "Door":
            return
        self._jog_ends = self._jog_ends or self.mode == "Jog"
        if self.mode != "Door":
            self._restored = self.router.spindle
        self.mode, self._restore_s = mode, 0.0
        self.planner.hold()
        self._settle()

    def _resume(self) -> None:
        if self.mode == "Hold" and not self.moving and not self._jog_ends:
            self._go_on()
        elif self.mode == "Door" and self._door_state() == 0:
            turned = self._restored != "M5" and self.knobs.moves_take_time
            self._restore_s = SPINDLE_UP_S if turned else 0.0
            self.router.spindle = self._restored
            if not self._restore_s:
                self._go_on()

    def _go_on(self) -> None:
        self.mode = "Idle"
        self.router.paused = False
        self.planner.resume()

    def _door_state(self) -> int:
        """0 closed, 1 open and standing, 2 slowing down, 3 starting again."""
        if self._restore_s:
            return 3
        return 2 if self.moving else int(self._door_open)

    def _settle(self) -> None:
        """What happens once the machine stands after a hold, or its jog has ended."""
        if self.mode == "Jog" and self.planner.empty:
            self.mode = "Idle"
        if self.mode not in ("Hold", "Door") or self.moving:
            return
        if self._jog_ends:
            self._jog_ends = False
            self.router.stop_here()
            self.mode = "Idle" if self.mode == "Hold" else self.mode
        if self.mode == "Door" and not self._restore_s:
            self.router.spindle = "M5"

    # Lines

    def _work(self) -> None:
        while not self._critical:
            self._answer_status()
            if self.mode in _SUSPENDED and not (self.mode == "Home" and self._job):
                return
            if self._job is None:
                if not self._may_go_on() or (line := self._next_line()) is None:
                    return
                self._job = self._execute(line)
            try:
                next(self._job)
                return  # not done
            except StopIteration:
                self._job = None
            if self.then is not None:
                then, self.then = self.then, None
                then()

    def _may_go_on(self) -> bool:
        if self.knobs.lines_per_tick and self._rx:
            self._allowance -= b"\n" in self._rx
            return self._allowance >= 0
        return True

    def _next_line(self) -> bytes | None:
        """protocol_main_loop: characters leave the receive buffer until a line is complete."""
        if not self._rx:
            return None
        line, end, self._rx = self._rx.partition(b"\n")
        line = self._line + line
        if not end:
            self._line = line
            return None
        self._line = b""
        return line

    def _execute(self, line: bytes) -> Iterator[None]:
        if b"(" in line or b";" in line:
            line = _COMMENT.sub(b"", line)
        text = line.translate(None, _THROWN_AWAY).upper().decode("ascii", "replace")
        try:
            if len(text) > LONGEST_LINE:
                raise Refused(11)
            if text.startswith("$"):
                yield from grbl_system.execute(self, text)
                self.say("ok")
            elif text:
                yield from self._gcode(text, line)
            else:
                self.say("ok")
            self._refused = 0
        except Refused as refused:
            self._refused = refused.number if self.knobs.grblhal else 0
            self.say(f"error:{refused.number}")
        except Alarm as alarm:
            self._alarm(alarm.number)

    def _gcode(self, text: str, line: bytes) -> Iterator[None]:
        if self.mode in ("Alarm", "Jog"):
            raise Refused(9)
        if self._refused:
            raise Refused(self._refused)  # grblHAL: until a `$` command or an empty line
        check = self.mode == "Check"
        if not check and self._strikes():
            return
        if self.mode in _SUSPENDED:
            yield  # protocol_execute_realtime suspends before the line is executed
        yield from self.router.run(text, check=check)
        yield from self._pause()
        if not check:
            self.executed.append(line.strip().decode("ascii", "replace"))
        self._pass_remarks()
        if check or not self.executed or len(self.executed) != self.knobs.lost_ok_at_line:
            self.say("ok")

    def _pause(self) -> Iterator[None]:
        """M0: a hold until somebody starts the cycle again."""
        if self.router.paused:
            self.mode = "Hold"
        while self.router.paused:
            yield

    def _pass_remarks(self) -> None:
        """What comes before the `ok`."""
        if self.router.ended:
            self.router.ended = False
            self.say("[MSG:Pgm End]")
        at_line = self.knobs.garbage_at_line
        if at_line and len(self.executed) == at_line and self.mode != "Check":
            self._utter(b"\xf0\x91\r\n")

    def _strikes(self) -> bool:
        """What the knobs want to go wrong at this line has gone wrong, once; True: not executed."""
        number, knobs = len(self.executed) + 1, self.knobs
        for kind, at_line in (
            ("drop", knobs.drop_at_line), ("door", knobs.door_at_line),
            ("error", knobs.error_at_line), ("limit", knobs.limit_at_line),
            ("reset", knobs.reset_at_line),
        ):  # fmt: skip
            if number == at_line and kind not in self._struck:
                self._struck.add(kind)
                return self._strike(kind)
        return False

    def _strike(self, kind: str) -> bool:
        if kind == "drop":
            self.pull_cable()
            return False
        if kind == "door":
            self.open_door()
            self._door_s = DOOR_OPEN_S
            return False
        if kind == "error":
            raise Refused(20)
        if kind == "limit":
            raise Alarm(1)
        self.router.forget()
        self._boot("Idle")
        self.say(banner(grblhal=self.knobs.grblhal))
        return True

    def _alarm(self, number: int) -> None:
        """Everything stops and is off; after a limit nothing but a reset is heard."""
        self.router.switch_off()
        self.router.stop_here()
        self.mode = "Alarm"
        self.say(f"ALARM:{number}")
        if number in (1, 2):
            self._critical = True
            self.say("[MSG:Reset to continue]")

    # What time does

    def _begin_tick(self) -> None:
        self._allowance = self.knobs.lines_per_tick

    def _busy_s(self) -> float:
        timers = (self.router.dwell_s, self._wait_s, self._door_s, self._restore_s)
        next_s = min((self.planner.next_s, *(t for t in timers if t > 0)))
        slow = self.limited and self.knobs.lines_per_tick and self._rx
        return min(next_s, SLOW_TICK_S) if slow else next_s

    def _advance(self, seconds: float) -> None:
        self.planner.advance(seconds)
        if self.mode not in ("Hold", "Door"):
            self.router.dwell_s = max(self.router.dwell_s - seconds, 0.0)
        self._wait_s = max(self._wait_s - seconds, 0.0)
        if self._door_s:
            self._door_s = max(self._door_s - seconds, 0.0)
            if not self._door_s:
                self.close_door()
        if self._restore_s:
            self._restore_s = max(self._restore_s - seconds, 0.0)
            if not self._restore_s and self.mode == "Door":
                self._go_on()
        self._settle()
