"""Files on their way as people send them: by a stock tus client, by the command in a terminal."""

import fcntl
import hashlib
import os
import pty
import random
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from tusclient.client import TusClient

from commons.errors import NotFound
from cosmo.__main__ import cli
from repo_server.people import Scope
from tests.browsing import fill, page
from tests.component.test_lab_commands import address, settings  # noqa: F401  (fixtures)
from tests.fault.test_publishing_over_a_bad_link import MANIFEST
from tests.shop import API, Someone

BYTES = random.Random(2).randbytes(9 * 1024 * 1024)
NAME = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def ada(sign_up: Callable[..., Someone]) -> Someone:
    return sign_up("ada")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "block" / "block.step"
    file.parent.mkdir()
    file.write_bytes(BYTES)
    return file


def test_a_stock_client_of_the_protocol_sends_a_file_and_goes_on_where_it_was(
    address: str,  # noqa: F811
    ada: Someone,
    file: Path,
) -> None:
    headers = {"Authorization": f"Bearer {ada.token(*Scope)}"}
    tus = TusClient(f"{address}{API}/uploads", headers=headers)
    with file.open("rb") as stream:
        told = {"chunk_size": 4_000_000, "metadata": {"sha256": NAME}}
        sender = tus.uploader(file_stream=stream, **told)
        sender.upload_chunk()
        assert (sender.url, sender.offset) == (f"{address}{API}/uploads/{NAME}", 4_000_000)
        again = tus.uploader(file_stream=stream, url=sender.url, chunk_size=4_000_000)
        assert again.offset == 4_000_000
        again.upload()
    assert ada.get(f"{API}/blobs/{NAME}", buffered=True).data == BYTES


def run_in_terminal(words: list[str]) -> tuple[int, str]:
    """What a terminal of 120 columns shows, and the command's exit code."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    command = [sys.executable, "-m", "cosmo", *words]
    tty = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with subprocess.Popen(command, **tty, env={**os.environ, "TERM": "xterm-256color"}) as it:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # the terminal of a process that has ended
            while said := os.read(ours, 65536):
                shown += said
    os.close(ours)
    return it.returncode, shown.decode()


def test_in_a_terminal_a_large_file_has_a_bar_that_fills(
    address: str,  # noqa: F811
    ada: Someone,
    file: Path,
    tmp_path: Path,
) -> None:
    (file.parent / "okh.toml").write_text(MANIFEST)
    token = tmp_path / "token"
    token.write_text(ada.token(*Scope))
    words = ["publish", "--server", address, "--token-file", str(token), str(file.parent)]
    code, shown = run_in_terminal(words)
    assert code == 0, shown
    assert "block.step" in shown
    assert "9.4/9.4 MB" in shown
    assert "━" in shown and "\x1b[" in shown  # drawn, and drawn again
    assert f"block 1.0.0 published: {address}/designs/block" in shown


def test_what_has_not_arrived_is_deleted_on_the_page_and_by_the_command(
    address: str,  # noqa: F811
    ada: Someone,
    tmp_path: Path,
) -> None:
    tus = TusClient(
        f"{address}{API}/uploads", headers={"Authorization": f"Bearer {ada.token(*Scope)}"}
    )
    token = tmp_path / "token"
    token.write_text(ada.token(*Scope))
    names = {}
    for name in ("one", "two"):
        data = name.encode() * 1000
        names[name] = hashlib.sha256(data).hexdigest()
        stream, told = BytesIO(data), {"sha256": names[name]}
        tus.uploader(file_stream=stream, chunk_size=100, metadata=told).upload_chunk()

    def say(*words: str) -> str:
        end = ["--server", address, "--token-file", str(token)]
        done = CliRunner().invoke(cli, ["upload", *words, *end])
        if isinstance(done.exception, NotFound):
            raise done.exception
        return done.output

    assert names["one"][:12] in say("list") and "100 bytes" in say("list")
    assert "nothing is left" in say("delete", names["one"][:8])
    with pytest.raises(NotFound, match="no upload of yours begins with"):
        say("delete", names["one"][:8])
    act = f"/uploads/{names['two']}/delete"
    assert act in [it["action"] for it in page(ada.browser, "/publish").forms]
    assert ada.browser.post(act, data=fill(ada, "/publish", act)).status_code == 303
    assert "everything has arrived" in say("list")
