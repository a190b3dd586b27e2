"""A GRBL router on a serial port."""

import time
from collections.abc import Callable

from commons.cutters import cutter_names
from commons.errors import (
    MachineError,
    MachineFault,
    ProtocolViolation,
    TransportLost,
    Unavailable,
)
from commons.machine import MachineProfile, MillLimits
from fab_agent.gcode.program import GcodeProgram
from fab_agent.machines import grbl
from fab_agent.machines.driver import (
    Controls,
    Evidence,
    Jog,
    MachineIdentity,
    Message,
    Outcome,
    Report,
    RunEnd,
    Step,
    nobody_stops,
)
from fab_agent.machines.grbl import GrblStream
from fab_agent.machines.grbl_answers import (
    Build,
    Status,
    build_of,
    modes_of,
    offsets_of,
    settings_of,
    startup_lines,
)
from fab_agent.machines.grbl_bearings import Bearings
from fab_agent.machines.grbl_change import CutterChange
from fab_agent.machines.grbl_check import CheckStream, as_messages
from fab_agent.machines.grbl_console import ANSWER_S, RESETS, TRIES, Console, Stopped
from fab_agent.machines.grbl_rules import Situation, beyond_travel, busy, differ, lacking
from fab_agent.machines.grbl_setup import HandSetup
from fab_agent.machines.grbl_texts import stranger_text
from fab_agent.machines.lines import ProgramLines
from fab_agent.machines.streamer import SILENCE_S, stream
from fab_agent.machines.transport import Transport

# How long a router may take to stand (s): 50 mm/s at GRBL's default of 10 mm/s² is 5 s. A reset
# before it stands costs its position. One that says nothing for the shorter time is reset at once.
STOPPING_S, UNANSWERED_S = 6.0, 0.6
STOPPING_STEP_S = 0.2
# grblHAL's question for a complete report, with its homing state.
COMPLETE_STATUS = b"\x87"
# It stands, or cannot move: a reset costs no position now.
_STANDS = ("<Hold:0", "<Idle", "<Alarm", "<Door:0", "<Door:1", "<Check", "<Sleep")


class GrblDriver:
    """One router, owned from construction to `close`.

    A program is checked by the controller itself ($C) before its first run with this work
    offset; later runs of the same bytes start at once. Where it stops for another cutter nothing
    of the rest is sent before a person has resumed; the stop itself (M0) is never sent.
    """

    def __init__(
        self,
        port: Transport,
        profile: MachineProfile,
        *,
        silence_s: float = SILENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._port, self._clock, self._silence_s = port, clock, silence_s
        self._limits = profile.cnc or MillLimits()
        self._console = Console(port, clock)
        self._bearings = Bearings()
        self._setup = HandSetup(self._console, self._bearings, profile, self._look, clock)
        self._build: Build | None = None
        self._rx_buffer = grbl.RX_BUFFER
        self._checked: set[tuple[str, tuple[float, float, float]]] = set()

    def identify(self) -> MachineIdentity:
        """Version and options; `guarded` stays open, for a router has no heaters."""
        build = self._identified(tries=TRIES)
        name = "grblHAL" if build.is_hal else "Grbl"
        return MachineIdentity(f"{name} {build.version}", build.details)

    def ready(self) -> None:
        """Return when it is idle, homed and set up; Unavailable says what a person must do."""
        self._ready()

    def run(
        self, program: GcodeProgram, *, attempt: str, report: Report, controls: Controls
    ) -> RunEnd:
        """Have the controller check it, then send every line once and in order.

        Raises ProgramRefused when the check run finds something, and Unavailable when the
        program would leave the machine's travel: nothing has moved then.
        """
        with ProgramLines(program, longest=grbl.LONGEST_LINE) as lines:
            now = self._ready()
            self._size_buffer(now.status)
            key = (program.sha256, now.offset)
            if key not in self._checked:
                if why := self._beyond_travel(program, now):
                    raise Unavailable(why)
                if not self._check_run(lines, now, report, controls):
                    return RunEnd(Outcome.ABORTED, 0, 0)
                self._checked.add(key)
            self._console.settle()
            return self._run_legs(program, lines, now, report, controls)

    def make_safe(self) -> None:
        """Stop within the machine's own deceleration, then forget what it holds, spindle off."""
        try:
            self._port.write(grbl.HOLD)
            self._wait_until_it_stands()
            # The reset stops the spindle; $G says whether it did, and is answered in alarm, too.
            for _ in range(RESETS):
                if not self._console.reset() or "M5" in (self._modes() or ()):
                    return
        except MachineError:
            return  # gone: its own emergency stop is all that is left

    def operate(self, step: Step, *, wants_stop: Callable[[], bool] = nobody_stops) -> str:
        """Home, unlock, jog or set zero; raises as the protocol says."""
        self._console.wants_stop = wants_stop
        try:
            return self._setup.operate(step)
        except Stopped:
            self._console.wants_stop = nobody_stops
            self._port.write(grbl.JOG_CANCEL if isinstance(step, Jog) else grbl.RESET)
            self.make_safe()
            raise
        finally:
            self._console.wants_stop = nobody_stops
            self._take_note()

    def evidence(self, attempt: str, program_sha256: str) -> Evidence:
        """GRBL keeps no record; only that it still moves can be seen.

        One that is held does not move, and nobody is left who would send it the rest: waiting
        for its end would leave the spindle on for ever.
        """
        moves = self._status().state == "Run"
        return Evidence.STILL_RUNNING if moves else Evidence.UNKNOWN

    def close(self) -> None:
        """Let go of the port. Safe to call twice."""
        self._port.close()

    def _ready(self) -> Situation:
        """How things are, when they are as a start needs them."""
        status = self._status()
        if why := busy(status, self._console.alarm):
            raise Unavailable(why)
        now = self._look()
        if why := self._lacking(now):
            raise Unavailable(why)
        return now

    def _lacking(self, now: Situation) -> str | None:
        """Why an idle machine must not start; None when it may."""
        lost = self._bearings.lost_for(homing=self._limits.homing)
        return lacking(now, self._limits, lost=lost)

    def _status(self) -> Status:
        """Its state; whoever is no GRBL is named."""
        status = self._console.status()
        if status is None:
            self._identified(tries=1)
            raise TransportLost(
                "the machine does not say its state: if a limit switch was hit, free the axis "
                "and unlock it; is the baud rate right?"
            )
        self._take_note(status)
        return status

    def _take_note(self, status: Status | None = None) -> None:
        """Remember whether it was locked or started anew, and so no longer knows its place."""
        if (status and status.state == "Alarm") or self._restarted_without_switches():
            self._bearings.lose()
        elif status and status.state == "Idle":
            self._console.alarm = None

    def _restarted_without_switches(self) -> bool:
        """With switches GRBL locks itself when it has lost its place; without, it says nothing."""
        restarted, self._console.restarted = self._console.restarted, False
        return restarted and not self._limits.homing

    def _identified(self, *, tries: int) -> Build:
        if self._build is not None:
            return self._build
        for _ in range(tries):
            answer = self._console.ask(b"\n$I\n", until=_ends_build_info, within_s=ANSWER_S)
            build = build_of(answer or ())
            if build is not None and build.number >= (1, 1):
                self._build = build
                self._console.settle()
                return build
        said = self._console.heard
        lines = [line.decode("ascii", "replace").strip() for line in said.splitlines()]
        raise (ProtocolViolation if said else TransportLost)(stranger_text(lines, said))

    def _look(self) -> Situation:
        """All that an idle or locked machine says of itself."""
        build = self._identified(tries=TRIES)
        ask = self._console.command
        settings = settings_of(ask("$$", wanted="$"))
        offsets = offsets_of(ask("$#", wanted="[G54"), unit_mm=settings.unit_mm)
        modes = self._modes()
        startup = startup_lines(ask("$N"))
        status = self._console.status(COMPLETE_STATUS, tries=1) if build.is_hal else None
        status = status or self._console.status()
        if offsets is None or modes is None or status is None:
            raise ProtocolViolation(
                "the machine does not say its offsets, modes and state as GRBL does: is it GRBL "
                "1.1, is the cable sound?"
            )
        self._take_note(status)
        return Situation(status, build, settings, offsets, modes, startup)

    def _modes(self) -> frozenset[str] | None:
        return modes_of(self._console.command("$G", wanted="[GC:"))

    def _size_buffer(self, status: Status) -> None:
        """Learn how many bytes the controller can hold, from $I or else from an idle report."""
        told = self._build.rx_buffer if self._build else None
        free = status.fields.get("Bf", "").partition(",")[2]
        self._rx_buffer = told or (int(free) if free.isdigit() else 0) or grbl.RX_BUFFER

    def _beyond_travel(self, program: GcodeProgram, now: Situation) -> str | None:
        """Why the program, where zero is now, would leave the travel; None when it does not."""
        travel = now.settings.travel(now.build)
        if not self._limits.homing or travel is None or not (program.low and program.high):
            return None  # the controller's soft limits judge it in the check run
        return beyond_travel(program.low, program.high, now.offset, travel)

    def _run_legs(
        self,
        program: GcodeProgram,
        lines: ProgramLines,
        start: Situation,
        report: Report,
        controls: Controls,
    ) -> RunEnd:
        """Run what lies before, between and behind the stops for another cutter."""
        number, (first, last) = 0, lines.legs[0]
        while True:
            job = GrblStream(lines, rx_buffer=self._rx_buffer, first=first, end=last)
            end = self._stream(job, lines.count, report, controls)
            number += 1
            if end.outcome is not Outcome.FINISHED or number == len(lines.legs):
                return end
            if not self._change_cutter(program, number, start, report, controls):
                return RunEnd(Outcome.ABORTED, end.lines_sent, end.lines_done)
            first, last = lines.legs[number]

    def _change_cutter(
        self,
        program: GcodeProgram,
        number: int,
        start: Situation,
        report: Report,
        controls: Controls,
    ) -> bool:
        """A person has changed the cutter and resumed; False when they gave up.

        Unless they have resumed the machine is made safe on the way out, whatever the way.
        """
        stop = CutterChange(
            cutter_names(program.cutters_mm, program.cutter_shapes)[number],
            start.offset,
            console=self._console,
            look=self._look,
            lacking=lambda now: self._lacking(now) or self._beyond_travel(program, now),
            operate=lambda step, wants_stop: self.operate(step, wants_stop=wants_stop),
            resume=lambda: self._port.write(grbl.RESUME),
            report=report,
        )
        resumed = False
        try:
            resumed = stop.wait(controls, silence_s=self._silence_s, clock=self._clock)
        finally:
            if stop.lost:
                self._bearings.lose()
            if not resumed:
                self._port.discard()
                self.make_safe()
        return resumed

    def _check_run(
        self, lines: ProgramLines, before: Situation, report: Report, controls: Controls
    ) -> bool:
        """The controller has read every line and found it good; False when a person gave up."""
        report(Message("check run: the controller reads the program, nothing moves"))
        self._console.command("$C", wanted="[MSG:Enabled")
        status = self._status()
        if status.state != "Check":
            self.make_safe()
            raise MachineFault(f"the machine did not enter check mode, it says '{status.state}'")
        tell = as_messages(report)
        for first, last in lines.legs:
            job = CheckStream(lines, rx_buffer=self._rx_buffer, first=first, end=last)
            end = self._stream(job, lines.count, tell, controls)
            if end.outcome is not Outcome.FINISHED:
                return False
        self._leave_check(before)
        report(Message("check run: every line is good"))
        return True

    def _leave_check(self, before: Situation) -> None:
        """Out of check mode, which restarts the controller; place and offsets are as before."""
        left = self._console.ask(b"$C\n", until=_is_banner, within_s=ANSWER_S)
        self._console.restarted = False  # that was us
        if left is None:
            self.make_safe()
        now = self._ready()
        if differ(now.position, before.position) or differ(now.offset, before.offset):
            raise MachineFault(
                f"after the check run the machine {now.where()}, before it "
                f"{before.where().removeprefix('stands ')}: set zero again"
            )

    def _stream(self, job: GrblStream, count: int, report: Report, controls: Controls) -> RunEnd:
        try:
            return stream(
                job,
                self._port,
                report,
                line_count=count,
                make_safe=self.make_safe,
                controls=controls,
                silence_s=self._silence_s,
                clock=self._clock,
            )
        finally:
            if job.lost:
                self._bearings.lose()

    def _wait_until_it_stands(self) -> None:
        end = heard = self._clock()
        end += STOPPING_S
        while (now := self._clock()) < end and now - heard < UNANSWERED_S:
            answer = self._console.ask(
                grbl.STATUS, until=lambda lines: lines[-1].startswith("<"), within_s=STOPPING_STEP_S
            )
            if answer is not None:
                heard = self._clock()
                if answer[-1].startswith(_STANDS):
                    return
                self._console.listen(STOPPING_STEP_S)


def _is_banner(lines: list[str]) -> bool:
    return lines[-1].startswith("Grbl")


def _ends_build_info(lines: list[str]) -> bool:
    return lines[-1] == "ok" and any(line.startswith("[VER:") for line in lines)
