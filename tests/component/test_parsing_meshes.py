"""Meshes in every format, by the module that reads them: measured, or refused with a reason."""

import pytest
import trimesh

from commons.errors import MeshInvalid
from fab_agent.slicing import mesh as agent
from fab_agent.slicing.plate import CleanRequest
from repo_server.parsing import mesh, preview, stl
from repo_server.parsing.triangles import Triangles
from tests import mesh_files as meshes
from tests.mesh_files import ATTACKS, CORNERS, FACES, TETRAHEDRON

MIRRORED = "-1 0 0 0 1 0 0 0 1 0 0 0"
BOX = {
    "faces": 12,
    "box_mm": [10, 20, 30],
    "area_mm2": 2200,
    "volume_mm3": 6000,
    "watertight": True,
    "shells": 1,
}
GOOD = {
    "binary.stl": meshes.stl(),
    "text.stl": meshes.stl_text(),
    "box.obj": meshes.obj(),
    "box.ply": meshes.ply(),
    "box.3mf": meshes.package(meshes.model(meshes.thing())),
    "box.amf": meshes.amf(),
    "zipped.amf": meshes.zipped([("box.amf", meshes.amf())]),
    "box.glb": meshes.glb_box(),
}


@pytest.fixture
def inspect(tmp_path):
    def inspected(name: str, data: bytes):
        path = tmp_path / "file"
        path.write_bytes(data)
        return mesh.inspect(path, name.rpartition(".")[2], tmp_path)

    return inspected


@pytest.fixture
def survey(tmp_path):
    """What is measured of a file, without its pictures."""

    def surveyed(name: str, data: bytes):
        path = tmp_path / "file"
        path.write_bytes(data)
        triangles, surface = mesh.measured(path, name.rpartition(".")[2])
        return triangles, surface, mesh.problem_of(surface)

    return surveyed


@pytest.mark.parametrize("name", GOOD)
def test_a_box_is_measured_exactly_in_every_format_and_looks_like_itself(inspect, tmp_path, name):
    answer = inspect(name, GOOD[name])
    told = {name: answer["facts"][name] for name in BOX}
    assert (told, answer["problem"]) == (BOX, None)
    with (tmp_path / "preview").open("rb") as file:
        drawn = trimesh.load_mesh(file, file_type="glb")
    assert drawn.volume == pytest.approx(6000) and tuple(drawn.extents) == (10, 20, 30)
    assert (tmp_path / "thumbnail").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ATTACKS)
def test_what_was_made_to_harm_is_refused_by_what_it_does(survey, name):
    made, sentence = ATTACKS[name]
    with pytest.raises(MeshInvalid, match=sentence):
        survey(name, made())


@pytest.mark.parametrize("kind", mesh.READERS)
@pytest.mark.parametrize("data", [b"", b"Dear sir", b"<html/>", bytes(range(256)) * 9, b"PK\3\4"])
def test_what_is_no_mesh_is_refused(survey, kind, data):
    with pytest.raises(MeshInvalid):
        survey(f"letter.{kind}", data)


def plate() -> bytes:
    """Twenty-five copies as Orca writes them: each in a file of its own, numbered as the others."""
    leaf = meshes.model(meshes.thing(1, meshes.mesh_xml(*TETRAHEDRON)), build="")
    objects = "".join(
        meshes.thing(
            n, f'<components><component p:path="/3D/Objects/o{n}.model" objectid="1" '
               f'transform="1 0 0 0 1 0 0 0 1 {20 * n} 0 0"/></components>'
        )
        for n in range(25)
    )  # fmt: skip
    items = "".join(f'<item objectid="{n}" printable="1"/>' for n in range(25))
    items += '<item objectid="3" printable="0" transform="1 0 0 0 1 0 0 0 1 0 900 0"/>'
    root = meshes.model(objects, items, 'requiredextensions="p" unit="millimeter"')
    return meshes.package(root, *((f"3D/Objects/o{n}.model", leaf) for n in range(25)))


def test_a_plate_of_25_copies_is_that_and_no_more_for_server_and_agent(survey):
    triangles, surface, _ = survey("plate.3mf", plate())
    assert (len(triangles.faces), surface.bodies, surface.box) == (100, 25, (490, 10, 10))
    request = CleanRequest(name="plate.3mf", scale=1.0, room_mm=(500, 500, 500))
    _, clean = agent.clean(plate(), request)
    assert (clean.faces, clean.size_mm) == (100, (490, 10, 10))


def test_a_3mf_is_placed_turned_and_mirrored_as_its_build_says(survey):
    items = '<item objectid="1" transform="0 1 0 -1 0 0 0 0 1 0 0 0"/>'
    items += f'<item objectid="2" transform="{MIRRORED}"/>'
    inner = (
        '<components><component objectid="1" transform="2 0 0 0 2 0 0 0 2 100 0 0"/></components>'
    )
    text = meshes.model(
        meshes.thing(1) + meshes.thing(2, inner) + meshes.thing(3, attributes='type="support"'),
        items + '<item objectid="3"/>',
        'unit="inch"',
    )
    _, surface, problem = survey("turned.3mf", meshes.package(text))
    assert problem is None
    assert surface.box == pytest.approx((120 * 25.4, 40 * 25.4, 60 * 25.4))
    assert surface.volume == pytest.approx(9 * 6000 * 25.4**3)


def test_a_constellation_of_an_amf_is_placed_and_its_inches_are_mm(survey):
    moved = "<deltax>50</deltax><rz>90</rz>"
    two = f'<constellation id="9"><instance objectid="1"/><instance objectid="1">{moved}</instance>'
    _, surface, _ = survey("two.amf", meshes.amf("inch", two + "</constellation>"))
    assert surface.bodies == 2
    assert surface.box == pytest.approx((50 * 25.4, 20 * 25.4, 30 * 25.4))


def test_an_obj_of_quads_is_cut_into_triangles(survey):
    quads = [(1, 3, 4, 2), (5, 6, 8, 7), (1, 2, 6, 5), (3, 7, 8, 4), (1, 5, 7, 3), (2, 4, 8, 6)]
    text = "# Geh\xe4use\n" + "".join("v {} {} {}\n".format(*corner) for corner in CORNERS)
    text += "".join("f {} {} {} {}\n".format(*quad) for quad in quads)
    triangles, surface, problem = survey("quads.obj", text.encode("latin1"))
    assert (len(triangles.faces), surface.volume, problem) == (12, pytest.approx(6000), None)


NEARLY = [*CORNERS, (0.0002, 0, 0)]  # the first corner again, a fifth of a micrometre away
SOUND = {
    "sound": (CORNERS, FACES, True),
    "a hole": (CORNERS, FACES[1:], False),
    "a face twice": (CORNERS, [*FACES, FACES[0]], False),
    "a face inside out": (CORNERS, [FACES[0][::-1], *FACES[1:]], False),
    "all inside out": (CORNERS, [face[::-1] for face in FACES], False),
    "a face without area": (CORNERS, [*FACES, (0, 0, 1)], True),
    "corners nearly in one place": (NEARLY, [(8, *FACES[0][1:]), *FACES[1:]], True),
    "two that touch along an edge": (
        [*CORNERS, *((-x, -y, z) for x, y, z in CORNERS)],
        [*FACES, *((a + 8, b + 8, c + 8) for a, b, c in FACES)],
        True,
    ),
    "flat": ([(0, 0, 0), (9, 0, 0), (0, 9, 0)], [(0, 1, 2), (2, 1, 0)], False),
}


@pytest.mark.parametrize("kind", ["stl", "3mf"])
@pytest.mark.parametrize("name", SOUND)
def test_server_and_agent_agree_on_what_is_a_body(survey, name, kind):
    corners, faces, sound = SOUND[name]
    xml = meshes.package(meshes.model(meshes.thing(1, meshes.mesh_xml(corners, faces))))
    data = meshes.stl(corners, faces) if kind == "stl" else xml
    assert (survey(f"file.{kind}", data)[2] is None) == sound
    request = CleanRequest(name=f"file.{kind}", scale=1.0, room_mm=(500, 500, 500))
    if sound:
        assert agent.clean(data, request)[1].volume_mm3 > 0
    else:
        with pytest.raises(MeshInvalid):
            agent.clean(data, request)


def test_the_same_mesh_has_the_same_preview_and_picture_every_time(tmp_path):
    ball = trimesh.creation.icosphere(subdivisions=6, radius=20).export(file_type="stl")
    path = tmp_path / "ball"
    path.write_bytes(ball)
    seen = set()
    for _ in range(2):
        facts = mesh.inspect(path, "stl", tmp_path)["facts"]
        seen.add(tuple((tmp_path / name).read_bytes() for name in ("preview", "thumbnail")))
    most = preview.PREVIEW_FACES  # and nearly as many: no detail is lost for nothing
    assert len(seen) == 1 and 0.99 * most < facts["preview_faces"] <= most < facts["faces"]


def test_a_text_stl_that_is_cut_off_is_only_a_part(tmp_path):
    path = tmp_path / "cut"
    path.write_bytes(meshes.stl_text()[:-40])
    with pytest.raises(MeshInvalid, match="only a part"):
        stl.read(path)


def test_what_is_too_large_to_be_simplified_is_drawn_on_a_grid(tmp_path, monkeypatch):
    monkeypatch.setattr(preview, "_MOST_SIMPLIFIED", 1000)
    monkeypatch.setattr(preview, "_CELLS", 20)
    ball = trimesh.creation.icosphere(subdivisions=4, radius=10)
    shown = preview.show(Triangles(ball.vertices, ball.faces), tmp_path)
    assert 1000 < shown < len(ball.faces)
    with (tmp_path / "preview").open("rb") as file:
        drawn = trimesh.load_mesh(file, file_type="glb")
    assert drawn.volume == pytest.approx(ball.volume, rel=0.1)
