"""Drawings become proved programs for a router, read in the sandbox only."""

from hashlib import sha256

import pytest

from commons.errors import InvalidInput, ProgramRefused
from commons.machine import Driver, Envelope, MachineProfile, MillLimits, Process
from fab_agent.cache import Cache
from fab_agent.cam.options import CutOptions
from fab_agent.gcode.proof import prove_file
from fab_agent.prepare import Plan, prepare
from fab_agent.slicing.options import PrintOptions
from fab_agent.slicing.prusaslicer import PrusaSlicer

pytestmark = pytest.mark.slow

ROUTER = MachineProfile(
    name="router-1",
    process=Process.CNC,
    driver=Driver.GRBL,
    envelope=Envelope(
        x_min_mm=-5, y_min_mm=-5, z_min_mm=-20, x_max_mm=300, y_max_mm=200, z_max_mm=40
    ),
    max_feed_mm_s=40,
    max_feed_z_mm_s=10,
    materials=("plywood",),
    cnc=MillLimits(cutter_mm=3),
)


def svg(body, *, width=100, height=60):
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm" '
    return f'{head} viewBox="0 0 {width} {height}">{body}</svg>'.encode()


PLATE = svg('<rect width="100" height="60"/><circle cx="50" cy="30" r="10"/>')


@pytest.fixture
def cut(tmp_path):
    """Prepare a drawing for ROUTER; what was said is in `cut.said`."""
    with Cache(tmp_path / "cache", max_bytes=2**30) as cache:

        def prepared(data, *, name="plate.svg", **more):
            file = tmp_path / name
            file.write_bytes(data)
            wish = {"material": "plywood", "stock_mm": 9.0, "process": Process.CNC} | more
            plan = Plan(file=file, sha256=sha256(data).hexdigest(), filename=name, **wish)
            return prepare(
                plan, ROUTER, cache=cache, slicer=PrusaSlicer(), progress=prepared.said.append
            )

        prepared.said = []
        yield prepared


def test_a_drawn_plate_becomes_a_program_inside_the_machine(cut):
    program = cut(PLATE)
    proof = prove_file(program.path, ROUTER)
    assert (proof.sha256, proof.line_count) == (program.sha256, program.line_count)
    assert program.process is Process.CNC
    assert proof.low[2] < -9 < proof.high[2] <= 40
    assert program.estimate.material_mm3 > 100 * 60 * 9
    assert cut.said == [
        "milling paths for plate.svg (9 mm plywood)",
        "plate.svg: a 3 mm cutter with 2 edges at 18000 rpm, 17.2 mm/s (4.3 mm/s down), "
        "chips of 0.029 mm, 1.5 mm deep at once",
        "plate.svg: of the sheet 183 x 200 mm and 116 x 120 mm stay whole",
        "proving the program of plate.svg",
    ]


def test_the_second_order_of_a_drawing_is_not_cut_anew(cut):
    first = cut(PLATE)
    said = len(cut.said)
    assert cut(PLATE) == first
    assert len(cut.said) == said


def test_another_sheet_or_number_is_cut_anew(cut):
    first = cut(PLATE)
    others = [cut(PLATE, stock_mm=6.0), cut(PLATE, options=PrintOptions(copies=2))]
    assert len({program.sha256 for program in (first, *others)}) == 3


@pytest.mark.parametrize(
    ("data", "more", "sentence"),
    [
        (b"", {}, "plate.svg: "),
        (b"<svg", {}, "plate.svg: "),
        (b"hello", {"name": "plate.dxf"}, "plate.dxf: "),
        (b"%PDF-1.7", {"name": "plate.pdf"}, "plate.pdf: is not a drawing that can be milled"),
        (PLATE, {"stock_mm": None}, "plate.svg: say how thick the sheet on router-1 is"),
        (PLATE, {"material": "pla"}, "router-1 does not take pla: choose one of plywood"),
        (PLATE, {"process": Process.FDM}, "plate.svg needs fdm and router-1 does cnc"),
        (svg('<rect width="500" height="60"/>', width=500), {}, "plate.svg: "),
    ],
)
def test_what_cannot_be_cut_is_refused_in_one_sentence_with_its_name(cut, data, more, sentence):
    with pytest.raises(InvalidInput) as refused:
        cut(data, **more)
    assert str(refused.value).startswith(sentence)
    assert "Traceback" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_sheet_too_thick_keeps_the_rule_that_refused_it(cut):
    with pytest.raises(ProgramRefused, match=r"plate\.svg: .*take a thinner sheet") as refused:
        cut(PLATE, stock_mm=30.0)
    assert refused.value.rule == "sheet-too-thick"


def test_a_drawing_that_names_other_files_reads_none(cut, tmp_path):
    secret = tmp_path / "secret.svg"
    secret.write_bytes(svg('<rect width="50" height="50"/>'))
    entity = f'<!DOCTYPE svg [<!ENTITY x SYSTEM "file://{secret}">]>'.encode()
    with pytest.raises(InvalidInput):
        cut(entity + svg(f'&x;<image href="file://{secret}"/><use href="{secret}#a"/>'))


def test_an_offcut_is_used_as_far_as_it_reaches_and_no_farther(cut):
    assert cut(PLATE, sheet_mm=(130.0, 90.0)).high[0] < 130
    with pytest.raises(ProgramRefused, match=r"plate\.svg: .*sheet"):
        cut(PLATE, sheet_mm=(99.0, 90.0))


def test_what_is_chosen_for_the_cut_makes_another_program(cut):
    plain = cut(PLATE)
    finished = cut(PLATE, cut=CutOptions(finish_mm=0.3))
    assert finished.sha256 != plain.sha256
    assert cut(PLATE).sha256 == plain.sha256
