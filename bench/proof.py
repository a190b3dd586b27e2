"""How fast a program is proved, against the plainest loop that could read it.

Generates about a million lines as a slicer writes them, then reads the same file three ways.
"""

import json
import random
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

from commons.machine import MATERIALS, Driver, Envelope, MachineProfile, PrintLimits, Process
from fab_agent.gcode.clean import write_program
from fab_agent.gcode.proof import prove_file

LINES = 1_000_000
PRINTER = MachineProfile(
    name="bench printer",
    process=Process.FDM,
    driver=Driver.MARLIN,
    envelope=Envelope(x_max_mm=220, y_max_mm=220, z_max_mm=250),
    max_feed_mm_s=200,
    max_feed_z_mm_s=12,
    materials=("pla",),
    fdm=PrintLimits(),
)
HEAD = "G28|G90|M83|M140 S60|M190 S60|M104 S210|M109 S210|G92 E0|G1 Z0.2 F600|G1 X1 Y1 F6000"
TAIL = "M104 S0|M140 S0|M107|M84"


def program(line_count: int) -> Iterator[bytes]:
    """A print of short moves, in the mix of lines that PrusaSlicer writes."""
    dice = random.Random(7)
    yield from HEAD.encode().split(b"|")
    for number in range(line_count):
        kind = number % 20
        x, y = 100 + kind + dice.uniform(0, 0.5), 100 + dice.uniform(0, 2)
        if kind < 17:
            yield f"G1 X{x:.3f} Y{y:.3f} E{dice.uniform(0.01, 0.1):.5f}".encode()
        elif kind == 17:
            yield b"G1 E-.8 F2400"
        elif kind == 18:
            yield f"G1 X{x:.3f} Y{y:.3f} F7800".encode()
        else:
            yield b"G1 E.8 F1800"
    yield from TAIL.encode().split(b"|")


def plain_loop(path: Path) -> None:
    """Split each line, read each number, keep the position: nothing is checked."""
    here = {}
    with path.open("rb") as file:
        for line in file:
            for word in line.split():
                here[word[0]] = float(word[1:])


def seconds(action: Callable[[], object]) -> float:
    """The best of three runs: what the code costs, without its neighbours."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def peak_mb(action: Callable[[], object]) -> float:
    """Most memory that `action` holds at once."""
    tracemalloc.start()
    action()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def main() -> None:
    """Print the table and the JSON line."""
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / "program.gcode", Path(folder) / "small.gcode"
        _, count = write_program(program(LINES), path)
        write_program(program(LINES // 10), small)
        plain = count / seconds(lambda: plain_loop(path))
        proved = count / seconds(lambda: prove_file(path, PRINTER, material=MATERIALS["pla"]))
        peak = peak_mb(lambda: prove_file(small, PRINTER, material=MATERIALS["pla"]))
        size_mb = path.stat().st_size / 1e6
    print(f"{count} lines, {size_mb:.1f} MB")
    print(f"{'plain loop, nothing checked':32}{plain:12,.0f} lines/s")
    print(f"{'proof with hash':32}{proved:12,.0f} lines/s")
    print(f"{'memory of the proof':32}{peak:12.2f} MB")
    figures = {
        "lines_per_s": round(proved),
        "plain_loop_lines_per_s": round(plain),
        "peak_mb": round(peak, 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
