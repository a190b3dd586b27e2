"""What shows an assembly: a GLB whose nodes are its parts, none of them held twice."""

import json

import numpy as np
import pytest

from repo_server.parsing import glb, mesh, preview, step
from repo_server.parsing.triangles import Piece, Triangles
from tests import mesh_files as meshes
from tests import step_files
from tests.mesh_files import TETRAHEDRON, model, package, thing

MB = 1024 * 1024


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """The facts of a file, and the description of the GLB that shows it."""
    # Whoever takes too long is killed, and here that would be the process of the tests.
    monkeypatch.setattr(step, "_CPU_S", 60.0)

    def inspected(kind: str, data: bytes):
        path = tmp_path / "file"
        path.write_bytes(data)
        facts = (step if kind == "step" else mesh).inspect(path, kind, tmp_path)["facts"]
        return facts, described(tmp_path)

    return inspected


def described(folder):
    data = (folder / "preview").read_bytes()
    return json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])


def names(about):
    return [node.get("name", "") for node in about["nodes"]]


def test_a_step_assembly_keeps_its_parts_and_holds_four_legs_once(shown, tmp_path):
    facts, about = shown("step", step_files.table())
    assert sorted(names(about)) == ["Leg", "Leg", "Leg", "Leg", "Top"]
    assert (len(about["meshes"]), len(about["accessors"])) == (2, 4)
    assert sum("matrix" in node for node in about["nodes"]) == 3
    top = next(node for node in about["nodes"] if node["name"] == "Top")
    (primitive,) = about["meshes"][top["mesh"]]["primitives"]
    surface = about["materials"][primitive["material"]]["pbrMetallicRoughness"]
    assert surface["baseColorFactor"] == pytest.approx([0.033, 0.133, 0.604, 1], abs=1e-3)
    # Where they stand is where they were drawn: our reader takes millimetres for metres, y upwards.
    whole = glb.read(tmp_path / "preview")
    assert np.ptp(whole.vertices, axis=0) == pytest.approx([100_000, 75_000, 60_000])
    assert {it["name"]: it["count"] for it in facts["parts"]} == {"Leg": 4, "Top": 1}


def test_a_3mf_names_and_colours_its_objects_and_what_they_are_made_of(shown):
    paint = '<basematerials id="9"><base name="PLA" displaycolor="#FF0000FF"/></basematerials>'
    lid = thing(1, meshes.mesh_xml(*TETRAHEDRON), 'name="Lid" pid="9" pindex="0"')
    inner = thing(2, meshes.mesh_xml(*TETRAHEDRON))
    pair = thing(3, meshes.components(2), 'name=" Pair&#9;of feet "')
    items = '<item objectid="1"/><item objectid="3" transform="1 0 0 0 1 0 0 0 1 30 0 0"/>'
    items += '<item objectid="2" transform="-1 0 0 0 1 0 0 0 1 90 0 0"/>'
    facts, about = shown("3mf", package(model(paint + lid + inner + pair, items)))
    assert names(about) == ["Lid", "Pair of feet", ""]
    assert about["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] == [1, 0, 0, 1]
    # Equal numbers are one shape; a mirrored one is another, and never a matrix that mirrors.
    assert len(about["accessors"]) == 4
    matrices = [np.reshape(it["matrix"], (4, 4)) for it in about["nodes"] if "matrix" in it]
    assert [np.linalg.det(it) for it in matrices] == pytest.approx([1])
    assert len(facts["parts"]) == 3


def test_nodes_of_a_glb_are_its_parts_and_a_mirrored_one_keeps_its_outside(shown, tmp_path):
    turned = np.array(meshes.CORNERS)[:, [0, 2, 1]] * (0.001, 0.001, -0.001)
    away = np.diag([-1.0, 1, 1, 1])
    away[0, 3] = 0.1
    nodes = [glb.Node("Box", 0, colour=(0.5, 0.5, 0.5)), glb.Node("Its image", 0, away)]
    facts, about = shown("glb", glb.written_parts([(turned, np.array(meshes.FACES))], nodes))
    assert (facts["shells"], facts["box_mm"]) == (2, [100, 20, 30])
    assert facts["volume_mm3"] == pytest.approx(12000)
    assert len(about["materials"]) == 1 and len(about["nodes"]) == 2


def test_of_very_many_parts_the_smallest_are_one_and_the_whole_stays_small(tmp_path):
    """Along a line, each a little larger than the one before it and of another shape."""
    corners, faces = (np.array(it) for it in TETRAHEDRON)
    many = np.arange(3000)[:, None, None]
    vertices = (corners * (0.01 + 1e-5 * many) + many * [1, 0, 0]).reshape(-1, 3)
    pieces = tuple(Piece("№" * 80, 4 * n, 4 * n + 4, n, np.eye(4)) for n in range(3000))
    whole = Triangles(vertices, (faces + 4 * many).reshape(-1, 3), pieces)
    assert preview.show(whole, tmp_path) == 12_000
    about = described(tmp_path)
    assert len(about["nodes"]) == 500
    assert about["nodes"][-1]["extras"] == {"rest": 2501} and names(about)[-1] == ""
    assert (tmp_path / "preview").stat().st_size <= MB


def test_faces_that_share_no_corner_are_shown_in_a_megabyte_all_the_same(tmp_path):
    chance = np.random.default_rng(1)
    corners = chance.random((35_000, 1, 3)) * 100 + chance.random((35_000, 3, 3))
    apart = Triangles(corners.reshape(-1, 3), np.arange(105_000).reshape(-1, 3))
    assert 5_000 < preview.show(apart, tmp_path) < 30_000
    assert (tmp_path / "preview").stat().st_size <= MB
