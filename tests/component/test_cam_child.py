"""The child that opens strangers' drawings, in the sandbox as the agent runs it."""

from hashlib import sha256

import pytest

from commons.machine import Driver, Envelope, MachineProfile, MillLimits, Process
from fab_agent.cam.options import CutOptions
from fab_agent.cam.request import Kind, MillAnswer, MillRefusal, MillRequest
from fab_agent.cam.stock import Stock
from fab_agent.gcode.proof import proved_program
from fab_agent.sandbox import Ending, Limits, run_python

LIMITS = Limits(memory_bytes=2 * 2**30, cpu_s=30, wall_s=60, file_bytes=64 * 2**20)
ROUTER = MachineProfile(
    name="router",
    process=Process.CNC,
    driver=Driver.GRBL,
    envelope=Envelope(x_max_mm=600, y_max_mm=400, z_min_mm=-20, z_max_mm=40),
    max_feed_mm_s=50,
    max_feed_z_mm_s=20,
    materials=("plywood",),
    cnc=MillLimits(),
)
HEAD = '<svg xmlns="http://www.w3.org/2000/svg" width="99mm" height="99mm" viewBox="0 0 99 99">'


def run(tmp_path, drawing, **changes):
    request = MillRequest(
        kind=Kind.SVG, stock=Stock(6, (600, 400)), profile=ROUTER, **changes
    ).model_dump_json()
    (tmp_path / "drawing").write_text(drawing)
    out = tmp_path / "out"
    out.mkdir()
    inputs = {"drawing": tmp_path / "drawing"}
    child = run_python("fab_agent.cam", [request], out_dir=out, limits=LIMITS, inputs=inputs)
    assert child.ending is Ending.EXITED, child.stderr
    return child, out / "program.nc"


@pytest.mark.slow
def test_a_drawing_becomes_a_program_that_can_be_proved_again_outside(tmp_path):
    child, path = run(tmp_path, f'{HEAD}<rect width="50" height="40"/></svg>', copies=2)
    answer = MillAnswer.model_validate_json(child.stdout)
    program = proved_program(path, ROUTER)
    assert child.exit_code == 0
    assert answer.sha256 == program.sha256 == sha256(path.read_bytes()).hexdigest()
    assert answer.line_count == program.line_count
    assert answer.part_mass_g == pytest.approx(2 * 50 * 40 * 6 * 0.68 / 1000, 1e-5)
    assert answer.notes[0] == answer.speeds
    width, height = answer.offcuts[0].width_mm, answer.offcuts[0].height_mm
    assert f"of the sheet {width:.0f} x {height:.0f} mm" in answer.notes[-1]


@pytest.mark.slow
def test_options_reach_the_child_and_its_cutters_are_told_and_proved(tmp_path):
    square = '<rect width="70" height="60"/><rect x="10" y="10" width="40" height="40"/>'
    chosen = CutOptions(cutters_mm=(3.0, 6.0), finish_mm=0.2, nest=True)
    child, path = run(tmp_path, f"{HEAD}{square}</svg>", options=chosen)
    answer = MillAnswer.model_validate_json(child.stdout)
    assert answer.cutters_mm == (3.0, 6.0)
    assert path.read_bytes().split(b"\n").count(b"M0") == 1
    program = proved_program(path, ROUTER, cutters_mm=answer.cutters_mm)
    assert program.sha256 == answer.sha256


@pytest.mark.slow
@pytest.mark.parametrize(
    ("drawing", "error", "rule", "message"),
    [
        (f'{HEAD}<path d="M0 0 L5 5"/></svg>', "InvalidInput", None, "close the contour"),
        (
            f'{HEAD}<rect width="999" height="9"/></svg>',
            "ProgramRefused",
            "sheet-too-small",
            "larger",
        ),
        ("no drawing", "InvalidInput", None, "not a readable SVG"),
    ],
)
def test_a_refusal_is_one_sentence_and_leaves_no_program(tmp_path, drawing, error, rule, message):
    child, path = run(tmp_path, drawing)
    refusal = MillRefusal.model_validate_json(child.stdout)
    assert (child.exit_code, refusal.error, refusal.rule) == (1, error, rule)
    assert message in refusal.message
    assert not path.exists()
