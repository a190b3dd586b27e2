"""The time of a print is found out in a child from what its proof saw."""

import logging
from dataclasses import replace

import pytest

from commons.errors import ProgramRefused
from commons.machine import MATERIALS
from fab_agent import timing
from fab_agent.gcode.proof import program_of, prove, prove_file
from fab_agent.timing import timed
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


def proved(program, profile=None):
    """Its proof, given away to be watched."""
    profile = profile or printer()

    def watched(recording):
        lines = recording.followed(iter(program.read_bytes().splitlines()), start=0)
        proof = prove(lines, profile, material=MATERIALS["pla"], watch=recording.watch)
        return program_of(proof, program)

    return watched


def test_ramps_and_corners_come_on_top_of_path_over_feed(program, tmp_path):
    with_ramps = timed(proved(program), printer(), out_dir=tmp_path / "time").estimate.duration_s
    at_feed = prove_file(program, printer()).duration_s
    assert 1.02 * at_feed < with_ramps < 1.5 * at_feed


def test_a_quicker_printer_takes_less_time(program, tmp_path):
    quick = printer(fdm={"acceleration_mm_s2": 5000})
    slow_s = timed(proved(program), printer(), out_dir=tmp_path / "slow").estimate.duration_s
    quick_s = timed(proved(program, quick), quick, out_dir=tmp_path / "q").estimate.duration_s
    assert quick_s < slow_s


def test_a_time_that_cannot_be_found_out_leaves_that_of_the_proof(
    program, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr(timing, "LIMITS", replace(timing.LIMITS, memory_bytes=2**20))
    with caplog.at_level(logging.WARNING):
        plain = timed(proved(program), printer(), out_dir=tmp_path / "time")
    assert plain.estimate.duration_s == prove_file(program, printer()).duration_s
    assert "the time of this print is not known" in caplog.text


def test_a_child_that_ends_early_hinders_no_proof(program, tmp_path, monkeypatch):
    """It cannot start; far more moves than a pipe holds are told all the same."""
    monkeypatch.setattr(timing, "LIMITS", replace(timing.LIMITS, memory_bytes=2**20))
    lines = [*LINES[:-2], *LINES[9:-2] * 100, *LINES[-2:]]
    program.write_bytes(b"".join(line + b"\n" for line in lines))
    plain = timed(proved(program), printer(), out_dir=tmp_path / "time")
    assert plain.line_count == len(lines)
    assert plain.estimate.duration_s == prove_file(program, printer()).duration_s


def test_a_refused_program_stays_refused(program, tmp_path):
    program.write_bytes(b"G1 X1 F600\n")
    with pytest.raises(ProgramRefused):
        timed(proved(program), printer(), out_dir=tmp_path / "time")
