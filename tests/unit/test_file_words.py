"""What the list of files says of each file."""

from types import SimpleNamespace

import pytest

from repo_server.designs import File
from repo_server.web.files import FileView, files_of


def said(path: str, kind: str | None, of_part: bool = False, **found: object) -> FileView:
    file = File(path=path, sha256="a" * 64, size=1, kind=kind, **found)
    parts = [SimpleNamespace(file=path)] if of_part else []
    manifest = SimpleNamespace(parts=parts, bom="bom.csv")
    return files_of(SimpleNamespace(manifest=manifest, files=[file]))[0]


TABLE = {"box_mm": [100, 60, 75.0], "parts": [{"name": "Leg", "count": 4}, {"name": "Top"}]}


@pytest.mark.parametrize(
    ("path", "kind", "facts", "what"),
    [
        ("table.step", "step", TABLE, "Source: STEP, 100 × 60 × 75 mm, 4 parts"),
        ("arm.stl", "stl", {"faces": 1}, "Mesh, 1 triangle"),
        ("old.zip", "zip", {"files": 2}, "Archive, 2 files inside"),
        ("LICENSE.md", None, None, "Licence"),
        ("bom.csv", None, None, "Bill of materials"),
        ("run.exe", None, None, ""),
    ],
)
def test_a_file_is_told_by_what_was_found_in_it(path, kind, facts, what):
    assert said(path, kind, facts=facts).what == what


def test_a_source_shows_its_model_and_its_problem_and_a_parts_file_leaves_both_to_the_part():
    found = {"preview": "b" * 64, "thumbnail": "c" * 64, "problem": "it is open"}
    source = said("a.step", "step", **found)
    assert (source.model, source.drawing, source.picture) == ("b" * 64, None, "c" * 64)
    assert source.problem == "it is open"
    part = said("a.stl", "stl", of_part=True, **found)
    assert (part.model, part.picture, part.problem) == (None, None, None)
