"""A machine's process that is killed, cut off or starved, beside a printer that lives on.

The process, its journal, HTTP and the serial line are real; repository and printer are made of
memory. The printer writes down every line that it executed.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from commons.dispatch import attest
from commons.job import JobState
from commons.wire import EventKind, MachineState, Phase, Wish
from fab_agent.journal import Outbox
from fab_agent.machines.firmware.marlin import MarlinKnobs, SimulatedMarlin
from fab_agent.machines.firmware.pty import served as plugged_in
from fab_agent.settings import parse_settings
from fab_agent.supervisor import run_agent
from tests.fake_repository import FakeRepository, enrolled, served
from tests.fault.agent_child import PROGRAM

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
CHILD = [sys.executable, "-m", "tests.fault.agent_child"]
END_S, LOOK_S = 30.0, 0.01
# How much faster than a real one the printer moves: a run takes about 3 s.
SPEED = 10.0


class Lab:
    """A repository, a printer on a pty, and the process between them."""

    def __init__(self, folder: Path, url: str, port: str, cable: threading.Event) -> None:
        self.folder, self.url, self.port, self.cable = folder, url, port, cable
        self.repository = FakeRepository()
        self.printer = SimulatedMarlin(MarlinKnobs(moves_take_time=True))
        self.children: list[subprocess.Popen[bytes]] = []

    def start(self, wrapped_in: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        arguments = [str(self.folder), str(data), self.url, self.port]
        child = subprocess.Popen([*wrapped_in, *CHILD, *arguments], cwd=ROOT)
        self.children.append(child)
        return child

    def kill(self) -> None:
        self.children[-1].kill()
        self.children[-1].wait()

    def set_fault(self, fault: str) -> None:
        (self.folder / "fault").write_text(fault)

    def wait_for_line(self, number: int) -> None:
        """Return once the printer has executed so many lines of programs."""
        self.wait_until(lambda: len(self.printer.executed) >= number)

    def wait_until(self, happened: Callable[[], bool]) -> None:
        """For what nobody announces. AssertionError when it does not happen."""
        never = threading.Event()
        for _ in range(round(END_S / LOOK_S)):
            if happened():
                return
            never.wait(LOOK_S)
        raise AssertionError((self.printer.executed, self.told()))

    def written(self) -> list[str]:
        """What the journal holds for the server."""
        with closing(Outbox(self.folder / "data" / "journal")) as outbox:
            return [event.kind.value for event in outbox.after(0)]

    @property
    def starts(self) -> int:
        """How often the printer began a program: each begins by homing."""
        return self.printer.executed.count("G28")

    def told(self) -> list[str]:
        return self.repository.kinds()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path, "", "", threading.Event())
    with (
        served(lab.repository) as lab.url,
        plugged_in(lab.printer, speed=SPEED) as (lab.port, lab.cable),
    ):
        enrolled(lab.repository, tmp_path, lab.url)
        try:
            yield lab
        finally:
            for child in lab.children:
                child.kill()
                child.wait()


def test_a_job_is_made_when_somebody_clears_the_bed(lab: Lab) -> None:
    lab.start()
    lab.repository.wait_for_state(JobState.STAGED)
    assert lab.starts == 0
    lab.repository.clear()
    lab.repository.wait_for_state(JobState.FINISHED, END_S)
    assert lab.printer.executed[: len(PROGRAM)] == PROGRAM
    assert lab.told() == ["staged", "started", "finished"]
    assert lab.repository.refused == []


def test_killed_before_it_asked_it_takes_the_same_offer_up_again(lab: Lab) -> None:
    killed = threading.Event()

    def kill_once() -> None:
        if not killed.is_set():
            lab.kill()
            killed.set()

    lab.repository.on_staged = kill_once  # it asks as soon as it has heard that this is known
    lab.start()
    assert killed.wait(20)
    lab.start()
    lab.repository.clear()
    lab.repository.wait_for_state(JobState.FINISHED, END_S)
    assert lab.starts == 1
    assert lab.repository.job.attempt_id == "a1"


def test_killed_between_permit_and_intent_it_never_uses_the_permit(lab: Lab) -> None:
    killed = threading.Event()

    def kill_once() -> None:
        if not killed.is_set():
            killed.set()
            lab.children[-1].kill()

    lab.repository.on_arm = kill_once
    lab.start()
    lab.repository.clear()
    lab.repository.wait_for_state(JobState.ARMED)
    lab.children[-1].wait()
    lab.start()
    lab.repository.wait_for(lambda: "unused" in lab.told())
    lab.repository.wait_for(lambda: lab.repository.job.attempt_id == "a2", END_S)
    assert lab.starts == 0
    lab.repository.clear()
    lab.repository.wait_for_state(JobState.FINISHED, END_S)
    assert lab.starts == 1


def test_killed_between_intent_and_first_byte_a_person_decides(lab: Lab) -> None:
    lab.set_fault("intended")
    lab.start()
    lab.repository.clear()
    lab.children[-1].wait(END_S)
    lab.start()
    lab.repository.wait_for(lambda: lab.repository.job.fence_acknowledged, END_S)
    assert lab.starts == 0
    fenced = [e for e in lab.repository.events if e.kind is EventKind.FENCED]
    assert fenced[-1].intent is True
    with lab.repository.changed:
        cards = attest(lab.repository.job, lab.repository.machine, nothing_ran=True)
        lab.repository.job, lab.repository.machine = cards
    lab.repository.clear()
    lab.repository.wait_for_state(JobState.FINISHED, END_S)
    assert lab.starts == 1


def test_killed_in_the_middle_of_a_run_it_makes_the_printer_safe_and_starts_nothing(
    lab: Lab,
) -> None:
    lab.start()
    lab.repository.clear()
    lab.wait_for_line(10)
    lab.printer.hotend.target_c = 200.0
    lab.kill()
    lab.start()
    lab.repository.wait_for(lambda: lab.repository.job.fence_acknowledged, END_S)
    assert lab.told()[:3] == ["staged", "started", "lost"]
    assert lab.starts == 1
    assert lab.printer.hotend.target_c == 0.0


def test_killed_before_it_could_tell_the_end_the_next_one_tells_it(lab: Lab) -> None:
    lab.start()
    lab.repository.clear()
    lab.repository.wait_for_state(JobState.RUNNING, END_S)
    lab.repository.set_down(True)
    lab.wait_until(lambda: "finished" in lab.written())
    lab.kill()
    assert lab.told() == ["staged", "started"]
    lab.repository.set_down(False)
    lab.start()
    lab.repository.wait_for(lambda: len(lab.told()) == 3, END_S)
    assert lab.told()[-1] == "finished"
    assert lab.starts == 1


def test_a_server_that_is_down_stops_no_machine_and_hears_of_it_later(lab: Lab) -> None:
    lab.start()
    lab.repository.clear()
    lab.repository.wait_for_state(JobState.RUNNING, END_S)
    lab.repository.set_down(True)
    lab.wait_for_line(len(PROGRAM))
    lab.repository.set_down(False)
    lab.repository.wait_for_state(JobState.FINISHED, END_S)
    assert lab.starts == 1


def test_a_port_that_vanishes_is_lost_at_once(lab: Lab) -> None:
    lab.start()
    lab.repository.clear()
    lab.repository.wait_for(lambda: _lines_done(lab) > 0, END_S)
    lab.cable.set()
    lab.repository.wait_for_state(JobState.UNCONFIRMED, END_S)
    lost = lab.repository.events[2]
    assert lost.kind is EventKind.LOST
    assert "check the USB cable" in lost.sentence
    assert lost.run is not None
    assert 0 < lost.run.lines_done < len(PROGRAM)
    lab.repository.wait_for(lambda: _state(lab) is MachineState.OFFLINE)


def _lines_done(lab: Lab) -> int:
    report = lab.repository.report
    streams = report and report.progress and report.progress.phase is Phase.STREAM
    return report.progress.done if streams else 0


def _state(lab: Lab) -> MachineState | None:
    return lab.repository.report and lab.repository.report.state


def test_a_stopped_agent_stops_the_printer_reports_and_leaves(lab: Lab) -> None:
    child = lab.start()
    lab.repository.clear()
    lab.wait_for_line(5)
    child.terminate()
    assert child.wait(END_S) == 0
    assert lab.told() == ["staged", "started", "failed"]
    assert len(lab.printer.executed) < len(PROGRAM)


def test_a_cancelled_run_stops_and_says_so(lab: Lab) -> None:
    lab.start()
    lab.repository.clear()
    lab.wait_for_line(5)
    lab.repository.ask(Wish.CANCEL)
    lab.repository.wait_for_state(JobState.FAILED, END_S)
    assert "cancelled" in lab.repository.events[-1].sentence


def test_a_fence_for_a_silent_run_is_answered_while_it_runs_on(lab: Lab) -> None:
    lab.start()
    lab.repository.clear()
    lab.repository.wait_for_state(JobState.RUNNING, END_S)
    lab.repository.fall_silent()
    lab.repository.wait_for(lambda: lab.repository.job.fence_acknowledged, END_S)
    lab.repository.wait_for_state(JobState.FINISHED, END_S)
    assert lab.told() == ["staged", "started", "fenced", "finished"]


def test_a_second_agent_for_the_same_machine_starts_nothing(lab: Lab) -> None:
    lab.start()
    lab.repository.wait_for_state(JobState.STAGED)
    assert lab.start().wait(END_S) != 0
    lab.children.pop()
    lab.repository.clear()
    lab.repository.wait_for_state(JobState.FINISHED, END_S)
    assert lab.starts == 1


def test_on_a_full_disk_nothing_starts_and_with_room_again_all_goes_on(lab: Lab) -> None:
    data = lab.folder / "data"
    data.mkdir()
    lab.set_fault("full")
    lab.repository.clears_itself = True
    lab.start(["bwrap", "--dev-bind", "/", "/", "--size", "1000000", "--tmpfs", str(data), "--"])
    lab.repository.wait_for(lambda: _state(lab) is MachineState.FAULT, END_S)
    assert lab.repository.report is not None
    assert "is full: free some space" in lab.repository.report.sentence
    assert lab.starts == 0
    (lab.folder / "fault").unlink()
    lab.repository.wait_for_state(JobState.FINISHED, END_S)
    assert lab.starts == 1


AGENT_TOML = """
[repository]
url = "{url}"
[panel]
enabled = false
[agent]
name = "Bench"
data = "."
[[machine]]
name = "Ender"
process = "fdm"
driver = "marlin"
port = "{port}"
materials = ["pla"]
max_feed_mm_s = 150
max_feed_z_mm_s = 10
envelope = {{ x_max_mm = 220, y_max_mm = 220, z_max_mm = 250 }}
fdm = {{}}
"""


@contextmanager
def supervised(lab: Lab) -> Iterator[None]:
    settings = parse_settings(AGENT_TOML.format(url=lab.url, port=lab.port), folder=lab.folder)
    stop = threading.Event()
    supervisor = threading.Thread(target=run_agent, args=(settings, stop))
    supervisor.start()
    try:
        yield
    finally:
        stop.set()
        supervisor.join()


def children_of_this_process() -> set[int]:
    """Processes of the agent that this process has started and that live."""
    listed = subprocess.run(
        ["ps", "--ppid", str(os.getpid()), "-o", "pid=,args="],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return {int(line.split()[0]) for line in listed if "fab_agent.machine_process" in line}


def test_the_supervisor_starts_a_killed_process_again_and_leaves_none_behind(lab: Lab) -> None:
    lab.repository.jobs_left = 0
    with supervised(lab):
        lab.repository.wait_for(lambda: _state(lab) is MachineState.IDLE, END_S)
        (first,) = children_of_this_process()
        os.kill(first, signal.SIGKILL)
        with lab.repository.changed:
            lab.repository.report = None
        lab.repository.wait_for(lambda: _state(lab) is MachineState.IDLE, END_S)
        (second,) = children_of_this_process()
        assert first != second
    assert children_of_this_process() == set()
    assert _state(lab) is MachineState.OFFLINE


SUPERVISOR = """
import sys, threading
from pathlib import Path
from fab_agent.settings import read_settings
from fab_agent.supervisor import run_agent
run_agent(read_settings(Path(sys.argv[1])), threading.Event())
"""


def test_a_process_whose_supervisor_was_killed_leaves_when_its_machine_is_at_rest(lab: Lab) -> None:
    lab.repository.jobs_left = 0
    config = lab.folder / "agent.toml"
    config.write_text(AGENT_TOML.format(url=lab.url, port=lab.port))
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(config)], cwd=ROOT)
    lab.repository.wait_for(lambda: _state(lab) is MachineState.IDLE, END_S)
    supervisor.kill()
    supervisor.wait()
    lab.repository.wait_for(lambda: _state(lab) is MachineState.OFFLINE, END_S)
    assert lab.repository.report is not None
    assert lab.repository.report.sentence == "the agent was stopped"
