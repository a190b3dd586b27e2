"""A hundred people publish a file of 20 MB each at once: the server's memory, and the last facts.

The server is `cosmo server run` with all its parts; each client is `cosmo publish` in a thread of
its own, with a design of its own. Before they start, some of the files are read as the server reads
them and nothing else is done: that is the work. `uploads_100_last_facts_ratio` is the time from
the first byte to the last facts, in units of that work shared by the cores; sending, hashing,
storing and publishing are in the time and not in the work. `ratio_by_the_clock` has the seconds
that the same reading took instead of its CPU time: on a computer with other work, that tells more.
Memory is PSS: of the web processes, and of the workers without the children that read files.

`--count 10 --size 5` (MB) is the small one.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import col, func, select

from bench.parsing import bumpy_rings, cost, write_stl
from cosmo.client import Client
from cosmo.demo.processes import Processes
from cosmo.demo.serving import free_port, start_server
from repo_server.db import make_engine, reading
from repo_server.tables import FileFactsRow

BYTES_OF_A_FACE = 50
SAMPLE = 20  # files that are read alone; all are alike
EVERY_S = 0.2
MANIFEST = """\
okhv = "OKH-LOSHv1.0"
name = "Ring {number}"
version = "1"
license = "MIT"
repo = "https://example.org/ring-{number}"
licensor = "Bench"
function = "Two bumpy rings"

[[part]]
name = "ring"
tsdc = "3DP"
export = ["ring.stl"]
"""


@dataclass
class Memory:
    """PSS in MB of the web processes and of the workers, each time that it was looked at."""

    server: int
    web: list[float] = field(default_factory=list)
    workers: list[float] = field(default_factory=list)

    def look(self) -> None:
        """One more line of both."""
        sums = {"web": 0.0, "workers": 0.0}
        for pid in family(self.server):
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue  # it has ended meanwhile
            pss = next((int(it.split()[1]) for it in rollup.splitlines() if it[:4] == "Pss:"), 0)
            for name, word in (("web", b"gunicorn"), ("workers", b"repo_server.worker")):
                if word in command:
                    sums[name] += pss / 1024
        self.web.append(sums["web"])
        self.workers.append(sums["workers"])

    def watch(self, until: threading.Event) -> None:
        """It is looked at again and again."""
        while not until.wait(EVERY_S):
            self.look()


def family(leader: int) -> Iterator[int]:
    """The process and everything that it started."""
    yield leader
    for task in Path(f"/proc/{leader}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from family(int(child))


def designs(folder: Path, count: int, size_mb: float) -> list[Path]:
    """So many designs with a mesh each that no other has."""
    points, faces = bumpy_rings(int(size_mb * 1e6 / BYTES_OF_A_FACE))
    dice, made = random.Random(20), []
    for number in range(count):
        design = folder / f"ring-{number}"
        design.mkdir()
        (design / "okh.toml").write_text(MANIFEST.format(number=number))
        write_stl(design / "ring.stl", points * (1 + dice.random() / 10), faces)
        made.append(design)
    return made


def work_s(files: Sequence[Path], folder: Path, cores: int) -> tuple[float, float]:
    """What reading one of the files takes, as many at a time as there are cores: s of CPU, and s
    until the next one is done."""

    def read(file: Path) -> float:
        out = folder / file.parent.name
        out.mkdir(parents=True)
        command = ["-m", "repo_server.parsing.child", "mesh", "stl", str(file), str(out)]
        spent = cost([sys.executable, *command]).cpu_s
        if not (out / "thumbnail").exists():
            raise RuntimeError(f"{file} cannot be read: {(out / 'answer.json').read_text()}")
        return spent

    begun = time.monotonic()
    with ThreadPoolExecutor(cores) as readers:
        cpu_s = sum(readers.map(read, files))
    return cpu_s / len(files), (time.monotonic() - begun) / len(files)


def _publish(url: str, token: str, folder: Path) -> float:
    with Client(url, token, timeout_s=600) as client:
        client.publish(folder)
    return time.monotonic()


def _known(engine: Engine) -> int:
    with reading(engine) as session:
        measured = select(func.count(col(FileFactsRow.sha256))).where(
            col(FileFactsRow.problem).is_(None), FileFactsRow.kind == "stl"
        )
        return session.exec(measured).one()


def _until_known(engine: Engine, count: int, processes: Processes, most_s: float) -> float:
    """When so many files had their facts."""
    end = time.monotonic() + most_s
    while _known(engine) < count:
        processes.require_all()
        if time.monotonic() > end:
            raise RuntimeError(f"after {most_s:.0f} s only {_known(engine)} of {count} are read")
        time.sleep(EVERY_S)
    return time.monotonic()


def run(count: int, size_mb: float, folder: Path) -> dict[str, object]:
    """The figures of one run."""
    cores = len(os.sched_getaffinity(0))
    warm, *sent = designs(folder, count + 1, size_mb)
    alone_s, next_s = work_s([it / "ring.stl" for it in sent[:SAMPLE]], folder / "alone", cores)
    url = f"http://127.0.0.1:{free_port()}"
    with Processes(folder / "logs") as processes:
        password = start_server(processes, folder, url)
        engine = make_engine(f"sqlite:///{folder}/server/cosmolocal.sqlite")
        with Client(url) as client:
            token = client.sign_in("admin", password)
        _publish(url, token, warm)  # everything is loaded once
        _until_known(engine, 1, processes, 120)
        memory, done = Memory(processes.pid("server")), threading.Event()
        memory.look()
        watching = threading.Thread(target=memory.watch, args=(done,))
        watching.start()
        begun = time.monotonic()
        try:
            with ThreadPoolExecutor(count) as clients:
                sent_at = list(clients.map(lambda it: _publish(url, token, it), sent))
            last_at = _until_known(engine, count + 1, processes, 60 + 20 * alone_s * count)
        finally:
            done.set()
            watching.join()
            engine.dispose()
    work = alone_s * count / cores
    return {
        f"uploads_{count}_server_mb_growth": round(max(memory.web) - memory.web[0], 1),
        f"uploads_{count}_last_facts_ratio": round((last_at - begun) / work, 3),
        "ratio_by_the_clock": round((last_at - begun) / (next_s * count), 3),
        "workers_mb_growth": round(max(memory.workers) - memory.workers[0], 1),
        "web_mb": round(memory.web[0], 1),
        "workers_mb": round(memory.workers[0], 1),
        "all_sent_s": round(max(sent_at) - begun, 1),
        "last_facts_s": round(last_at - begun, 1),
        "work_of_the_cores_s": round(work, 1),
        "one_file_cpu_s": round(alone_s, 2),
        "cores": cores,
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--size", type=float, default=20, help="MB of each")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        print(json.dumps(run(asked.count, asked.size, Path(name))))


if __name__ == "__main__":
    sys.exit(main())
