"""Programs whose every line differs, so that what a machine executed can be told apart."""

from commons.machine import Driver, MachineProfile, Process
from tests.profiles import printer, router

_HEAD = {
    Process.FDM: ["G28", "G90", "M83", "M190 S40", "M109 S180", "G1 X10 Y10 Z0.3 F600"],
    Process.CNC: [
        "G21",
        "G90",
        "G17",
        "G0 Z5",
        "M3 S9000",
        "G4 P0.5",
        "G1 X10 Y10 Z2 F600",
        "G1 Z-1 F300",
    ],
}
_TAIL = {
    # Not as OctoPrint writes it when it cancels a print of its own accord: M140 S0, M84.
    Process.FDM: ["M104 S0", "M140 S0.0", "M18"],
    Process.CNC: ["G0 Z6", "M5", "M2"],
}
# A move a line, about 0.1 s of machine time each.
_FEED_MM_MIN = 2400


def program_of(process: Process, line_count: int) -> list[str]:
    """So many lines, no two alike: heat or spindle on, short moves, everything off."""
    head, tail = _HEAD[process], _TAIL[process]
    extrude = " E0.02" * (process is Process.FDM)
    moves = [
        f"G1 X{20 + 4 * (i % 2)}.{i:03d} Y{20 + i % 5}.{i:03d}{extrude} F{_FEED_MM_MIN}"
        for i in range(line_count - len(head) - len(tail))
    ]
    return [*head, *moves, *tail]


def profile_of(machine: Driver) -> MachineProfile:
    """The machine as its lab enrols it."""
    if machine is Driver.GRBL:
        return router(
            "Machine", envelope={"x_max_mm": 600, "y_max_mm": 400, "z_min_mm": -5, "z_max_mm": 60}
        )
    return printer("Machine", driver=machine)


def process_of(machine: Driver) -> Process:
    return profile_of(machine).process
