"""The time of a print is found out in a child while the program is proved."""

import logging

import pytest

from commons.errors import ProgramRefused
from commons.machine import MATERIALS
from fab_agent.gcode.print_time import print_s
from fab_agent.gcode.proof import prove_file, proved_program
from fab_agent.timing import print_duration_s, timed
from tests.profiles import printer

pytestmark = pytest.mark.slow  # each starts a child in its sandbox

LINES = [b"G90", b"M83", b"G28", b"M140 S60", b"M190 S60", b"M104 S210", b"M109 S210",
         b"G1 Z0.2 F600", b"G1 X0 Y0 F6000",
         *(f"G1 X{n % 50} Y{n % 7 * 9} E.1 F3000".encode() for n in range(300)),
         b"M104 S0", b"M140 S0"]  # fmt: skip


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.gcode"
    path.write_bytes(b"".join(line + b"\n" for line in LINES))
    return path


def prove(program):
    return proved_program(program, printer(), material=MATERIALS["pla"])


def test_the_child_says_what_its_module_says_and_that_is_more_than_path_over_feed(
    program, tmp_path
):
    timed_program = timed(lambda: prove(program), program, printer(), out_dir=tmp_path / "time")
    expected = print_s(LINES, printer())
    assert timed_program.estimate.duration_s == pytest.approx(expected)
    assert expected > 1.02 * prove_file(program, printer()).duration_s


def test_a_time_that_cannot_be_found_out_leaves_that_of_the_proof(program, tmp_path, caplog):
    gone = tmp_path / "gone.gcode"
    gone.write_bytes(b"G1 X1\n")
    with caplog.at_level(logging.WARNING):
        proved = timed(lambda: prove(program), gone, printer(), out_dir=tmp_path / "time")
    assert proved.estimate.duration_s == prove_file(program, printer()).duration_s
    assert "its time is not known" in caplog.text


def test_a_refused_program_stays_refused(program, tmp_path):
    program.write_bytes(b"G1 X1 F600\n")
    with pytest.raises(ProgramRefused):
        timed(lambda: prove(program), program, printer(), out_dir=tmp_path / "time")


def test_a_quicker_printer_takes_less_time(program, tmp_path):
    quick = printer(fdm={"acceleration_mm_s2": 5000})
    for name in ("slow", "quick"):
        (tmp_path / name).mkdir()
    slow_s = print_duration_s(program, printer(), out_dir=tmp_path / "slow")
    assert print_duration_s(program, quick, out_dir=tmp_path / "quick") < slow_s
