"""What every driver promises, whatever it drives."""

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


def test_it_says_what_is_connected_and_executes_nothing(rig, driver):
    known = {"marlin": "Marlin 2.1.2 (simulated)", "grbl": "Grbl 1.1h.20190830"}
    assert driver.identify().firmware.startswith(known.get(rig.kind, "OctoPrint "))
    driver.ready()
    assert rig.executed() == []


def test_every_line_is_executed_once_and_in_order(rig, start):
    end = start()
    assert rig.executed() == rig.lines
    assert end == RunEnd(Outcome.FINISHED, len(rig.lines), len(rig.lines))


def test_progress_only_grows_and_never_passes_the_end(rig, start, person):
    somebody = person()
    start(somebody)
    told = [event for event in somebody.events if isinstance(event, Progress)]
    assert told
    assert told == sorted(told, key=lambda p: (p.lines_done, p.lines_sent))
    assert all(p.lines_done <= p.lines_sent <= p.line_count == len(rig.lines) for p in told)


def test_one_program_after_another_is_executed_whole(rig, start):
    start()
    start(lines=rig.lines[::-1])
    assert rig.executed() == rig.lines + rig.lines[::-1]


def test_an_abort_stops_the_program_and_leaves_the_machine_free(rig, driver, start, person):
    end = start(person((Progress, Control.ABORT)))
    driver.ready()
    executed = rig.executed()
    assert end.outcome is Outcome.ABORTED
    assert len(executed) < len(rig.lines)
    assert executed[: end.lines_done] == rig.lines[: end.lines_done]


def test_a_hold_stops_and_a_resume_goes_on_without_losing_a_line(rig, start, person):
    somebody = person((Progress, Control.HOLD), (Held, Control.RESUME))
    end = start(somebody)
    kinds = [type(event) for event in somebody.events if isinstance(event, Held | Resumed)]
    assert kinds == [Held, Resumed]
    assert end.outcome is Outcome.FINISHED
    assert rig.executed() == rig.lines


def test_a_program_that_has_changed_since_its_proof_never_starts(rig, driver, program, person):
    somebody = person()
    changed = program(rig.lines, rig.process)
    changed.path.write_bytes(changed.path.read_bytes().replace(b"X10.5", b"X99.5"))
    with pytest.raises(ProgramRefused, match="not the program that was proved"):
        driver.run(
            changed, attempt=next(attempts), report=somebody.report, controls=somebody.controls
        )
    assert rig.executed() == []


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
