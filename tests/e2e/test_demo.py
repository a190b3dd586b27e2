"""The whole chain as a newcomer runs it, and what is left of it afterwards: nothing."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


def demo(data: Path, *, cwd: Path = ROOT) -> subprocess.Popen[str]:
    env = {**os.environ, "COLUMNS": "160", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "cosmo", "demo", "--once", "--data", str(data)],
        cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def left_running(data: Path) -> list[str]:
    """Command lines and environments of living processes that name the demo's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(data).encode() in told and int(process.name) != os.getpid():
            found.append(told.replace(b"\0", b" ")[:200].decode(errors="replace"))
    return found


def test_an_open_design_becomes_things_line_for_line_and_nothing_stays_behind(
    tmp_path: Path,
) -> None:
    process = demo(tmp_path / "demo")
    said, _ = process.communicate()
    assert process.returncode == 0, said
    rows = {
        machine: (int(sent.replace(",", "")), int(executed.replace(",", "")))
        for machine, sent, executed in re.findall(
            r"(Window printer|OctoPrint printer|Router) +([\d,]+) +([\d,]+) +[\d.]+ ", said
        )
    }
    assert set(rows) == {"Window printer", "OctoPrint printer", "Router"}, said
    assert all(sent == executed > 1000 for sent, executed in rows.values())
    assert "/cities/rehearsal" in said
    assert said.count("/things/") == 3
    assert not left_running(tmp_path / "demo")


def test_a_demo_that_cannot_go_on_says_why_and_stops_what_it_started(tmp_path: Path) -> None:
    process = demo(tmp_path / "demo", cwd=tmp_path)  # here is no OctoPrint
    said, _ = process.communicate()
    assert process.returncode == 1
    assert "OctoPrint is not installed: run `make setup`" in " ".join(said.split())
    assert "Traceback" not in said
    assert not left_running(tmp_path / "demo")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_demo_that_is_ended_takes_its_machines_and_servers_with_it(
    tmp_path: Path, how: signal.Signals
) -> None:
    process = demo(tmp_path / "demo")
    assert process.stdout
    for line in process.stdout:
        if "one-use code" in line:  # server, machines and OctoPrint are up
            break
    assert left_running(tmp_path / "demo")
    process.send_signal(how)
    # The pipe ends when the last process that holds it has ended.
    process.stdout.read()
    process.wait()
    ended = wait_until_gone(tmp_path / "demo")
    process.stdout.close()
    assert ended, left_running(tmp_path / "demo")


def wait_until_gone(data: Path) -> bool:
    """Whether everything ends by itself; looks at most as long as a stop may take."""
    waiter = "import select; select.select([], [], [], 0.25)"
    for _ in range(120):
        if not left_running(data):
            return True
        subprocess.run([sys.executable, "-c", waiter], check=True)
    return False
