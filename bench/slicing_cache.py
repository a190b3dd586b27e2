"""How long the first and the second order of the same part take to prepare.

Run: `.venv/bin/python -m bench.slicing_cache`. Real PrusaSlicer, real sandbox, real proof. The
second order is measured twice: by a running agent, and by one that was restarted in between
(it asks the slicer for its version again). The figure of the last line is the slower of them.
"""

import json
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table

from bench.peers.parts import ring
from commons.machine import Driver, Envelope, MachineProfile, PrintLimits, Process
from fab_agent.cache import Cache
from fab_agent.prepare import Plan, prepare
from fab_agent.slicing.prusaslicer import PrusaSlicer

PRINTER = MachineProfile(
    name="bench",
    process=Process.FDM,
    driver=Driver.MARLIN,
    envelope=Envelope(x_max_mm=220, y_max_mm=220, z_max_mm=250),
    max_feed_mm_s=150,
    max_feed_z_mm_s=10,
    materials=("pla",),
    fdm=PrintLimits(),
)
ROUND, ACROSS = 120, 42  # quads round the ring and round its section: 10 080 triangles


def seconds(work: Callable[[], object]) -> float:
    """Wall time of `work`."""
    start = perf_counter()
    work()
    return perf_counter() - start


def main() -> None:
    """Measure, print the table and the JSON line."""
    with tempfile.TemporaryDirectory() as folder:
        part, root = Path(folder, "ring.stl"), Path(folder, "cache")
        part.write_bytes(ring(ROUND, ACROSS))
        plan = Plan(
            file=part,
            sha256=sha256(part.read_bytes()).hexdigest(),
            filename="ring.stl",
            process=Process.FDM,
            material="pla",
        )

        def order(slicer: PrusaSlicer) -> None:
            with Cache(root, max_bytes=2**30) as cache:
                prepare(plan, PRINTER, cache=cache, slicer=slicer, progress=str)

        agent = PrusaSlicer()
        first = seconds(lambda: order(agent))
        running = seconds(lambda: order(agent))
        restarted = seconds(lambda: order(PrusaSlicer()))
        lines = sum(p.read_bytes().count(b"\n") for p in root.rglob("program.gcode"))
    table = Table("order of the same part", "seconds", title=f"{lines} lines of G-code")
    table.add_row("first: check, slice, prove", f"{first:.3f}")
    table.add_row("second, agent running", f"{running:.3f}")
    table.add_row("second, agent restarted", f"{restarted:.3f}")
    Console().print(table)
    second = max(running, restarted)
    print(
        json.dumps(
            {
                "first_s": round(first, 3),
                "second_s": round(second, 3),
                "ratio": round(first / second, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
