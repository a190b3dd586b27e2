"""Sources and containers: facts of good ones, one sentence for each bad one, never a crash."""

import importlib
import io
import os
import warnings
import zipfile
from math import prod

import pytest
from PIL import Image

from commons.errors import InvalidInput
from repo_server.blobs import BlobStore
from repo_server.parsing import KINDS, container, scad
from repo_server.parsing.inspection import inspect
from tests import step_files

SCAD = b"""/* [Size] */
width = 20; // [10:5:40]
style = "round"; // [round, square]
/* [Hidden] */
secret = 1;
include <other.scad>
module part() { cube([width, 1, 1]); } part();
"""


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    data = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # a name that stands twice is what one test is about
        for name, content in entries:
            archive.writestr(name, content)
    return data.getvalue()


def picture() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(data, "PNG")
    return data.getvalue()


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("passwords")
    info.external_attr = 0o120777 << 16
    return info


FCSTD = zipped(("Document.xml", b"<Document/>"), ("thumbnails/Thumbnail.png", picture()))
GOOD = {
    "scad": SCAD,
    "fcstd": FCSTD,
    "zip": zipped(("a.txt", b"a")),
    "step": step_files.box(),
}
# What is made beside the facts.
SHOWN = {"fcstd": {"thumbnail"}, "step": {"preview", "thumbnail"}}
# Where a cut leaves half of it: the middle says nothing of a format whose end may be missing.
CUT = {"scad": SCAD.find(b"cube")}
# Native code, which the sandbox must hold: these are read in their real child processes.
NATIVE = ["fcstd", "step"]


def read(kind, data, folder):
    """What the reader of this kind answers, in this process; `folder` is empty."""
    path = folder / "file"
    path.write_bytes(data)
    out = folder / "out"
    out.mkdir()
    parser = importlib.import_module(f"repo_server.parsing.{KINDS[kind].module}")
    return parser.inspect(path, kind, out)


@pytest.mark.slow
@pytest.mark.parametrize("kind", NATIVE)
def test_a_good_file_is_read_in_its_child_process_and_is_kept(tmp_path, kind):
    path = tmp_path / f"file.{kind}"
    path.write_bytes(GOOD[kind])
    findings = inspect(path, kind, BlobStore(tmp_path / "blobs"))
    assert findings.facts and findings.problem is None
    made = {name for name in ("preview", "thumbnail") if getattr(findings, name)}
    assert made == SHOWN[kind]
    assert path.read_bytes() == GOOD[kind]


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_file_has_facts_and_what_shows_it(tmp_path, kind):
    answer = read(kind, GOOD[kind], tmp_path)
    assert answer["facts"] and not answer.get("problem")
    assert set(os.listdir(tmp_path / "out")) == SHOWN.get(kind, set())


@pytest.mark.parametrize("kind", GOOD)
@pytest.mark.parametrize("bad", ["empty", "truncated", "html", "garbage"])
def test_what_is_not_such_a_file_is_refused_in_one_sentence(tmp_path, kind, bad):
    data = {
        "empty": b"",
        "truncated": GOOD[kind][: CUT.get(kind, len(GOOD[kind]) // 2)],
        "html": b"<html><script>alert(1);</script></html>",
        "garbage": bytes(range(256)) * 8,
    }[bad]
    with pytest.raises((InvalidInput, zipfile.BadZipFile)) as refused:
        read(kind, data, tmp_path)
    assert "\n" not in str(refused.value)


def test_an_openscad_source_tells_its_parameters_and_not_the_hidden_ones(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(SCAD)
    assert scad.inspect(path, "scad", tmp_path)["facts"] == {
        "parameters": [
            {"name": "width", "value": "20", "section": "Size"}
            | {"min": "10", "step": "5", "max": "40"},
            {"name": "style", "value": '"round"', "section": "Size", "choices": "round, square"},
        ],
        "reads": 1,
    }


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([("../out", b"a")], "outside of itself"),
        ([("C:\\out", b"a")], "outside of itself"),
        ([(link(), b"/etc/passwd")], "holds a link"),
        ([("a", b"a"), ("A", b"b")], "twice"),
        ([("zeros", bytes(16 * 1024**2))], "a bomb"),
    ],
)
def test_a_zip_made_to_harm_is_refused_by_what_it_does(tmp_path, entries, sentence):
    path = tmp_path / "file"
    path.write_bytes(zipped(*entries))
    with pytest.raises(InvalidInput, match=sentence):
        container.inspect(path, "zip", tmp_path)


def test_a_document_whose_picture_is_none_keeps_its_facts(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(zipped(("Document.xml", b"x"), ("thumbnails/Thumbnail.png", b"<html>")))
    assert container.inspect(path, "fcstd", tmp_path)["facts"]["files"] == 2
    assert not (tmp_path / "thumbnail").exists()


@pytest.mark.parametrize(
    ("unit", "size"), [("mm", (10, 20, 30)), ("m", (0.01, 0.02, 0.03)), ("inch", (1, 2, 3))]
)
def test_a_solid_is_measured_in_mm_whatever_unit_its_file_has(tmp_path, unit, size):
    facts = read("step", step_files.box(unit, size), tmp_path)["facts"]
    in_mm = [edge * {"mm": 1, "m": 1000, "inch": 25.4}[unit] for edge in size]
    assert facts["box_mm"] == pytest.approx(in_mm, abs=1e-3)
    assert facts["volume_mm3"] == pytest.approx(prod(in_mm), rel=1e-6)


def test_an_assembly_keeps_its_parts_names_and_where_they_stand(tmp_path):
    facts = read("step", step_files.table(), tmp_path)["facts"]
    assert facts["parts"] == [{"name": "Leg", "count": 4}, {"name": "Top", "count": 1}]
    assert (facts["box_mm"], facts["shells"]) == ([100, 60, 75], 5)


def test_assemblies_of_assemblies_without_end_are_counted_and_not_built(tmp_path):
    with pytest.raises(InvalidInput, match="more than 5000 parts"):
        read("step", step_files.towers(9), tmp_path)


def test_an_assembly_that_is_a_part_of_itself_is_refused(tmp_path):
    use = b"NEXT_ASSEMBLY_USAGE_OCCURRENCE('','a;#9','',#%d,#%d,$);"
    circle = b"ISO-10303-21;" + use % (1, 2) + use % (2, 3) + use % (3, 1)
    with pytest.raises(InvalidInput, match="part of itself"):
        read("step", circle, tmp_path)


def test_what_a_stranger_wrote_never_speaks_for_the_reader(tmp_path, capfd):
    """The sandbox reads the child's complaints, and OpenCASCADE repeats the file's own words."""
    with pytest.raises(InvalidInput):
        read("step", b"ISO-10303-21;\nNo space left", tmp_path)
    assert capfd.readouterr() == ("", "")
