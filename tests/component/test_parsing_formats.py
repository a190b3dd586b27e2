"""Sources and containers: facts of good ones, one sentence for each bad one, never a crash."""

import io
import warnings
import zipfile

import pytest
from PIL import Image

from commons.errors import InvalidInput
from repo_server.blobs import BlobStore
from repo_server.parsing import container, scad
from repo_server.parsing.inspection import inspect

SCAD = b"""/* [Size] */
width = 20; // [10:5:40]
style = "round"; // [round, square]
/* [Hidden] */
secret = 1;
include <other.scad>
module part() { cube([width, 1, 1]); } part();
"""
READERS = {"scad": scad, "fcstd": container, "zip": container}


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
GOOD = {"scad": SCAD, "fcstd": FCSTD, "zip": zipped(("a.txt", b"a"))}


@pytest.mark.slow
@pytest.mark.parametrize("kind", GOOD)
def test_a_good_file_has_facts_in_its_child_process_and_is_kept(tmp_path, kind):
    path = tmp_path / f"file.{kind}"
    path.write_bytes(GOOD[kind])
    findings = inspect(path, kind, BlobStore(tmp_path / "blobs"))
    assert findings.facts and findings.problem is None
    assert (findings.thumbnail is not None) == (kind == "fcstd")
    assert path.read_bytes() == GOOD[kind]


@pytest.mark.parametrize("kind", GOOD)
@pytest.mark.parametrize("bad", ["empty", "truncated", "html", "garbage"])
def test_what_is_not_such_a_file_is_refused(tmp_path, kind, bad):
    good = GOOD[kind]
    data = {
        "empty": b"",
        "truncated": good[: good.find(b"cube") if kind == "scad" else len(good) // 2],
        "html": b"<html><script>alert(1);</script></html>",
        "garbage": bytes(range(256)) * 8,
    }[bad]
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises((InvalidInput, zipfile.BadZipFile)):
        READERS[kind].inspect(path, kind, tmp_path)


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
