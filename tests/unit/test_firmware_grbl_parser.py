"""The simulated GRBL reads G-code as grbl/gcode.c does (gnea/grbl, stored commit 0b5604bd, steps 1
to 4, read on 2026-11-22) and refuses it with the numbers of error_codes_en_US.csv (1998aff0).

Where a block has two errors GRBL may name the other one; no firmware ran beside these tests.
"""

import pytest

from fab_agent.machines.firmware.grbl import SimulatedGrbl


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("123", 1), ("=5", 1), ("G1X", 2), ("$Q", 3), ("$G5", 3), ("$X=1", 3), ("$200=1", 3),
        ("G1X1F-5", 4), ("$10=-1", 4), ("G1X" + "1" * 78, 11), ("G0X" + " " * 90 + "1", None),
        ("G5", 20), ("M6", 20), ("M7", 20),
        ("G91X1A2", 20), ("G43H1", 20), ("G28.2", 20), ("G10L3P1X0", 20),
        ("G0G1X1F9", 24), ("G17G18", 21), ("M3M4", 21), ("G54G55", 21), ("G90G91", 21),
        ("G1X1", 22), ("G93G1X1", 22), ("G1.5X1F9", 23), ("M3.5", 23), ("G4.2P1", 23),
        ("G10G28X0", 24), ("G1G92X0", 24), ("G0X1X2", 25), ("G92", 26), ("G10L2P1", 26),
        ("G2F9", 26), ("N99999999G0X1", 27), ("G4", 28), ("G10X0", 28), ("G10P1X0", 20),
        ("G38.2X0Y0Z0F9", 33), ("G10L20P7X0", 29),
        ("G53G2X1I1F9", 30), ("G80X1", 31), ("G2Z1I1F9", 32), ("G2X1Y0R0.1F9", 34),
        ("G2X10I1F9", 33), ("G2X0Y0R5F9", 33), ("G2X1F9", 35), ("G1X1F9P2", 36),
        ("G43.1X1", 37), ("T999", 38),
    ],
)  # fmt: skip
def test_a_bad_line_is_refused_with_its_number(line, number):
    machine = SimulatedGrbl()
    expected = b"ok\r\n" if number is None else b"error:%d\r\n" % number
    assert machine.feed(line.encode() + b"\n") == expected
    assert number is None or machine.executed == []


@pytest.mark.parametrize(
    "line",
    [b"g1 x1 f60\n", b"N5 G1 X1 F60\n", b"(go) G1 X1 ; there\nF60\n", b"G20 G1 X1 F6\n", b"/M5\n",
     b"G17 G21 G40 G49 G54 G61 G80 G90 G91.1 G94\n", b"G28.1\nG30.1\nG92.1\n", b"M8\nM9\n",
     b"G10L20X0\nG10L2P1.5X0\n"],
)  # fmt: skip
def test_what_grbl_reads_is_acknowledged(line):
    machine = SimulatedGrbl()
    machine.feed(b"F60\n")
    assert machine.feed(line) == b"ok\r\n" * line.count(b"\n")


def test_an_error_leaves_the_modes_as_they_were():
    machine = SimulatedGrbl()
    machine.feed(b"G91 G20 M3 S500 P1\n")
    assert machine.feed(b"$G\n") == b"[GC:G0 G54 G17 G21 G90 G94 M5 M9 T0 F0 S0]\r\nok\r\n"
    machine.feed(b"G91 G20 M3 S500\nG1 F10\n")
    assert machine.feed(b"$G\n") == b"[GC:G1 G54 G17 G20 G91 G94 M3 M9 T0 F254 S500]\r\nok\r\n"


def test_a_feed_does_not_outlive_its_mode():
    machine = SimulatedGrbl()
    machine.feed(b"G20\nG93 G1 X1 F2\n")
    assert b" F2 " in machine.feed(b"$G\n")
    assert machine.feed(b"G94 G1 X2\n") == b"error:22\r\n"
