"""A thousand machines wait at one web process: what it holds, and what others notice of it.

Fifty labs with twenty printers each; every printer's office keeps a question open at the server, as
agents do. Meanwhile somebody else opens pages of the board and orders, ten times a second.
"""

import asyncio
import json
import os
import secrets
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel import Session

from bench.leasing import token_of
from bench.shopfloor.serving import Web, served
from commons.wire import Enrolment
from fab_agent.identity import Identity
from repo_server import enrolment, labs, lot_loading, lots
from repo_server.db import make_engine, transaction
from repo_server.server import prepare
from repo_server.settings import Settings
from tests.floor import Floor, furnish
from tests.profiles import printer

LABS, PRINTERS = int(os.environ.get("LABS", "50")), 20
WAIT_S, ROUNDS = 15.0, 4
QUIET_S, EVERY_S = 20.0, 0.1
API = "/api/v1"


def question(identity: Identity, machine: str) -> tuple[bytes, dict[str, str]]:
    """An idle machine's question to the server, signed now."""
    seen = [{"machine_id": machine, "state": "idle"}]
    message = {"boot": f"boot-{machine}", "machines": seen, "wait_s": WAIT_S}
    body = json.dumps(message).encode()
    signature = identity.signed("POST", f"{API}/agent/sync", body, at=int(time.time()))
    return body, signature | {"Content-Type": "application/json"}


@dataclass
class Heard:
    """What the waiting ones got: seconds that each answer took, and when work was told of."""

    answers_s: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    dropped: int = 0  # the server closed a connection that was kept, as the question came
    told_at: dict[str, float] = field(default_factory=dict)


def found(settings: Settings) -> tuple[Floor, list[Identity]]:
    """The labs with their machines are in the database; the first is `corner`."""
    engine = make_engine(settings.database_url)
    floor = furnish(engine, printer("Printer"))
    offices = []
    with transaction(engine) as session:
        for number in range(LABS):
            slug = "corner" if not number else f"lab-{number:02}"
            offices.append(_agent(session, floor, slug))
    engine.dispose()
    return floor, offices


def _agent(session: Session, floor: Floor, slug: str) -> Identity:
    if slug == "corner":
        lab_id = floor.lab_id
    else:
        wanted = labs.NewLab(slug=slug, name=slug.title(), city="hamburg")
        lab_id = labs.create_lab(session, wanted, by=floor.manager).id
    key = Ed25519PrivateKey.generate()
    code = enrolment.make_code(session, lab_id=lab_id, by=floor.manager, now=floor.now)
    asked = Enrolment(
        code=code,
        name=slug,
        public_key=key.public_key().public_bytes_raw().hex(),
        machines=tuple(printer(f"{slug} {n:02}") for n in range(PRINTERS)),
    )
    enrolled = enrolment.enrol(session, asked, now=floor.now)
    spool = lots.NewLot(material="pla", name="white PLA", mass_left_g=500)
    for it in enrolled.machines:
        lot = lots.add(session, spool, lab_id=lab_id, by=floor.manager, now=floor.now)
        by, now = floor.manager, floor.now
        lot_loading.put_on(session, it.machine_id, lot.id, lab_id=lab_id, by=by, now=now)
    machines = {it.name: it.machine_id for it in enrolled.machines}
    return Identity("", enrolled.agent_id, lab_id, machines, key)


@dataclass
class Line:
    """A machine's own connection. Plain streams: a client that looks at all of its connections
    before each question would be slower than the server that it asks."""

    host: str
    port: int
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def ask(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Status and body of the answer; ConnectionError when the server closed the line."""
        if self.reader is None or self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        told = {"Host": f"{self.host}:{self.port}", "Content-Length": str(len(body)), **headers}
        lines = (f"{name}: {value}\r\n" for name, value in told.items())
        self.writer.write(f"POST {API}/agent/sync HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + body)
        try:
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            self.close()
            raise ConnectionError("the line was closed") from error
        length = int(head.partition("content-length:")[2].split()[0])
        return int(head.split()[1]), await self.reader.readexactly(length)

    def close(self) -> None:
        """The next question goes on a new line."""
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


async def crowd(url: str, offices: list[Identity], seconds: float) -> Heard:
    """Every machine asks again and again for so long; one that is told of work has its answer."""
    heard, until, at = Heard(), time.monotonic() + seconds, urlsplit(url)

    async def wait_on(office: Identity, machine: str) -> None:
        # they did not all begin at once
        await asyncio.sleep(WAIT_S * secrets.randbelow(1000) / 1000)
        line = Line(at.hostname or "", at.port or 0)
        while time.monotonic() < until and machine not in heard.told_at:
            body, headers = question(office, machine)
            began = time.monotonic()
            try:
                status, answer = await line.ask(body, headers)
            except ConnectionError:
                heard.dropped += 1
                continue
            heard.answers_s.append(time.monotonic() - began)
            if status != 200:
                heard.refused.append(answer.decode()[:200])
            elif machine in json.loads(answer)["work"]:
                heard.told_at[machine] = time.time()
        line.close()

    async with asyncio.TaskGroup() as group:
        for office in offices:
            for machine in office.machines.values():
                group.create_task(wait_on(office, machine))
    return heard


def waiting(url: str, offices: list[Identity], seconds: float, told: Connection) -> None:
    """In a process of its own, whose work is not the server's nor the others'."""
    told.send(asyncio.run(crowd(url, offices, seconds)))


def others_ms(url: str, seconds: float) -> list[float]:
    """How long somebody waits for pages, ten a second, ms."""
    taken, until = [], time.monotonic() + seconds
    with httpx.Client(base_url=url, timeout=60) as http:
        while time.monotonic() < until:
            began = time.monotonic()
            answer = http.get("/labs/corner/about")
            if answer.status_code != 200:
                raise RuntimeError(f"the page answered {answer.status_code}")
            taken.append(1000 * (time.monotonic() - began))
            time.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))
    return sorted(taken)


def p99(sorted_ms: list[float]) -> float:
    """The value that one in a hundred exceeds."""
    return sorted_ms[min(len(sorted_ms) - 1, int(0.99 * len(sorted_ms)))]


def order(web: Web, floor: Floor, token: str) -> float:
    """Something is ordered at the first lab; when that was, s since the epoch."""
    body = {"release_id": floor.release_id, "part": "hook"}
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": secrets.token_hex(8)}
    at = time.time()
    answer = httpx.post(f"{web.url}{API}/labs/corner/orders", json=body, headers=headers)
    if answer.status_code != 201:
        raise RuntimeError(answer.text)
    return at


def measured(folder: Path) -> dict[str, float]:
    """The figures, under the names of the JSON line."""
    settings = Settings.from_env({"COSMO_DATA": str(folder)})
    prepare(settings)
    floor, offices = found(settings)
    token = token_of(floor)
    floor.engine.dispose()
    with served(settings) as web:
        alone = others_ms(web.url, QUIET_S)
        before_mb = web.memory_mb()
        here, there = Pipe()
        seconds = WAIT_S * ROUNDS
        asking = Process(target=waiting, args=(web.url, offices, seconds, there))
        asking.start()
        there.close()
        time.sleep(WAIT_S + 5)  # all have begun
        full_mb, cpu_s = web.memory_mb(), web.cpu_s()
        beside = others_ms(web.url, QUIET_S)
        cpu_share = (web.cpu_s() - cpu_s) / QUIET_S
        ordered_at = order(web, floor, token)
        heard: Heard = here.recv()
        asking.join()
        after_mb = web.memory_mb()
    for sentence in sorted(set(heard.refused)):
        print(f"refused: {sentence}", file=sys.stderr)
    soonest = min(heard.told_at.values(), default=float("nan")) - ordered_at
    return {
        "agents_longpoll": len({m for it in offices for m in it.machines.values()})
        - len(heard.refused),
        "longpoll_answers": len(heard.answers_s),
        "longpoll_refused": len(heard.refused),
        "longpoll_dropped": heard.dropped,
        "memory_mb_before": round(before_mb, 1),
        "memory_mb_full": round(full_mb, 1),
        "memory_mb_after": round(after_mb, 1),
        "cpu_share_while_waiting": round(cpu_share, 3),
        "others_p50_ms_alone": round(statistics.median(alone), 1),
        "others_p50_ms_beside": round(statistics.median(beside), 1),
        "others_p99_ms_alone": round(p99(alone), 1),
        "others_p99_ms_beside": round(p99(beside), 1),
        "order_to_told_s": round(soonest, 2),
    }


def main() -> None:
    """Measure, print a table and the JSON line."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        figures = measured(Path(folder))
    for name, value in figures.items():
        print(f"{name:28}{value:12g}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
