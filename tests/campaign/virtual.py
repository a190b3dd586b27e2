"""The same promises without a process or a clock: driver, wire and simulated firmware in memory.

A seed decides program, noise, what the firmware does, and when a person holds, resumes or aborts.
Time passes only while the driver waits, so thousands of runs take seconds, and every one is
exactly repeated by its seed.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from commons.errors import FabError, MachineError
from commons.machine import Driver
from fab_agent.gcode.program import Estimate, GcodeProgram
from fab_agent.machines.driver import (
    Control,
    Evidence,
    Held,
    MachineDriver,
    MachineEvent,
    Outcome,
    Progress,
)
from fab_agent.machines.firmware.grbl import SimulatedGrbl
from fab_agent.machines.firmware.grbl_knobs import GrblKnobs
from fab_agent.machines.firmware.marlin import SimulatedMarlin
from fab_agent.machines.firmware.marlin_knobs import MarlinKnobs
from fab_agent.machines.firmware.wire import Wire
from fab_agent.machines.grbl_driver import GrblDriver
from fab_agent.machines.marlin_driver import MarlinDriver
from tests.campaign.programs import process_of, profile_of, program_of
from tests.campaign.verdict import is_in_order

LONGEST_MARK = 16
MARKS = (b"start\n", b"Grbl ", b"ALARM:", b"kill() called")
# The longest program takes two minutes with its heating.
TOO_LONG_S = 600.0
# … and is three thousand bytes long, resent again and again or not.
TOO_MUCH = 300_000
Simulated = SimulatedMarlin | SimulatedGrbl


class Stuck(Exception):
    """It has taken so long that nobody would wait any more."""


@dataclass
class Watched:
    """A machine that gives up when somebody has waited or sent for too long."""

    machine: Simulated
    program: frozenset[str]
    passed_s: float = 0.0
    got: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.machine, name)

    @property
    def moves(self) -> set[str]:
        """The lines of the program that are never part of making a machine safe."""
        return {line for line in self.program if line.startswith("G1 X2")}

    @property
    def is_safe(self) -> bool:
        machine = self.machine
        return machine.heaters_off if isinstance(machine, SimulatedMarlin) else machine.spindle_off

    @property
    def lines(self) -> list[str]:
        """What it executed of the program."""
        return [line for line in self.executed if line in self.program]

    def feed(self, data: bytes) -> bytes:
        self.got += len(data)
        if self.got > TOO_MUCH:
            raise Stuck
        return self.machine.feed(data)

    def tick(self, seconds: float) -> bytes:
        self.passed_s += seconds
        if self.passed_s > TOO_LONG_S:
            raise Stuck
        return self.machine.tick(seconds)


class Overheard(Wire):
    """A wire that knows what was sent after its reader had been told that all is over."""

    def __init__(self, watched: Watched, *, read_size: int) -> None:
        super().__init__(watched, read_size=read_size)
        self._watched, self._heard, self._is_over = watched, b"", False
        self.sent_after: list[str] = []

    def read(self, timeout: float) -> bytes:
        data = super().read(timeout)
        self._heard = self._heard[-LONGEST_MARK:] + data
        began = bool(self._watched.lines)
        self._is_over = self._is_over or (began and any(mark in self._heard for mark in MARKS))
        return data

    def write(self, data: bytes) -> None:
        if self._is_over:
            said = [_bare(line) for line in data.decode("ascii", "replace").splitlines()]
            self.sent_after += [line for line in said if line in self._watched.moves]
        super().write(data)


def _bare(line: str) -> str:
    """The command in a line, without Marlin's number and checksum."""
    return re.sub(r"^N\d+ ?|\*\d+$", "", line)


class Person:
    """Holds, resumes and aborts: each wish once so many lines are done, or a while after the last.
    A machine that holds by itself, for its door is open, is resumed after a while.

    `last` is what the run told of its progress.
    """

    def __init__(self, wishes: list[tuple[int, Control]]) -> None:
        self._wishes, self._looks = wishes, 0
        self.last = Progress(0, 0, 0)

    def report(self, event: MachineEvent) -> None:
        if isinstance(event, Progress):
            self.last = event
        elif isinstance(event, Held) and not (self._wishes and self._wishes[0][0] == 0):
            self._wishes.insert(0, (0, Control.RESUME))  # the door: it is closed again by then
            self._looks = 0

    def controls(self) -> Control | None:
        self._looks += 1
        if not self._wishes:
            return None
        at, wish = self._wishes[0]
        if self.last.lines_done < at or (not at and self._looks < LATER):
            return None
        self._looks = 0
        self._wishes.pop(0)
        return wish


# How often recovery looks at a machine that runs on, s.
LOOK_S = 2.0
# Looks between a hold and what follows it, longer than a door stays open.
LATER = 1500


def play(seed: int, folder: Path) -> list[str]:
    """The promises that were broken in the run of this seed, in a sentence each."""
    random = Random(f"virtual {seed}")
    kind = random.choice((Driver.MARLIN, Driver.GRBL))
    lines = [
        line.replace("S180", "S35").replace("M190 S40", "M190 S25")  # heating is most of the time
        for line in program_of(process_of(kind), random.randint(14, 60))
    ]
    simulated = _machine(random, kind, len(lines))
    watched = Watched(simulated, frozenset(lines))
    wire = Overheard(watched, read_size=random.choice((1, 7, 64, 4096)))
    person = Person(_wishes(random, len(lines)))
    driver = _driver(kind, wire)
    try:
        end = driver.run(
            _program(lines, kind, folder),
            attempt="a1",
            report=person.report,
            controls=person.controls,
        )
        outcome, sentence = end.outcome, "a person aborted it"
    except Stuck:
        return [f"no end: {len(watched.lines)} of {len(lines)} lines in {watched.passed_s:.0f} s"]
    except FabError as error:
        outcome, sentence = Outcome.ABORTED, str(error)
    broken = _judge(watched, lines, outcome, sentence, person) + _rescue(watched, kind)
    return broken + [f"'{line}' was sent after it had given up" for line in wire.sent_after]


def _judge(
    watched: Watched, lines: list[str], outcome: Outcome, sentence: str, person: Person
) -> list[str]:
    broken, executed = [], watched.lines
    knobs, finished = watched.machine.knobs, outcome is Outcome.FINISHED
    gave_up = isinstance(knobs, GrblKnobs) and (knobs.reset_at_line or knobs.error_at_line)
    if not is_in_order(lines, executed, may_skip=bool(gave_up) and not finished):
        broken.append(f"executed out of order: {executed}")
    if outcome is Outcome.FINISHED and executed != lines:
        broken.append(f"finished after {len(executed)} of {len(lines)} lines")
    if outcome is Outcome.FINISHED and not watched.is_safe:
        broken.append("finished, and heaters or spindle are on")
    if not sentence:
        broken.append("ended without a sentence")
    told = person.last
    if not told.lines_done <= len(executed):
        broken.append(f"told {told.lines_done} lines done, {len(executed)} were executed")
    if told.lines_sent < len(executed):
        broken.append(f"told {told.lines_sent} lines sent, {len(executed)} were executed")
    return broken


def _rescue(watched: Watched, kind: Driver) -> list[str]:
    """What the next process does: it opens the port anew and makes the machine safe."""
    if watched.is_safe:
        return []
    if not watched.dropped:
        return ["heaters or spindle were on when the run had ended"]
    watched.passed_s, watched.got = 0.0, 0
    watched.machine.dropped = False  # a board whose opened port does not reset it: the harder case
    wire = Wire(watched)
    driver = _driver(kind, wire)
    try:
        while driver.evidence("a1", "") is Evidence.STILL_RUNNING:
            wire.read(LOOK_S)
        driver.make_safe()
    except Stuck:
        return ["after the loss of its port it is said to run for ever"]
    except MachineError as gone:
        return [f"it cannot be made safe: {gone}"]
    return [] if watched.is_safe else ["plugged in again, heaters or spindle stay on"]


def _driver(kind: Driver, wire: Wire) -> MachineDriver:
    if kind is Driver.MARLIN:
        return MarlinDriver(wire, profile_of(kind), clock=wire.clock)
    return GrblDriver(wire, profile_of(kind), clock=wire.clock)


def _program(lines: list[str], kind: Driver, folder: Path) -> GcodeProgram:
    content = "".join(f"{line}\n" for line in lines).encode()
    path = folder / f"{kind}-{len(lines)}.gcode"
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    return GcodeProgram(path, sha256, len(lines), process_of(kind), Estimate(1.0, None))


def _machine(random: Random, kind: Driver, line_count: int) -> Simulated:
    """One to four things are unusual about it; one in three gives up somewhere."""
    odd, ends = (_MARLIN, _MARLIN_ENDS) if kind is Driver.MARLIN else (_GRBL, _GRBL_ENDS)
    chosen = {name: random.choice(odd[name]) for name in random.sample(sorted(odd), 3)}
    if random.random() < 0.33:
        name = random.choice(ends)
        chosen[name] = random.randint(1, line_count) if name.endswith("line") else True
    if kind is Driver.MARLIN:
        return SimulatedMarlin(
            MarlinKnobs(moves_take_time=True, seed=random.getrandbits(32), **chosen)
        )
    return SimulatedGrbl(GrblKnobs(moves_take_time=True, **chosen))


def _wishes(random: Random, line_count: int) -> list[tuple[int, Control]]:
    """Nobody, or somebody who holds (and resumes, or aborts while it is held), or aborts."""
    at = random.randint(1, line_count)
    return random.choice(
        (
            [],
            [],
            [(at, Control.HOLD), (0, Control.RESUME)],
            [(at, Control.HOLD), (0, Control.RESUME), (at + 3, Control.HOLD), (0, Control.RESUME)],
            [(at, Control.HOLD), (0, Control.ABORT)],
            [(at, Control.ABORT)],
        )
    )


_MARLIN: dict[str, tuple[object, ...]] = {
    "bad_line_ratio": (0.01, 0.05, 0.2),
    "resend_every": (5, 13, 40),
    "doubled_resend": (True,),
    "ok_after_resend": (False,),
    "lost_ok_every": (17, 40),
    "garbage_every": (3, 11),
    "rx_buffer": (64, 96, 256),
    "buffer_size": (2, 8),
    "planner_blocks": (4, 32),
    "advanced_ok": (True,),
    "emergency_parser": (False,),
    "autoreport": (False,),
    "echo_every": (4,),
    "wait_every_s": (1.0,),
    "second_start": (True,),
    "lines_per_tick": (1, 3),
    "acceleration_mm_s2": (500.0,),
    "baudrate": (115200, 250000),
}
_MARLIN_ENDS = ("reset_at_line", "kill_at_line", "drop_at_line", "heater_fails",
                "heater_runs_away", "homing_fails")  # fmt: skip
# No flipped bits here: GRBL checks no line, so that what it gets need not be what was sent.
_GRBL: dict[str, tuple[object, ...]] = {
    "rx_buffer": (64, 255),
    "planner_blocks": (4, 32),
    "grblhal": (True,),
    "homing": (False,),
    "soft_limits": (False,),
    "lines_per_tick": (1, 3),
    "acceleration_mm_s2": (500.0,),
    "baudrate": (115200,),
    "garbage_at_line": (2, 11),
    "lost_ok_at_line": (3, 12),
    "door_at_line": (4, 13),
}
_GRBL_ENDS = ("reset_at_line", "limit_at_line", "error_at_line", "drop_at_line")
