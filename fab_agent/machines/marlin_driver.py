"""A Marlin printer on a serial port."""

import time
from collections.abc import Callable

from commons.errors import MachineError, NotAllowed, TransportLost, Unavailable
from commons.machine import MachineProfile
from fab_agent.gcode.program import GcodeProgram
from fab_agent.machines.conversation import READ_S, Conversation
from fab_agent.machines.driver import (
    Controls,
    Evidence,
    MachineIdentity,
    Report,
    RunEnd,
    Step,
    Temperatures,
    nobody_stops,
)
from fab_agent.machines.lines import ProgramLines
from fab_agent.machines.marlin import LONGEST_LINE, PROBE_S, MarlinStream, temperatures
from fab_agent.machines.marlin_answers import restarted
from fab_agent.machines.marlin_identity import (
    capability,
    identity_of,
    is_grbl,
    require_guarded,
    stranger,
)
from fab_agent.machines.marlin_pause import Parking
from fab_agent.machines.streamer import SILENCE_S, stream
from fab_agent.machines.transport import Transport

# A board that restarts when its port is opened takes up to 5 s until it listens.
GREETING_S, GREETINGS = 2.0, 5
# After a banner another may follow: some boards start twice when their port is opened.
CALM_S = 2.0
# Temperatures by themselves, and `busy` while something lasts, every 2 s each.
AUTOREPORT, KEEPALIVE = b"M155 S2\n", b"M113 S2\n"
# In order: leave any waiting for heat, stop now, heaters off, fan off, motors released; then the
# printer is asked how hot it is meant to be. The leading newline ends a half-sent line.
SAFE = b"\nM108\nM410\nM104 S0\nM140 S0\nM107\nM84\nM105\n"
EMERGENCY = b"\nM112\n"
# How long a silent printer is waited for, and how often so long one that is at work.
SAFE_S, SAFE_TRIES = 2.0, 4
# Made safe again within this time, it still is.
STAYS_SAFE_S = 5.0
# A thermistor that is broken or missing reads far outside of any room.
SENSOR_C = (-10.0, 400.0)


class MarlinDriver:
    """One printer, owned from construction to `close`."""

    def __init__(
        self,
        port: Transport,
        profile: MachineProfile,
        *,
        probe_s: float = PROBE_S,
        silence_s: float = SILENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._port, self._profile, self._clock = port, profile, clock
        self._probe_s, self._silence_s = probe_s, silence_s
        self._talk = Conversation(port, clock)
        self._safe_at: float | None = None  # nothing was sent since
        self._deaf = False

    def identify(self) -> MachineIdentity:
        """Firmware, capabilities, and whether it watches its heaters by itself.

        Raises:
            TransportLost: nothing answers.
            Unavailable: what answers is no Marlin printer.
        """
        for _ in range(GREETINGS):
            heard: list[bytes] = []
            answer = self._talk.ask(b"\nM115\n", until=_introduced(heard), within_s=GREETING_S)
            if any(restarted(line) for line in heard) and not any(map(is_grbl, heard)):
                self._wait_for_calm()
            elif answer:
                self._deaf = False
                return identity_of(answer)
        data = self._listen(GREETING_S)
        raise (Unavailable if data.strip() else TransportLost)(stranger(data, self._port.name))

    def ready(self) -> Temperatures:
        """Return when it answers, guards its heaters (or is attended), and its sensors are sound.

        Unavailable says what is wrong.
        """
        require_guarded(self.identify(), self._profile)
        answer = self._talk.ask(b"M105\n", until=_is_report, within_s=GREETING_S)
        report = temperatures(answer[-1]) if answer else None
        if report is None or report.hotend_c is None:
            raise Unavailable("the printer does not say how hot it is: check its firmware")
        for name, value_c in (("hotend", report.hotend_c), ("bed", report.bed_c)):
            if value_c is not None and not SENSOR_C[0] < value_c < SENSOR_C[1]:
                raise Unavailable(f"the {name} sensor reads {value_c:g} °C: check its wires")
        return report

    def run(
        self, program: GcodeProgram, *, attempt: str, report: Report, controls: Controls
    ) -> RunEnd:
        """Send every line once and in order; return when motion has ended."""
        with ProgramLines(program, longest=LONGEST_LINE) as lines:
            identity = self.identify()
            require_guarded(identity, self._profile)
            autoreports = capability(identity.details, "AUTOREPORT_TEMP") is True
            for wish in (KEEPALIVE, AUTOREPORT) if autoreports else (KEEPALIVE,):
                self._talk.ask(wish, until=_is_ok, within_s=GREETING_S)
            self._talk.settle()
            self._safe_at = None
            marlin = MarlinStream(
                lines,
                probe_s=self._probe_s,
                asks_temperatures=not autoreports,
                parking=Parking.of(self._profile),
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
        """Stop moves, heaters and fan, and see that the printer says so; else stop it for good.

        A printer that is silent is waited for once, for a few seconds; one that was just made
        safe is left in peace.
        """
        if self._safe_at is not None and self._clock() - self._safe_at < STAYS_SAFE_S:
            return
        try:
            if self._stops() or self._halts():
                self._safe_at = self._clock()
        except MachineError:
            return  # gone: its own watchdog is all that is left

    def operate(self, step: Step, *, wants_stop: Callable[[], bool] = nobody_stops) -> str:
        """A printer finds its own zero at the start of every program."""
        raise NotAllowed("a printer is not set up by hand from here: its program homes it")

    def evidence(self, attempt: str, program_sha256: str) -> Evidence:
        """Marlin keeps no record of what came over its serial line."""
        return Evidence.UNKNOWN

    def close(self) -> None:
        """Let go of the port. Safe to call twice."""
        self._port.close()

    def _wait_for_calm(self) -> None:
        """Return when no banner has come for a while."""
        while self._talk.ask(b"", until=_is_banner, within_s=CALM_S):
            pass

    def _listen(self, seconds: float) -> bytes:
        """Every byte that answers M115 within some seconds."""
        self._port.write(b"\nM115\n")
        data, end = b"", self._clock() + seconds
        while self._clock() < end:
            data += self._port.read(READ_S)
        return data

    def _stops(self) -> bool:
        """It has stopped, and its heaters are meant to be cold."""
        words, wait_s = SAFE, READ_S if self._deaf else SAFE_S
        for _ in range(SAFE_TRIES):
            heard: list[bytes] = []
            answer = self._talk.ask(words, until=_heard(heard, _is_answered), within_s=wait_s)
            if answer and _is_cold(answer[-1]):
                return True
            if not heard:
                break
            words = SAFE if answer else b""  # at work: what it was told waits in its queue
        return False

    def _halts(self) -> bool:
        """M112 goes past everything where the firmware can do that: it must be reset then."""
        wait_s, self._deaf = READ_S if self._deaf else SAFE_S, True
        return bool(self._talk.ask(EMERGENCY, until=_is_halted, within_s=wait_s))


Until = Callable[[list[bytes]], bool]


def _heard(heard: list[bytes], until: Until) -> Until:
    """`until`, and every line is kept in `heard`, also when it is never satisfied."""

    def look(lines: list[bytes]) -> bool:
        heard.append(lines[-1])
        return until(lines)

    return look


def _introduced(heard: list[bytes]) -> Until:
    def is_introduced(lines: list[bytes]) -> bool:
        named = any(b"FIRMWARE_NAME" in line for line in lines)
        return (named and _is_ok(lines)) or is_grbl(lines[-1])

    return _heard(heard, is_introduced)


def _is_ok(lines: list[bytes]) -> bool:
    return lines[-1].startswith(b"ok")


def _is_report(lines: list[bytes]) -> bool:
    return b"T:" in lines[-1]


def _is_answered(lines: list[bytes]) -> bool:
    return _is_ok(lines) and _is_report(lines)


def _is_cold(line: bytes) -> bool:
    report = temperatures(line)
    return report is not None and not (report.hotend_target_c or report.bed_target_c)


def _is_banner(lines: list[bytes]) -> bool:
    return restarted(lines[-1])


def _is_halted(lines: list[bytes]) -> bool:
    return b"halted" in lines[-1] or b"kill" in lines[-1]
