"""PrusaSlicer itself, in the sandbox: parts become proved programs, and nothing else does."""

import io
import os
import re
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from commons.errors import InvalidInput, MeshInvalid, ProgramRefused, Unavailable
from commons.machine import Driver, Envelope, KeepOut, MachineProfile, PrintLimits, Process
from commons.wire import Orientation
from fab_agent.cache import Cache
from fab_agent.prepare import OtherPart, Plan, prepare
from fab_agent.slicing.cleaning import clean_plate
from fab_agent.slicing.options import PrintOptions
from fab_agent.slicing.plate import PlateItem, PlateRequest
from fab_agent.slicing.profile import FILAMENT_AREA_MM2, print_profile, qualities
from fab_agent.slicing.prusaslicer import PrusaSlicer, read_result

pytestmark = pytest.mark.slow

PRINTER = MachineProfile(
    name="ender-1",
    process=Process.FDM,
    driver=Driver.MARLIN,
    envelope=Envelope(x_max_mm=120, y_max_mm=110, z_max_mm=60),
    max_feed_mm_s=100,
    max_feed_z_mm_s=8,
    materials=("pla", "petg"),
    fdm=PrintLimits(),
)
PRIME_MM3 = 80 * 0.28 * 0.48  # the line in front of the part, draft, 0.4 mm nozzle
SLICER = PrusaSlicer()  # asks for version and settings once for all tests

CORNERS = np.array([(i & 1, i >> 1 & 1, i >> 2) for i in range(8)], dtype=float)
FACES = np.array(
    [
        (0, 2, 3), (0, 3, 1), (4, 5, 7), (4, 7, 6), (0, 1, 5), (0, 5, 4),
        (2, 6, 7), (2, 7, 3), (0, 4, 6), (0, 6, 2), (1, 3, 7), (1, 7, 5),
    ]
)  # fmt: skip


def box_stl(x=20.0, y=20.0, z=20.0):
    return stl(CORNERS[FACES] * (x, y, z))


def stl(triangles):
    rows = np.zeros(len(triangles), dtype=[("n", "<f4", 3), ("at", "<f4", (3, 3)), ("a", "<u2")])
    rows["at"] = triangles
    return bytes(80) + len(triangles).to_bytes(4, "little") + rows.tobytes()


def plan_for(folder: Path, data: bytes, *, name="part.stl", **more):
    file = folder / name
    file.write_bytes(data)
    wish = {"material": "pla", "quality": "draft"} | more
    return Plan(
        file=file, sha256=sha256(data).hexdigest(), filename=name, process=Process.FDM, **wish
    )


@pytest.fixture
def make(tmp_path):
    """Prepare a plan for PRINTER with the real slicer; what was said is in `make.said`."""
    with Cache(tmp_path / "cache", max_bytes=2**30) as cache:

        def prepared(data, *, machine=PRINTER, **more):
            plan = plan_for(tmp_path, data, **more)
            return prepare(plan, machine, cache=cache, slicer=SLICER, progress=prepared.said.append)

        prepared.said = []
        yield prepared


def test_a_solid_cube_extrudes_its_own_volume(make):
    program = make(box_stl(), options=PrintOptions(infill=1.0))
    assert program.estimate.material_mm3 == pytest.approx(8000 + PRIME_MM3, rel=0.03)
    assert program.estimate.claimed_material_mm3 == pytest.approx(
        program.estimate.material_mm3, rel=0.01
    )
    assert program.estimate.claimed_duration_s == pytest.approx(
        program.estimate.duration_s, rel=0.1
    )
    assert make.said == [
        "checking part.stl",
        "slicing part.stl (generic-marlin 0.4 mm, pla, draft)",
        "proving the program of part.stl",
    ]


@pytest.mark.parametrize("quality", qualities())
@pytest.mark.parametrize("material", ["pla", "petg"])
def test_each_material_and_quality_passes_the_proof(make, material, quality):
    program = make(box_stl(z=5), material=material, quality=quality)
    lines = program.path.read_bytes().splitlines()
    assert len(lines) == program.line_count > 200
    assert sha256(program.path.read_bytes()).hexdigest() == program.sha256
    assert not any(b";" in line or not line for line in lines)
    assert {b"G28", b"M83", b"M109 S210" if material == "pla" else b"M109 S240"} <= set(lines)
    assert lines[-1] == b"M84"


def test_copies_use_as_many_times_the_filament(make):
    one = make(box_stl(z=4)).estimate.material_mm3 - PRIME_MM3
    three = make(box_stl(z=4), options=PrintOptions(copies=3)).estimate.material_mm3 - PRIME_MM3
    assert three == pytest.approx(3 * one, rel=0.02)


def test_scale_brim_and_supports_do_what_they_say(make):
    plain = make(box_stl(10, 10, 10)).estimate.material_mm3
    larger = make(box_stl(10, 10, 10), options=PrintOptions(scale=2, infill=1)).estimate
    brim = make(box_stl(10, 10, 10), options=PrintOptions(brim_mm=5)).estimate.material_mm3
    assert larger.material_mm3 == pytest.approx(8000 + PRIME_MM3, rel=0.03)
    assert brim - plain == pytest.approx((20 * 20 - 10 * 10) * 0.28, rel=0.2)


def table():
    """A plate on one leg: 20 mm of it hang in the air."""
    leg, plate = CORNERS[FACES] * (10, 10, 12), CORNERS[FACES] * (30, 10, 3) + (0, 0, 12)
    return stl(np.concatenate((leg, plate)))


def test_supports_are_printed_only_when_asked_for(make):
    without = make(table()).estimate.material_mm3
    assert make(table(), options=PrintOptions(supports=True)).estimate.material_mm3 > without + 200


# Tried without sandbox and cleaning on PrusaSlicer 2.5.0: the command ran, the rest was obeyed.
HOSTILE = """\
; generated by PrusaSlicer 2.5.0
; post_process = /usr/bin/touch {trace}
; start_gcode = M500\\nM104 S299
; end_gcode = M502
; layer_gcode = M118 hello
; temperature = 299
"""


def hostile_3mf(trace):
    vertices = "".join(f'<vertex x="{x}" y="{y}" z="{z}"/>' for x, y, z in CORNERS * 20)
    triangles = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in FACES)
    core = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
    model = (
        f'<model unit="millimeter" xmlns="{core}"><resources><object id="1" type="model"><mesh>'
        f"<vertices>{vertices}</vertices><triangles>{triangles}</triangles></mesh></object>"
        '</resources><build><item objectid="1"/></build></model>'
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("3D/3dmodel.model", model)
        archive.writestr("Metadata/Slic3r_PE.config", HOSTILE.format(trace=trace))
    return file.getvalue()


def test_commands_hidden_in_a_3mf_neither_run_nor_reach_the_program(make, tmp_path):
    trace = tmp_path / "ran"
    program = make(hostile_3mf(trace), name="gift.3mf")
    lines = program.path.read_bytes()
    for word in (b"M500", b"M502", b"M118", b"S299"):
        assert word not in lines
    assert not trace.exists()
    assert not list(tmp_path.rglob("ran"))


def test_what_the_slicer_lets_pass_is_refused_by_us(make):
    with pytest.raises(MeshInvalid, match="is 20 x 20 x 70 mm and this machine has room for"):
        make(box_stl(z=70))


@pytest.mark.parametrize("size", [(20, 0.05, 20), (20, 20, 0.05)])
def test_a_plate_thinner_than_nozzle_or_layer_is_refused(make, size):
    with pytest.raises(ProgramRefused, match="nothing is left of the part") as refused:
        make(box_stl(*size))
    assert refused.value.rule == "slicer-empty"


def test_a_part_that_stands_on_its_tip_is_refused_with_what_to_do(make):
    a, b, c, d = top = np.array([(0, 0, 20), (20, 0, 20), (20, 20, 20), (0, 20, 20)], dtype=float)
    tip = np.array((10.0, 10.0, 0.0))
    sides = [(tip, top[(i + 1) % 4], top[i]) for i in range(4)]
    with pytest.raises(ProgramRefused, match="touches the bed with less than a line") as refused:
        make(stl([*sides, (a, b, c), (a, c, d)]))
    assert refused.value.rule == "slicer-no-hold"


def test_a_fin_that_the_slicer_drops_without_a_word_is_noticed(make):
    plate, fin = CORNERS[FACES] * (20, 20, 5), CORNERS[FACES] * (20, 0.05, 20)
    with pytest.raises(
        ProgramRefused, match=r"ends 5\.04 mm up and the part is 20\.00 mm"
    ) as refused:
        make(stl(np.concatenate((plate, fin))))
    assert refused.value.rule == "slicer-incomplete"


def test_more_copies_than_the_bed_holds_are_refused(make):
    with pytest.raises(
        MeshInvalid, match="30 of 20 x 20 x 20 mm do not fit at once on 116 x 100 x 59 mm, 20 do"
    ):
        make(box_stl(), options=PrintOptions(copies=30))


def test_different_parts_share_a_plate_and_lie_apart(make, tmp_path):
    low = tmp_path / "low.stl"
    low.write_bytes(box_stl(40, 10, 1.4))
    also = (OtherPart(low, sha256(low.read_bytes()).hexdigest(), "low.stl", copies=2),)
    program = make(box_stl(30, 20, 1.4), also=also, options=PrintOptions(infill=1.0))
    volume = (30 * 20 + 2 * 40 * 10) * 1.4
    assert program.estimate.material_mm3 == pytest.approx(volume + PRIME_MM3, rel=0.05)
    assert program.low is not None and program.low[0] >= 2


def test_parts_are_printed_beside_what_stands_on_the_bed(make):
    clip = KeepOut(name="clip", x_min_mm=98, x_max_mm=118, y_min_mm=45, y_max_mm=65, z_max_mm=30)
    box = Envelope(x_max_mm=120, y_max_mm=110, z_max_mm=60, keep_out=(clip,))
    machine = PRINTER.model_copy(update={"envelope": box})
    assert make(box_stl(z=2), machine=machine, options=PrintOptions(copies=4)).line_count


def test_a_part_is_laid_on_the_side_that_suits_it_and_says_so(make):
    tower = box_stl(8, 40, 50)
    options = PrintOptions(orientation=Orientation.SUGGESTED)
    program = make(tower, options=options)
    said = "part.stl: laid on its left side: needs no supports, 8 mm high instead of 50 mm"
    assert said in make.said
    assert program.pose == said
    again = make(tower, options=options)
    assert again == program
    assert make(tower).pose == ""


def test_a_part_too_high_as_drawn_says_on_which_side_it_fits(make):
    with pytest.raises(
        MeshInvalid,
        match=r"is 10 x 10 x 90 mm and this machine has room for 116 x 100 x 59 mm; laid on its "
        r"front it fits: order it with the suggested orientation",
    ):
        make(box_stl(10, 10, 90))


def test_a_part_that_fills_the_bed_stays_inside_the_envelope(make):
    program = make(box_stl(116, 100, 1))
    assert program.estimate.material_mm3 > 0.5 * 116 * 100


def test_a_part_as_high_as_the_machine_stays_inside_the_envelope(make):
    assert make(box_stl(10, 10, 59), quality="standard").line_count > 1000


def test_a_machine_with_its_zero_in_the_middle_gets_its_program(make):
    box = Envelope(x_min_mm=-60, x_max_mm=60, y_min_mm=-55, y_max_mm=55, z_max_mm=60)
    assert make(box_stl(z=2), machine=PRINTER.model_copy(update={"envelope": box})).line_count


def test_a_file_that_changed_since_it_was_ordered_is_not_prepared(tmp_path):
    plan = plan_for(tmp_path, box_stl())
    plan.file.write_bytes(box_stl(z=21))
    with (
        Cache(tmp_path / "cache", max_bytes=2**30) as cache,
        pytest.raises(InvalidInput, match=r"part\.stl is not the file that was ordered"),
    ):
        prepare(plan, PRINTER, cache=cache, slicer=SLICER, progress=str)


def test_the_slicer_says_which_it_is():
    identity = SLICER.identity()
    assert identity.name == "PrusaSlicer"
    assert identity.version[0].isdigit()


def test_a_mesh_cleaned_here_is_the_one_that_is_sliced(tmp_path):
    """Height and layers come from the file itself, not from what the slicer says."""
    source = tmp_path / "part.stl"
    source.write_bytes(box_stl(z=5.6))
    profile = print_profile(PRINTER, material="pla", quality="draft", options=PrintOptions())
    request = PlateRequest(items=(PlateItem(name="part.stl"),), scale=1, area=profile.area)
    mesh, facts = clean_plate([source], request, out_dir=tmp_path)
    assert facts.volume_mm3 == pytest.approx(20 * 20 * 5.6)
    out = tmp_path / "out"
    out.mkdir()
    result = SLICER.slice(mesh, profile, options=PrintOptions(), out_dir=out, placed=True)
    assert (result.layers, result.top_mm) == (20, 5.6)
    assert result.claimed_filament_mm3 == pytest.approx(
        result.claimed_filament_mm * FILAMENT_AREA_MM2
    )
    assert result.claimed_filament_g == pytest.approx(
        result.claimed_filament_mm3 / 1000 * profile.density_g_cm3, abs=0.02
    )


def test_what_was_placed_on_the_bed_stays_where_it_was_put(tmp_path):
    one = CORNERS[FACES] * (10, 20, 1.4) + (30, 40, 0)
    other = CORNERS[FACES] * (20, 10, 1.4) + (90, 80, 0)
    mesh, out = tmp_path / "plate.stl", tmp_path / "out"
    mesh.write_bytes(stl(np.concatenate((one, other))))
    out.mkdir()
    options = PrintOptions(copies=2)  # they are in the mesh
    profile = print_profile(PRINTER, material="pla", quality="draft", options=options)
    gcode = SLICER.slice(mesh, profile, options=options, out_dir=out, placed=True).gcode
    printed = gcode.read_text().partition(";LAYER_CHANGE")[2]
    at = np.array(re.findall(r"^G1 X(\S+) Y(\S+) E\d*\.\d", printed, re.MULTILINE), dtype=float)
    line_mm = 0.4 * 1.2
    assert at.min(axis=0) == pytest.approx((30, 40), abs=line_mm)
    assert at.max(axis=0) == pytest.approx((110, 90), abs=line_mm)
    assert not ((at[:, 0] > 45) & (at[:, 0] < 85)).any()


def test_an_empty_program_has_no_layers(tmp_path):
    empty = tmp_path / "raw.gcode"
    empty.touch()
    assert read_result(empty).layers == 0


def test_without_the_slicer_the_package_is_named():
    before = os.environ["PATH"]
    os.environ["PATH"] = "/nowhere"
    try:
        with pytest.raises(Unavailable, match="prusa-slicer is missing: install the package"):
            PrusaSlicer().identity()
    finally:
        os.environ["PATH"] = before
