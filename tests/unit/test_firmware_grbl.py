"""The simulated GRBL says and does what GRBL 1.1h does, so far as its papers tell.

Read on 2026-11-22 from gnea/grbl, files as publicly stored (commit), of 2016 to 2019, not always of
the last 1.1h: doc/markdown/interface.md (3854d200), commands.md (02d00cb1), settings.md (94083e83,
to `$21`), doc/csv/error_codes_en_US.csv (1998aff0), alarm_codes_en_US.csv (62d16af2); grbl/gcode.c
(0b5604bd, all but probing's own file), serial.c (12f48a00), protocol.c, system.c, defaults.h,
report.c (12f48a00 of before 1.1h, and two thirds of a later one); of limits.c only how homing
fails. From memory: jog.c, motion_control.c, planner.c. What GRBL 1.1h on an emulated ATmega328P
said in a measurement of ours is kept as notes only; no firmware ran beside these tests.

Not as GRBL: bytes right behind a ctrl-X are kept (GRBL throws away what comes before it is up
again); pins (`Pn:`), overrides, startup lines after a reset and EEPROM are not modelled; `$J=`
without an axis moves nothing; where a block has two errors GRBL may name the other one.
"""

import pytest

from fab_agent.machines.firmware.grbl import DOOR_OPEN_S, GrblKnobs, SimulatedGrbl

BANNER = b"\r\nGrbl 1.1h ['$' for help]\r\n"
UNLOCK = b"[MSG:'$H'|'$X' to unlock]\r\n"


def lasting(**knobs) -> SimulatedGrbl:
    """A router whose moves take time."""
    return SimulatedGrbl(GrblKnobs(moves_take_time=True, **knobs))


def after(machine: SimulatedGrbl, seconds: float, step: float = 0.05) -> bytes:
    """What it says in so many seconds."""
    return b"".join(machine.tick(step) for _ in range(round(seconds / step)))


def state(machine: SimulatedGrbl) -> str:
    """The word in its status report."""
    return machine.feed(b"?").decode().strip("<>\r\n").split("|")[0]


def fields(machine: SimulatedGrbl) -> dict[str, str]:
    """The fields of its status report."""
    parts = machine.feed(b"?").decode().strip("<>\r\n").split("|")[1:]
    return dict(part.split(":") for part in parts)


def test_both_ends_of_a_line_are_answered_when_both_are_sent():
    assert SimulatedGrbl().feed(b"G4P0\r\n") == b"ok\r\nok\r\n"


# States and locks


def test_in_alarm_nothing_moves_before_it_is_unlocked():
    machine = SimulatedGrbl(GrblKnobs(starts_locked=True))
    assert machine.feed(b"G0X1\n") == b"error:9\r\n"
    assert machine.feed(b"$C\n") == b"error:8\r\n"
    assert state(machine) == "Alarm"
    assert machine.feed(b"$X\n") == b"[MSG:Caution: Unlocked]\r\nok\r\n"
    assert machine.feed(b"$X\n") == b"ok\r\n"
    assert machine.feed(b"G0X0\n") == b"ok\r\n"


def test_a_machine_with_switches_starts_locked_unless_it_has_homed():
    assert state(SimulatedGrbl(GrblKnobs(starts_homed=False))) == "Alarm"
    assert state(SimulatedGrbl(GrblKnobs(starts_homed=False, homing=False))) == "Idle"


def test_homing_takes_its_time_and_says_nothing_meanwhile():
    machine = lasting(starts_homed=False)
    assert machine.feed(b"$H\n") == b""
    assert machine.feed(b"?") == b""
    told = after(machine, 9.0)
    assert told.startswith(b"ok\r\n<Idle|MPos:-1.000,-1.000,-1.000|")
    assert machine.position == {"X": -1.0, "Y": -1.0, "Z": -1.0}


def test_homing_that_is_reset_is_an_alarm():
    machine = lasting()
    machine.feed(b"$H\n")
    assert machine.feed(b"\x18") == b"ALARM:6\r\n" + BANNER + UNLOCK


def test_a_door_that_opens_while_it_homes_is_an_alarm():
    machine = lasting(starts_homed=False)
    machine.feed(b"$H\n")
    assert machine.feed(b"\x84") == b"ALARM:7\r\n" + BANNER + UNLOCK
    assert state(machine) == "Alarm"


def test_a_machine_without_switches_does_not_home():
    machine = SimulatedGrbl(GrblKnobs(homing=False))
    assert machine.feed(b"$H\n") == b"error:5\r\n"
    assert machine.feed(b"$20=1\n") == b"error:10\r\n"


@pytest.mark.parametrize(
    "command", [b"$$\n", b"$#\n", b"$I\n", b"$N\n", b"$H\n", b"$C\n", b"$10=1\n"]
)
def test_system_commands_wait_for_a_machine_at_rest(command):
    machine = lasting()
    machine.feed(b"G1X100F600\n")
    assert machine.feed(command) == b"error:8\r\n"


def test_a_hold_slows_down_stands_and_goes_on_only_then():
    machine = lasting(acceleration_mm_s2=10.0)
    machine.feed(b"G1X100F600\n")
    after(machine, 4.0)
    machine.feed(b"!")
    assert state(machine) == "Hold:1"
    machine.feed(b"~")
    assert state(machine) == "Hold:1"
    after(machine, 1.1)
    assert state(machine) == "Hold:0"
    place = machine.position
    after(machine, 5.0)
    assert machine.position == place
    machine.feed(b"~")
    assert state(machine) == "Run"
    after(machine, 20.0)
    assert state(machine) == "Idle"
    assert machine.work_position["X"] == pytest.approx(100)


def test_while_held_nothing_is_read_from_the_buffer():
    machine = lasting()
    machine.feed(b"!")
    assert machine.feed(b"G4P0\n") == b""
    assert state(machine) == "Hold:0"
    assert machine.feed(b"~") == b"ok\r\n"


def test_a_program_s_pause_is_a_hold_behind_all_motion():
    machine = lasting()
    machine.feed(b"G1X10F600\nM0\nG4P0\n")
    assert state(machine) == "Run"
    after(machine, 1.1)
    assert state(machine) == "Hold:0"
    assert machine.feed(b"~") == b"ok\r\nok\r\n"


def test_the_door_stops_the_spindle_and_asks_for_a_start():
    machine = lasting(door_at_line=2)
    machine.feed(b"M3S1000\n")
    assert machine.feed(b"G1X10F60\n").startswith(b"[MSG:Check Door]\r\n")
    assert state(machine) == "Door:1"
    assert machine.spindle_off
    machine.feed(b"~")
    assert state(machine) == "Door:1"
    after(machine, DOOR_OPEN_S + 0.1)
    assert state(machine) == "Door:0"
    machine.feed(b"~")
    assert state(machine) == "Door:3"
    assert not machine.spindle_off
    assert after(machine, 4.2) == b"ok\r\n"
    assert state(machine) == "Run"


def test_a_sender_may_open_the_door_too():
    machine = lasting(acceleration_mm_s2=10.0)
    machine.feed(b"G1X100F600\n")
    after(machine, 4.0)
    assert machine.feed(b"\x84") == b"[MSG:Check Door]\r\n"
    assert state(machine) == "Door:2"
    after(machine, 1.1)
    assert state(machine) == "Door:0"
    machine.feed(b"~")
    assert state(machine) == "Run"


def test_a_jog_is_its_own_state_and_ends_where_it_is_cancelled():
    machine = lasting()
    assert machine.feed(b"$J=G91X100F600\n") == b"ok\r\n"
    assert state(machine) == "Jog"
    assert machine.feed(b"G0X1\n") == b"error:9\r\n"
    after(machine, 1.0)
    machine.feed(b"\x85")
    assert state(machine) == "Idle"
    assert machine.work_position["X"] == pytest.approx(10)
    assert machine.feed(b"$G\n").startswith(b"[GC:G0 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]")


@pytest.mark.parametrize(
    ("line", "number"),
    [
        (b"$J=X1", 22),
        (b"$J=X9999F9", 15),
        (b"$J=G1X1F9", 16),
        (b"$J=M3X1F9", 16),
        (b"$J=M3X1F9S5", 36),
        (b"$JX1F9", 3),
    ],
)
def test_a_jog_is_refused_for_its_own_reasons(line, number):
    assert SimulatedGrbl().feed(line + b"\n") == b"error:%d\r\n" % number


def test_sleep_ends_with_a_reset_that_locks():
    machine = SimulatedGrbl()
    machine.feed(b"M3S1\n")
    assert machine.feed(b"$SLP\n") == b"ok\r\n[MSG:Sleeping]\r\n"
    assert (state(machine), machine.spindle_off) == ("Sleep", True)
    assert machine.feed(b"G4P0\n") == b""
    assert machine.feed(b"\x18") == BANNER + UNLOCK


# Alarms and resets


def test_a_reset_at_rest_or_in_hold_keeps_the_position():
    machine = lasting()
    assert machine.feed(b"\x18") == BANNER
    machine.feed(b"M3S500\nG1X10F60\n!")
    assert machine.feed(b"\x18") == BANNER
    assert (state(machine), machine.spindle_off, machine.planner.empty) == ("Idle", True, True)


def test_a_reset_in_motion_is_an_alarm_and_the_position_is_lost():
    machine = lasting()
    machine.feed(b"G1X10F60\n")
    assert machine.feed(b"G4P0\n\x18") == b"ALARM:3\r\n" + BANNER + UNLOCK
    assert machine.feed(b"G0X0\n") == b"error:9\r\n"
    assert not machine.router.homed


def test_a_limit_switch_stops_everything_until_a_reset():
    machine = SimulatedGrbl(GrblKnobs(limit_at_line=2))
    machine.feed(b"M3S500\n")
    assert machine.feed(b"G0X1\nG0X2\n") == b"ALARM:1\r\n[MSG:Reset to continue]\r\n"
    assert machine.spindle_off
    assert machine.feed(b"?$X\n") == b""
    assert machine.feed(b"\x18") == BANNER + UNLOCK
    assert machine.executed == ["M3S500"]


def test_a_target_outside_the_travel_is_an_alarm_even_in_check_mode():
    alarm = b"ALARM:2\r\n[MSG:Reset to continue]\r\n"
    assert SimulatedGrbl().feed(b"G0X1500\n") == alarm
    machine = SimulatedGrbl()
    machine.feed(b"$C\n")
    assert machine.feed(b"G0X1500\n") == alarm
    assert SimulatedGrbl(GrblKnobs(soft_limits=False)).feed(b"G0X1500\n") == b"ok\r\n"


def test_a_probe_that_touches_nothing_is_an_alarm():
    machine = SimulatedGrbl()
    assert machine.feed(b"G38.2Z-5F60\n") == b"ALARM:5\r\n"
    assert machine.feed(b"G0X0\n") == b"error:9\r\n"


def test_check_mode_reads_everything_and_moves_nothing():
    machine = lasting()
    place = machine.position
    assert machine.feed(b"$C\n") == b"[MSG:Enabled]\r\nok\r\n"
    assert state(machine) == "Check"
    assert machine.feed(b"G21\nM3S9\nG1X1F600\nG4P9\nG5\nM0\nM30\n") == (
        b"ok\r\nok\r\nok\r\nok\r\nerror:20\r\nok\r\n[MSG:Pgm End]\r\nok\r\n"
    )
    assert (machine.position, machine.spindle_off, machine.executed) == (place, True, [])
    assert machine.feed(b"$C\n") == b"[MSG:Disabled]\r\nok\r\n" + BANNER


# Spindle, offsets, reports


def test_spindle_and_dwell_wait_for_motion_and_a_dwell_looks_idle():
    machine = lasting()
    machine.feed(b"M3S1000\nG1X10F600\nM5\nG4P2\n")
    assert not machine.spindle_off
    assert after(machine, 1.1) == b"ok\r\n"
    assert (machine.spindle_off, state(machine)) == (True, "Idle")
    assert after(machine, 2.1) == b"ok\r\n"


@pytest.mark.parametrize("line", [b"G10L20P1X0\n", b"G92X0\n", b"G55\n", b"G43.1Z1\n"])
def test_offsets_change_only_when_motion_has_ended(line):
    machine = lasting()
    machine.feed(b"G1X10F600\n")
    assert machine.feed(line) == b""
    assert after(machine, 0.9) == b""
    assert after(machine, 0.2) == b"ok\r\n"


def test_the_end_of_a_program_stops_the_spindle():
    machine = SimulatedGrbl()
    machine.feed(b"G91 G55 M3 S1000\n")
    assert machine.feed(b"M30\n") == b"[MSG:Pgm End]\r\nok\r\n"
    assert machine.spindle_off
    assert b"[GC:G1 G54 G17 G21 G90 G94 M5 " in machine.feed(b"$G\n")


def test_work_zero_is_set_where_the_tool_is_and_told_in_the_next_report():
    machine = SimulatedGrbl(GrblKnobs(starts_homed=False, homing=False))
    assert fields(machine)["WCO"] == "0.000,0.000,0.000"
    assert "WCO" not in fields(machine)
    machine.feed(b"G0X10Y20\nG10L20P1X0Y5\nG10L2P2Z3\n")
    assert fields(machine)["WCO"] == "10.000,15.000,0.000"
    told = machine.feed(b"$#\n").split(b"\r\n")
    assert told[:2] == [b"[G54:10.000,15.000,0.000]", b"[G55:0.000,0.000,3.000]"]
    assert told[-5:] == [
        b"[G92:0.000,0.000,0.000]", b"[TLO:0.000]", b"[PRB:0.000,0.000,0.000:0]", b"ok", b"",
    ]  # fmt: skip
    machine.feed(b"\x18")
    assert machine.work_position == {"X": 0.0, "Y": 5.0, "Z": 0.0}


def test_status_tells_offsets_and_overrides_now_and_then():
    machine = SimulatedGrbl()
    reports = [fields(machine) for _ in range(40)]
    assert [n for n, report in enumerate(reports) if "WCO" in report] == [0, 10, 20, 30]
    assert [n for n, report in enumerate(reports) if "Ov" in report] == [1, 11, 21, 31]
    assert all(report.keys() >= {"MPos", "FS"} for report in reports)


def test_status_tells_speed_buffers_and_what_is_on():
    machine = lasting()
    machine.feed(b"$10=2\nM3S1000\nG1X100F600\n")
    first, second = fields(machine), fields(machine)
    assert first["WPos"] == "0.000,0.000,0.000"
    assert (first["Bf"], first["FS"]) == ("14,128", "600,1000")
    assert (second["Ov"], second["A"]) == ("100,100,100", "S")


def test_settings_are_listed_and_stored():
    machine = SimulatedGrbl()
    assert machine.feed(b"$130=300.5\n") == b"ok\r\n"
    told = machine.feed(b"$$\n")
    assert b"\r\n$22=1\r\n" in told
    assert b"\r\n$130=300.500\r\n" in told


def test_startup_lines_are_tried_and_stored():
    machine = SimulatedGrbl()
    assert machine.feed(b"$N0=G5\n") == b"error:20\r\n"
    machine.feed(b"$N0=G54\n")
    assert machine.feed(b"$N\n") == b"$N0=G54\r\n$N1=\r\nok\r\n"


def test_grbl_introduces_itself():
    told = SimulatedGrbl().feed(b"$I\n")
    assert told.startswith(b"[VER:1.1h.20190830:")
    assert told.endswith(b"]\r\n[OPT:V,15,128]\r\nok\r\n")


def test_more_than_the_buffer_holds_is_lost():
    machine = lasting()
    machine.feed(b"!")
    machine.feed(b"G4P0\n" * 30)
    assert machine.bytes_lost == 150 - 128


def test_a_noisy_cable_spoils_the_same_bytes_for_the_same_seed():
    def told(seed: int) -> bytes:
        machine = SimulatedGrbl(GrblKnobs(bad_byte_ratio=0.05, seed=seed))
        return b"".join(machine.feed(b"G1X%dF600\n" % n) for n in range(100))

    assert told(1) == told(1) != told(2)
    assert b"error:" in told(1)
