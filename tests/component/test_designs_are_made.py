"""Every part of every design: prepared, proved, executed line for line on a simulated machine."""

import hashlib
from pathlib import Path

import pytest

from commons.machine import Driver, Envelope, MachineProfile, Process
from commons.manifest import Part, read_manifest
from fab_agent.cache import Cache
from fab_agent.machines import DRIVERS
from fab_agent.machines.driver import Outcome
from fab_agent.machines.firmware.grbl import SimulatedGrbl
from fab_agent.machines.firmware.marlin import SimulatedMarlin
from fab_agent.machines.firmware.pty import served
from fab_agent.machines.transport import SerialConnection
from fab_agent.prepare import Plan, prepare
from fab_agent.slicing.prusaslicer import PrusaSlicer
from tests.profiles import printer, router

DESIGNS = Path(__file__).parents[2] / "designs"
SPEED = 2000.0
PARTS = [
    (folder, part)
    for folder in sorted(path.parent for path in DESIGNS.glob("*/okh.toml"))
    for part in read_manifest((folder / "okh.toml").read_bytes()).parts
]


def machine_for(part: Part) -> tuple[MachineProfile, SimulatedMarlin | SimulatedGrbl]:
    if part.process is Process.FDM:
        return printer(), SimulatedMarlin()
    room = Envelope(x_max_mm=620, y_max_mm=420, z_min_mm=-20, z_max_mm=60)
    return router(envelope=room, max_feed_z_mm_s=20), SimulatedGrbl()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "part"), PARTS, ids=[f"{folder.name}-{part.name}" for folder, part in PARTS]
)
def test_every_part_is_prepared_proved_and_executed(
    folder: Path, part: Part, tmp_path: Path
) -> None:
    profile, simulated = machine_for(part)
    assert part.file
    assert part.process
    file = folder / part.file
    plan = Plan(
        file=file, sha256=hashlib.sha256(file.read_bytes()).hexdigest(), filename=file.name,
        process=part.process, material=part.material or "", quality="draft",
        stock_mm=part.thickness_mm,
    )  # fmt: skip
    with Cache(tmp_path / "cache", max_bytes=2**30) as cache:
        program = prepare(plan, profile, cache=cache, slicer=PrusaSlicer(), progress=str)
        lines = program.path.read_text().splitlines()
        with served(simulated, speed=SPEED) as (port, _):
            driver = DRIVERS[Driver(profile.driver)](SerialConnection(port, 115200), profile)
            try:
                end = driver.run(program, attempt="a1", report=str, controls=lambda: None)
            finally:
                driver.close()
    assert end.outcome is Outcome.FINISHED
    assert end.lines_sent == end.lines_done == program.line_count == len(lines)
    own = {"M105", "M110", "M114", "M115", "M155"}
    assert [line for line in simulated.executed if line.split(" ")[0] not in own] == lines
