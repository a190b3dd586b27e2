"""What firmwares say about themselves, as they say it.

Marlin's answers are those of 2.1.2 (two-line M211) and 1.1.9 (one line), GRBL's of 1.1h and 0.9j,
Klipper's keys of its Config_Reference; compared with their documents in November 2026.
"""

import pytest

from commons.errors import Unavailable
from commons.machine import Driver
from fab_agent.firmware_facts import (
    grbl_facts,
    grbl_settings,
    klipper_facts,
    klipper_guards,
    marlin_facts,
    octoprint_facts,
    recognise,
)

MARLIN = (
    "FIRMWARE_NAME:Marlin 2.1.2 (Mar 1 2026 12:00:00) SOURCE_CODE_URL:github.com/MarlinFirmware "
    "PROTOCOL_VERSION:1.0 MACHINE_TYPE:Ender-3 V2 EXTRUDER_COUNT:1 UUID:cede2a2f"
)


@pytest.mark.parametrize(
    ("capabilities", "guarded"),
    [
        (["Cap:EEPROM:1", "Cap:THERMAL_PROTECTION:1"], True),
        (["Cap:THERMAL_PROTECTION:0"], False),
        (["Cap:EEPROM:1"], None),
        ([], None),
    ],
)
def test_marlin_says_its_name_its_kind_and_whether_it_guards(
    capabilities: list[str], guarded: bool | None
) -> None:
    firmware = recognise(["start", MARLIN, *capabilities, "ok"])
    assert firmware is not None
    assert firmware.driver is Driver.MARLIN
    assert firmware.name == "Marlin 2.1.2 (Mar 1 2026 12:00:00)"
    assert firmware.facts == {"name": "Ender-3 V2"}
    assert firmware.guarded is guarded
    assert not firmware.simulated


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["[VER:1.1h.20190830:]", "[OPT:V,15,128]", "ok"], "GRBL 1.1h.20190830"),
        (["[VER:1.1f.20260817:Shapeoko]", "[FIRMWARE:grblHAL]"], "grblHAL 1.1f.20260817 Shapeoko"),
    ],
)
def test_grbl_says_its_version_and_its_owners_note(lines: list[str], name: str) -> None:
    firmware = recognise(["Grbl 1.1h ['$' for help]", *lines])
    assert firmware is not None
    assert (firmware.driver, firmware.name) == (Driver.GRBL, name)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("FIRMWARE_NAME:Klipper FIRMWARE_VERSION:v0.12", "by the address of its Moonraker"),
        ("FIRMWARE_NAME: RepRapFirmware for Duet FIRMWARE_VERSION: 3.4", "there is no driver"),
        ("FIRMWARE_NAME:Smoothieware, FIRMWARE_URL:http", "there is no driver"),
        ("[0.9j.20160316:]", "this is GRBL 0.9j: it is too old, put GRBL 1.1 on the board"),
        ("Grbl 0.9j ['$' for help]", "this is GRBL 0.9j: it is too old"),
    ],
)
def test_a_firmware_that_nobody_here_drives_is_named(line: str, sentence: str) -> None:
    with pytest.raises(Unavailable, match=sentence.replace("(", r"\(")):
        recognise([line, "ok"])


@pytest.mark.parametrize("lines", [[], ["start"], ["ok", 'echo:Unknown command: "$I"', "ok"]])
def test_words_that_tell_nothing_recognise_nobody(lines: list[str]) -> None:
    assert recognise(lines) is None


@pytest.mark.parametrize(
    "travel",
    [
        ["echo:Soft endstops: On  Min:  X0.00 Y0.00 Z0.00   Max:  X235.00 Y220.50 Z250.00"],
        ["  M211 S1 ; ON", "  Min:  X-5.00 Y0.00 Z0.00   Max:  X235.00 Y220.50 Z250.00"],
    ],
)
def test_marlins_travel_and_feeds_become_the_box_and_the_limits(travel: list[str]) -> None:
    feeds = ["echo:Maximum feedrates (units/s):", "echo:  M203 X500.00 Y400.00 Z5.00 E25.00"]
    assert marlin_facts([*travel, "ok", *feeds, "ok"]) == {
        "envelope.x_max_mm": 235.0,
        "envelope.y_max_mm": 220.5,
        "envelope.z_max_mm": 250.0,
        "max_feed_mm_s": 400.0,
        "max_feed_z_mm_s": 5.0,
    }


def test_what_marlin_does_not_report_stays_open() -> None:
    assert marlin_facts(["ok", 'echo:Unknown command: "M503"', "ok"]) == {}


def test_grbls_settings_become_travel_feeds_spindle_and_homing() -> None:
    lines = ["$20=1", "$22=1", "$30=12000.", "$31=800", "$110=3000.000", "$111=2400.000",
             "$112=500.000", "$130=600.000", "$131=400.000", "$132=80.000", "ok"]  # fmt: skip
    assert grbl_facts(grbl_settings(lines)) == {
        "envelope.x_max_mm": 600.0,
        "envelope.y_max_mm": 400.0,
        "max_feed_mm_s": 40.0,
        "max_feed_z_mm_s": 8.33,
        "cnc.spindle_max_rpm": 12000.0,
        "cnc.spindle_min_rpm": 800.0,
        "cnc.homing": True,
    }


def test_homing_of_grblhal_is_the_lowest_bit_of_its_mask() -> None:
    assert grbl_facts({22: 13.0}) == {"cnc.homing": True}
    assert grbl_facts({22: 12.0}) == {"cnc.homing": False}


def test_octoprints_current_profile_counts_and_its_feeds_are_a_minute() -> None:
    profile = {
        "name": "Ender", "current": True, "heatedBed": False,
        "volume": {"width": 235, "depth": 220.0, "height": 250, "origin": "lowerleft"},
        "axes": {"x": {"speed": 6000}, "y": {"speed": 9000}, "z": {"speed": 200}},
        "extruder": {"nozzleDiameter": 0.6},
    }  # fmt: skip
    assert octoprint_facts({"profiles": {"a": {"name": "Other"}, "b": profile}}) == {
        "name": "Ender",
        "envelope.x_max_mm": 235.0,
        "envelope.y_max_mm": 220.0,
        "envelope.z_max_mm": 250.0,
        "max_feed_mm_s": 100.0,
        "max_feed_z_mm_s": 3.33,
        "fdm.nozzle_mm": 0.6,
        "fdm.bed_max_c": 0.0,
    }


def test_a_bed_whose_origin_is_its_middle_has_no_box_from_its_corner() -> None:
    profile = {"current": True, "volume": {"width": 200, "depth": 200, "height": 200,
                                           "origin": "center"}}  # fmt: skip
    assert octoprint_facts({"profiles": {"a": profile}}) == {}


def test_klippers_configuration_becomes_the_box_the_limits_and_the_guard() -> None:
    settings = {
        "printer": {"max_velocity": 300.0, "max_z_velocity": 15.0},
        "stepper_x": {"position_max": 250.0}, "stepper_y": {"position_max": 210.0},
        "stepper_z": {"position_max": 220.0},
        "extruder": {"nozzle_diameter": 0.4, "max_temp": 280.0, "min_extrude_temp": 170.0},
        "heater_bed": {"max_temp": 110.0}, "verify_heater extruder": {},
        "verify_heater heater_bed": {},
    }  # fmt: skip
    assert klipper_facts(settings) == {
        "envelope.x_max_mm": 250.0,
        "envelope.y_max_mm": 210.0,
        "envelope.z_max_mm": 220.0,
        "max_feed_mm_s": 300.0,
        "max_feed_z_mm_s": 15.0,
        "fdm.nozzle_mm": 0.4,
        "fdm.hotend_max_c": 280.0,
        "fdm.extrude_min_c": 170.0,
        "fdm.bed_max_c": 110.0,
    }
    assert klipper_guards(settings) is True
    assert klipper_guards({"extruder": {}, "heater_bed": {}, "verify_heater extruder": {}}) is False
    assert klipper_guards({"printer": {}}) is None
