"""Motion, heat and the serial line of the simulated machines, against figures worked out by hand.

Read on 2026-11-22 from Marlin's Configuration_adv.h (excerpts; WATCH_TEMP_PERIOD 40 s, bed 60 s;
THERMAL_PROTECTION_PERIOD 40 s and 4 °C, bed 20 s and 2 °C; MAXTEMP 275 and 150 °C) and excerpts of
module/temperature.cpp (what each guard waits for and says); of gnea/grbl, grbl/serial.c (12f48a00);
of arduino/ArduinoCore-avr, HardwareSerial.cpp (03670496) and HardwareSerial_private.h (06882a84): a
full receive buffer drops what arrives. That Marlin's own MarlinSerial does so too is from memory. A
byte is ten bits on the line. No firmware and no UART ran beside these tests.

Not modelled: Marlin's look-ahead (every block starts and ends at standstill when there is an
acceleration; GRBL's is in test_firmware_planner.py), axis limits of speed in Marlin, a firmware
that stops working while its answers wait to be sent.
"""

import math

import pytest

from commons.errors import TransportLost
from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl
from fab_agent.machines.firmware.heat import BED, HOTEND, Heater
from fab_agent.machines.firmware.marlin import MarlinKnobs, SimulatedMarlin
from fab_agent.machines.firmware.motion import Planner, arc_centre, arc_mm
from fab_agent.machines.firmware.wire import Wire

BYTE_S = 10 / 115200


def seconds_until(machine, word: bytes, *, step: float = 0.01, most: float = 1000.0) -> float:
    """How long it takes until the machine says it."""
    passed, said = 0.0, b""
    while word not in said and passed < most:
        said += machine.tick(step)
        passed += step
    return passed


def marlin(*lines: str, **knobs) -> SimulatedMarlin:
    machine = SimulatedMarlin(MarlinKnobs(**knobs))
    for line in lines:
        machine.feed(line.encode() + b"\n")
    return machine


# Where a program ends


@pytest.mark.parametrize("timed", [True, False])
def test_a_printer_ends_where_the_program_says(timed):
    machine = marlin(
        "G28", "G90", "M82", "G1 X10 Y20 Z0.2 F6000", "G91", "G1 X5 E2", "M83", "G1 Y-5 E1",
        "G90", "M82", "G92 E0", "G1 X100 E7.5", "G2 X120 I10 J0", "G91", "G0 Z10", "G90",
        "M83", "G1 E-2", "G20", "G1 X1", "G21", "G28 Y",
        moves_take_time=timed,
    )  # fmt: skip
    seconds_until(machine, b"never", most=120, step=0.5)
    expected = {"X": 25.4, "Y": 0.0, "Z": 10.2, "E": 5.5}
    assert machine.position == pytest.approx(expected)
    assert machine.planner.empty


@pytest.mark.parametrize("timed", [True, False])
def test_a_router_ends_where_the_program_says(timed):
    machine = SimulatedGrbl(
        GrblKnobs(moves_take_time=timed, starts_homed=False, homing=False, soft_limits=False)
    )
    program = (
        "G21 G90 G54", "G0 X10 Y10 Z5", "G1 Z-1 F600", "X20", "G91 X5 Y5", "G90 G3 X25 Y25 J5",
        "G92 X0", "G1 X5", "G92.1", "G53 G0 Z2", "G20 G1 Y2 F50", "G21", "G10 L20 P2 X0 Y0 Z0",
        "G55 X1 Y1 Z1 F600", "G18 G2 X3 Z1 I1 K0", "M30",
    )  # fmt: skip
    for line in program:
        machine.feed(line.encode() + b"\n")
        seconds_until(machine, b"ok", most=10)
    assert machine.executed == list(program)
    assert machine.position == pytest.approx({"X": 33.0, "Y": 51.8, "Z": 3.0})


# How long it takes


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        (["G1 X100 F600"], 10.0),
        (["G1 X30 Y40 F600"], 5.0),
        (["G1 E5 F60"], 5.0),
        (["G4 P1500"], 1.5),
        (["G4 S2 P9999"], 2.0),
        (["G28"], 8.0),
        (["G1 X10 F60000", "G2 X30 I10 J0 F600"], 0.01 + math.pi),
        (["G3 I10 J0 F600"], 2 * math.pi),
        (["G2 X10 Y10 R10 F600"], math.pi / 2),
        (["G2 X10 Y10 R-10 F600"], 3 * math.pi / 2),
    ],
)
def test_a_command_lasts_as_long_as_its_path_at_its_feed(lines, seconds):
    machine = marlin(*lines, "M400", "M118 done", moves_take_time=True)
    assert seconds_until(machine, b"done") == pytest.approx(seconds, abs=0.02)


@pytest.mark.parametrize(
    ("path", "seconds"), [(100.0, 100 / 10 + 10 / 20), (5.0, 1.0), (1.25, 0.5)]
)
def test_with_an_acceleration_a_block_is_a_trapezoid_or_a_triangle(path, seconds):
    planner = Planner(4, timed=True, acceleration_mm_s2=20.0)
    planner.move((path, 0.0, 0.0, 0.0), path, 10.0)
    assert planner.next_s == pytest.approx(seconds)


def test_a_hold_goes_the_braking_distance_and_no_further():
    planner = Planner(4, timed=True, acceleration_mm_s2=20.0)
    planner.move((100.0, 0.0, 0.0, 0.0), 100.0, 10.0)
    planner.advance(5.25)
    before = planner.where[0]
    planner.hold()
    planner.advance(60.0)
    assert planner.stands
    # v² / 2a = 2.5 mm, within what counting the ramps by time leaves.
    assert planner.where[0] - before == pytest.approx(2.5, rel=0.1)


def test_arcs_have_their_true_length():
    assert arc_mm((0, 0), (0, 0), (10, 0), clockwise=True) == pytest.approx(20 * math.pi)
    assert arc_mm((0, 0), (10, 10), (10, 0), clockwise=True) == pytest.approx(5 * math.pi)
    assert arc_mm((0, 0), (10, 10), (10, 0), clockwise=False) == pytest.approx(15 * math.pi)
    assert arc_centre((0, 0), (10, 10), 10, clockwise=True) == pytest.approx((10, 0))
    assert arc_centre((0, 0), (30, 0), 10, clockwise=True) is None


# Heat


@pytest.mark.parametrize(
    ("command", "kind", "why", "seconds"),
    [
        ("M104 S200", "heater_fails", b"Heating failed, system stopped! Heater_ID: 0", 40.0),
        ("M104 S200", "heater_runs_away", b"MAXTEMP triggered, system stopped! Heater_ID: 0",
         (275 - 21) / 3.0),
    ],
)  # fmt: skip
def test_a_heater_in_trouble_stops_a_guarded_printer_in_its_time(command, kind, why, seconds):
    machine = marlin(command, **{kind: True})
    killed = b"Error:" + why + b"\nError:Printer halted. kill() called!\n"
    assert seconds_until(machine, killed) == pytest.approx(seconds, abs=0.5)
    assert machine.heaters_off
    assert machine.feed(b"M105\n") == b""


def test_a_heater_that_runs_away_ignores_its_target():
    machine = marlin("M104 S100", heater_runs_away=True, thermal_protection=False)
    machine.tick(60.0)
    assert machine.hotend.actual_c > 150
    machine.feed(b"M104 S0\n")
    assert machine.heaters_off
    machine.tick(60.0)
    assert machine.hotend.actual_c > 300
    assert not machine.dead


def test_an_unguarded_printer_waits_for_a_dead_heater_for_ever():
    machine = marlin("M109 S200", heater_fails=True, thermal_protection=False, busy_every_s=0.0)
    machine.tick(3600.0)
    assert not machine.dead


def test_a_heater_is_watched_from_period_to_period():
    heater = Heater(HOTEND)
    heater.heat(200.0)
    for _ in range(300):  # it warms for 30 s and then no more
        assert heater.advance(0.1) is None
    heater.fails = True
    heater.heat(200.0)
    stuck_c, passed = heater.actual_c, 0.0
    while (why := heater.advance(0.1)) is None:
        heater.actual_c, passed = stuck_c, passed + 0.1
    assert why == "Heating failed"
    assert passed == pytest.approx(40.0, abs=0.3)


@pytest.mark.parametrize(
    ("kind", "falls_c", "seconds"), [(HOTEND, 10.0, 40.0), (BED, 3.0, 20.0)], ids=["hotend", "bed"]
)
def test_a_heater_that_cools_down_once_it_was_warm_is_a_runaway(kind, falls_c, seconds):
    heater = Heater(kind)
    heater.heat(60.0)
    while not heater.actual_c >= 60.0:
        assert heater.advance(0.1) is None
    passed = 0.0
    while True:
        heater.actual_c = 60.0 - falls_c  # a sensor that has come loose
        passed += 0.1
        if (why := heater.advance(0.0 if passed < 0.1 else 0.1)) is not None:
            break
    assert why == "Thermal Runaway"
    assert passed == pytest.approx(seconds, abs=0.3)


def test_a_bed_that_warms_up_slowly_is_no_fault():
    machine = marlin("M190 S100")
    assert seconds_until(machine, b"ok", step=0.1) == pytest.approx((99 - 21) / 0.7, abs=0.2)


# The serial line


def test_bytes_arrive_and_leave_at_the_baud_rate():
    machine = SimulatedMarlin(MarlinKnobs(baudrate=115200))
    line = b"G1 X10.5 Y20.25\n"
    assert machine.feed(line) == b""
    assert machine.tick((len(line) - 0.5) * BYTE_S) == b""
    assert machine.tick(1.0 * BYTE_S) == b""
    assert machine.tick(1.0 * BYTE_S) == b"o"
    assert machine.tick(2.0 * BYTE_S) == b"k\n"


@pytest.mark.parametrize("step", [0.0005, 0.01, 1.0])
def test_a_line_s_share_of_the_wire_does_not_depend_on_how_time_is_cut(step):
    machine = SimulatedGrbl(GrblKnobs(baudrate=9600))
    machine.feed(b"G1X10F600\n" * 50)
    passed = 0.0
    while len(machine.executed) < 50:
        machine.tick(step)
        passed += step
    assert passed == pytest.approx(500 * 10 / 9600, abs=step + 1e-6)


def test_the_buffer_overflows_byte_by_byte_while_the_firmware_is_busy():
    machine = SimulatedGrbl(GrblKnobs(baudrate=115200, moves_take_time=True))
    machine.feed(b"!" + b"G4P0\n" * 40)
    machine.tick(101 * BYTE_S)
    assert machine.bytes_lost == 0
    machine.tick(1.0)
    assert machine.bytes_lost == 200 - 128


def test_a_real_time_byte_acts_when_it_has_arrived():
    machine = SimulatedGrbl(GrblKnobs(baudrate=115200, moves_take_time=True))
    machine.feed(b"G1X10F600\n" + b"!")
    machine.tick(10.5 * BYTE_S)
    assert machine.state == "Run"
    machine.tick(1.0 * BYTE_S)
    assert machine.state == "Hold:0"


def test_a_wire_tells_a_pulled_cable():
    machine = SimulatedGrbl(GrblKnobs(drop_at_line=2))
    wire = Wire(machine)
    wire.write(b"G4P0\nG4P0\n")
    assert wire.read(0.05) == b"ok\r\n"
    with pytest.raises(TransportLost):
        wire.read(0.05)
    with pytest.raises(TransportLost):
        wire.write(b"?")
    machine.plug_in()
    wire.write(b"G4P0\n")
    assert machine.executed == ["G4P0"] * 3


def test_a_wire_with_a_baud_rate_reads_as_soon_as_something_comes():
    machine = SimulatedMarlin(MarlinKnobs(baudrate=115200))
    wire = Wire(machine)
    wire.write(b"G4 P0\n")
    while not wire.read(0.05):
        pass
    assert wire.clock() == pytest.approx(0.001, abs=0.0015)
