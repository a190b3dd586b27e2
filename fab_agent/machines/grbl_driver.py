"""A GRBL router on a serial port."""

import time
from collections.abc import Callable

from commons.errors import MachineError, NotAllowed, TransportLost, Unavailable
from commons.machine import MachineProfile
from fab_agent.gcode.program import GcodeProgram
from fab_agent.machines import grbl
from fab_agent.machines.conversation import Conversation
from fab_agent.machines.driver import (
    Controls,
    Evidence,
    MachineIdentity,
    Report,
    RunEnd,
    Step,
)
from fab_agent.machines.grbl import GrblStream
from fab_agent.machines.grbl_answers import status_of
from fab_agent.machines.lines import ProgramLines
from fab_agent.machines.streamer import SILENCE_S, stream
from fab_agent.machines.transport import Transport

# An Arduino that restarts when its port is opened listens again after 2 s.
GREETING_S, GREETINGS = 2.0, 5
# A router at full feed stands within a second; then a reset costs no position.
STOPPING_S, STOPPING_STEP_S = 2.0, 0.2
RESET_S = 3.0


class GrblDriver:
    """One router, owned from construction to `close`."""

    def __init__(
        self,
        port: Transport,
        profile: MachineProfile,
        *,
        silence_s: float = SILENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._port, self._clock, self._silence_s = port, clock, silence_s
        self._talk = Conversation(port, clock)
        self._rx_buffer = grbl.RX_BUFFER

    def identify(self) -> MachineIdentity:
        """Version and options; `guarded` stays open, for a router has no heaters."""
        for _ in range(GREETINGS):
            answer = self._talk.ask(b"\n$I\n", until=_ends_build_info, within_s=GREETING_S)
            if answer:
                return self._identity([line.decode("ascii", "replace") for line in answer])
        raise TransportLost(
            "the machine does not answer $I: is it switched on, is it GRBL, and is the baud "
            "rate right?"
        )

    def ready(self) -> None:
        """Return when it is idle; Unavailable says what a person must do first."""
        state = self._state()
        if state == "Alarm":
            raise Unavailable(
                "the machine is in alarm: look at it, then home it ($H) or unlock it ($X) there"
            )
        if state != "Idle":
            raise Unavailable(f"the machine is busy, its state is '{state}': wait or stop it there")

    def run(
        self, program: GcodeProgram, *, attempt: str, report: Report, controls: Controls
    ) -> RunEnd:
        """Send every line once and in order; return when the machine stands still."""
        with ProgramLines(program, longest=grbl.LONGEST_LINE) as lines:
            self.ready()
            self.identify()
            self._talk.settle()
            return stream(
                GrblStream(lines, rx_buffer=self._rx_buffer),
                self._port,
                report,
                line_count=lines.count,
                make_safe=self.make_safe,
                controls=controls,
                silence_s=self._silence_s,
                clock=self._clock,
            )

    def make_safe(self) -> None:
        """Stop within the machine's own deceleration, then forget what it holds, spindle off."""
        try:
            self._port.write(grbl.HOLD)
            end = self._clock() + STOPPING_S
            while self._clock() < end and not self._stands_still():
                pass
            self._talk.ask(grbl.RESET, until=_is_banner, within_s=RESET_S)
        except MachineError:
            return  # gone: its own emergency stop is all that is left

    def operate(self, step: Step) -> str:
        """Nothing can be set up from here yet."""
        raise NotAllowed("set this machine up at its own panel")

    def evidence(self, attempt: str, program_sha256: str) -> Evidence:
        """GRBL keeps no record; only that it still moves can be seen."""
        moves = self._state() in ("Run", "Hold", "Door")
        return Evidence.STILL_RUNNING if moves else Evidence.UNKNOWN

    def close(self) -> None:
        """Let go of the port. Safe to call twice."""
        self._port.close()

    def _state(self) -> str:
        for _ in range(GREETINGS):
            if answer := self._talk.ask(grbl.STATUS, until=_is_status, within_s=GREETING_S):
                return state_of(answer[-1]) or ""
        raise TransportLost(
            "the machine does not say its state: is it switched on, is it GRBL, and is the baud "
            "rate right?"
        )

    def _stands_still(self) -> bool:
        answer = self._talk.ask(grbl.STATUS, until=_is_status, within_s=STOPPING_STEP_S)
        return bool(answer) and answer[-1].startswith((b"<Hold:0", b"<Idle", b"<Alarm", b"<Door:0"))

    def _identity(self, lines: list[str]) -> MachineIdentity:
        details = tuple(line for line in lines if line.startswith("["))
        version = next((x[5:-1] for x in details if x.startswith("[VER:")), "unknown")
        options = next((x[5:-1].split(",") for x in details if x.startswith("[OPT:")), [])
        if len(options) > 2 and options[2].isdigit():
            self._rx_buffer = int(options[2])
        return MachineIdentity(f"Grbl {version.strip(':')}", details)


def state_of(report: bytes) -> str | None:
    """The state in a status report (`<Run|MPos:…>` is "Run"); None for any other line."""
    status = status_of(report.decode("ascii", "replace"))
    return status.state if status else None


def _is_status(lines: list[bytes]) -> bool:
    return state_of(lines[-1]) is not None


def _is_banner(lines: list[bytes]) -> bool:
    return lines[-1].startswith(b"Grbl")


def _ends_build_info(lines: list[bytes]) -> bool:
    return lines[-1] == b"ok" and any(line.startswith(b"[VER:") for line in lines)
