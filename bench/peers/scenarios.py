"""Who streams what over which wire, and one round of it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bench.peers import programs
from bench.peers.machine import Machine, Measured, Wire
from bench.peers.sender import PeerMissing, Sender

RUN_S = 30.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One wire, and how many moves each sender gets: a run lasts seconds, rates need no more."""

    name: str
    kind: str
    wire: Wire
    moves: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Run:
    """One sender's run: what the machine measured, and the CPU time of the sender's process."""

    measured: Measured
    cpu_s: float

    @property
    def cpu_s_per_100k(self) -> float:
        """Of all lines that were streamed: also those that a router first had to check ($C)."""
        streamed = self.measured.executed + self.measured.checked
        return self.cpu_s / max(streamed, 1) * 1e5


# A line takes a real Marlin on an ATmega2560 5.1 ms: 196 lines/s at 115200 baud, whoever sends
# (measured on the emulated chip).
AVR = Wire(baud=115_200, line_us=5100)
SLOW = dict.fromkeys(("ours", "octoprint", "printcore", "cncjs", "C ping-pong"), 700)
FAST = {
    "ours": 40_000, "octoprint": 10_000, "printcore": 2000, "cncjs": 6000,
    "pyserial ping-pong": 8000, "C ping-pong": 20_000,
}  # fmt: skip
NUMBERED = ("ours", "octoprint", "printcore")  # those that can repair a damaged line
ROUTED = ("ours", "cncjs", "grbl-streamer")

SCENARIOS = (
    Scenario("no limit", "marlin", Wire(), FAST),
    Scenario("1 ms later", "marlin", Wire(latency_us=1000), {**SLOW, "ours": 5000}),
    Scenario("250000 baud", "marlin", Wire(baud=250_000), dict.fromkeys(SLOW, 1000)),
    Scenario(
        "115200 baud", "marlin", Wire(baud=115_200), {**SLOW, "ours": 1500, "octoprint": 1500}
    ),
    Scenario(
        "115200, 1 % bad", "marlin", Wire(baud=115_200, bad=0.01), {k: SLOW[k] for k in NUMBERED}
    ),
    Scenario("AVR, 115200 baud", "marlin", AVR, dict.fromkeys(("ours", "octoprint"), 600)),
    Scenario("AVR, 115200, 1 % bad", "marlin", replace(AVR, bad=0.01), {"ours": 600}),
    Scenario("AVR, 115200, 5 % bad", "marlin", replace(AVR, bad=0.05), {"ours": 600}),
    Scenario(
        "no limit, 1 % bad", "marlin", Wire(bad=0.01), {k: FAST[k] // 2 for k in NUMBERED}
    ),
    Scenario(
        "no limit", "grbl", Wire(),
        {"ours": 100_000, "cncjs": 30_000, "grbl-streamer": 15_000, "pyserial ping-pong": 10_000,
         "C ping-pong": 15_000},
    ),
    Scenario("1 ms later", "grbl", Wire(latency_us=1000), dict.fromkeys(ROUTED, 3000)),
    Scenario("115200 baud", "grbl", Wire(baud=115_200), dict.fromkeys(ROUTED, 800)),
)  # fmt: skip


class Floor:
    """Where runs happen: a folder, the compiled firmware, and the senders that could be started."""

    def __init__(self, folder: Path, firmware: Path, senders: Mapping[tuple[str, str], Sender]):
        self._folder, self._firmware, self._senders = folder, firmware, senders
        self.ports = folder / "ports"
        self.ports.mkdir(exist_ok=True)
        self._ports_used = 0

    def program(self, kind: str, moves: int) -> Path:
        """A file of so many moves for such a machine, written once."""
        path = self._folder / f"{kind}-{moves}.gcode"
        if not path.exists():
            lines = programs.printed(moves) if kind == "marlin" else programs.milled(moves)
            programs.write(path, lines)
        return path

    def machine(self, kind: str, program: Path, wire: Wire) -> tuple[Machine, Path]:
        """A machine that nobody has met, at a port that nobody has used."""
        self._ports_used += 1
        port = self.ports / f"tty{self._ports_used}"
        return Machine(self._firmware, kind, program, port, wire), port

    def run(self, scenario: Scenario, name: str, *, seed: int) -> Run:
        """One run. PeerMissing: it could not be measured, and why."""
        if (sender := self._senders.get((name, scenario.kind))) is None:
            raise PeerMissing("it could not be started, see above")
        wire = scenario.wire
        program = self.program(scenario.kind, scenario.moves[name])
        spoiled = replace(wire, seed=seed)
        machine, port = self.machine(scenario.kind, program, spoiled)
        with machine:
            try:
                sender.open(port, wire.baud, program)
                before_s = sender.cpu_s()
                sender.go()
                done = machine.wait_done(RUN_S)
                if done:
                    sender.finish()
                cpu_s = sender.cpu_s() - before_s
            except (OSError, RuntimeError) as problem:
                raise PeerMissing(f"{type(problem).__name__}: {problem}") from problem
            finally:
                with suppress(OSError, RuntimeError):
                    sender.close()
            measured = machine.stop()
        if not done:
            raise PeerMissing(f"{measured.executed} of {measured.moves} moves in {RUN_S:.0f} s")
        return Run(measured, cpu_s)


@dataclass(frozen=True, slots=True)
class Result:
    """All rounds of one sender in one scenario; what is asked of it is a median."""

    runs: tuple[Run, ...]

    def median(self, of: Callable[[Run], float]) -> float:
        return median(of(run) for run in self.runs)

    @property
    def lines_per_s(self) -> float:
        return self.median(lambda run: run.measured.lines_per_s)

    @property
    def bytes_per_s(self) -> float:
        return self.median(lambda run: run.measured.bytes_per_s)

    @property
    def cpu_s_per_100k(self) -> float:
        return self.median(lambda run: run.cpu_s_per_100k)

    @property
    def once_in_order(self) -> bool:
        return all(run.measured.once_in_order for run in self.runs)
