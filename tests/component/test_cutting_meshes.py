"""Meshes become proved milling programs, read in the sandbox only."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from commons.cutters import MillCutter, cutter_names
from commons.errors import InvalidInput, ProgramRefused
from commons.machine import Driver, Envelope, MachineProfile, MillLimits, Process
from fab_agent.cam.request import Way
from fab_agent.cam.stock import Stock
from fab_agent.cutting import cut_drawing
from fab_agent.gcode.proof import proved_program

pytestmark = pytest.mark.slow

ROUTER = MachineProfile(
    name="router-1",
    process=Process.CNC,
    driver=Driver.GRBL,
    envelope=Envelope(x_max_mm=300, y_max_mm=200, z_min_mm=-20, z_max_mm=40),
    max_feed_mm_s=40,
    max_feed_z_mm_s=10,
    materials=("plywood",),
    cnc=MillLimits(cutter_mm=3),
)
SHEET = Stock(9.0, (300.0, 200.0))


@pytest.fixture
def cut(tmp_path):
    """What `cut_drawing` makes of a mesh's bytes, and what the proof outside says of it."""

    def cut_(data, name, *, stock=SHEET, way=Way.AUTO, machine=ROUTER):
        file, out = tmp_path / name, tmp_path / "out"
        file.write_bytes(data)
        out.mkdir()
        path, answer = cut_drawing(
            file, name=name, stock=stock, machine=machine, copies=1, out_dir=out, way=way
        )
        proved = proved_program(path, machine, cutters_mm=answer.cutters_mm)
        assert proved.sha256 == answer.sha256
        return answer

    return cut_


@pytest.mark.parametrize("kind", ["stl", "3mf", "obj"])
def test_a_plate_of_any_format_is_cut_out_of_its_sheet(cut, kind):
    data = trimesh.creation.box((60, 40, 9)).export(file_type=kind)
    answer = cut(data.encode() if isinstance(data, str) else data, f"plate.{kind}")
    assert answer.way is Way.PLATE
    assert answer.part_mass_g == pytest.approx(60 * 40 * 9 * 0.68 / 1000, rel=1e-4)
    assert answer.warnings == ()


def test_a_relief_is_carved_and_says_what_it_stays_on(cut):
    answer = cut(trimesh.creation.icosphere(2, radius=3).export(file_type="stl"), "knob.stl")
    assert answer.way is Way.SURFACE
    assert answer.warnings[0].startswith("the part stays on 3.0 mm of the sheet")
    assert answer.warnings[-1].endswith("of its surface cannot be reached from above")


def test_a_ball_finishes_what_a_flat_cutter_has_roughed(cut):
    ball = MillCutter(diameter_mm=2, shape="ball")
    limits = MillLimits(cutter_mm=3, more_cutters=(ball,))
    machine = ROUTER.model_copy(update={"cnc": limits})
    knob = trimesh.creation.icosphere(2, radius=3).export(file_type="stl")
    answer = cut(knob, "knob.stl", machine=machine)
    assert cutter_names(answer.cutters_mm, answer.cutter_shapes) == ("3 mm", "2 mm ball")


def test_either_way_can_be_forced(cut):
    plate = trimesh.creation.box((30, 20, 6)).export(file_type="stl")
    assert cut(plate, "plate.stl", way=Way.SURFACE).way is Way.SURFACE


@pytest.mark.parametrize(
    ("mesh", "way", "sentence"),
    [
        (trimesh.creation.cone(8, 6), Way.PLATE, r"^part\.stl: a face at .* neither level nor"),
        (trimesh.creation.cone(8, 8.5), Way.AUTO, r"^part\.stl: it is 8\.50 mm high"),
        (trimesh.creation.box((30, 20, 6)), Way.AUTO, r"^part\.stl: it is 6\.00 mm thick"),
    ],
)
def test_what_cannot_be_milled_is_refused_in_one_sentence_with_its_name(cut, mesh, way, sentence):
    with pytest.raises(InvalidInput, match=sentence) as refused:
        cut(mesh.export(file_type="stl"), "part.stl", way=way)
    assert "\n" not in str(refused.value)


def test_an_open_mesh_is_refused_by_name(cut):
    body = trimesh.creation.box((60, 40, 9))
    body.update_faces(np.arange(11))
    with pytest.raises(InvalidInput, match=r"^part\.stl: is not closed"):
        cut(body.export(file_type="stl"), "part.stl")


def test_a_sheet_too_thick_for_the_machine_keeps_its_rule(cut):
    body = trimesh.creation.box((30, 20, 30)).export(file_type="stl")
    with pytest.raises(ProgramRefused) as refused:
        cut(body, "block.stl", stock=replace(SHEET, thickness_mm=30.0))
    assert refused.value.rule == "sheet-too-thick"
