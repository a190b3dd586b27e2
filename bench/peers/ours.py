"""Our own sender as an agent runs it: one attempt from its offer to its report.

Everything of a machine's process is real (proof, permit's clearance, journal on the disk, the
driver from its table, orders, progress) but the server: permits are given at once, and what would
be reported to it is read and dropped. The program is proved before the clock runs; hashing it
again, reading its lines, greeting the machine and closing the attempt are inside.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from queue import SimpleQueue

from bench.peers.programs import PROFILES
from commons.machine import Driver
from commons.wire import (
    ArmRequest,
    ControlOrder,
    EventKind,
    JobOffer,
    Permit,
    ProgramFacts,
    Wish,
)
from fab_agent.attempt import carry_out
from fab_agent.bench import Bench, Display, MachineLink, Prepared
from fab_agent.cache import Cache
from fab_agent.gcode.proof import proved_program
from fab_agent.journal import Journal
from fab_agent.machines import DRIVERS
from fab_agent.machines.driver import SetZero
from fab_agent.machines.transport import SerialConnection
from fab_agent.orders import Heard, Inbox, News, Order, Work

MACHINE, ATTEMPT = "machine-1", "attempt-1"


class Office:
    """The server's answers, given at once, and the program's file."""

    def __init__(self, program: Path) -> None:
        self._program = program

    def lease(self, machine_id: str) -> JobOffer | None:
        return None

    def arm(self, request: ArmRequest) -> Permit:
        return Permit(
            attempt_id=request.attempt_id,
            machine_id=MACHINE,
            fence=request.fence,
            program_sha256=request.program_sha256,
            valid_s=60.0,
        )

    def fetch(
        self, sha256: str, size: int, *, cache: Cache, progress: Callable[[int, int], None]
    ) -> Path:
        return self._program


def main(kind: str, port: str, baud: str, program: str) -> None:
    profile = PROFILES[kind]
    orders: SimpleQueue[Order] = SimpleQueue()
    news: SimpleQueue[News] = SimpleQueue()

    def prepare(offer: JobOffer, file: Path, cache: Cache, tell: object) -> Prepared:
        proved = proved_program(file, profile)
        facts = ProgramFacts(
            sha256=proved.sha256,
            line_count=proved.line_count,
            duration_s=proved.estimate.duration_s,
            material_g=None,
            prepared_with="bench",
            profile_sha256=sha256(profile.model_dump_json().encode()).hexdigest(),
        )
        say("ready")
        sys.stdin.readline()
        threading.Thread(target=listen, args=(orders,), daemon=True).start()
        return Prepared(proved, facts)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        journal = Journal(folder / "journal", machine_id=MACHINE)
        with closing(journal):
            connection = SerialConnection(port, int(baud))
            bench = Bench(
                machine_id=MACHINE,
                jobs=Office(Path(program)),
                journal=journal,
                inbox=Inbox(orders, journal, news.put),
                link=MachineLink(partial(DRIVERS[Driver(kind)], connection, profile)),
                display=Display(MACHINE, news.put),
                prepare=prepare,
                open_cache=partial(Cache, folder / "cache", max_bytes=10**9),
            )
            if kind == "grbl":  # as a person does: it has no switches, and opening restarted it
                bench.link.operate(SetZero(), wants_stop=lambda: False)
            orders.put(Heard(100))
            orders.put(Work())
            threading.Thread(target=drop, args=(news,), daemon=True).start()
            end = carry_out(offer_of(kind), bench)
            say("done" if end is EventKind.FINISHED else end)
            bench.link.close()
    time.sleep(60)  # until whoever measures has read our clock


def listen(orders: "SimpleQueue[Order]") -> None:
    """Whoever measures is a person who taps: `hold`, `resume`, `cancel`."""
    while word := sys.stdin.readline().strip():
        orders.put(ControlOrder(attempt_id=ATTEMPT, wish=Wish(word)))


def drop(news: "SimpleQueue[News]") -> None:
    """What the office would report is read and forgotten."""
    while True:
        news.get()


def offer_of(kind: str) -> JobOffer:
    profile = PROFILES[kind]
    return JobOffer(
        job_id="job-1",
        attempt_id=ATTEMPT,
        machine_id=MACHINE,
        fence=1,
        lease_ends_at=datetime.now(UTC),
        title="bench",
        part="curve",
        process=profile.process,
        file_name="curve.gcode",
        file_sha256="0" * 64,
        file_size=1,
        material=profile.materials[0],
    )


def say(word: str) -> None:
    print(word, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
