"""How fast a file arrives at a real server, against copying and hashing it on the same disk.

Starts gunicorn as the server does, sends half a gigabyte through HTTP over the loopback, and
reads from /proc how much memory the web process took meanwhile.
"""

import hashlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from repo_server import people
from repo_server.db import make_engine, transaction
from repo_server.ids import new_id
from repo_server.server import THREADS, prepare
from repo_server.settings import Settings

MB = 1024 * 1024
SIZE_MB = 500
ROUNDS = 3


def main() -> None:
    """A table, and the median of the rounds as JSON."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        settings = Settings.from_env({"COSMO_DATA": str(Path(folder, "data"))})
        token = _token(settings)
        with _server(settings) as (url, pid), httpx.Client(timeout=120) as client:
            client.get(f"{url}/api/v1/healthz").raise_for_status()
            before_mb = _memory_mb(pid, "VmRSS")
            rounds = [
                _round(Path(folder), seed, client, f"{url}/api/v1/blobs", token)
                for seed in range(ROUNDS)
            ]
            grown_mb = _memory_mb(pid, "VmHWM") - before_mb
    print(f"{'copy and hash, MB/s':>22} {'upload, MB/s':>14} {'ratio':>7}")
    for copy, upload in rounds:
        print(f"{copy:22.0f} {upload:14.0f} {upload / copy:7.2f}")
    copy, upload = sorted(rounds, key=lambda it: it[1] / it[0])[ROUNDS // 2]
    print(
        json.dumps(
            {
                "upload_mb_per_s": round(upload, 1),
                "copy_and_hash_mb_per_s": round(copy, 1),
                "ratio": round(upload / copy, 3),
                "server_rss_growth_mb": round(grown_mb, 1),
                "file_mb": SIZE_MB,
            }
        )
    )


def _round(
    folder: Path, seed: int, client: httpx.Client, url: str, token: str
) -> tuple[float, float]:
    """MB/s of the copy and of the upload of one file that neither has seen."""
    source, copied = folder / "source", folder / "copy"
    _write_random(source, seed)
    started = time.perf_counter()
    sha256 = _copy_and_hash(source, copied)
    copy_s = time.perf_counter() - started
    copied.unlink()
    headers = {"Authorization": f"Bearer {token}", "Content-Length": str(source.stat().st_size)}
    started = time.perf_counter()
    answer = client.put(f"{url}/{sha256}", content=_pieces(source), headers=headers)
    upload_s = time.perf_counter() - started
    if answer.status_code != 201:
        raise SystemExit(answer.text)
    return SIZE_MB / copy_s, SIZE_MB / upload_s


def _write_random(path: Path, seed: int) -> None:
    dice = random.Random(seed)
    with path.open("wb") as file:
        for _ in range(SIZE_MB):
            file.write(dice.randbytes(MB))


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(MB):
            yield piece


def _copy_and_hash(source: Path, target: Path) -> str:
    """The same work with nothing around it: read, hash, write, sync."""
    digest = hashlib.sha256()
    with target.open("wb") as file:
        for piece in _pieces(source):
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _token(settings: Settings) -> str:
    prepare(settings)
    engine, now, token = make_engine(settings.database_url), datetime.now(UTC), "cl_bench"
    with transaction(engine) as session:
        person = people.sign_up(session, id=new_id(), handle="bench", name="Bench",
                                email="bench@example.org", password_hash="", now=now)  # fmt: skip
        people.issue_token(session, id=new_id(), secret=token, person_id=person.id, name="bench",
                           scopes=["design:write"], days=1, now=now)  # fmt: skip
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
        try:
            booted = next(line for line in server.stderr if "Booting worker" in line)
            yield f"http://{address}", int(booted.rsplit(" ", 1)[1])
        finally:
            server.terminate()


def _memory_mb(pid: int, key: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024


if __name__ == "__main__":
    main()
