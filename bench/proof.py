"""How fast a program is proved, how much memory that takes, and whether the verdicts are right.

A million lines as a slicer writes them are read three ways, in time of one core; a 2 GB program is
proved in a process of its own, whose peak of memory is the kernel's figure; the corpus of hostile
and of real programs (tests/corpus) is judged to the last one. `--quick`: 200 MB, a few real ones.
"""

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from commons.machine import MATERIALS, Driver, Envelope, MachineProfile, PrintLimits, Process
from fab_agent.gcode.clean import write_program
from fab_agent.gcode.proof import prove_file
from tests.corpus.__main__ import KEPT, shares
from tests.corpus.real import QUICK, RECIPES

LINES = 1_000_000
BLOCK = 10_000
BIG_BYTES, QUICK_BYTES = 2 * 10**9, 2 * 10**8
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


def middle(line_count: int, decimals: int = 3) -> Iterator[bytes]:
    """Short moves, in the mix of lines that PrusaSlicer writes."""
    dice = random.Random(7)
    for number in range(line_count):
        kind = number % 20
        x, y = 100 + kind / 5 + dice.uniform(0, 0.1), 100 + dice.uniform(0, 0.3)
        place = f"X{x:.{decimals}f} Y{y:.{decimals}f}"
        if kind < 17:
            yield f"G1 {place} E{dice.uniform(0.003, 0.03):.{decimals + 2}f}".encode()
        elif kind == 17:
            yield b"G1 E-.8 F2400"
        elif kind == 18:
            yield f"G1 {place} F7800".encode()
        else:
            yield b"G1 E.8 F1800"


def program(line_count: int) -> Iterator[bytes]:
    """A whole print."""
    yield from HEAD.encode().split(b"|")
    yield from middle(line_count)
    yield from TAIL.encode().split(b"|")


def write_big(path: Path, size_bytes: int) -> None:
    """A print of `size_bytes` in as few lines as a firmware's buffer takes, block by block."""
    head, tail = (text.replace("|", "\n").encode() + b"\n" for text in (HEAD, TAIL))
    block = b"".join(line + b"\n" for line in middle(BLOCK, decimals=25))
    with path.open("wb") as file:
        file.write(head)
        while file.tell() < size_bytes:
            file.write(block)
        file.write(tail)


def plain_loop(path: Path) -> None:
    """Split each line, read each number, keep the position: nothing is checked."""
    here = {}
    with path.open("rb") as file:
        for line in file:
            for word in line.split():
                here[word[0]] = float(word[1:])


def seconds(action: Callable[[], object]) -> float:
    """The best of three runs in time of this core: what the code costs, without neighbours."""
    times = []
    for _ in range(3):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def peak_mb(path: Path) -> float:
    """The most memory of a process that proves `path`, interpreter and libraries included."""
    child = subprocess.run(
        [sys.executable, "-m", "bench.proof", "--prove", str(path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(child.stdout)


def prove_and_tell(path: Path) -> None:
    """Prove `path`; print the most memory that this process ever held, MB."""
    prove_file(path, PRINTER, material=MATERIALS["pla"])
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)


def speeds(folder: Path) -> dict[str, float]:
    """Lines a second of the proof and of the plainest loop that could read the same file."""
    path = folder / "program.gcode"
    _, count = write_program(program(LINES), path)
    return {
        "lines_per_s": round(count / seconds(lambda: prove_file(path, PRINTER))),
        "plain_loop_lines_per_s": round(count / seconds(lambda: plain_loop(path))),
    }


def main(*, quick: bool) -> None:
    """Print the table and the JSON line."""
    with tempfile.TemporaryDirectory() as name:
        figures = speeds(Path(name))
        big = Path(name) / "big.gcode"
        write_big(big, QUICK_BYTES if quick else BIG_BYTES)
        figures |= {"file_mb": round(big.stat().st_size / 1e6), "peak_mb": round(peak_mb(big), 1)}
    verdicts, problems = shares(QUICK if quick else RECIPES, KEPT)
    figures |= verdicts
    print(*problems, sep="\n")
    for what, figure in figures.items():
        print(f"{what:32}{figure:12,}")
    print(json.dumps(figures))


if __name__ == "__main__":
    if "--prove" in sys.argv:
        prove_and_tell(Path(sys.argv[-1]))
    else:
        main(quick="--quick" in sys.argv)
