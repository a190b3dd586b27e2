"""What GRBL's reports mean, and the judgements that are built on them."""

import pytest

from fab_agent.machines.grbl_answers import (
    Settings,
    build_of,
    modes_of,
    offsets_of,
    settings_of,
    startup_lines,
    status_of,
)
from fab_agent.machines.grbl_rules import beyond_travel
from fab_agent.machines.grbl_texts import ALARMS, ERRORS, alarm_text, error_text

HAL = ["[VER:1.1f.20260817:]", "[OPT:VNML+,35,1024,3,0]", "[FIRMWARE:grblHAL]"]
OFFSETS = ["[G54:1.000,2.000,3.000]", "[G55:0.000,0.000,0.000]", "[G92:0.500,0.000,0.000]",
           "[TLO:4.000]", "[PRB:0.000,0.000,0.000:0]"]  # fmt: skip


def test_a_report_is_state_substate_and_fields():
    status = status_of("<Hold:0|MPos:1.000,2.000,3.000|FS:0,0|Pn:XZ>")
    assert status is not None
    assert (status.state, status.substate) == ("Hold", 0)
    assert status.fields == {"MPos": "1.000,2.000,3.000", "FS": "0,0", "Pn": "XZ"}


@pytest.mark.parametrize("line", ["ok", "[MSG:x]", "<Rnn|MPos:0,0,0>", "<Idle,MPos:0,0,0>", "<"])
def test_a_damaged_report_is_none(line):
    assert status_of(line) is None


@pytest.mark.parametrize(
    ("lines", "number", "rx_buffer", "is_hal"),
    [
        (["[VER:1.1h.20190830:]", "[OPT:V,15,128]", "ok"], (1, 1), 128, False),
        (["[VER:v1.1d.20161014:Some string]", "[OPT:VL]"], (1, 1), None, False),
        (HAL, (1, 1), 1024, True),
        (["[VER:3.7 FluidNC v3.7.8:]", "[OPT:MPHS]"], (3, 7), None, False),
    ],
)
def test_the_build_tells_version_and_buffer(lines, number, rx_buffer, is_hal):
    build = build_of(lines)
    assert build is not None
    assert (build.number, build.rx_buffer, build.is_hal) == (number, rx_buffer, is_hal)


def test_what_is_no_build_is_none():
    assert build_of(["[0.9j.20160317:]", "ok"]) is None


def test_settings_leave_out_what_is_no_number():
    settings = settings_of(["$22=1", "$20=0", "$N0=G54", "$70=name", "$13=1", "ok"])
    assert settings.values == {22: 1.0, 20: 0.0, 13: 1.0}
    assert (settings.homing, settings.soft_limits, settings.unit_mm) == (True, False, 25.4)


@pytest.mark.parametrize(
    ("lines", "settings", "low", "high"),
    [
        (["[VER:1.1h:]", "[OPT:V]"], {22: 1, 23: 3}, (-300, -200, -80), (0, 0, 0)),
        (["[VER:1.1h:]", "[OPT:VZ]"], {22: 1, 23: 3}, (0, 0, -80), (300, 200, 0)),
        (HAL, {22: 1, 23: 3}, (-300, -200, -80), (0, 0, 0)),
        (HAL, {22: 9, 23: 3}, (0, 0, -80), (300, 200, 0)),
    ],
)
def test_the_travel_lies_where_homing_puts_the_origin(lines, settings, low, high):
    build = build_of(lines)
    assert build is not None
    told = Settings({130: 300.0, 131: 200.0, 132: 80.0, **settings})
    assert told.travel(build) == (low, high)


def test_a_travel_that_is_not_told_is_none():
    build = build_of(HAL)
    assert build is not None
    assert Settings({130: 300.0}).travel(build) is None


def test_offsets_are_summed_and_read_in_millimetres():
    offsets = offsets_of(OFFSETS, unit_mm=1.0)
    inches = offsets_of(OFFSETS, unit_mm=25.4)
    assert offsets is not None and inches is not None
    assert (offsets.total(), offsets.total("G55")) == ((1.5, 2.0, 7.0), (0.5, 0.0, 4.0))
    assert offsets.volatile
    assert inches.total()[1] == pytest.approx(50.8)
    assert offsets_of(["[G54:1.000,x,3.000]"], unit_mm=1.0) is None


def test_modes_and_start_up_lines():
    assert modes_of(["[GC:G0 G54 G21 M5 F0. S0.]"]) == {"G0", "G54", "G21", "M5", "F0.", "S0."}
    assert modes_of(["ok"]) is None
    assert startup_lines(["$N0=G54", "$N1=", "ok"]) == ("G54",)


def test_a_program_leaves_the_travel_where_its_zero_stands():
    travel, zero = ((-100.0, -100.0, -50.0), (0.0, 0.0, 0.0)), (-50.0, -7.0, -7.0)
    assert beyond_travel((0, 0, -1), (50, 5, 5), zero, travel) is None
    told = beyond_travel((0, 0, -1), (50.1, 5, 5), zero, travel)
    assert told == (
        "X would go to 0.100 mm of the machine, whose travel is -100 … 0 mm: move the work's zero"
    )
    assert "Y would go to -107.000" in str(beyond_travel((0, -100, -1), (50, 5, 5), zero, travel))


def test_every_number_of_grbl_and_grblhal_has_its_meaning():
    assert set(ALARMS) == {str(n) for n in range(1, 19)}
    grbl, hal = {*range(1, 17), *range(20, 38)}, {*range(38, 59), *range(60, 67), *range(70, 85)}
    assert {str(n) for n in grbl | hal | {17, 18, 19, 253}} == set(ERRORS)


def test_a_number_that_is_not_known_is_told_as_it_is():
    assert alarm_text("99").startswith("alarm 99: see the list of its firmware")
    assert error_text("error:99") == "error:99"
    assert error_text("error:9") == "error 9: it is locked by an alarm, or jogging"
