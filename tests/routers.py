"""A simulated router with its driver on a wire without clock, and programs for it."""

import hashlib
from pathlib import Path

from commons.machine import MachineProfile, Process
from fab_agent.gcode.program import Estimate, GcodeProgram
from fab_agent.machines.driver import MachineEvent, RunEnd
from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.wire import Wire
from fab_agent.machines.grbl_driver import GrblDriver
from fab_agent.machines.streamer import nobody
from tests.profiles import router

START = ["G21 G90 G94 G17", "G0 Z5", "M3 S10000", "G4 P1"]
END = ["G0 Z5", "M5"]
CUTS = [f"G1 X{10 + i % 40}.5 Y{20 + i % 30}.25 Z-1 F1200" for i in range(200)]
PROGRAM = [*START, *CUTS, *END]
DOWN = ["G0 X10 Y20", "G1 Z-1 F300"]
ALONG = [cut.replace(" Z-1", "") for cut in CUTS]
# What three cutters do; a program stops (M0) between two of them.
LEGS = [
    [*START, *DOWN, *ALONG[:40], "G0 Z5", "M5", "G0 Z8", "G0 X0 Y0"],
    ["G0 Z5", "M3 S9000", "G4 P1", *DOWN, *ALONG[40:60], "G0 Z5", "M5", "G0 X0 Y0"],
    ["G0 Z5", "M3 S8000", "G4 P1", *DOWN, *ALONG[60:80], *END],
]
TWO_CUTTERS = [*LEGS[0], "M0", *LEGS[1]]


class Bench:
    """One router, its wire and its driver; `settings` are stored in it before."""

    def __init__(
        self,
        knobs: GrblKnobs | None = None,
        *,
        profile: MachineProfile | None = None,
        settings: dict[int, float] | None = None,
        machine: SimulatedGrbl | None = None,
    ) -> None:
        self.machine = machine or SimulatedGrbl(knobs or GrblKnobs())
        self.machine.router.settings.update(settings or {})
        self.wire = Wire(self.machine)
        self.driver = GrblDriver(self.wire, profile or router(), clock=self.wire.clock)
        self.events: list[MachineEvent] = []

    def say(self, *lines: str) -> None:
        """Somebody else sends these lines; the answers are thrown away."""
        for line in lines:
            self.wire.write(f"{line}\n".encode())
            self.settle()
        self.wire.written.clear()

    def settle(self) -> None:
        """Let the machine say all that it has to say."""
        while self.wire.read(0.05):
            pass

    def run(self, program: GcodeProgram, controls=nobody) -> RunEnd:
        """One run; what is told is kept in `events`."""
        return self.driver.run(program, attempt="a1", report=self.events.append, controls=controls)


def program_at(
    path: Path, lines: list[str] | None = None, *, cutters_mm: tuple[float, ...] = ()
) -> GcodeProgram:
    """A program file as `write_program` leaves it."""
    lines = PROGRAM if lines is None else lines
    content = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    estimate = Estimate(1.0, None)
    return GcodeProgram(path, sha256, len(lines), Process.CNC, estimate, cutters_mm=cutters_mm)
