"""The proof: good programs are measured, hostile ones refused by the rule they break."""

from hashlib import sha256
from math import inf, pi

import pytest

from commons.errors import NotFound, ProgramRefused, Unavailable
from commons.machine import MATERIALS
from fab_agent.gcode.clean import bare_lines, write_program
from fab_agent.gcode.proof import prove, prove_file, proved_program
from fab_agent.gcode.rules import RULES
from tests.corpus.hostile import (
    CHANGE,
    CLIP,
    COLD,
    CUT,
    CUT_END,
    CUT_HEAD,
    HOSTILE,
    NEXT,
    PRINT,
    PRINTER,
    ROUTER,
    broken_rule,
    with_clip,
)
from tests.corpus.hostile import PRINT_HEAD as HEAD


def lines(text):
    return text.split("|")


def refused(text, profile, material=None, floor_mm=-inf, cutters_mm=()):
    with pytest.raises(ProgramRefused) as error:
        prove(lines(text), profile, material=material, floor_mm=floor_mm, cutters_mm=cutters_mm)
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


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: f"{case.rule}: {case.text[-40:]}")
def test_a_hostile_program_is_refused_by_its_rule_at_its_line(case):
    assert broken_rule(case) == (case.rule, case.line)


def test_every_rule_has_a_hostile_program():
    of_files_and_claims = {"no-newline", "claim-duration", "claim-material"}
    assert {case.rule for case in HOSTILE} | of_files_and_claims == RULES.keys()


def test_every_refusal_tells_what_was_asked_and_what_is_allowed():
    for case in HOSTILE:
        error = refused(case.text, case.machine, case.material, case.floor_mm, case.cutters_mm)
        assert error.limit, case
        assert error.value, case


def test_a_refusal_tells_value_limit_and_place_of_a_point_outside():
    error = refused(HEAD + "G1 X10 Y10 Z2 F600|G1 X250", PRINTER)
    assert (error.value, error.limit) == ("X250.0000 mm", "0 … 200 mm")
    assert error.place == (250, 10, 2)


def test_a_refusal_of_a_line_shows_the_line_and_where_the_tool_stood():
    error = refused(HEAD + "G1 X10 Y10 Z2 F600|M112", PRINTER)
    assert (error.value, error.place) == ("M112", (10, 10, 2))


@pytest.mark.parametrize(
    "moves",
    [
        "G1 Z10 F600|G1 X10 Y4|G1 X190",  # above it
        "G1 Z10 F600|G1 X10 Y20|G1 Z1|G1 X190|G1 Y40",  # behind it
        "G1 Z10 F600|G1 X60 Y4|G1 Z3|G1 X70|G1 Y12|G1 X130|G1 Y4",  # round it
        "G1 Z10 F600|G1 X70 Y9|G1 Z3|G17|G2 X130 Y9 R40",  # an arc that bulges away
        "G28 Z|G1 Z10 F600|G1 X70 Y9|G28|G1 Z10|G1 X70 Y9",  # homed again, from above
    ],
)
def test_a_way_round_what_stands_on_the_bed_is_accepted(moves):
    end = "|G1 Z10 F600|G1 X150 Y50 E1 F1800|"
    prove(lines(HEAD + moves + end + COLD), with_clip(PRINTER))


def test_what_stands_on_the_bed_is_named():
    error = refused(HEAD + "G1 Z10 F600|G1 X10 Y4|G1 Z3|G1 X190", with_clip(PRINTER))
    assert str(error) == "line 9: the way comes over 'clip' below Z6 mm; go round it or above it"
    assert error.limit == f"above Z{CLIP.z_max_mm:g} mm"


def test_a_cut_as_deep_as_its_job_may_go_is_accepted():
    prove(lines(CUT_HEAD + CUT + CUT_END), ROUTER, floor_mm=-2)


def test_a_stop_for_each_further_cutter_is_accepted():
    text = CUT_HEAD + CUT + (CHANGE + NEXT + CUT) * 2 + CUT_END
    once = prove(lines(CUT_HEAD + CUT + CUT_END), ROUTER)
    proof = prove(lines(text), ROUTER, cutters_mm=(6.0, 3.0, 3.0))
    assert proof.cut_length_mm == 3 * once.cut_length_mm


def test_packed_lines_stop_for_another_cutter_too():
    text = (CUT_HEAD + CUT + CHANGE + NEXT + CUT + CUT_END).replace(" ", "")
    prove(lines(text), ROUTER, cutters_mm=(3.0, 1.5))


def test_a_narrower_cutter_may_come_nearer_to_a_clamp():
    near = "G0 Z7|G0 X10 Y8.8|G0 Z5|G0 X190|G0 Z7|"
    change = "M5|M0|G0 Z7|M3 S12000|G4 P2|"
    text = CUT_HEAD + "G0 Z10|" + change + near + CUT + CUT_END
    prove(lines(text), with_clip(ROUTER), cutters_mm=(3.0, 1.0))
    assert refused(text, with_clip(ROUTER), cutters_mm=(3.0, 3.0)).rule == "keep-out"


def test_the_cutters_of_a_program_stay_with_it(tmp_path):
    path = tmp_path / "program.nc"
    text = CUT_HEAD + CUT + CHANGE + NEXT + CUT + CUT_END
    write_program((line.encode() for line in lines(text)), path)
    assert proved_program(path, ROUTER, cutters_mm=(3.0, 1.5)).cutters_mm == (3.0, 1.5)


@pytest.mark.parametrize(
    ("claims", "rule"),
    [
        ({"claimed_duration_s": 605}, "claim-duration"),
        ({"claimed_material_mm3": 60}, "claim-material"),
    ],
)
def test_a_claim_that_the_moves_do_not_bear_out_is_refused(tmp_path, claims, rule):
    path = tmp_path / "program.gcode"
    write_program(bare_lines(line.encode() for line in lines(HEAD + PRINT + COLD)), path)
    with pytest.raises(ProgramRefused) as error:
        proved_program(path, PRINTER, **claims)
    assert (error.value.rule, error.value.line) == (rule, 0)


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
