"""What an order costs the server, over HTTP and on the disk, beside Moonraker's queue of jobs.

Ours is asked as whoever orders asks it: a token, a key, licence, price, what each of 50 machines
answers (and of one, as Moonraker has), and a commit that survives a power cut. Moonraker keeps its
queue in memory and looks whether the file is there. Each has one client on one kept connection.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from bench.leasing import token_of
from bench.shopfloor.serving import Web, cpu_of, served
from cosmo import print_host
from cosmo.demo.serving import free_port
from cosmo.moonraker_host import start_moonraker
from repo_server.db import make_engine
from repo_server.server import prepare
from repo_server.settings import Settings
from tests.floor import furnish
from tests.profiles import printer

ORDERS, WARM = int(os.environ.get("ORDERS", "500")), 50
MOONRAKER = Path(__file__).parents[2] / ".venv-moonraker" / "bin" / "moonraker"


def cost(queue_one: Callable[[int], None], cpu_s: Callable[[], float]) -> dict[str, float]:
    """CPU of the server and time of the client, ms an order; the first ones are not counted."""
    for number in range(WARM):
        queue_one(number)
    began, cpu_began = time.perf_counter(), cpu_s()
    for number in range(WARM, WARM + ORDERS):
        queue_one(number)
    cpu, wall = cpu_s() - cpu_began, time.perf_counter() - began
    return {"cpu_ms": 1000 * cpu / ORDERS, "wall_ms": 1000 * wall / ORDERS}


def ours(folder: Path, printers: int) -> dict[str, float]:
    """Orders in a lab with so many printers, and an empty question beside them."""
    settings = Settings.from_env({"COSMO_DATA": str(folder)})
    prepare(settings)
    engine = make_engine(settings.database_url)
    floor = furnish(engine, *(printer(f"Printer {number:02}") for number in range(printers)))
    headers = {"Authorization": f"Bearer {token_of(floor)}"}
    engine.dispose()
    body = {"release_id": floor.release_id, "part": "hook"}
    with served(settings) as web, httpx.Client(base_url=web.url, headers=headers) as client:

        def order(number: int) -> None:
            key = {"Idempotency-Key": f"order-{number}"}
            answer = client.post("/api/v1/labs/corner/orders", json=body, headers=key)
            if answer.status_code != 201:
                raise SystemExit(f"an order was refused: {answer.text}")

        return cost(order, web.cpu_s) | {"empty_cpu_ms": _empty(client, web)}


def _empty(client: httpx.Client, web: Web) -> float:
    """What a question costs that nobody has to think about."""
    return cost(lambda _: client.get("/api/v1/nothing") and None, web.cpu_s)["cpu_ms"]


def moonraker(folder: Path) -> dict[str, float] | None:
    """Jobs in Moonraker's queue, emptied now and then: it answers with all of it. None without."""
    if not MOONRAKER.exists():
        return None
    host = start_moonraker(
        MOONRAKER, folder, port=free_port(), klippy=folder / "klippy.sock", with_key=False
    )
    try:
        (host.files / "hook.gcode").write_text("G28\n")
        time.sleep(1)  # it watches its folder
        with httpx.Client(base_url=host.url) as client:

            def queue_one(number: int) -> None:
                if number % WARM == 0:
                    client.delete("/server/job_queue/job", params={"all": "true"})
                answer = client.post("/server/job_queue/job", json={"filenames": ["hook.gcode"]})
                if answer.status_code != 200:
                    raise SystemExit(f"Moonraker refused a job: {answer.text}")

            return cost(queue_one, lambda: cpu_of(host.process.pid))
    finally:
        print_host.end(host.process)


def main() -> None:
    """Print the table and the JSON line."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        many, one = ours(folder / "many", 50), ours(folder / "one", 1)
        peer = moonraker(folder / "moonraker")
    rows = {"ours, 50 printers": many, "ours, 1 printer": one, "Moonraker": peer}
    print(f"{ORDERS} orders each over HTTP; ms an order")
    print(f"{'':24}{'CPU of the server':>20}{'client waits':>16}")
    for label, it in rows.items():
        print(
            f"{label:24}{it['cpu_ms']:20.2f}{it['wall_ms']:16.2f}" if it else f"{label}: not here"
        )
    figures = {
        "enqueue_cpu_ms": many["cpu_ms"],
        "enqueue_1_printer_cpu_ms": one["cpu_ms"],
        "empty_request_cpu_ms": many["empty_cpu_ms"],
        "moonraker_enqueue_cpu_ms": peer and peer["cpu_ms"],
    }
    print(json.dumps({key: it and round(it, 2) for key, it in figures.items()}))
