"""What preparing a print costs beside the slicer alone, and what the second order of it costs.

Parts of 10,000, 200,000 and a million triangles: an agent checks, cleans, slices and proves each
with an empty cache; the same slicer gets the same clean mesh in the same place and the same
settings without all of that, in turns. Each order is prepared by a process of its own that has
loaded what an agent's process loads; memory is that of agent, cleaning and slicer together. The
second order comes after a restart: from the start of the interpreter to the proved program.
"""

import hashlib
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers.programs import PRINTER
from commons.machine import Process
from fab_agent import machine_process  # noqa: F401 - what an agent's process loads at its start
from fab_agent.cache import Cache
from fab_agent.prepare import Plan, prepare
from fab_agent.slicing.prusaslicer import PrusaSlicer

# Quads round the ring and round its section, and how often each size is measured.
SIZES = {10_080: (120, 42, 5), 200_000: (500, 200, 3), 1_000_000: (1250, 400, 3)}
STEP_S = 0.02
MB = 1e6
# As nice as ours, and it need not look for a place on the bed either.
ALONE = ("nice", "-n10", "prusa-slicer", "--export-gcode", "--loglevel", "1", "--dont-arrange")


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall and CPU time of a process with its children, s, and their most memory at once, MB."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    said: str


class Watched:
    """The real slicer; it keeps what the slicer was given, and knows how long it took."""

    def __init__(self, keep: Path) -> None:
        self._slicer, self._keep, self.took_s = PrusaSlicer(), keep, 0.0
        self.identity = self._slicer.identity

    def slice(self, mesh: Path, profile: Any, *, out_dir: Path, **more: Any) -> Any:
        """As the slicer's own."""
        start = time.perf_counter()
        result = self._slicer.slice(mesh, profile, out_dir=out_dir, **more)
        self.took_s += time.perf_counter() - start
        for file, name in ((mesh, "part.stl"), (out_dir / "settings.ini", "settings.ini")):
            (self._keep / name).unlink(missing_ok=True)
            os.link(file, self._keep / name)
        return result


def order(folder: Path) -> None:
    """The part in `folder` is prepared in its cache; say how long that took, without the start."""
    part = folder / "ring.stl"
    with part.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    plan = Plan(
        file=part, sha256=sha256, filename=part.name, process=Process.FDM, material="pla"
    )  # fmt: skip
    slicer = Watched(folder)
    slicer.identity()  # an agent asks once, when it starts
    start, loaded_s = time.perf_counter(), sum(os.times()[:4])
    with Cache(folder / "cache", max_bytes=2**33) as cache:
        program = prepare(plan, PRINTER, cache=cache, slicer=slicer, progress=str)
        took_s = time.perf_counter() - start
    print(json.dumps([took_s, slicer.took_s, program.line_count, loaded_s]))


def cost(*command: str | Path, cwd: Path | None = None) -> Cost:
    """What the command cost; RuntimeError with its last words when it failed."""
    start, peak, cpu_s = time.perf_counter(), 0, dict[int, float]()
    with subprocess.Popen(
        [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd
    ) as process:
        ended = select.poll()
        ended.register(pidfd := os.pidfd_open(process.pid), select.POLLIN)
        while not ended.poll(1000 * STEP_S):
            seen = list(family(process.pid))
            peak = max(peak, sum(resident_bytes(pid) for pid in seen))
            cpu_s |= {pid: cpu for pid in seen if (cpu := used_s(pid))}
        wall_s = time.perf_counter() - start
        os.close(pidfd)
        said, complained = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {complained[-500:]}")
    return Cost(wall_s, sum(cpu_s.values()), peak / MB, said)


def family(pid: int) -> Iterator[int]:
    """A process and all that descend from it."""
    yield pid
    try:  # each thread has its own children
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        children = [child for task in tasks for child in task.read_text().split()]
    except OSError:
        return  # it has just ended
    for child in children:
        yield from family(int(child))


def resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 of one that has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def used_s(pid: int) -> float:
    """CPU time of a process, s, as proc(5) tells it; 0 of one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(ring: Callable[[int, int], bytes], triangles: int, folder: Path) -> dict[str, float]:
    """One size: ours and the slicer alone in turns, medians of all; then the second order."""
    around, across, rounds = SIZES[triangles]
    (folder / "ring.stl").write_bytes(ring(around, across))
    us = (sys.executable, "-m", "bench.preparing", "--order", folder)
    ours, alone = [], []
    for _ in range(rounds):
        subprocess.run(["rm", "-rf", folder / "cache"], check=True)
        ours.append(cost(*us))
        settings = ("--load", folder / "settings.ini", "--output", folder / "alone.gcode")
        alone.append(cost(*ALONE, *settings, folder / "part.stl"))
    again = cost(*us)
    if json.loads(again.said)[1]:
        raise RuntimeError("the second order was sliced again")
    told = [json.loads(one.said) for one in ours]
    ours_s = statistics.median(took for took, *_ in told)
    alone_s = statistics.median(one.wall_s for one in alone)
    # Less what an agent does once, when it starts.
    ours_cpu_s = statistics.median(
        one.cpu_s - tale[3] for one, tale in zip(ours, told, strict=True)
    )
    return {
        "triangles": triangles,
        "lines": told[0][2],
        "ours_s": round(ours_s, 2),
        "slicing_s": round(statistics.median(slicing for _, slicing, *_ in told), 2),
        "alone_s": round(alone_s, 2),
        "overhead_ratio": round(ours_s / alone_s, 3),
        "cpu_ratio": round(ours_cpu_s / statistics.median(one.cpu_s for one in alone), 3),
        "cache_hit_s": round(again.wall_s, 3),
        "peak_mb": round(max(one.peak_mb for one in ours)),
        "alone_peak_mb": round(max(one.peak_mb for one in alone)),
    }


def main() -> None:
    """Print the table and the JSON line."""
    from rich.console import Console
    from rich.table import Table

    from bench.peers.parts import ring  # numpy and trimesh: an agent's process has neither

    rows = []
    for triangles in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measured(ring, triangles, Path(folder)))
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{figure:,}" for figure in row.values()))
    Console(width=140).print(table)
    worst = {
        name: max(row[name] for row in rows)
        for name in ("overhead_ratio", "cpu_ratio", "cache_hit_s", "peak_mb", "alone_peak_mb")
    }
    each = {f"overhead_ratio_{row['triangles']}": row["overhead_ratio"] for row in rows}
    print(json.dumps(worst | each))


if __name__ == "__main__":
    if "--order" in sys.argv:
        order(Path(sys.argv[-1]))
    else:
        main()
