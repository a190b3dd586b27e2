"""What our slicer writes for a Klipper printer is a program that Klipper knows, word for word.

A real part, a real slicer and a real Moonraker (0.11.0); the simulated Klipper knows the commands
of Klipper's G-Codes.md, as of November 2026, and says of every other that it does not.
"""

import hashlib
from pathlib import Path

import pytest

from commons.machine import Driver, Process
from fab_agent.cache import Cache
from fab_agent.machines import DRIVERS
from fab_agent.machines.driver import Outcome
from fab_agent.prepare import Plan, prepare
from fab_agent.slicing.prusaslicer import PrusaSlicer
from tests.profiles import printer as printer_profile

DIBBER = Path(__file__).parents[2] / "designs/seed-dibber/export/seed-dibber.stl"


@pytest.mark.slow
def test_a_part_of_ours_is_printed_whole_without_an_unknown_command(moonraker, klipper, tmp_path):
    profile = printer_profile(driver=Driver.MOONRAKER)
    plan = Plan(
        file=DIBBER, sha256=hashlib.sha256(DIBBER.read_bytes()).hexdigest(), filename=DIBBER.name,
        process=Process.FDM, material="pla", quality="draft", stock_mm=None,
    )  # fmt: skip
    with Cache(tmp_path / "cache", max_bytes=2**30) as cache:
        program = prepare(plan, profile, cache=cache, slicer=PrusaSlicer(), progress=str)
        with klipper(moonraker, speed=2000.0) as printer:
            driver = DRIVERS[Driver.MOONRAKER](printer.connection, profile)
            end = driver.run(program, attempt="ours", report=str, controls=lambda: None)
            driver.close()
            said = printer.klippy.unknown
        assert end.outcome is Outcome.FINISHED
        assert printer.klippy.executed == program.path.read_text().splitlines()
        assert said == []
