"""Strangers' files, each in its real child process: facts of good ones, a sentence for bad ones."""

import json
import struct
from itertools import pairwise
from math import pi

import numpy as np
import pytest
import trimesh
from PIL import Image

from commons.errors import Unavailable
from repo_server.blobs import BlobStore
from repo_server.parsing import KINDS, Parser, kind_of, sandbox
from repo_server.parsing.inspection import Findings, inspect

pytestmark = pytest.mark.slow  # each file costs a process that loads numpy and trimesh

MB = 1024 * 1024


@pytest.fixture
def read(tmp_path):
    """Writes a file, inspects it, and checks that the answer is facts or one sentence."""
    blobs = BlobStore(tmp_path / "blobs")

    def inspected(name: str, data: bytes) -> Findings:
        path = tmp_path / name
        path.write_bytes(data)
        findings = inspect(path, kind_of(name), blobs)
        assert findings.facts or findings.problem
        assert findings.problem is None or "\n" not in findings.problem.strip()
        return findings

    inspected.blobs = blobs
    return inspected


def box() -> trimesh.Trimesh:
    return trimesh.creation.box((10, 20, 30))


def exported(mesh: trimesh.Trimesh, kind: str) -> bytes:
    data = mesh.export(file_type=kind)
    return data.encode() if isinstance(data, str) else data


BINARY_BOX = exported(box(), "stl")


def test_a_box_is_measured_exactly(read):
    findings = read("box.stl", BINARY_BOX)
    assert findings.problem is None and findings.preview and findings.thumbnail
    facts = dict(findings.facts)
    assert facts.pop("printability")["walls"]["least_mm"] == pytest.approx(10, abs=0.01)
    assert facts == {
        "unit_guess": "mm",
        "faces": 12,
        "box_mm": [10, 20, 30],
        "area_mm2": 2200,
        "volume_mm3": 6000,
        "watertight": True,
        "shells": 1,
    }


def test_two_bodies_are_two_shells_and_their_volumes_add_up(read):
    far = box().apply_translation((50, 0, 0))
    facts = read("two.stl", exported(trimesh.util.concatenate([box(), far]), "stl")).facts
    assert (facts["shells"], facts["volume_mm3"], facts["box_mm"]) == (2, 12000, [60, 20, 30])


def test_the_preview_is_the_same_body_made_small_and_the_thumbnail_shows_it(read):
    sphere = trimesh.creation.icosphere(subdivisions=7, radius=20)
    findings = read("sphere.stl", exported(sphere, "stl"))
    preview = read.blobs.path(findings.preview.sha256)
    assert findings.facts["faces"] == len(sphere.faces) > 300_000
    assert preview.stat().st_size <= MB
    with preview.open("rb") as file:
        small = trimesh.load_mesh(file, file_type="glb")
    assert small.volume == pytest.approx(4 / 3 * pi * 20**3, rel=0.005)
    with Image.open(read.blobs.path(findings.thumbnail.sha256)) as picture:
        alpha = np.asarray(picture)[..., 3]
    assert picture.format == "PNG" and alpha.shape == (512, 512)
    assert (alpha > 0).mean() == pytest.approx(pi * (0.88 / 2) ** 2, abs=0.01)  # a disc


def test_an_open_mesh_says_at_how_many_edges_and_still_has_a_size(read):
    mesh = box()
    mesh.update_faces(np.arange(12) > 0)
    findings = read("open.stl", exported(mesh, "stl"))
    assert "open at 3 edges" in findings.problem
    assert findings.facts["box_mm"] == [10, 20, 30]
    assert (findings.facts["watertight"], findings.facts["volume_mm3"]) == (False, None)


def test_a_face_with_a_corner_that_is_nowhere_is_a_hole(read):
    not_a_number = struct.pack("<f", float("nan"))
    data = BINARY_BOX[:96] + not_a_number + BINARY_BOX[100:]
    assert "open at 3 edges" in read("nan.stl", data).problem


@pytest.mark.parametrize(
    ("flipped", "sentence"), [([0], "turned inside out"), (range(12), "volume is below zero")]
)
def test_a_mesh_with_turned_faces_is_not_a_body(read, flipped, sentence):
    mesh = box()
    faces = mesh.faces.copy()
    faces[list(flipped)] = faces[list(flipped)][:, ::-1]
    turned = trimesh.Trimesh(mesh.vertices, faces, process=False)
    assert sentence in read("turned.stl", exported(turned, "stl")).problem


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("nothing.stl", b"", "not an STL"),
        ("letter.stl", b"Dear sir, here is no mesh. " * 9, "not an STL"),
        ("cut.stl", BINARY_BOX[:-70], "only a part"),
        ("boast.stl", BINARY_BOX[:80] + b"\xff" * 4 + BINARY_BOX[84:], "only a part"),
        ("empty.stl", bytes(84), "empty"),
        ("ascii.stl", b"solid x\nendsolid x\n", "empty"),
        ("letter.dxf", b"Dear sir", "DXF"),
        ("letter.svg", b"Dear sir", "SVG"),
        ("empty.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "no lines"),
        ("other.svg", b"<html><body/></html>", "SVG"),
        ("letter.png", b"Dear sir", "PNG"),
    ],
)
def test_a_file_that_is_not_what_it_says_gets_a_sentence(read, name, data, sentence):
    findings = read(name, data)
    assert sentence in findings.problem
    assert findings.facts is None


def test_a_mesh_of_more_triangles_than_are_taken_is_not_loaded(tmp_path):
    """Six million triangles that use no disk: a file with a hole in it."""
    count, huge = 6_000_000, tmp_path / "huge.stl"
    with huge.open("wb") as file:
        file.write(bytes(80) + count.to_bytes(4, "little"))
        file.truncate(84 + 50 * count)
    findings = inspect(huge, "stl", BlobStore(tmp_path / "blobs"))
    assert "6000000 triangles; simplify it" in findings.problem


def drawing(kind: str) -> bytes:
    """A sheet of 100 x 50 mm with a hole of 20 mm, its outline drawn as four single lines."""
    if kind == "svg":
        return (
            b'<svg xmlns="http://www.w3.org/2000/svg" width="100mm" height="50mm" '
            b'viewBox="0 0 100 50"><script>alert(1)</script><path d="M0 0H100V50H0Z" '
            b'onclick="alert(2)"/><circle cx="50" cy="25" r="10"/></svg>'
        )
    corners = [(0, 0), (100, 0), (100, 50), (0, 50), (0, 0)]
    lines = [f"0\nLINE\n8\n0\n10\n{a}\n20\n{b}\n11\n{c}\n21\n{d}\n"
             for (a, b), (c, d) in pairwise(corners)]  # fmt: skip
    circle = "0\nCIRCLE\n8\n0\n10\n50\n20\n25\n40\n10\n"
    head = "0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\nAC1015\n9\n$INSUNITS\n70\n4\n0\nENDSEC\n"
    body = "0\nSECTION\n2\nENTITIES\n" + "".join(lines) + circle + "0\nENDSEC\n0\nEOF\n"
    return (head + body).encode()


@pytest.mark.parametrize("kind", ["dxf", "svg"])
def test_a_drawing_is_measured_in_mm_and_its_single_lines_join_into_contours(read, kind):
    findings = read(f"sheet.{kind}", drawing(kind))
    assert findings.problem is None
    assert findings.facts["box_mm"] == pytest.approx([100, 50], abs=0.01)
    assert (findings.facts["closed_contours"], findings.facts["open_lines"]) == (2, 0)
    assert findings.facts["length_mm"] == pytest.approx(300 + 20 * pi, rel=0.001)


def test_the_preview_of_a_drawing_holds_lines_and_nothing_of_the_designers_own(read):
    findings = read("sheet.svg", drawing("svg"))
    preview = read.blobs.path(findings.preview.sha256).read_text()
    assert "alert" not in preview and "script" not in preview and preview.count("<path") == 1
    with Image.open(read.blobs.path(findings.thumbnail.sha256)) as picture:
        alpha = np.asarray(picture)[..., 3] > 127
    sheet, hole = alpha[256, 60], alpha[256, 256]
    assert (bool(sheet), bool(hole)) == (True, False)


def test_a_drawing_without_a_unit_is_not_guessed_at(read):
    unitless = drawing("dxf").replace(b"$INSUNITS\n70\n4", b"$INSUNITS\n70\n0")
    assert "names no unit" in read("sheet.dxf", unitless).problem


def test_blocks_within_blocks_without_end_get_a_sentence(read):
    """Ten blocks, each of ten of the one before: ten thousand million lines in three kilobytes."""
    line = "0\nLINE\n8\n0\n10\n0\n20\n0\n11\n1\n21\n1\n"
    blocks = f"0\nBLOCK\n8\n0\n2\nB0\n70\n0\n10\n0\n20\n0\n{line}0\nENDBLK\n8\n0\n"
    for level in range(1, 11):
        inserts = f"0\nINSERT\n8\n0\n2\nB{level - 1}\n10\n0\n20\n0\n" * 10
        blocks += f"0\nBLOCK\n8\n0\n2\nB{level}\n70\n0\n10\n0\n20\n0\n{inserts}0\nENDBLK\n8\n0\n"
    dxf = (
        "0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\nAC1015\n9\n$INSUNITS\n70\n4\n0\nENDSEC\n"
        f"0\nSECTION\n2\nBLOCKS\n{blocks}0\nENDSEC\n"
        "0\nSECTION\n2\nENTITIES\n0\nINSERT\n8\n0\n2\nB10\n10\n0\n20\n0\n0\nENDSEC\n0\nEOF\n"
    )
    assert read("bomb.dxf", dxf.encode()).problem


LAUGHS = (
    b'<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    b'<svg xmlns="http://www.w3.org/2000/svg"><text>&b;</text></svg>'
)


def test_an_svg_with_entities_is_not_read_and_one_with_a_plain_doctype_is(read):
    assert "entities" in read("laughs.svg", LAUGHS).problem
    old = b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://x/svg11.dtd">' + drawing("svg")
    assert read("old.svg", old).facts["closed_contours"] == 2


def test_a_photo_loses_its_metadata_and_keeps_its_picture(read, tmp_path):
    photo = Image.new("RGB", (2000, 1000), (10, 200, 30))
    exif = Image.Exif()
    exif[0x010F] = "SpyCam 3000"
    photo.save(tmp_path / "raw", "JPEG", exif=exif)
    findings = read("photo.jpg", (tmp_path / "raw").read_bytes())
    thumbnail = read.blobs.path(findings.thumbnail.sha256)
    assert findings.facts == {"width_px": 2000, "height_px": 1000, "has_place": False}
    assert b"SpyCam" not in thumbnail.read_bytes()
    with Image.open(thumbnail) as small:
        assert small.size == (960, 480) and small.getpixel((5, 5))[1] > 190


@pytest.fixture
def broken_reader(tmp_path):
    """Runs Python code as a reader that a hostile file has taken over; what it then does."""
    path, out = tmp_path / "file", tmp_path / "out"
    path.write_bytes(b"hostile")
    out.mkdir()

    def run(code: str) -> tuple[str | None, dict[str, object]]:
        limited = f"from repo_server.parsing import child; child.limit()\n{code}"
        trouble = sandbox.run_child(["-c", limited], path, out)
        seen = out / "seen"
        return trouble, json.loads(seen.read_text()) if seen.exists() else {}

    return run


def test_no_parser_is_named_by_a_stranger():
    assert all(isinstance(parser, Parser) for parser in KINDS.values())
    assert {parser.module for parser in KINDS.values()} == {
        "mesh",
        "step",
        "markdown",
        "pdf",
        "gcode",
        "dxf",
        "svg",
        "kicad",
        "gerber",
        "excellon",
        "image",
        "scad",
        "container",
    }
    assert [kind_of(p) for p in ("a.STL", "a/b.svg", ".obj", "x.exe", "stl", "")] == [
        "stl",
        "svg",
        "obj",
        None,
        None,
        None,
    ]


def test_a_disk_that_is_full_is_not_the_files_fault(broken_reader):
    with pytest.raises(Unavailable, match="no file can be inspected now"):
        broken_reader("open('/dev/full', 'wb').write(bytes(64 * 1024))")


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        ("import os; os.kill(os.getpid(), 11)", "crash"),
        ("import os; os.kill(os.getpid(), 9)", "too long"),
        ("bytearray(9 * 1024**3)", "too large"),
        ("open('/out/preview', 'wb').write(bytes(64 * 1024**2))", "too large"),
    ],
)
def test_a_reader_that_dies_is_a_sentence(broken_reader, code, ending):
    assert ending in broken_reader(code)[0]


def test_in_the_sandbox_there_is_no_network_and_no_file_but_this_one(broken_reader, tmp_path):
    assert sandbox.sandboxed(), "bubblewrap is missing: apt install bubblewrap"
    trouble, seen = broken_reader(LOOK_AROUND.replace("SECRET", str(tmp_path / "file")))
    assert trouble is None
    assert seen == {"net": False, "places": [], "written": []}


LOOK_AROUND = """
import json, os, socket
def works(action):
    try:
        action()
        return True
    except OSError:
        return False
json.dump({
    "net": works(lambda: socket.create_connection(("127.0.0.1", 22), 1))
           or socket.if_nameindex() != [(1, "lo")],
    "places": [p for p in ("SECRET", "/etc/passwd", "/var") if os.path.exists(p)],
    "written": [p for p in ("/in", "/usr/x", "/app/commons/x") if works(lambda: open(p, "ab"))],
}, open("/out/seen", "w"))
"""
