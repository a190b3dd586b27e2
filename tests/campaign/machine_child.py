"""A simulated machine in a process of its own, which lives on while all else is killed.

Arguments: kind, path of its port, file of its record, seconds of its own for one of ours, knobs
as JSON. It obeys words on stdin: `freeze-at-line N`, `freeze-at-resend N` (it stands still once so
many lines of all its lives were executed, or so many resends asked for, until `go`; what was said
last counts), `pull` and `plug` (the cable). Every executed line is in the record before its answer
is on the wire:

    <nanoseconds since 1970> line G1 X10
"""

import json
import os
import select
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.marlin import MarlinKnobs, SimulatedMarlin
from fab_agent.machines.firmware.pty import Pty, open_pty

MACHINES = {"marlin": (SimulatedMarlin, MarlinKnobs), "grbl": (SimulatedGrbl, GrblKnobs)}
TICK_S, READ_SIZE = 0.002, 4096
# What a controller says when the program that it had is over for good.
GAVE_UP = {b"start\n": "boot", b"Grbl ": "boot", b"ALARM:": "alarm", b"kill() called": "dead"}


class Served:
    """The machine, its record and, unless its cable is pulled, its port."""

    def __init__(self, kind: str, link: Path, record: Path, speed: float, knobs: str) -> None:
        make, knobs_of = MACHINES[kind]
        self.machine = make(knobs_of(moves_take_time=True, **json.loads(knobs)))
        self._link, self._speed = link, speed
        self._record = record.open("ab", buffering=0)
        self._recorded = self._lines_before = self._resends = 0
        self._freeze_at_line = self._freeze_at_resend = 0
        self._frozen, self._safe = False, True
        self._cable = ExitStack()
        self._pty: Pty | None = None
        self._ticked = time.monotonic()
        self._commands = b""

    def run(self) -> None:
        """Serve until stdin ends."""
        self._write("boot")
        self._plug()
        while self._obey():
            if not self._frozen:
                self._work()

    def _work(self) -> None:
        answers = b""
        if self._pty is not None:
            readable, _, _ = select.select([self._pty.machine_end], [], [], TICK_S)
            if readable:
                answers = self.machine.feed(os.read(self._pty.machine_end, READ_SIZE))
        else:
            time.sleep(TICK_S)
        passed = time.monotonic() - self._ticked
        self._ticked += passed
        answers += self.machine.tick(passed * self._speed)
        self._keep_record(answers)
        if answers and self._pty is not None:
            self._say(answers)

    def _say(self, answers: bytes) -> None:
        assert self._pty is not None
        try:
            while answers:
                answers = answers[os.write(self._pty.machine_end, answers) :]
        except BlockingIOError:
            return  # nobody reads: a UART loses it too

    def _keep_record(self, answers: bytes) -> None:
        executed = self.machine.executed
        for line in executed[self._recorded :]:
            self._write(f"line {line}")
        self._recorded = len(executed)
        for mark, word in GAVE_UP.items():
            if mark in answers:
                self._write(word)
        self._resends += answers.count(b"Resend:")
        safe = self._is_safe()
        if safe is not self._safe:
            self._safe = safe
            self._write(f"safe {safe:d}")
        if self._is_due():
            self._frozen = True
            self._freeze_at_line = self._freeze_at_resend = 0
            self._write("frozen")

    def _is_safe(self) -> bool:
        if isinstance(self.machine, SimulatedMarlin):
            return self.machine.heaters_off
        return getattr(self.machine, "spindle_off", True)

    def _is_due(self) -> bool:
        line, resend = self._freeze_at_line, self._freeze_at_resend
        return bool(line and self._recorded >= line) or bool(resend and self._resends >= resend)

    def _write(self, text: str) -> None:
        self._record.write(f"{time.time_ns()} {text}\n".encode())

    def _obey(self) -> bool:
        """Follow what stdin says; False at its end."""
        while select.select([0], [], [], TICK_S if self._frozen else 0)[0]:
            data = os.read(0, READ_SIZE)
            if not data:
                return False
            *words, self._commands = (self._commands + data).split(b"\n")
            for word in words:
                self._follow(*word.decode().split())
        return True

    def _follow(self, word: str, number: str = "0") -> None:
        if word == "freeze-at-line":
            self._freeze_at_line, self._freeze_at_resend = int(number), 0
        elif word == "freeze-at-resend":
            self._freeze_at_line, self._freeze_at_resend = 0, int(number)
        elif word == "go":
            self._frozen, self._ticked = False, time.monotonic()
        elif word == "pull":
            self._cable.close()
            self._pty = None
            self._write("pulled")
        elif word == "plug":
            self._plug()

    def _plug(self) -> None:
        if self._pty is None:
            self._pty = self._cable.enter_context(open_pty(self._link))
            self._write("plugged")


if __name__ == "__main__":
    kind, link, record, speed, knobs = sys.argv[1:]
    Served(kind, Path(link), Path(record), float(speed), knobs).run()
