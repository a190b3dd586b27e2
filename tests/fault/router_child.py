"""A router's process as it is, but for one thing: its program is not made from a drawing.

Arguments: folder of the identity, journal and cache, address, port, and diameters of cutters where
it is to stop for a change.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path

from commons.machine import Driver, Process
from commons.wire import JobOffer, ProgramFacts
from fab_agent.bench import Prepared
from fab_agent.cache import Cache
from fab_agent.gcode.program import Estimate, GcodeProgram
from fab_agent.identity import load_identity
from fab_agent.machine_process import operate
from fab_agent.machines import DRIVERS
from fab_agent.machines.transport import SerialConnection
from fab_agent.workplace import Workplace
from tests.profiles import router
from tests.routers import TWO_CUTTERS

# Minutes of moves at the router's own pace, inside its travel.
PROGRAM = ["G21", "G90", "M3 S8000", *(f"G1 X{10 + 10 * (n % 2)} F600" for n in range(400)), "M5"]


def prepare(
    offer: JobOffer,
    files: Sequence[Path],
    cache: Cache,
    say: Callable[[str], None],
    *,
    folder: Path,
    cutters_mm: tuple[float, ...],
) -> Prepared:
    path = folder / "program.nc"
    lines = TWO_CUTTERS if cutters_mm else PROGRAM
    path.write_text("".join(f"{line}\n" for line in lines))
    digest = sha256(path.read_bytes()).hexdigest()
    facts = ProgramFacts(
        sha256=digest,
        line_count=len(lines),
        cutters_mm=cutters_mm or None,
        duration_s=400.0,
        material_g=None,
        prepared_with="hand",
        profile_sha256="ef" * 32,
    )
    estimate = Estimate(duration_s=400.0, material_mm3=None)
    program = GcodeProgram(path, digest, len(lines), Process.CNC, estimate, cutters_mm=cutters_mm)
    return Prepared(program, facts)


def main(folder: Path, url: str, port: str, *cutters: str) -> None:
    logging.basicConfig(level=logging.INFO)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    place = Workplace(
        identity=load_identity(folder, url=url),
        machine_id="m1",
        journal=folder / "journal",
        open_cache=partial(Cache, folder / "cache", max_bytes=10**8),
        open_driver=partial(DRIVERS[Driver.GRBL], SerialConnection(port), router()),
        prepare=partial(prepare, folder=folder, cutters_mm=tuple(map(float, cutters))),
        operators=("Ada",),
    )
    parent = os.getppid()
    operate(place, stop, orphaned=lambda: os.getppid() != parent)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
