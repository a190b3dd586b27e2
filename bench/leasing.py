"""What an order and a lease cost the server, against a bare durable commit on the same disk.

One lab with 50 printers, and another one like it in which 10,000 jobs of 40 members wait
(`bench.long_line`). Requests go through the whole app (routes, tokens, signatures, SQLite
with synchronous=FULL) in this one process; only sockets are left out.
"""

import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from flask import Flask

from bench.long_line import fill
from repo_server import create_app, people
from repo_server.db import upgrade
from repo_server.ids import new_id, new_secret
from repo_server.settings import Settings
from tests.floor import Floor, furnish
from tests.profiles import printer
from tests.shop import API, HttpAgent

PRINTERS = 50
ORDERS = 200


@dataclass(frozen=True)
class Cost:
    """What one of many equal actions takes, as the median: neighbours and first times aside."""

    per_s: float
    cpu_ms: float


def cost(count: int, action: Callable[[int], None]) -> Cost:
    seconds, cpu_s = [], []
    for number in range(count):
        began, cpu_began = time.perf_counter(), time.process_time()
        action(number)
        seconds.append(time.perf_counter() - began)
        cpu_s.append(time.process_time() - cpu_began)
    return Cost(1 / median(seconds), 1000 * median(cpu_s))


def bare_commits(folder: Path) -> Cost:
    """One row, one commit, durable: the least that anything which must not be lost can cost."""
    db = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE job (id INTEGER PRIMARY KEY, state TEXT)")
    bare = cost(ORDERS, lambda n: db.execute("INSERT INTO job VALUES (?, 'queued')", (n,)) and None)
    db.close()
    return bare


def token_of(floor: Floor) -> str:
    """A token of the lab's manager."""
    secret = people.TOKEN_PREFIX + new_secret()
    with floor.session() as session:
        people.issue_token(
            session,
            id=new_id(),
            secret=secret,
            person_id=floor.manager,
            name="bench",
            scopes=["order:write"],
            days=1,
            now=datetime.now(UTC),
        )
    return secret


def order_all(app: Flask, floor: Floor) -> Cost:
    """Orders of one copy, each with a key of its own."""
    client, token = app.test_client(), token_of(floor)
    body = {"release_id": floor.release_id, "part": "hook"}

    def order(number: int) -> None:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"order-{number}"}
        answer = client.post(f"{API}/labs/corner/orders", json=body, headers=headers)
        assert answer.status_code == 201, answer.text

    return cost(ORDERS, order)


def lease_all(floor: Floor, agent: HttpAgent) -> Cost:
    """Every printer leases a job of its own, while the other jobs wait."""
    names = list(floor.machines)

    def lease(number: int) -> None:
        answer = agent.lease(names[number])
        assert answer.status_code == 201, answer.text

    return cost(PRINTERS, lease)


def sync_all(floor: Floor, agent: HttpAgent, state: str = "preparing") -> Cost:
    """Every printer tells once how it is, and hears whether there is work."""
    ids = list(floor.machines.values())

    def sync(number: int) -> None:
        report = {"machine_id": ids[number], "state": state}
        assert agent.sync(machines=[report]).status_code == 200

    return cost(PRINTERS, sync)


def of_a_long_line(folder: str) -> tuple[Cost, Cost]:
    """A lease and a word of an idle machine, where 10,000 jobs wait."""
    app = create_app(Settings.from_env({"COSMO_DATA": folder}))
    engine = app.extensions["engine"]
    upgrade(engine)
    agent = HttpAgent(app)
    profiles = [printer(f"Printer {number}") for number in range(PRINTERS)]
    floor = furnish(engine, *profiles, public_key=agent.public_key)
    floor.now = datetime.now(UTC)
    agent.agent_id, agent.machines = floor.agent_id, floor.machines
    fill(floor)
    found = sync_all(floor, agent, state="idle"), lease_all(floor, agent)
    engine.dispose()
    return found[1], found[0]


def main() -> None:
    """Print the table and the JSON line."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        app = create_app(Settings.from_env({"COSMO_DATA": folder}))
        engine = app.extensions["engine"]
        upgrade(engine)
        agent = HttpAgent(app)
        profiles = [printer(f"Printer {n:02}") for n in range(PRINTERS)]
        floor = furnish(engine, *profiles, public_key=agent.public_key)
        agent.agent_id, agent.machines = floor.agent_id, floor.machines
        bare = bare_commits(Path(folder))
        ordered = order_all(app, floor)
        leased = lease_all(floor, agent)
        told = sync_all(floor, agent)
        engine.dispose()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        leased_of_many, told_of_many = of_a_long_line(folder)
    rows = {"bare durable commit": bare, "order queued": ordered, "job leased": leased,
            "machine heard of": told, "leased, 10,000 wait": leased_of_many,
            "heard of, 10,000 wait": told_of_many}  # fmt: skip
    print(f"{PRINTERS} printers, {ORDERS} orders in the queue")
    print(f"{'':24}{'per second':>12}{'CPU ms':>10}")
    for name, it in rows.items():
        print(f"{name:24}{it.per_s:12,.0f}{it.cpu_ms:10.2f}")
    figures = {
        "jobs_leased_per_s": round(leased.per_s, 1),
        "cpu_ms_per_lease": round(leased.cpu_ms, 2),
        "orders_per_s": round(ordered.per_s, 1),
        "cpu_ms_per_order": round(ordered.cpu_ms, 2),
        "cpu_ms_per_sync": round(told.cpu_ms, 2),
        "cpu_ms_per_lease_10k": round(leased_of_many.cpu_ms, 2),
        "cpu_ms_per_sync_10k": round(told_of_many.cpu_ms, 2),
        "bare_commits_per_s": round(bare.per_s, 1),
        "cpu_ms_per_bare_commit": round(bare.cpu_ms, 3),
        "printers": PRINTERS,
        "orders": ORDERS,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
