"""The simulated Marlin says and does what Marlin 2.1 does, so far as its sources tell.

Read on 2026-11-22 from MarlinFirmware/Marlin, files under Marlin/src as publicly stored (commit),
of 2.0 to bugfix-2.1 and not of the tag 2.1.2: gcode/queue.cpp (2.0; order of checks, texts, flush
on resend, ADVANCED_OK, `wait`), feature/e_parser.h and e_parser.cpp (067af016; M108, M112, M410),
gcode/gcode.cpp (005ec919, its beginning and end; host_keepalive, unknown commands),
gcode/host/M113.cpp (56d42fff), M115.cpp (015c54c5), M118.cpp, gcode/temp/M105.cpp (384ea699),
M155.cpp (41861437); excerpts of module/temperature.cpp and Configuration*.h; M211_report and
M203_report of 2.1, and logs of M503 that owners of 2.1 printers have published. From memory: M114,
M0 and M600, G28, kill, the banner. What Marlin bugfix-2.0.x on an emulated ATmega2560 said in a
measurement of ours is kept as notes only; no firmware ran beside these tests.

Not as Marlin: M115 and M503 tell less, feeds are not held to M203, travel only after `M211 S1`.
"""

import pytest

from fab_agent.machines.firmware.marlin import SECOND_START_S, MarlinKnobs, SimulatedMarlin
from fab_agent.machines.marlin import SYNC, numbered

KILLED = b"Error:Printer halted. kill() called!\n"


def lasting(**knobs) -> SimulatedMarlin:
    """A printer whose moves take time."""
    return SimulatedMarlin(MarlinKnobs(moves_take_time=True, **knobs))


def after(machine: SimulatedMarlin, seconds: float, step: float = 0.05) -> bytes:
    """What it says in so many seconds."""
    return b"".join(machine.tick(step) for _ in range(round(seconds / step)))


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"N1 G4 P0*16\n", b"Error:checksum mismatch, Last Line: 0\nResend: 1\nok\n"),
        (b"N1 G4 P0\n", b"Error:No Checksum with line number, Last Line: 0\nResend: 1\nok\n"),
        (
            numbered(7, b"G4 P0"),
            b"Error:Line Number is not Last Line Number+1, Last Line: 0\nResend: 1\nok\n",
        ),
        (b"BAD\n", b'echo:Unknown command: "BAD"\nok\n'),
        (b"M9999\n", b'echo:Unknown command: "M9999"\nok\n'),
        (b"M105\n", b"ok T:21.00 /0.00 B:21.00 /0.00 @:0 B@:0\n"),
        (b"M114\n", b"X:0.00 Y:0.00 Z:0.00 E:0.00 Count X:0 Y:0 Z:0\nok\n"),
        (b"M113\n", b"echo:M113 S2\nok\n"),
        (
            b"M211\n",
            b"  M211 S0 ; OFF\n  Min:  X0.00 Y0.00 Z0.00   Max:  X220.00 Y220.00 Z250.00\nok\n",
        ),
        (b"M118 E1 hello\n", b"echo:hello\nok\n"),
        (b"M118 A1 action:x\n", b"//action:x\nok\n"),
        (b"\n;a comment\n  \n", b""),
        (b"G28 ; home\r\n", b"ok\n"),
    ],
)
def test_a_line_is_answered_word_for_word(line, answer):
    assert SimulatedMarlin().feed(line) == answer


def test_the_line_number_is_judged_before_the_checksum():
    assert b"Line Number" in SimulatedMarlin().feed(b"N5 G4 P0*1\n")


def test_m110_sets_the_number_wherever_it_is_told():
    machine = SimulatedMarlin()
    assert machine.feed(numbered(0, b"M110 N41") + numbered(42, b"G4 P0")) == b"ok\nok\n"
    assert machine.feed(b"M110 N9\n" + numbered(10, b"G4 P1")) == b"ok\nok\n"
    assert machine.executed == ["G4 P0", "G4 P1"]


def test_a_refused_line_takes_with_it_everything_received_behind_it():
    machine = SimulatedMarlin()
    window = b"N1 G4 P0*1\n" + numbered(2, b"G4 P0") + numbered(3, b"G4 P0")
    assert machine.feed(window).count(b"Resend: 1") == 1
    assert machine.feed(numbered(1, b"G4 P0")) == b"ok\n"


def test_identity_names_what_the_firmware_can_do():
    told = SimulatedMarlin(MarlinKnobs(emergency_parser=False, autoreport=False)).feed(b"M115\n")
    assert told.startswith(b"FIRMWARE_NAME:Marlin 2.1.2")
    assert b"\nCap:EMERGENCY_PARSER:0\n" in told
    assert b"\nCap:AUTOREPORT_TEMP:0\n" in told
    assert told.endswith(b"\nok\n")


def test_settings_are_told_as_marlin_2_1_tells_them():
    told = SimulatedMarlin(MarlinKnobs(acceleration_mm_s2=500)).feed(b"M503\n")
    assert b"echo:; Max feedrates (units/s):\necho:  M203 X300.00 Y300.00 Z5.00 E25.00\n" in told
    assert b"\necho:  M201 X500.00 Y500.00 Z500.00 E500.00\nok\n" in told
    assert b"\necho:  M92 X80.00 Y80.00 Z400.00 E93.00\n" in told


def test_software_endstops_hold_a_move_within_its_travel_once_they_are_on():
    machine = SimulatedMarlin()
    machine.feed(b"G1 X900 F6000\n")
    assert machine.position["X"] == 900.0
    assert machine.feed(b"M211 S1\nM211\n").startswith(b"ok\n  M211 S1 ; ON\n")
    machine.feed(b"G1 X900 Y-9 Z10 F6000\n")
    assert machine.position == {"X": 220.0, "Y": 0.0, "Z": 10.0, "E": 0.0}


def test_an_advanced_ok_tells_line_planner_and_queue():
    machine = lasting(advanced_ok=True, buffer_size=4)
    assert machine.feed(numbered(1, b"G1 X10 F60")) == b"ok N1 P14 B3\n"
    assert machine.feed(b"G1 X20\nM105\n") == (
        b"ok P13 B2\nok T:21.00 /0.00 B:21.00 /0.00 @:0 B@:0\n"
    )


def test_a_full_planner_holds_back_the_answer_and_then_the_buffer_overflows():
    machine = lasting(planner_blocks=4, buffer_size=4)
    lines = [numbered(n, b"G1 X%d F60" % n) for n in range(1, 40)]
    assert machine.feed(b"".join(lines)) == b"ok\n" * 3
    # Four lines in the queue and 127 bytes in the buffer: what came after them is lost.
    kept = 127 + sum(len(line) for line in lines[:7])
    assert machine.bytes_lost == sum(map(len, lines)) - kept


def test_a_part_of_a_line_does_not_stay_in_the_receive_buffer():
    machine = SimulatedMarlin(MarlinKnobs(rx_buffer=16))
    for at in range(0, 20, 4):
        machine.feed(b"G1 X10.5 Y20.25 E0.3"[at : at + 4])
    assert machine.feed(b"\n") == b"ok\n"
    assert machine.bytes_lost == 0


# Emergencies


def test_m108_ends_a_wait_for_heat_and_leaves_the_target():
    machine = SimulatedMarlin()
    machine.feed(b"M109 S200\nG4 P0\n")
    assert machine.feed(b"M1") == b""
    assert machine.feed(b"08\n").count(b"ok\n") == 3
    assert machine.hotend.target_c == 200


def test_m112_kills_past_everything_that_waits():
    machine = lasting()
    machine.feed(b"M140 S60\nG1 X100 F60\nM400\n" + b"G1 X1\n" * 10)
    assert machine.feed(b"M1") + machine.feed(b"12\n") == KILLED
    assert machine.heaters_off
    assert machine.planner.empty
    assert machine.feed(b"M105\n") + after(machine, 5) == b""


def test_m410_stops_where_the_tool_is_and_the_queue_goes_on():
    machine = lasting()
    machine.feed(b"G1 X100 F600\nM400\nM114\n")
    after(machine, 5.0)
    assert machine.feed(b"M410\n") == (
        b"ok\nX:50.00 Y:0.00 Z:0.00 E:0.00 Count X:4000 Y:0 Z:0\nok\nok\n"
    )


@pytest.mark.parametrize("line", [b"M117 M112\n", b"N1 G1 M112\n", b";M112\n", b"G1 X1 ;M410\n"])
def test_an_emergency_is_one_only_at_the_start_of_its_line(line):
    machine = lasting()
    machine.feed(b"G1 X100 F60\n" + line)
    assert not machine.dead
    assert not machine.planner.empty


def test_without_an_emergency_parser_an_emergency_waits_for_its_turn_in_the_buffer():
    machine = lasting(emergency_parser=False, buffer_size=2)
    machine.feed(b"M400\nG1 X100 F600\nM400\nM105\n")
    assert machine.feed(b"M112\n") == b""
    assert KILLED in after(machine, 11.0)


def test_without_an_emergency_parser_it_is_obeyed_once_the_queue_takes_it():
    machine = SimulatedMarlin(MarlinKnobs(emergency_parser=False))
    machine.feed(b"M109 S200\n")
    assert machine.feed(b"M108\n") == b"ok\nok\n"


# Waiting and reporting


def test_a_long_command_says_that_it_is_busy():
    machine = lasting(busy_every_s=2.0)
    machine.feed(b"G4 S5\n")
    assert after(machine, 6.0) == b"echo:busy: processing\n" * 2 + b"ok\n"


def test_m113_says_how_often_it_is_told_or_never():
    machine = lasting()
    machine.feed(b"M113 S0\nG4 S9\n")
    assert after(machine, 10.0) == b"ok\n"


@pytest.mark.parametrize("line", [b"M0\n", b"M600\n"])
def test_a_pause_waits_for_a_person(line):
    machine = lasting()
    assert machine.feed(line + b"G4 P0\n") == b""
    assert after(machine, 4.5) == b"echo:busy: paused for user\n" * 2
    assert machine.feed(b"M108\n") == b"ok\nok\nok\n"


def test_a_pause_may_end_by_itself():
    machine = lasting()
    machine.feed(b"M0 S1\n")
    assert after(machine, 1.5) == b"ok\n"


def test_temperatures_come_by_themselves_when_asked_to():
    machine = SimulatedMarlin()
    assert machine.feed(b"M155 S2\n") == b"ok\n"
    assert after(machine, 5.0) == b" T:21.00 /0.00 B:21.00 /0.00 @:0 B@:0\n" * 2


def test_a_wait_for_heat_reports_every_second_and_may_have_to_settle():
    machine = SimulatedMarlin(MarlinKnobs(settles_s=3.0, busy_every_s=0.0))
    machine.feed(b"M109 S31\n")
    *reports, last = after(machine, 8.0).splitlines()
    words = [line.rpartition(b" ")[2] for line in reports]
    assert (words[:2], words[-2:], last) == ([b"W:?", b"W:?"], [b"W:1", b"W:0"], b"ok")


def test_s_waits_for_warmth_alone_and_r_also_for_cold():
    machine = SimulatedMarlin()
    machine.feed(b"M104 S60\n")
    after(machine, 20)
    assert machine.feed(b"M109 S40\n") == b"ok\n"
    assert machine.feed(b"M109 R40\n") == b""
    assert after(machine, 25).endswith(b"ok\n")


def test_an_idle_firmware_may_say_that_it_waits():
    machine = SimulatedMarlin(MarlinKnobs(wait_every_s=1.0))
    assert after(machine, 2.5) == b"wait\nwait\n"


def test_echo_lines_come_between_answers():
    machine = SimulatedMarlin(MarlinKnobs(echo_every=2))
    assert machine.feed(b"G4 P0\nG4 P0\n") == b"echo:Active Extruder: 0\nok\nok\n"


# Power and cable


def test_a_cold_start_is_deaf_and_then_greets():
    machine = SimulatedMarlin(MarlinKnobs(starts_up_s=2.0))
    assert machine.feed(b"M115\n") == b""
    assert after(machine, 1.9) == b""
    assert after(machine, 0.2).startswith(b"start\n")
    assert machine.feed(b"M105\n").startswith(b"ok T:")


def test_some_boards_start_twice_and_forget_what_came_between():
    machine = SimulatedMarlin(MarlinKnobs(second_start=True))
    assert machine.feed(b"").startswith(b"start\n")
    machine.feed(numbered(1, b"M104 S200"))
    assert after(machine, SECOND_START_S + 0.1).startswith(b"start\n")
    assert machine.heaters_off
    assert b"Last Line: 0" in machine.feed(numbered(2, b"G4 P0"))


def test_a_reset_in_mid_program_is_no_second_life_for_the_record():
    machine = SimulatedMarlin(MarlinKnobs(reset_at_line=2))
    program = numbered(1, b"G1 X1") + numbered(2, b"G1 X2")
    assert b"start\n" in machine.feed(program)
    machine.feed(program)
    assert machine.executed == ["G1 X1", "G1 X1", "G1 X2"]


def test_a_pulled_cable_leaves_the_printer_as_it_is_and_plugging_in_restarts_it():
    machine = SimulatedMarlin(MarlinKnobs(drop_at_line=2))
    assert machine.feed(numbered(1, b"M104 S200") + numbered(2, b"G1 X2")) == b"ok\n"
    assert machine.dropped
    assert machine.feed(numbered(3, b"G1 X3")) + after(machine, 5) == b""
    assert machine.executed == ["M104 S200", "G1 X2"]
    assert not machine.heaters_off
    machine.plug_in()
    assert machine.feed(b"").startswith(b"start\n")
    assert machine.heaters_off
    assert machine.hotend.actual_c > 30


def test_failed_homing_kills():
    machine = lasting(homing_fails=True)
    machine.feed(b"M104 S200\nG28\n")
    assert after(machine, 9.0).endswith(KILLED)
    assert machine.heaters_off
    assert machine.feed(b"M115\n") == b""


def test_a_sender_s_own_commands_are_no_part_of_the_program():
    machine = SimulatedMarlin()
    machine.feed(numbered(0, b"M110 N0") + b"M105\n" + numbered(1, b"G1 X1") + numbered(2, SYNC))
    assert machine.executed == ["G1 X1"]
