"""A Marlin printer on a serial port."""

import re
import time
from collections.abc import Callable

from commons.errors import MachineError, NotAllowed, TransportLost, Unavailable
from fab_agent.gcode.program import GcodeProgram
from fab_agent.machines.conversation import Conversation
from fab_agent.machines.driver import (
    Controls,
    Evidence,
    MachineIdentity,
    Report,
    RunEnd,
    Step,
)
from fab_agent.machines.lines import ProgramLines
from fab_agent.machines.marlin import LONGEST_LINE, PROBE_S, MarlinStream, temperatures
from fab_agent.machines.streamer import SILENCE_S, stream
from fab_agent.machines.transport import Transport

# A board that restarts when its port is opened takes up to 5 s until it listens.
GREETING_S, GREETINGS = 2.0, 5
AUTOREPORT = b"M155 S2\n"
# In order: leave any waiting for heat, stop now, heaters off, fan off, motors released. The
# leading newline ends a half-sent line.
SAFE = b"\nM108\nM410\nM104 S0\nM140 S0\nM107\nM84\nM115\n"
SAFE_S = 10.0
# A thermistor that is broken or missing reads far outside of any room.
SENSOR_C = (-10.0, 400.0)
_FIRMWARE = re.compile(r"FIRMWARE_NAME:\s*(.*?)\s*(?:[A-Z_]+:|$)")


class MarlinDriver:
    """One printer, owned from construction to `close`."""

    def __init__(
        self,
        port: Transport,
        *,
        probe_s: float = PROBE_S,
        silence_s: float = SILENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._port, self._clock = port, clock
        self._probe_s, self._silence_s = probe_s, silence_s
        self._talk = Conversation(port, clock)
        self._autoreports = False

    def identify(self) -> MachineIdentity:
        """Firmware, capabilities, and whether it watches its heaters by itself."""
        for _ in range(GREETINGS):
            answer = self._talk.ask(
                b"\nM115\n", until=_is_ok_after(b"FIRMWARE_NAME"), within_s=GREETING_S
            )
            if answer:
                return self._identity([line.decode("ascii", "replace") for line in answer])
        raise TransportLost(
            "the printer does not answer M115: is it switched on, is it Marlin, and is the "
            "baud rate right?"
        )

    def ready(self) -> None:
        """Return when it answers and its sensors are sound; Unavailable says what is wrong."""
        self.identify()
        answer = self._talk.ask(
            b"M105\n", until=lambda lines: b"T:" in lines[-1], within_s=GREETING_S
        )
        report = temperatures(answer[-1]) if answer else None
        if report is None or report.hotend_c is None:
            raise Unavailable("the printer does not say how hot it is: check its firmware")
        for name, value_c in (("hotend", report.hotend_c), ("bed", report.bed_c)):
            if value_c is not None and not SENSOR_C[0] < value_c < SENSOR_C[1]:
                raise Unavailable(f"the {name} sensor reads {value_c:g} °C: check its wires")

    def run(
        self, program: GcodeProgram, *, attempt: str, report: Report, controls: Controls
    ) -> RunEnd:
        """Send every line once and in order; return when motion has ended."""
        with ProgramLines(program, longest=LONGEST_LINE) as lines:
            self.identify()
            if self._autoreports:
                self._talk.ask(AUTOREPORT, until=_is_ok, within_s=GREETING_S)
            self._talk.settle()
            marlin = MarlinStream(
                lines, probe_s=self._probe_s, asks_temperatures=not self._autoreports
            )
            return stream(
                marlin,
                self._port,
                report,
                line_count=lines.count,
                make_safe=self.make_safe,
                controls=controls,
                silence_s=self._silence_s,
                clock=self._clock,
            )

    def make_safe(self) -> None:
        """Stop moves, heaters and fan, and wait until the printer says it has heard."""
        try:
            self._talk.ask(SAFE, until=_is_ok_after(b"FIRMWARE_NAME"), within_s=SAFE_S)
        except MachineError:
            return  # gone: its own watchdog is all that is left

    def operate(self, step: Step) -> str:
        """A printer finds its own zero at the start of every program."""
        raise NotAllowed("a printer is not set up by hand from here: its program homes it")

    def evidence(self, attempt: str, program_sha256: str) -> Evidence:
        """Marlin keeps no record of what came over its serial line."""
        return Evidence.UNKNOWN

    def close(self) -> None:
        """Let go of the port. Safe to call twice."""
        self._port.close()

    def _identity(self, lines: list[str]) -> MachineIdentity:
        name = next((m[1] for line in lines if (m := _FIRMWARE.search(line))), "Marlin")
        capabilities = dict(
            line.removeprefix("Cap:").rsplit(":", 1) for line in lines if line.count(":") == 2
        )
        self._autoreports = capabilities.get("AUTOREPORT_TEMP") == "1"
        guard = capabilities.get("THERMAL_PROTECTION")
        details = tuple(line for line in lines if line.startswith("Cap:"))
        return MachineIdentity(name, details, None if guard is None else guard == "1")


def _is_ok(lines: list[bytes]) -> bool:
    return lines[-1].startswith(b"ok")


def _is_ok_after(marker: bytes) -> Callable[[list[bytes]], bool]:
    return lambda lines: _is_ok(lines) and any(marker in line for line in lines)
