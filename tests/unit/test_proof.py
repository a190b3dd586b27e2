"""The proof: good programs are measured, hostile ones refused by the rule they break."""

from hashlib import sha256
from math import pi

import pytest

from commons.errors import NotFound, ProgramRefused, Unavailable
from commons.machine import (
    MATERIALS,
    Driver,
    Envelope,
    MachineProfile,
    MillLimits,
    PrintLimits,
    Process,
)
from fab_agent.gcode.clean import bare_lines, write_program
from fab_agent.gcode.proof import prove, prove_file, proved_program

PRINTER = MachineProfile(
    name="printer",
    process=Process.FDM,
    driver=Driver.MARLIN,
    envelope=Envelope(x_max_mm=200, y_max_mm=200, z_max_mm=180),
    max_feed_mm_s=200,
    max_feed_z_mm_s=10,
    materials=("pla", "petg"),
    fdm=PrintLimits(),
)
ROUTER = MachineProfile(
    name="router",
    process=Process.CNC,
    driver=Driver.GRBL,
    envelope=Envelope(x_max_mm=300, y_max_mm=200, z_min_mm=-20, z_max_mm=40),
    max_feed_mm_s=50,
    max_feed_z_mm_s=20,
    materials=("plywood",),
    cnc=MillLimits(),
)

HEAD = "G28|G90|M83|M190 S60|M109 S210|"
PRINT = "G1 X10 Y10 Z0.2 F600|G1 X20 Y10 E1 F1800|"
COLD = "M104 S0|M140 S0|M84"
CUT_HEAD = "G21 G90 G94 G17|G0 Z5|M3 S12000|G4 P2|"
CUT = "G0 X10 Y10|G1 Z-2 F300|G1 X60 F1200|"
CUT_END = "G0 Z5|M5|M2"


def lines(text):
    return text.split("|")


def refused(text, profile, material=None):
    with pytest.raises(ProgramRefused) as error:
        prove(lines(text), profile, material=material)
    return error.value


def test_a_print_is_measured():
    proof = prove(lines(HEAD + PRINT + COLD), PRINTER, material=MATERIALS["pla"])
    assert proof.line_count == 10
    assert (proof.low, proof.high) == ((10, 10, 0.2), (20, 10, 0.2))
    assert proof.extruded_mm3 == pytest.approx(pi * 0.875**2)
    assert (proof.hotend_max_c, proof.bed_max_c) == (210, 60)
    assert proof.duration_s == pytest.approx(10 / 30)


def test_a_cut_is_measured():
    proof = prove(lines(CUT_HEAD + CUT + CUT_END), ROUTER)
    assert (proof.low, proof.high) == ((10, 10, -2), (60, 10, 5))
    assert proof.cut_length_mm == pytest.approx(7 + 50)
    assert proof.spindle_max_rpm == 12000
    assert proof.duration_s == pytest.approx(2 + 7 / 5 + 50 / 20 + 7 / 50)


@pytest.mark.parametrize(
    "moves",
    [
        "G91|M83|G1 X5 E1 F1800|G90",
        "M82|G92 E0|G1 X15 E1 F1800|G1 X20 E2",
        "G17|G3 X20 Y10 I5 J0 E1 F1800",
        "G17|G2 X20 Y10 R5 E1 F1800",
        "M104 S200|G1 X15 E1 F1800|M106 S255|M107|M73 P5 R3|T0|M220 S100|M221 S100|G4 P500",
        "G28 X|G1 E1 F1800|G1 X5",
        "G1 X1 Y1 F6000|G1 E-.8 F2400|G0 X50 F9000|G1 E2 F2400|M400|M105|M114",
    ],
)
def test_what_a_slicer_writes_is_accepted(moves):
    prove(lines(HEAD + "G1 X10 Y10 Z0.2 F600|" + moves + "|" + COLD), PRINTER)


@pytest.mark.parametrize(
    "moves",
    [
        "G0 X1 Y1|G91|G0 Z1|G1 Z-8 F300|G1 X5 F1200|G0 Z8|G90",
        "G20|G0 X1 Y1|G1 Z-.1 F10|G1 X2 F40|G21",
        "G0 X10 Y10|G1 Z-1 F300|G3 X20 I5 J0 F1200|G2 X10 R5|G3 I5",
        "G0 X10 Y10|G1 X20 Z-1 F600",
    ],
)
def test_what_a_cam_writes_is_accepted(moves):
    prove(lines(CUT_HEAD + moves + "|" + CUT_END), ROUTER)


HOSTILE_PRINTS = [
    # (what follows homing, modes and heating, the rule, the line that breaks it)
    ("G1 X201 F600", "envelope", 6),
    ("G1 X-.001 F600", "envelope", 6),
    ("G1 Z180.01 F600", "envelope", 6),
    ("G1 X1 Y1 Z1 F600|G91|G1 Z-1.1", "envelope", 8),
    ("G1 X195 Y10 F600|G17|G3 X195 Y30 I0 J10", "envelope", 8),
    ("G1 X195 Y10 F600|G17|G3 X195 Y30 R10", "envelope", 8),
    ("G1 X10 Y100 F600|G17|G2 I40|G2 I80 J0|G2 I100", "envelope", 10),
    ("G1 X10 Y10 F600|G17|G2 X20 I6 J3", "arc", 8),
    ("G1 X10 Y10 F600|G17|G2 X30 R5", "arc", 8),
    ("G1 X10 Y10 F600|G17|G2 X30 R5 I3", "arc", 8),
    ("G1 X10 Y10 F600|G17|G2 X30", "arc", 8),
    ("G17|G2 X30 I3 F600", "arc", 7),
    ("G1 X10 Y10 F600|G2 X20 I5", "mode-unset", 7),
    ("G91|G1 X1 F600", "position-unknown", 7),
    ("G1 X10 Y10", "feed-missing", 6),
    ("G0 X10 Y10", "feed-missing", 6),
    ("G1 X10 F0", "feed-limit", 6),
    ("G1 X10 F-5", "feed-limit", 6),
    ("G1 X10 F12001", "feed-limit", 6),
    ("G0 X10 F12001", "feed-limit", 6),
    ("G1 X1 Y1 Z1 F600|G1 Z5 F1200", "feed-z-limit", 7),
    ("G1 X1 Y1 F600|G1 E1 F3001", "extrude-rate", 7),
    ("G1 X1 Y1 F600|G1 X2 E6", "extrude-rate", 7),
    ("G1 E201 F600", "extrude-length", 6),
    ("M82|G1 X1 E1 F600", "position-unknown", 7),
    ("G90|G1 X1 E1 F600", "mode-unset", 7),
    ("M104 S261", "hotend-temperature", 6),
    ("M109 S-1", "hotend-temperature", 6),
    ("M140 S101", "bed-temperature", 6),
    ("M104", "missing-word", 6),
    ("M109 R210", "unknown-word", 6),
    ("M104 S169|G1 E1 F600", "cold-extrusion", 7),
    ("M104 S0|M104 S210|G1 E1 F600", "cold-extrusion", 8),
    ("M302 P1", "cold-extrusion", 6),
    ("M84|G1 X1 F600", "not-homed", 7),
    ("G92 X0", "unknown-word", 6),
    ("G92", "missing-word", 6),
    ("G54", "unknown-command", 6),
    ("G20", "units", 6),
    ("G18", "plane", 6),
    ("G21 G90", "many-commands", 6),
    ("M104 S200 M112", "many-commands", 6),
    ("M106 S256", "fan", 6),
    ("M106 S-1", "fan", 6),
    ("T1", "unknown-command", 6),
    ("M104 S200 T0", "many-commands", 6),
    ("M220 S150", "override", 6),
    ("M221 S50", "override", 6),
    ("G4 S61", "dwell", 6),
    ("G4 P-1", "dwell", 6),
    ("M0", "unbounded-wait", 6),
    ("M600", "unbounded-wait", 6),
    ("M25", "unbounded-wait", 6),
    ("M112", "forbidden-command", 6),
    ("M500", "settings-write", 6),
    ("M502", "settings-write", 6),
    ("M92 E4000", "settings-write", 6),
    ("M203 X9999", "settings-write", 6),
    ("M206 Z-5", "settings-write", 6),
    ("M301 P1", "settings-write", 6),
    ("M851 Z-5", "settings-write", 6),
    ("M30 /x.gco", "malformed-word", 6),
    ("M28", "forbidden-command", 6),
    ("M997", "forbidden-command", 6),
    ("M118 A1", "forbidden-command", 6),
    ("M42 P13 S255", "forbidden-command", 6),
    ("M666 X1", "settings-write", 6),
    ("G999", "unknown-command", 6),
    ("M3 S1000", "unknown-command", 6),
    ("X10 Y10", "unknown-command", 6),
    ("RUN_SHELL_COMMAND CMD=x", "malformed-word", 6),
    (PRINT + "M140 S0", "heater-left-on", 8),
    (PRINT + "M104 S0", "heater-left-on", 8),
    ("G1 X10 Y10 F600|" + COLD, "does-nothing", 9),
    ("G1 E-1 F600|" + COLD, "does-nothing", 9),
]


@pytest.mark.parametrize(("moves", "rule", "line"), HOSTILE_PRINTS)
def test_a_hostile_print_is_refused_by_its_rule(moves, rule, line):
    error = refused(HEAD + moves, PRINTER)
    assert (error.rule, error.line) == (rule, line)


HOSTILE_STARTS = [
    ("G90|M83|G1 X1 F600", "not-homed", 3),
    ("G90|G28 X Y|G1 X1 F600", "not-homed", 3),
    ("G28|G1 X1 F600", "mode-unset", 2),
    ("G28|G90|M83|G1 E1 F600", "cold-extrusion", 4),
    ("G28|G90|M83|M104 S210|G1 E1 F600", "cold-extrusion", 5),
    ("G28|G1 X1\x18", "realtime-byte", 2),
    ("G28|G1 X\u0661", "realtime-byte", 2),
    ("G28||G90", "blank-line", 2),
    ("G28\r|G90", "control-character", 1),
]


@pytest.mark.parametrize(("text", "rule", "line"), HOSTILE_STARTS)
def test_a_print_that_starts_wrong_is_refused(text, rule, line):
    error = refused(text, PRINTER)
    assert (error.rule, error.line) == (rule, line)


HOSTILE_CUTS = [
    ("G21|G90|G0 X5", "start-retract", 3),
    ("G21|G90|G0 X5 Z5", "start-retract", 3),
    ("G21|G90|G0 Z-1", "start-retract", 3),
    ("G21|G91|G0 Z5", "position-unknown", 3),
    ("G90|G0 Z5", "mode-unset", 2),
    ("G21|G0 Z5", "mode-unset", 2),
    ("G21|G90|G0 Z41", "envelope", 3),
    ("G21|G90|G0 Z5|G0 X10 Y10|G1 Z-1 F300", "spindle-off", 5),
    (CUT_HEAD + "G0 X10 Y10|G1 Z-20.001 F300", "envelope", 6),
    (CUT_HEAD + "G0 X301", "envelope", 5),
    (CUT_HEAD + "G20|G0 X12 Y1", "envelope", 6),
    (CUT_HEAD + "G1 Z-1 F300", "position-unknown", 5),
    (CUT_HEAD + "G0 X10 Y10|G1 Z-1", "feed-missing", 6),
    (CUT_HEAD + "G0 X10 Y10|G1 Z-1 F601", "feed-z-limit", 6),
    (CUT_HEAD + "G0 X10 Y10|G1 Z10 F1201", "feed-z-limit", 6),
    (CUT_HEAD + "G0 X10 Y10|G1 X11 F3001", "feed-limit", 6),
    (CUT_HEAD + "G0 X10 Y10|G0 Z-1", "rapid-in-stock", 6),
    (CUT_HEAD + CUT + "G0 X20", "rapid-in-stock", 8),
    (CUT_HEAD + CUT + "G0 X20 Z5", "rapid-in-stock", 8),
    (CUT_HEAD + CUT + "M5", "spindle-off", 8),
    (CUT_HEAD + CUT + "G0 Z5|M5|M2|G0 Z6", "after-end", 11),
    (CUT_HEAD + CUT + "G0 Z5", "spindle-left-on", 8),
    (CUT_HEAD + CUT + "G1 Z0 F300|M5", "not-lifted", 9),
    (CUT_HEAD + "M5", "does-nothing", 5),
    (CUT_HEAD + "G1 X5 E1 F600", "unknown-word", 5),
    ("M3 S24001", "spindle-speed", 1),
    ("M3 S10", "spindle-speed", 1),
    ("M3", "missing-word", 1),
    ("M4 S1000", "spindle-backwards", 1),
    ("M6 T2", "many-commands", 1),
    ("M6", "tool", 1),
    ("M8", "coolant", 1),
    ("G28", "forbidden-command", 1),
    ("G92 X0", "offset", 1),
    ("G55", "offset", 1),
    ("G10 L2 P1 X0", "offset", 1),
    ("G43.1 Z5", "offset", 1),
    ("G53 G0 Z0", "many-commands", 1),
    ("G38.2 Z-10 F100", "forbidden-command", 1),
    ("G93", "units", 1),
    ("G19", "plane", 1),
    ("$H", "settings-write", 1),
    ("$100=250", "settings-write", 1),
    ("M0", "unbounded-wait", 1),
    ("M104 S200", "unknown-command", 1),
    ("G81 X1 Z-1 R1", "unknown-command", 1),
    ("G4 P61", "dwell", 1),
    ("G0 X10 Y10 M3 S1000", "many-commands", 1),
    ("F100", "unknown-command", 1),
    ("?", "realtime-byte", 1),
]


@pytest.mark.parametrize(("text", "rule", "line"), HOSTILE_CUTS)
def test_a_hostile_cut_is_refused_by_its_rule(text, rule, line):
    error = refused(text, ROUTER)
    assert (error.rule, error.line) == (rule, line)


def test_a_material_lowers_the_temperature_limit():
    text = HEAD.replace("S210", "S240") + PRINT + COLD
    prove(lines(text), PRINTER, material=MATERIALS["petg"])
    assert refused(text, PRINTER, MATERIALS["pla"]).rule == "hotend-temperature"


def test_a_material_that_the_machine_does_not_take_is_refused():
    assert refused(HEAD + PRINT + COLD, PRINTER, MATERIALS["plywood"]).rule == "material"


def test_an_empty_program_is_refused():
    with pytest.raises(ProgramRefused, match="empty"):
        prove([], PRINTER)


def test_a_refusal_names_line_value_and_limit():
    assert str(refused(HEAD + "G1 X250 F600", PRINTER)) == (
        "line 6: X250.0000 mm lies outside 0 … 200 mm"
    )


def test_a_proof_is_bound_to_the_bytes_of_the_file(tmp_path):
    path = tmp_path / "program.gcode"
    raw = [line.encode() + b" ; comment\r\n" for line in lines(HEAD + PRINT + COLD)]
    digest, count = write_program(bare_lines(raw), path)
    program = proved_program(path, PRINTER, claimed_duration_s=12)
    assert path.read_bytes() == (HEAD + PRINT + COLD + "|").replace("|", "\n").encode()
    assert program.sha256 == digest == sha256(path.read_bytes()).hexdigest()
    assert (program.line_count, count, program.estimate.claimed_duration_s) == (10, 10, 12)


@pytest.mark.parametrize(
    ("content", "rule"),
    [(b"G28\nG90", "no-newline"), (b"G" * 200_000, "line-too-long"), (b"G28\n\n", "blank-line")],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path, content, rule):
    path = tmp_path / "program.gcode"
    path.write_bytes(content)
    with pytest.raises(ProgramRefused) as error:
        prove_file(path, PRINTER)
    assert error.value.rule == rule


def test_a_file_that_is_gone_is_not_found(tmp_path):
    with pytest.raises(NotFound):
        prove_file(tmp_path / "none.gcode", PRINTER)


def test_a_program_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(Unavailable):
        write_program([b"G28"], tmp_path / "no" / "program.gcode")


def test_a_refused_raw_file_leaves_no_program(tmp_path):
    with pytest.raises(ProgramRefused):
        write_program(bare_lines([b"G28\n", b"@pause\n"]), tmp_path / "program.gcode")
    assert list(tmp_path.iterdir()) == []
