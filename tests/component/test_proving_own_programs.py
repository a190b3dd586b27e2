"""What the agent makes of a program that somebody brought: the same, stripped and proved."""

from hashlib import sha256
from pathlib import Path

import pytest

from commons.errors import InvalidInput, ProgramRefused
from commons.machine import Envelope, MachineProfile, Process
from commons.wire import JobOffer
from fab_agent.bench import Prepared
from fab_agent.cache import Cache
from fab_agent.staging import Staging
from tests.own_programs import PRUSA, ROUTER, reaching
from tests.profiles import printer, router

PRINTER = printer()
MILL = router(envelope=Envelope(z_min_mm=-20, x_max_mm=300, y_max_mm=200, z_max_mm=60))


def staged(
    folder: Path, program: bytes, machine: MachineProfile = PRINTER, material: str = "pla"
) -> Prepared:
    file = folder / "brought"
    file.write_bytes(program)
    offer = JobOffer.model_validate({
        "job_id": "j1", "attempt_id": "a1", "machine_id": "m1", "fence": 1,
        "lease_ends_at": "2026-03-01T12:15:00Z", "title": "bracket.gcode", "part": "bracket.gcode",
        "process": machine.process, "file_name": "bracket.gcode",
        "file_sha256": sha256(program).hexdigest(), "file_size": len(program),
        "material": material, "is_program": True,
    })  # fmt: skip
    with Cache(folder / "cache", max_bytes=10**9) as cache:
        return Staging(machine)(offer, [file], cache, lambda _said: None)


@pytest.mark.slow
def test_a_print_is_sent_as_it_was_brought_but_for_its_comments(tmp_path: Path) -> None:
    made = staged(tmp_path, PRUSA)
    sent = made.program.path.read_bytes().splitlines()
    bare = [line.partition(b";")[0].strip() for line in PRUSA.splitlines()]
    assert sent == [line for line in bare if line]
    facts = made.facts
    assert facts.sha256 == sha256(made.program.path.read_bytes()).hexdigest()
    assert facts.material_g == pytest.approx(2.6 * 2.405 * 1.24 / 1000, rel=0.01)
    assert facts.claimed_duration_s == 3723, "told beside our own, and not held against it"
    assert facts.prepared_with == "as it was brought; PrusaSlicer 2.9.2"


def test_a_program_for_a_router_is_proved_by_the_routers_rules(tmp_path: Path) -> None:
    made = staged(tmp_path, ROUTER, MILL, material="")
    assert (made.program.process, made.facts.material_g) == (Process.CNC, None)
    with pytest.raises(ProgramRefused, match=r"line 7 of bracket\.gcode"):
        staged(tmp_path, ROUTER.replace(b"X60", b"X9000"), MILL, material="")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hostile", "rule"),
    [
        (b"M112", "forbidden-command"),
        (b"M500", "settings-write"),
        (b"M997", "forbidden-command"),
        (b"M109 S250", "hotend-temperature"),
        (b"//action:pause", "host-action"),
    ],
)
def test_a_hostile_line_is_refused_by_its_rule_and_its_place(
    tmp_path: Path, hostile: bytes, rule: str
) -> None:
    with pytest.raises(ProgramRefused) as refused:
        staged(tmp_path, PRUSA.replace(b";LAYER_CHANGE", hostile))
    assert (refused.value.rule, refused.value.line > 0) == (rule, True)


def test_a_program_for_another_machine_is_refused_before_it_is_proved(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="was made for MK3S and goes from 90 to 400 mm"):
        staged(tmp_path, reaching(400))
    with pytest.raises(InvalidInput, match="is for cnc and"):
        staged(tmp_path, ROUTER)
