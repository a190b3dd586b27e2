"""A machine's process as it is, but for one thing: its programs are not sliced.

Arguments: folder of the identity, folder of the journal and cache, address, port, fault. The
fault happens once, as long as the file `<folder>/fault` is there:
`intended` kills the process between INTENT and the first byte, `full` fills the disk while the
program is prepared and frees it when the file is gone.
"""

import errno
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path

from commons.machine import Process
from commons.wire import JobOffer, ProgramFacts
from fab_agent.bench import Prepared
from fab_agent.cache import Cache
from fab_agent.gcode.program import Estimate, GcodeProgram
from fab_agent.identity import load_identity
from fab_agent.machine_process import operate
from fab_agent.machines.driver import Controls, Report, RunEnd
from fab_agent.machines.marlin_driver import MarlinDriver
from fab_agent.machines.transport import SerialConnection, SerialPort
from fab_agent.workplace import Workplace
from tests.profiles import printer

# 20 s of moves at the printer's own pace.
PROGRAM = ["G28", "G90", *(f"G1 X{10 * (n % 2)} F6000" for n in range(200)), "M84"]


class Printer(MarlinDriver):
    """A Marlin printer whose process dies between INTENT and the first byte, if told to."""

    def __init__(self, port: str, fault: Path) -> None:
        super().__init__(SerialPort(SerialConnection(port)), printer())
        self._fault = fault

    def run(
        self, program: GcodeProgram, *, attempt: str, report: Report, controls: Controls
    ) -> RunEnd:
        if self._fault.exists() and self._fault.read_text() == "intended":
            self._fault.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run(program, attempt=attempt, report=report, controls=controls)


def prepare(
    offer: JobOffer,
    files: Sequence[Path],
    cache: Cache,
    say: Callable[[str], None],
    *,
    data: Path,
    fault: Path,
) -> Prepared:
    path = data / "program.gcode"
    if not path.exists():
        path.write_text("".join(f"{line}\n" for line in PROGRAM))
    _fill(data / "filler", fault.exists() and fault.read_text() == "full")
    digest = sha256(path.read_bytes()).hexdigest()
    facts = ProgramFacts(
        sha256=digest,
        line_count=len(PROGRAM),
        duration_s=20.0,
        material_g=1.0,
        prepared_with="hand",
        profile_sha256="ef" * 32,
    )
    estimate = Estimate(duration_s=20.0, material_mm3=None)
    return Prepared(GcodeProgram(path, digest, len(PROGRAM), Process.FDM, estimate), facts)


def _fill(filler: Path, full: bool) -> None:
    """The disk is full to the last byte, or has room again."""
    if not full:
        filler.unlink(missing_ok=True)
        return
    with filler.open("ab", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def main(identity: Path, data: Path, url: str, port: str) -> None:
    logging.basicConfig(level=logging.INFO)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    fault = identity / "fault"
    place = Workplace(
        identity=load_identity(identity, url=url),
        machine_id="m1",
        journal=data / "journal",
        open_cache=partial(Cache, data / "cache", max_bytes=10**8),
        open_driver=partial(Printer, port, fault),
        prepare=partial(prepare, data=data, fault=fault),
    )
    parent = os.getppid()
    operate(place, stop, orphaned=lambda: os.getppid() != parent)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
