"""People beside a router while its server is gone: process, socket and port are real."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from commons.errors import FabError, Unavailable
from commons.job import JobState
from fab_agent.asking import ask
from fab_agent.controls import Ask
from fab_agent.journal import Outbox
from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.pty import served as plugged_in
from tests.fake_repository import FakeRepository, enrolled, served
from tests.fault.router_child import PROGRAM

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
END_S, LOOK_S = 40.0, 0.01
# How much faster than a real one the router moves: the whole program would take half a minute.
SPEED = 10.0


class Lab:
    """A repository, a router on a pty, the process between them, and somebody beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = FakeRepository()
        self.router = SimulatedGrbl(GrblKnobs(moves_take_time=True))

    def start(self, url: str, port: str, *cutters: str) -> subprocess.Popen[bytes]:
        arguments = [str(self.folder), url, port, *cutters]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.fault.router_child", *arguments], cwd=ROOT
        )

    def says(self, do: str, **more: object) -> str:
        return ask(self.folder / "journal", Ask.model_validate({"do": do, **more}))

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """For what nobody announces. AssertionError when it does not happen."""
        never = threading.Event()
        for _ in range(round(END_S / LOOK_S)):
            if happened():
                return
            never.wait(LOOK_S)
        raise AssertionError((self.router.state, len(self.router.executed), self.is_now()))

    def is_now(self) -> str:
        try:
            return self.says("state")
        except FabError as problem:
            return str(problem)

    def written(self) -> list[tuple[str, str]]:
        """What the journal holds for the server."""
        with closing(Outbox(self.folder / "journal")) as outbox:
            return [(event.kind.value, event.sentence) for event in outbox.after(0)]

    def operations(self) -> list[tuple[str, str]]:
        text = (self.folder / "journal" / "operations.jsonl").read_text()
        lines = [json.loads(line) for line in text.splitlines()]
        return [(json.loads(it["what"])["do"], it["by"]) for it in lines]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    with (
        served(lab.repository) as url,
        plugged_in(lab.router, speed=SPEED) as (port, _),
    ):
        enrolled(lab.repository, tmp_path, url)
        child = lab.start(url, port)
        try:
            yield lab
        finally:
            child.kill()
            child.wait()


def test_a_run_is_held_resumed_and_stopped_beside_the_machine_while_the_server_is_gone(
    lab: Lab,
) -> None:
    lab.repository.clear()
    lab.repository.wait_for_state(JobState.RUNNING, END_S)
    lab.repository.set_down(True)
    lab.wait_until(lambda: lab.router.state == "Run")

    assert lab.says("hold", by="Ada") == "it is told to hold"
    lab.wait_until(lambda: lab.router.state.startswith("Hold"))
    lab.wait_until(lambda: lab.is_now().startswith("held"))
    with pytest.raises(Unavailable, match="hold or stop it first"):
        lab.says("jog", by="Ada", x_mm=1)

    assert lab.says("resume") == "it is told to go on"
    lab.wait_until(lambda: lab.router.state == "Run")

    assert lab.says("stop", by="Ada") == "it is told to stop"
    lab.wait_until(lambda: ("failed", "stopped at the machine by Ada") in lab.written())
    assert lab.router.spindle_off
    assert not lab.router.moving
    assert len(lab.router.executed) < len(PROGRAM)

    lab.repository.set_down(False)
    lab.repository.wait_for_state(JobState.FAILED, END_S)
    assert lab.operations() == [
        ("hold", "Ada"),
        ("jog", "Ada"),
        ("jog", "Ada"),
        ("resume", ""),
        ("stop", "Ada"),
    ]


def test_a_stop_before_the_start_starts_nothing(lab: Lab) -> None:
    lab.repository.wait_for_state(JobState.STAGED, END_S)
    lab.repository.set_down(True)
    assert lab.says("stop") == "it is not started; the job goes back"
    lab.wait_until(lambda: ("declined", "stopped at the machine before the start") in lab.written())
    assert "M3 S8000" not in lab.router.executed
