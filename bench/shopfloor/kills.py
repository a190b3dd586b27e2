"""The server is killed again and again while people order and machines work: what is lost?

The app and its database are those of the server; they are served by a thread a request, in a fork
of this process, so that a start takes a moment and a thousand kills fit into minutes. `kill -9`
takes all that the process held. Orders carry keys and are sent again until they are answered; the
four machines go the whole way: lease, staged, clear bed, permit, started, finished, verdict.
"""

import json
import logging
import os
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel import Session, col, select, update
from werkzeug.serving import make_server

from commons.errors import Conflict, NotArmed, Unavailable
from commons.job import JobState
from commons.wire import (
    AgentEvent,
    ArmRequest,
    EventKind,
    JobOffer,
    MachineReport,
    MachineState,
    SyncRequest,
)
from cosmo.demo.serving import free_port
from fab_agent.identity import Identity
from fab_agent.repository import Repository, new_client
from repo_server import create_app, people
from repo_server.ids import new_id, new_secret
from repo_server.server import prepare
from repo_server.settings import Settings
from repo_server.tables import BuildOrderRow, JobRow, MaterialLotRow
from tests.floor import PROGRAM, Floor, furnish, run
from tests.profiles import printer

KILLS = int(os.environ.get("KILLS", "1000"))
PRINTERS, CUSTOMERS = 4, 3
LIFE_S = (0.05, 1.2)  # how long the server lives
AGAIN_S = 0.02  # between two tries
API = "/api/v1"
Answer = TypeVar("Answer")


@dataclass
class World:
    """What people and machines know, whatever the server knows."""

    url: str
    token: str
    release_id: str
    over: threading.Event = field(default_factory=threading.Event)
    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    starts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def people(self) -> httpx.Client:
        """A client with the manager's token."""
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"})


def insist(action: Callable[[], Answer], world: World) -> Answer | None:
    """What the action answers once the server lives long enough; None when all is over."""
    while not world.over.is_set():
        try:
            return action()
        except (httpx.TransportError, Unavailable, NotArmed):
            time.sleep(AGAIN_S)
    return None


def customer(world: World) -> None:
    """Orders one thing after the other, each until it is acknowledged."""
    with world.people() as http:
        while not world.over.is_set():
            body = {"release_id": world.release_id, "part": "hook"}
            asked = http.build_request(
                "POST",
                f"{API}/labs/corner/orders",
                json=body,
                headers={"Idempotency-Key": new_id()},
            )
            answer = insist(partial(http.send, asked), world)
            if answer is None:
                return
            if answer.status_code != 201:
                world.broken.append(answer.text)
                return
            told = answer.json()
            world.acknowledged[told["order_id"]] = [job["id"] for job in told["jobs"]]


class Printer:
    """One machine and its agent's thread. It starts whatever it holds a permit for, once."""

    def __init__(self, world: World, identity: Identity, name: str) -> None:
        self.world, self.machine_id = world, identity.machines[name]
        self.repository = Repository(identity, new_client(), sleep=lambda _s: None)
        self.people = world.people()
        self.boot, self.seq = f"boot-{self.machine_id}", 0

    def work(self) -> None:
        """Makes one thing after the other until all is over."""
        try:
            while not self.world.over.is_set():
                if offer := insist(lambda: self.repository.lease(self.machine_id), self.world):
                    self.make(offer)
                else:
                    time.sleep(AGAIN_S)
        except Exception as error:
            self.world.broken.append(f"{self.boot}: {error!r}")

    def make(self, offer: JobOffer) -> None:
        """The offered job has been made and judged, or all is over."""
        self.tell(EventKind.STAGED, offer, program=PROGRAM)
        self.post(f"machines/{self.machine_id}/clear")
        ask = ArmRequest(
            attempt_id=offer.attempt_id, fence=offer.fence, program_sha256=PROGRAM.sha256
        )
        try:
            permit = insist(lambda: self.repository.arm(ask), self.world)
        except Conflict:
            return  # never: the job is somebody else's now
        if permit is None:
            return
        self.world.starts[offer.job_id] += 1
        self.tell(EventKind.STARTED, offer)
        self.tell(EventKind.FINISHED, offer, run=run())
        self.post(f"jobs/{offer.job_id}/verdict", {"good": True})

    def tell(self, kind: EventKind, offer: JobOffer, **facts: object) -> None:
        self.seq += 1
        event = AgentEvent.model_validate(
            {
                "seq": self.seq, "at": datetime.now(UTC), "kind": kind,
                "machine_id": offer.machine_id, "attempt_id": offer.attempt_id,
                "fence": offer.fence, **facts,
            }
        )  # fmt: skip
        report = MachineReport(machine_id=self.machine_id, state=MachineState.IDLE)
        request = SyncRequest(boot=self.boot, events=(event,), machines=(report,))
        insist(lambda: self.repository.sync(request), self.world)

    def post(self, path: str, body: object | None = None) -> None:
        url = f"{API}/labs/corner/{path}"
        answer = insist(lambda: self.people.post(url, json=body or {}), self.world)
        if answer is not None and answer.status_code >= 500:
            self.world.broken.append(answer.text)


def serve(settings: Settings, port: int) -> None:
    """Answer until killed."""
    app = create_app(settings)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    make_server("127.0.0.1", port, app, threaded=True).serve_forever()


def kill(settings: Settings, port: int, seed: int, ended: Connection) -> None:
    """The server has been started and killed KILLS times; the last one lives until told.

    In a process without threads: it forks.
    """
    chance = random.Random(seed)
    for _ in range(KILLS):
        process = _start(settings, port)
        time.sleep(chance.uniform(*LIFE_S))
        process.kill()
        process.join()
    last = _start(settings, port)
    ended.send(True)
    ended.recv()
    last.kill()
    last.join()


def _start(settings: Settings, port: int) -> Process:
    """A server that answers."""
    process = Process(target=serve, args=(settings, port))
    process.start()
    while process.is_alive():
        try:
            httpx.get(f"http://127.0.0.1:{port}{API}/healthz")
            break
        except httpx.TransportError:
            time.sleep(0.005)
    return process


def token_of(floor: Floor) -> str:
    """A token of the lab's manager, who orders, clears beds and judges."""
    secret = people.TOKEN_PREFIX + new_secret()
    with floor.session() as session:
        people.issue_token(
            session, id=new_id(), secret=secret, person_id=floor.manager, name="bench",
            scopes=["order:write", "lab:operate"], days=1, now=datetime.now(UTC),
        )  # fmt: skip
    return secret


def opened(settings: Settings, port: int) -> tuple[World, Floor, Identity]:
    """The lab with its printers, whose spools never end."""
    prepare(settings)
    key = Ed25519PrivateKey.generate()
    profiles = [printer(f"Printer {n}") for n in range(PRINTERS)]
    app = create_app(settings)
    public_key = key.public_key().public_bytes_raw().hex()
    floor = furnish(app.extensions["engine"], *profiles, public_key=public_key)
    with floor.session() as session:
        session.execute(update(MaterialLotRow).values(mass_left_g=None))
    url = f"http://127.0.0.1:{port}"
    world = World(url, token_of(floor), floor.release_id)
    identity = Identity(url, floor.agent_id, floor.lab_id, floor.machines, key)
    floor.engine.dispose()
    return world, floor, identity


def lost(session: Session, world: World) -> int:
    """How many acknowledged orders are not there, or not with all their jobs."""
    jobs = set(session.exec(select(JobRow.id)))
    orders = set(session.exec(select(BuildOrderRow.id)))
    return sum(
        order_id not in orders or not jobs.issuperset(wanted)
        for order_id, wanted in world.acknowledged.items()
    )


def measured(folder: Path, seed: int) -> dict[str, object]:
    """The figures, under the names of the JSON line."""
    settings, port = Settings.from_env({"COSMO_DATA": str(folder)}), free_port()
    world, floor, identity = opened(settings, port)
    here, there = Pipe()
    killer = Process(target=kill, args=(settings, port, seed, there))
    killer.start()
    printers = [Printer(world, identity, name) for name in identity.machines]
    doing = [it.work for it in printers] + [lambda: customer(world)] * CUSTOMERS
    threads = [threading.Thread(target=it) for it in doing]
    for thread in threads:
        thread.start()
    here.recv()
    world.over.set()
    for thread in threads:
        thread.join()
    here.send(True)
    killer.join()
    with floor.session() as session:
        gone = lost(session, world)
        made = session.exec(select(JobRow.id).where(col(JobRow.state) == JobState.DONE)).all()
    floor.engine.dispose()
    return {
        "kills": KILLS,
        "acknowledged_orders": len(world.acknowledged),
        "acknowledged_orders_lost": gone,
        "starts": world.starts.total(),
        "second_starts": world.starts.total() - len(world.starts),
        "made": len(made),
        "made_without_a_start": len(set(made) - set(world.starts)),
        "broken": world.broken,
        "seed": seed,
    }


def main() -> None:
    """Measure, print a table and the JSON line."""
    seed = int(os.environ.get("SEED", "1"))
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        figures = measured(Path(folder), seed)
    for name, value in figures.items():
        print(f"{name:28}{value!s:>12}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
