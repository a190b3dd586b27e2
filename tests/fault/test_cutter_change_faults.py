"""A router that waits for another cutter: process, socket and port are real, people are quick."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from commons.errors import Unavailable
from commons.job import JobState
from commons.wire import Wish
from fab_agent.machines.firmware.pty import served as plugged_in
from tests.fake_repository import enrolled, served
from tests.fault.test_controls_faults import END_S, SPEED, Lab
from tests.routers import LEGS

pytestmark = pytest.mark.slow
ZERO = "G10L20P1Z0"
CUTTERS = ("3", "1.5")


class Stopped(Lab):
    """A lab whose router runs a program of two cutters; `again` starts its process once more."""

    child: subprocess.Popen[bytes]
    again: Callable[[], None]

    def come_to_the_stop(self) -> None:
        self.repository.clear()
        self.wait_until(lambda: self.is_now().startswith("held, change the cutter to 1.5 mm"))

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Stopped]:
    lab = Stopped(tmp_path)
    with (
        served(lab.repository) as url,
        plugged_in(lab.router, speed=SPEED) as (port, _),
    ):
        enrolled(lab.repository, tmp_path, url)

        def start() -> None:
            lab.child = lab.start(url, port, *CUTTERS)

        lab.again = start
        start()
        try:
            yield lab
        finally:
            lab.kill()


def test_the_cutter_is_changed_its_zero_set_and_the_run_gone_on_with_beside_the_machine(
    lab: Stopped,
) -> None:
    lab.come_to_the_stop()
    assert lab.router.executed == LEGS[0]
    assert lab.router.spindle_off
    with pytest.raises(Unavailable, match=r"set the zero of the 1\.5 mm cutter"):
        lab.says("resume", by="Bob")
    lab.says("jog", by="Ada", z_mm=-2)
    lab.says("zero", by="Ada", axes="Z")
    assert lab.is_now().startswith("held, the 1.5 mm cutter has its zero")
    assert lab.says("resume", by="Bob") == "it goes on with the 1.5 mm cutter"
    lab.repository.wait_for_state(JobState.FINISHED, END_S)
    assert lab.router.executed == [*LEGS[0], ZERO, *LEGS[1]]
    assert [who for do, who in lab.operations() if do in ("jog", "zero")] == ["Ada"] * 4


def test_a_resume_on_the_labs_page_waits_for_the_zero_too(lab: Stopped) -> None:
    lab.come_to_the_stop()
    lab.repository.ask(Wish.RESUME)
    lab.wait_until(lambda: "at the machine first" in lab.is_now())
    lab.says("zero", by="Ada", axes="Z")
    lab.repository.ask(Wish.RESUME)
    lab.repository.wait_for_state(JobState.FINISHED, END_S)
    assert lab.router.executed == [*LEGS[0], ZERO, *LEGS[1]]


def test_a_process_that_is_killed_at_the_stop_loses_the_run_and_starts_nothing_again(
    lab: Stopped,
) -> None:
    lab.come_to_the_stop()
    lab.says("zero", by="Ada", axes="Z")
    lab.kill()
    lab.again()
    lab.wait_until(lambda: "lost" in [kind for kind, _ in lab.written()])
    with pytest.raises(Unavailable):
        lab.says("resume")
    lab.repository.wait_for_state(JobState.UNCONFIRMED, END_S)
    assert lab.router.executed == [*LEGS[0], ZERO]
    assert lab.router.spindle_off
