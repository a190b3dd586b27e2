"""What a lab's queue costs the server when it is long: the first page of 10,000 waiting jobs, and
an order and a lease beside them.

One lab with 50 printers and 40 members, 2,500 orders of four copies each, a few urgent or due.
Requests go through the whole app in this one process; only sockets are left out. Times are those
of the processor, so that neighbours count little.

`queue_page_cpu_ms` is the board's first page for whoever asks while nothing changes: it is kept
until the database is written to. What it costs after each change stands beside it.

`enqueue`, `agents` and `kills`, named on the command line, run those of `bench.shopfloor` instead:
what an order costs, a thousand machines at one process, and a server that is killed again and
again.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from flask import Flask
from sqlmodel import Session

from bench.long_line import COPIES, MEMBERS, ORDERS, fill
from bench.shopfloor import agents, enqueue, kills
from repo_server import close_app, create_app, jobs, orders, turns
from repo_server.db import reading, transaction, upgrade
from repo_server.order_requests import OrderRequest
from repo_server.settings import Settings
from repo_server.tables import (
    LabRow,
    MachineRow,
)
from tests.floor import Floor, furnish
from tests.profiles import printer

PRINTERS = 50
BOARD = "/api/v1/labs/corner/board"


def cpu_ms(count: int, action: Callable[[], object]) -> float:
    """What one of so many equal actions takes of the processor, as the median."""
    spent = []
    for _ in range(count):
        began = time.process_time()
        action()
        spent.append(time.process_time() - began)
    return 1000 * median(spent)


def queue_page(app: Flask, floor: Floor) -> dict[str, float]:
    """The board's first page: while nothing changes, known already, and after each change."""
    client, engine = app.test_client(), floor.engine
    etag = client.get(BOARD).headers["ETag"]

    def changed() -> None:
        with transaction(engine) as session:
            session.get_one(LabRow, floor.lab_id).name += "."

    def ask_again() -> None:
        client.get(BOARD)

    def ask_after_a_change() -> float:
        changed()
        began = time.process_time()
        client.get(BOARD)
        return time.process_time() - began

    return {
        "queue_page_cpu_ms": cpu_ms(200, ask_again),
        "queue_page_not_modified_cpu_ms": cpu_ms(
            200, lambda: client.get(BOARD, headers={"If-None-Match": etag})
        ),
        "queue_page_changed_cpu_ms": 1000 * median(ask_after_a_change() for _ in range(20)),
    }


def an_order(floor: Floor) -> dict[str, float]:
    """An order without HTTP, as a transaction of its own."""
    wanted = OrderRequest(release_id=floor.release_id, part="hook")

    def place() -> None:
        with transaction(floor.engine) as session:
            now = datetime.now(UTC)
            orders.place(session, wanted, lab_id=floor.lab_id, by=floor.manager, now=now)

    return {"order_cpu_ms": cpu_ms(40, place)}


def lease(floor: Floor) -> dict[str, float]:
    """Whose turn it is on a machine, and a lease of it."""
    machine_id = floor.machines["Printer 1"]
    others = iter([id_ for id_ in floor.machines.values() if id_ != machine_id])

    def ask(what: Callable[[Session, MachineRow], object]) -> None:
        with reading(floor.engine) as session:
            what(session, session.get_one(MachineRow, machine_id))

    return {
        "next_build_cpu_ms": cpu_ms(
            20, lambda: ask(lambda session, it: turns.next_build(session, it, now=floor.now))
        ),
        "lease_cpu_ms": cpu_ms(9, lambda: _lease(floor, next(others))),
    }


def _lease(floor: Floor, machine_id: str) -> None:
    with floor.session() as session:
        offer = jobs.lease_next_job(session, machine_id, agent_id=floor.agent_id, now=floor.now)
    if offer is None:
        raise SystemExit("no machine got a job: the bench measures nothing")


def run(folder: Path) -> dict[str, float]:
    """All figures, on a new database in this folder."""
    settings = Settings.from_env({"COSMO_DATA": str(folder)})
    app = create_app(settings)
    try:
        upgrade(app.extensions["engine"])
        names = [printer(f"Printer {number}") for number in range(1, PRINTERS + 1)]
        floor = furnish(app.extensions["engine"], *names)
        floor.now = datetime.now(UTC)
        fill(floor)
        return {**queue_page(app, floor), **an_order(floor), **lease(floor)}
    finally:
        close_app(app)


def queue() -> None:
    """Measure the queue, print a table and the JSON line."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        figures = run(Path(folder))
    print(f"{ORDERS * COPIES:,} jobs wait in {ORDERS:,} orders of {MEMBERS} members, on {PRINTERS} "
          "printers; ms of the processor")  # fmt: skip
    for name, value in figures.items():
        print(f"  {name:34} {value:9.2f}")
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


PARTS = {"queue": queue, "enqueue": enqueue.main, "agents": agents.main, "kills": kills.main}


def main() -> None:
    """Measure the part that is named, else the queue."""
    part = sys.argv[1] if len(sys.argv) > 1 else "queue"
    if part not in PARTS:
        raise SystemExit(f"'{part}' is no part of this bench: choose {', '.join(PARTS)}")
    PARTS[part]()


if __name__ == "__main__":
    main()
