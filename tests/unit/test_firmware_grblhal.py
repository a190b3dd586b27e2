"""Where the simulated grblHAL is unlike GRBL.

Read on 2026-11-22 from grblHAL/core, files as publicly stored (commit): report.c (04ce2c5c; $I,
status fields and their order, banner), protocol.c (04ce2c5c, first half; lines, errors that block),
stream.h (0aeb5388; receive buffer), messages.c (28711ee5); of 2023, compatibility level 0. What
grblHAL's own simulator said in a measurement of ours is kept as notes: banner, $I, `Bf:100,1023`.
From memory: `?` is answered in an alarm. No grblHAL ran beside these tests.

Not as grblHAL: one CR LF ends one line there and two here; a start that wants homing tells ALARM:11
and "Homing cycle required"; `$10` can add the number of an alarm to the state; its $I has more.
"""

from fab_agent.machines.firmware.grbl import GrblKnobs, SimulatedGrbl


def grblhal(**knobs) -> SimulatedGrbl:
    return SimulatedGrbl(GrblKnobs(grblhal=True, **knobs))


def test_it_introduces_itself():
    machine = grblhal()
    assert machine.feed(b"\x18") == b"\r\nGrblHAL 1.1f ['$' or '$HELP' for help]\r\n"
    told = machine.feed(b"$I\n")
    assert b",1024,3,0]\r\n" in told
    assert b"[FIRMWARE:grblHAL]\r\n" in told
    assert machine.feed(b"$H\n") == b"ok\r\n"


def test_its_buffer_holds_one_byte_less_than_it_tells():
    machine = grblhal(moves_take_time=True)
    report = machine.feed(b"?").decode()
    assert "|Bf:15,1023|" in report
    assert "|H:1" in report
    machine.feed(b"!")
    machine.feed(b"G4P0\n" * 210)
    assert machine.bytes_lost == 1050 - 1023


def test_after_an_error_no_g_code_is_executed_until_a_command_or_an_empty_line():
    machine = grblhal()
    assert machine.feed(b"G5\nG0X1\nG0X2\n") == b"error:20\r\n" * 3
    assert machine.feed(b"\nG0X3\n") == b"ok\r\nok\r\n"
    assert machine.feed(b"G5\n$G\n").startswith(b"error:20\r\n[GC:G0 ")
    assert machine.feed(b"G0X4\n") == b"ok\r\n"
    assert machine.executed == ["G0X3", "G0X4"]


def test_a_reset_forgets_the_error():
    machine = grblhal()
    machine.feed(b"G5\n\x18")
    assert machine.feed(b"G0X1\n") == b"ok\r\n"


def test_it_knows_the_mist_that_grbl_does_not():
    assert grblhal().feed(b"M7\n") == b"ok\r\n"
