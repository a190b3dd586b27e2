"""The programs that everybody streams: short moves along curves, as slicers and CAM write them."""

from math import cos, pi, sin
from pathlib import Path

from commons.machine import Driver, Envelope, MachineProfile, MillLimits, PrintLimits, Process

PRINTER = MachineProfile(
    name="bench-printer",
    process=Process.FDM,
    driver=Driver.MARLIN,
    envelope=Envelope(x_max_mm=250, y_max_mm=250, z_max_mm=200),
    max_feed_mm_s=300,
    max_feed_z_mm_s=20,
    materials=("pla",),
    simulated=True,
    fdm=PrintLimits(),
)
ROUTER = MachineProfile(
    name="bench-router",
    process=Process.CNC,
    driver=Driver.GRBL,
    envelope=Envelope(x_max_mm=400, y_max_mm=400, z_min_mm=-5, z_max_mm=20),
    max_feed_mm_s=150,
    max_feed_z_mm_s=20,
    materials=("plywood",),
    simulated=True,
    cnc=MillLimits(homing=False),
)
PROFILES = {"marlin": PRINTER, "grbl": ROUTER}


def printed(moves: int) -> list[str]:
    """27 to 29 bytes a move, 38 to 41 with number and checksum, as the lines of printed curves."""
    radii = [50 + i % 20000 / 400 for i in range(moves)]
    curve = [(125 + r * cos(i / 40), 125 + r * sin(i / 40)) for i, r in enumerate(radii)]
    head = ["G28", "M104 S210", "M109 S210", "G90", "M83"]
    head += ["G0 X170.000 Y125.000 Z0.200 F1200", "G1 F6000"]
    lines = [f"G1 X{x:.3f} Y{y:.3f} E{0.03 + i % 89 / 1e4:.5f}" for i, (x, y) in enumerate(curve)]
    return [*head, *lines, "M104 S0"]


def milled(moves: int, *, segment_mm: float = 1.5, feed_mm_s: float = 60.0) -> list[str]:
    """17 bytes a move, written as our CAM does, without spaces: a circle, round and round."""
    radius, step = 30.0, 2 * pi / round(2 * pi * 30.0 / segment_mm)
    curve = [(50 + radius * cos(i * step), 50 + radius * sin(i * step)) for i in range(moves)]
    head = ["G21", "G90", "M3S10000", "G0Z5.000", "G0X80.000Y50.000", "G1Z-1.000F300"]
    feed = f"G1F{feed_mm_s * 60:.0f}"
    lines = [f"G1X{x:.3f}Y{y:.3f}" for x, y in curve]
    return [*head, feed, *lines, "G0Z5.000", "M5", "M2"]


def write(path: Path, lines: list[str]) -> Path:
    """The program's file."""
    path.write_text("".join(f"{line}\n" for line in lines))
    return path
