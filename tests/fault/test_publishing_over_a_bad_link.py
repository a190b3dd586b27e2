"""`cosmo publish` with a large file: over a link that breaks, after Ctrl-C, and again."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from commons.errors import Unavailable
from cosmo.client import Client
from cosmo.uploads import Sending
from tests.cut_link import Link
from tests.web_server import Server, files_in

pytestmark = pytest.mark.slow

MB = 1024 * 1024
SIZE = 90 * MB  # more than one part
ROOT = Path(__file__).parents[2]
MANIFEST = """
okhv = "OKH-LOSHv1.0"
name = "Block"
repo = "https://example.org/block"
version = "1.0.0"
license = "CERN-OHL-S-2.0"
licensor = "Ada"
function = "Lies there."

[[part]]
name = "block"
source = "block.step"
"""


@pytest.fixture(scope="module")
def large() -> bytes:
    return random.Random(5).randbytes(SIZE)


@pytest.fixture
def folder(tmp_path: Path, large: bytes) -> Path:
    folder = tmp_path / "block"
    folder.mkdir()
    (folder / "okh.toml").write_text(MANIFEST)
    (folder / "block.step").write_bytes(large)
    return folder


@pytest.fixture
def server(tmp_path: Path):
    server = Server(tmp_path / "server")
    server.start()
    yield server
    server.kill()


def stored(server: Server, release_id: str) -> bytes:
    files = server.ask("GET", f"/releases/{release_id}").json()["files"]
    return server.ask("GET", f"/blobs/{files[0]['sha256']}").content


def test_a_link_that_breaks_three_times_costs_only_what_was_under_way(server, folder, large):
    heard: list[Sending] = []
    with Link(server.url, 20 * MB, 50 * MB, 80 * MB) as link:
        with Client(link.url, server.token, pauses_s=(0.2,) * 9) as client:
            done = client.publish(folder, told=heard.append)
        assert link.cuts == 3
        assert link.sent < SIZE + 8 * MB  # what was in the sockets when they were cut
    assert done.new
    assert stored(server, done.release_id) == large
    assert [it.waits for it in heard if "link broke" in it.waits]
    assert heard[-1] == Sending("block.step", SIZE, SIZE)


def test_a_link_that_stays_broken_is_told_and_the_same_again_goes_on(server, folder, large):
    with Link(server.url, 30 * MB) as link:
        with (
            Client(link.url, server.token, pauses_s=()) as client,
            pytest.raises(Unavailable, match=r"block\.step' has not arrived: the link broke"),
        ):
            client.publish(folder)
        already = link.sent
        with Client(link.url, server.token) as client:
            done = client.publish(folder)
        assert link.sent - already < SIZE - already + 8 * MB
    assert stored(server, done.release_id) == large


@pytest.fixture
def heeds_interrupts():
    """Programs that are started heed Ctrl-C, even where this one was started to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_interrupts")
def test_ctrl_c_and_the_same_command_again_sends_the_rest(server, folder, large, tmp_path):
    token = tmp_path / "token"
    token.write_text(server.token)
    with Link(server.url, hold_after=20 * MB) as link:
        command = [sys.executable, "-m", "cosmo", "publish", str(folder), "--server", link.url,
                   "--token-file", str(token)]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        first = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert link.held.wait(60)
        first.send_signal(signal.SIGINT)
        said = first.communicate()[1]
        link.held.clear()
        assert first.returncode == 1
        assert "cosmo: stopped; what has arrived is kept on the server" in " ".join(said.split())
        already = link.sent
        (arriving,) = files_in(server.blobs / "arriving")
        here = arriving.stat().st_size
        assert here > 10 * MB
        again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert "block 1.0.0 published" in again.stdout
        assert link.sent - already < SIZE - here + MB
    assert [path.read_bytes() == large for path in files_in(server.blobs)].count(True) == 1
