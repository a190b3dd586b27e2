"""Meshes: what is a body that can be printed, and what is said about the others."""

import io
import zipfile
from collections.abc import Iterable

import numpy as np
import pytest

from commons.errors import MeshInvalid
from fab_agent.slicing.mesh import binary_stl, clean, edge_faults, volume_mm3
from fab_agent.slicing.plate import CleanRequest
from tests.mesh_files import packed_by_bzip2

# A unit cube: corner i has the bits of i as x, y, z; faces point outwards.
CORNERS = np.array([(i & 1, i >> 1 & 1, i >> 2) for i in range(8)], dtype=float)
FACES = np.array(
    [
        (0, 2, 3), (0, 3, 1), (4, 5, 7), (4, 7, 6), (0, 1, 5), (0, 5, 4),
        (2, 6, 7), (2, 7, 3), (0, 4, 6), (0, 6, 2), (1, 3, 7), (1, 7, 5),
    ]
)  # fmt: skip


def box(x=20.0, y=30.0, z=40.0):
    return CORNERS[FACES] * (x, y, z)


def model_3mf(corners, faces, *, unit="millimeter", extra: Iterable[tuple[str, str]] = ()):
    vertices = "".join(f'<vertex x="{x}" y="{y}" z="{z}"/>' for x, y, z in corners)
    triangles = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in faces)
    core = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
    model = (
        f'<?xml version="1.0"?><model unit="{unit}" xmlns="{core}"><resources>'
        f'<object id="1" type="model"><mesh><vertices>{vertices}</vertices>'
        f"<triangles>{triangles}</triangles></mesh></object></resources>"
        '<build><item objectid="1"/></build></model>'
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("3D/3dmodel.model", model), *extra):
            archive.writestr(name, text)
    return file.getvalue()


def ask(data, **changes):
    wish = {"name": "bracket.stl", "scale": 1.0, "room_mm": (200.0, 100.0, 150.0)}
    return clean(data, CleanRequest(**(wish | changes)))


def refusal(data, **changes):
    with pytest.raises(MeshInvalid) as refused:
        ask(data, **changes)
    return str(refused.value)


def triangles_of(stl):
    count = int.from_bytes(stl[80:84], "little")
    assert len(stl) == 84 + 50 * count
    rows = np.frombuffer(stl[84:], dtype=[("n", "<f4", 3), ("at", "<f4", (3, 3)), ("a", "<u2")])
    return rows["at"].astype(float)


def ascii_stl(triangles):
    loops = (
        "facet normal 0 0 0\nouter loop\n"
        + "".join(f"vertex {x} {y} {z}\n" for x, y, z in triangle)
        + "endloop\nendfacet\n"
        for triangle in triangles
    )
    return ("solid part\n" + "".join(loops) + "endsolid part\n").encode()


def obj(corners, faces):
    lines = [f"v {x} {y} {z}" for x, y, z in corners]
    lines += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in faces]
    return ("# made by hand\n" + "\n".join(lines) + "\n").encode()


SIZED = CORNERS * (20, 30, 40)
FORMATS = {
    "binary STL": binary_stl(box()),
    "ASCII STL": ascii_stl(box()),
    "OBJ": obj(SIZED, FACES),
    "3MF": model_3mf(SIZED, FACES),
    "3MF in inches": model_3mf(SIZED / 25.4, FACES, unit="inch"),
    "3MF in metres": model_3mf(SIZED / 1000, FACES, unit="meter"),
}


@pytest.mark.parametrize("data", FORMATS.values(), ids=FORMATS.keys())
def test_every_format_gives_the_same_body(data):
    stl, facts = ask(data)
    assert facts.volume_mm3 == pytest.approx(24000, rel=1e-6)
    assert facts.size_mm == pytest.approx((20, 30, 40), rel=1e-6)
    assert (facts.faces, facts.turned) == (12, False)
    assert volume_mm3(triangles_of(stl)) == pytest.approx(24000, rel=1e-6)


def test_the_part_stands_on_the_bed_in_the_middle():
    stl, _ = ask(binary_stl(box() + np.array((500, -700, 33))))
    points = triangles_of(stl).reshape(-1, 3)
    assert points.min(axis=0) == pytest.approx((-10, -15, 0), abs=1e-4)
    assert points.max(axis=0) == pytest.approx((10, 15, 40), abs=1e-4)


def test_only_triangles_pass():
    plain = ask(model_3mf(SIZED, FACES))[0]
    loaded = model_3mf(SIZED, FACES, extra=[("Metadata/Slic3r_PE.config", "; post_process = /x")])
    assert ask(loaded)[0] == plain


def test_a_part_that_fits_only_sideways_is_turned_and_not_mirrored():
    stl, facts = ask(binary_stl(box(90, 180, 40)))
    assert facts.turned
    assert facts.size_mm == pytest.approx((180, 90, 40))
    assert volume_mm3(triangles_of(stl)) == pytest.approx(90 * 180 * 40)


def test_the_scale_counts_before_the_room():
    _, facts = ask(binary_stl(box(2000, 900, 400)), scale=0.1)
    assert facts.size_mm == pytest.approx((200, 90, 40))


def test_two_bodies_that_touch_along_an_edge_are_sound():
    pair = np.concatenate((box(10, 10, 10), box(10, 10, 10) + np.array((10, 10, 0))))
    assert ask(binary_stl(pair))[1].volume_mm3 == pytest.approx(2000)


def test_corners_that_differ_by_less_than_a_micrometre_are_one():
    jitter = np.random.default_rng(1).uniform(-1e-4, 1e-4, (12, 3, 3))
    assert ask(binary_stl(box() + 0.0002 + jitter))[1].volume_mm3 == pytest.approx(24000, rel=1e-3)


def test_a_hollow_body_has_the_volume_of_its_walls():
    inside = (CORNERS[FACES] * 10 + 5)[:, ::-1]
    assert ask(binary_stl(np.concatenate((box(20, 20, 20), inside))))[1].volume_mm3 == (
        pytest.approx(7000)
    )


BAD = {
    "empty": (b"", "bracket.stl: is empty: upload it again"),
    "text": (b"hello world" * 50, "bracket.stl: is cut short or is no STL at all"),
    "cut short": (binary_stl(box())[:-20], "bracket.stl: is cut short or is no STL at all"),
    "no triangles": (binary_stl(np.empty((0, 3, 3))), "bracket.stl: holds no triangles"),
    "open": (
        binary_stl(box()[1:]),
        "bracket.stl: is not closed, 3 edges are open, one of them at x 10, y 15, z 0 mm of the "
        "drawing: close its holes",
    ),
    "inside out": (binary_stl(box()[:, ::-1]), "bracket.stl: is inside out: flip its normals"),
    "flat": (
        binary_stl(np.concatenate((box()[:2], box()[:2, ::-1]))),
        "bracket.stl: is flat, it encloses no volume",
    ),
    "metres": (
        binary_stl(box() / 1000),
        "is 0.02 x 0.03 x 0.04 mm, too small to print: was it drawn in metres?",
    ),
    "too large": (
        binary_stl(box(210, 30, 40)),
        "is 210 x 30 x 40 mm and this machine has room for 200 x 100 x 150 mm",
    ),
    "too high": (binary_stl(box(20, 20, 151)), "is 20 x 20 x 151 mm and this machine has room"),
    "broken zip": (model_3mf(SIZED, FACES)[:200], "bracket.stl: is a damaged 3MF"),
}


@pytest.mark.parametrize(("data", "sentence"), BAD.values(), ids=BAD.keys())
def test_what_is_no_printable_body_is_refused_in_one_sentence(data, sentence):
    assert sentence in refusal(data)


def test_one_triangle_turned_round_is_found():
    triangles = box()
    triangles[3] = triangles[3, ::-1]
    assert "face different ways along 3 edges" in refusal(binary_stl(triangles))


def test_too_many_triangles_are_refused_before_they_are_loaded():
    assert "has 12 triangles, more than 10" in refusal(binary_stl(box()), max_faces=10)


def test_a_step_file_is_answered_with_what_can_be_read():
    said = refusal(b"ISO-10303-21;\nHEADER;", name="part.step")
    assert said == "part.step: is not a mesh: export the part as STL, 3MF or OBJ"


def test_a_zip_that_unpacks_to_far_more_than_it_weighs_is_refused():
    bomb = model_3mf(SIZED, FACES, extra=[("3D/blank.model", " " * 10_000_000)])
    assert "unpacks to 9 MB in 2 parts" in refusal(bomb)


def test_a_zip_whose_bytes_cannot_be_counted_while_it_unpacks_is_refused():
    assert "packed by a method that no 3MF may have" in refusal(packed_by_bzip2(), name="a.3mf")


def test_a_zip_without_a_model_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    assert "a zip file without a 3MF model" in refusal(file.getvalue())


def test_an_edge_is_sound_when_it_is_walked_as_often_both_ways():
    assert edge_faults(FACES) == (0, 0)
    assert edge_faults(FACES[1:]) == (3, 0)
    assert edge_faults(np.array([*FACES, (5, 5, 7)])) == (0, 0)
