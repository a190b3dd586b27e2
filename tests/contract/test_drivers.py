"""What every driver promises, whatever it drives. Tests that ask `executed` need a simulator."""

import itertools
from collections.abc import Iterator

import pytest

from commons.errors import ProgramRefused
from fab_agent.machines.driver import (
    Control,
    Evidence,
    Held,
    MachineDriver,
    Outcome,
    Progress,
    Resumed,
    RunEnd,
)

pytestmark = pytest.mark.slow
attempts = (f"contract-{n}" for n in itertools.count(1))


@pytest.fixture
def driver(rig) -> Iterator[MachineDriver]:
    opened = rig.open()
    yield opened
    opened.close()


@pytest.fixture
def start(rig, driver, program, person):
    def run(somebody=None, lines=None) -> RunEnd:
        somebody = somebody or person()
        return driver.run(
            program(lines or rig.lines, rig.process),
            attempt=next(attempts),
            report=somebody.report,
            controls=somebody.controls,
        )

    return run


FIRMWARES = {"marlin": "Marlin", "grbl": "Grbl", "octoprint": "OctoPrint", "moonraker": "Klipper"}


def test_it_says_what_is_connected_and_that_it_is_ready(rig, driver):
    assert FIRMWARES[rig.kind].lower() in driver.identify().firmware.lower()
    driver.ready()


def test_asking_executes_nothing(driver, executed):
    driver.identify()
    driver.ready()
    assert executed() == []


def test_every_line_is_executed_once_and_in_order(rig, start, executed):
    start()
    assert executed() == rig.lines


def test_a_whole_program_ends_finished(rig, start):
    assert start() == RunEnd(Outcome.FINISHED, len(rig.lines), len(rig.lines))


def test_progress_only_grows_and_never_passes_the_end(rig, start, person):
    somebody = person()
    start(somebody)
    told = [event for event in somebody.events if isinstance(event, Progress)]
    assert told
    assert told == sorted(told, key=lambda p: (p.lines_done, p.lines_sent))
    assert all(p.lines_done <= p.lines_sent <= p.line_count == len(rig.lines) for p in told)


def test_one_program_after_another_is_executed_whole(rig, start, executed):
    start()
    start(lines=rig.lines[::-1])
    assert executed() == rig.lines + rig.lines[::-1]


def test_an_abort_leaves_the_machine_free(driver, start, person):
    end = start(person((Progress, Control.ABORT)))
    driver.ready()
    assert end.outcome is Outcome.ABORTED


def test_an_abort_stops_the_program(rig, start, person, executed):
    end = start(person((Progress, Control.ABORT)))
    assert len(executed()) < len(rig.lines)
    assert executed()[: end.lines_done] == rig.lines[: end.lines_done]


def test_a_hold_stops_and_a_resume_goes_on(start, person):
    somebody = person((Progress, Control.HOLD), (Held, Control.RESUME))
    end = start(somebody)
    kinds = [type(event) for event in somebody.events if isinstance(event, Held | Resumed)]
    assert kinds == [Held, Resumed]
    assert end.outcome is Outcome.FINISHED


def test_a_hold_loses_no_line(rig, start, person, executed):
    start(person((Progress, Control.HOLD), (Held, Control.RESUME)))
    assert executed() == rig.lines


def test_a_program_that_has_changed_since_its_proof_never_starts(
    rig, driver, program, person, executed
):
    somebody = person()
    changed = program(rig.lines, rig.process)
    changed.path.write_bytes(changed.path.read_bytes().replace(b"X10.5", b"X99.5"))
    with pytest.raises(ProgramRefused, match="not the program that was proved"):
        driver.run(
            changed, attempt=next(attempts), report=somebody.report, controls=somebody.controls
        )
    assert executed() == []


def test_it_knows_nothing_of_a_start_that_it_never_saw(driver):
    assert driver.evidence("never", "0" * 64) is Evidence.UNKNOWN


def test_making_safe_what_does_not_run_harms_nothing(rig, driver, start):
    driver.make_safe()
    driver.ready()
    assert start().outcome is Outcome.FINISHED


def test_closing_twice_is_fine(rig):
    driver = rig.open()
    driver.close()
    driver.close()
