"""What the doctor says of values: how bad it is, and what to do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from commons.errors import FieldProblem, InvalidInput
from commons.machine import Driver, Envelope, MachineProfile, MillLimits, PrintLimits, Process
from fab_agent.doctor import (
    Finding,
    Level,
    fine,
    judge_clock,
    judge_enrolment,
    judge_grbl,
    judge_guard,
    judge_host,
    judge_room,
    judge_server,
    judge_simulated,
    wrong_settings,
)
from fab_agent.hosts import HostReport

NOW = datetime(2026, 11, 22, tzinfo=UTC)
GOOD = {13: 0.0, 20: 1.0, 22: 1.0, 32: 0.0, 130: 600.0, 131: 400.0, 132: 80.0}


def printer(**changes: Any) -> MachineProfile:
    known: dict[str, Any] = {
        "name": "Ender", "process": Process.FDM, "driver": Driver.MARLIN, "materials": ("pla",),
        "envelope": Envelope(x_max_mm=220, y_max_mm=220, z_max_mm=250),
        "max_feed_mm_s": 150, "max_feed_z_mm_s": 10, "fdm": PrintLimits(),
    }  # fmt: skip
    return MachineProfile(**known | changes)


def router(*, homing: bool = True) -> MachineProfile:
    return printer(
        name="Router", process=Process.CNC, driver=Driver.GRBL, fdm=None,
        envelope=Envelope(x_max_mm=600, y_max_mm=400, z_min_mm=-20, z_max_mm=40),
        cnc=MillLimits(homing=homing),
    )  # fmt: skip


def test_every_wrong_field_is_a_line() -> None:
    fields = [FieldProblem("machine.1.baud", "no"), FieldProblem("agent.name", "missing")]
    found = wrong_settings(InvalidInput("all", fields))
    assert [str(finding) for finding in found] == [
        "agent.toml, machine.1.baud: no",
        "agent.toml, agent.name: missing",
    ]
    assert wrong_settings(InvalidInput("no such file")) == [Finding(Level.PROBLEM, "no such file")]


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(0, Level.OK), (-29, Level.OK), (31, Level.WARNING), (-299, Level.WARNING),
     (301, Level.PROBLEM), (-86400, Level.PROBLEM)],
)  # fmt: skip
def test_a_clock_is_a_problem_where_the_server_refuses_it(seconds: int, level: Level) -> None:
    assert judge_clock(NOW, NOW + timedelta(seconds=seconds)).level is level


@pytest.mark.parametrize(
    ("free", "level"), [(5e8, Level.PROBLEM), (5e9, Level.WARNING), (50e9, Level.OK)]
)
def test_a_full_disk_is_seen_before_it_is_full(free: float, level: Level) -> None:
    assert judge_room("data", int(free), cache_gb=20).level is level


@pytest.mark.parametrize(
    ("health", "level", "words"),
    [
        ({"status": "ok", "api_version": 1}, Level.OK, "answers"),
        ({"status": "ok"}, Level.OK, "answers"),
        ({"status": "ok", "api_version": 2}, Level.PROBLEM, "update this agent"),
        ({"status": "ok", "api_version": 0}, Level.PROBLEM, "update the server"),
        ({}, Level.PROBLEM, "not as a repository"),
    ],
)
def test_a_server_of_another_version_says_who_is_to_be_updated(
    health: dict[str, Any], level: Level, words: str
) -> None:
    finding = judge_server("https://cosmo.example", health)
    assert finding.level is level
    assert words in str(finding)


def test_a_machine_that_changed_after_its_enrolment_is_named_with_the_keys() -> None:
    told = printer().model_dump(mode="json")
    changed = printer(max_feed_mm_s=200, fdm=PrintLimits(nozzle_mm=0.6))
    found = list(judge_enrolment([changed], {"Ender": "m1"}, {"Ender": told}))
    assert [finding.level for finding in found] == [Level.WARNING]
    assert "(fdm.nozzle_mm, max_feed_mm_s)" in found[0].what


def test_machines_that_are_not_or_no_longer_enrolled_are_told() -> None:
    same = {"Ender": printer().model_dump(mode="json")}
    found = list(judge_enrolment([printer(), router()], {"Ender": "m1", "Old": "m2"}, same))
    assert [(finding.level, finding.what) for finding in found] == [
        (Level.OK, "Ender is enrolled"),
        (Level.PROBLEM, "Router is not enrolled: nothing runs until it is"),
        (Level.WARNING, "Old is enrolled but not in agent.toml"),
    ]


@pytest.mark.parametrize("guarded", [True, False, None])
@pytest.mark.parametrize("attended", [True, False])
def test_only_a_firmware_that_guards_may_be_left_alone(
    guarded: bool | None, attended: bool
) -> None:
    finding = judge_guard(printer(attended_only=attended), guarded)
    assert (finding.level is Level.PROBLEM) == (not attended and not guarded)


def test_a_router_in_order_has_no_findings() -> None:
    assert list(judge_grbl(router(), GOOD, "Idle")) == []


@pytest.mark.parametrize(
    ("setting", "value", "level", "words"),
    [
        (22, 0, Level.PROBLEM, "switch it on ($22=1), or set homing = false"),
        (20, 0, Level.PROBLEM, "switch soft limits on ($20=1)"),
        (32, 1, Level.PROBLEM, "switch it off ($32=0)"),
        (13, 1, Level.WARNING, "set $13=0"),
        (130, 500, Level.PROBLEM, "the envelope is 600 mm along x, the machine travels 500 mm"),
        (132, 50, Level.PROBLEM, "the envelope is 60 mm along z, the machine travels 50 mm"),
    ],
)
def test_a_controller_set_up_wrongly_is_told_with_the_setting(
    setting: int, value: float, level: Level, words: str
) -> None:
    found = list(judge_grbl(router(), GOOD | {setting: value}, "Idle"))
    assert [finding.level for finding in found] == [level]
    assert words in str(found[0])


def test_a_router_without_switches_need_not_home_and_is_not_trusted() -> None:
    found = list(judge_grbl(router(homing=False), GOOD | {20: 0, 22: 0}, "Idle"))
    assert [str(finding) for finding in found] == [
        "it has no limit switches: nothing but a person keeps it in its travel"
    ]


@pytest.mark.parametrize(
    ("state", "words"),
    [("Alarm", "it is in alarm, as after every restart: look at it, then home it"),
     ("Run", "it is busy (Run): wait, or stop it there")],
)  # fmt: skip
def test_a_router_that_could_not_start_is_a_warning(state: str, words: str) -> None:
    found = list(judge_grbl(router(), GOOD, state))
    assert [finding.level for finding in found] == [Level.WARNING]
    assert words in str(found[0])


def test_firmware_that_does_not_tell_its_settings_is_named() -> None:
    assert "does not tell its settings" in str(next(judge_grbl(router(), {}, "Idle")))


def test_a_key_without_rights_and_an_unconnected_printer_are_problems() -> None:
    report = HostReport("OctoPrint 1.11.8", connected=False, says="Closed", lacking=("PRINT",))
    found = list(judge_host(printer(driver=Driver.OCTOPRINT), report))
    assert [str(finding) for finding in found] == [
        "its key does not allow PRINT: give one of a user who may print",
        "its printer is not connected (Closed): connect it on its page",
    ]
    assert {finding.level for finding in found} == {Level.PROBLEM}


def test_a_host_without_room_for_a_large_program_is_a_warning() -> None:
    report = HostReport("Moonraker", says="ready", room_bytes=10**7, upload_bytes=10**8)
    found = [f for f in judge_host(printer(), report) if f.level is Level.WARNING]
    assert [str(finding) for finding in found] == [
        "its host has only 10 MB free: remove old programs there",
        "its host takes programs of at most 100 MB: raise max_upload_size in its moonraker.conf",
    ]


def test_a_virtual_machine_must_not_count_as_a_real_one() -> None:
    assert [f.level for f in judge_simulated(printer(), simulated=True)] == [Level.PROBLEM]
    made_of_memory = printer(simulated=True)
    assert [f.level for f in judge_simulated(made_of_memory, simulated=False)] == [Level.WARNING]
    assert list(judge_simulated(made_of_memory, simulated=True)) == []


def test_a_finding_that_is_fine_gives_no_advice() -> None:
    assert str(fine("all")) == "all"
