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

CLAIMS = {"made_by": "Cura", "claimed_s": 3723.0, "claimed_g": 12.0}


@pytest.mark.parametrize(
    ("path", "kind", "facts", "what"),
    [
        ("table.step", "step", TABLE, "Source: STEP, 100 × 60 × 75 mm, 4 parts"),
        ("arm.stl", "stl", {"faces": 1}, "Mesh, 1 triangle"),
        (
            "a.kicad_pcb",
            "kicad_pcb",
            {"title": "Blinker", "box_mm": [60, 20], "copper_layers": 2, "footprints": 1},
            "Source: KiCad, board, Blinker, 60 × 20 mm, 2 copper layers, 1 component",
        ),
        ("a.gbr", "gbr", {"function": "Paste,Top"}, "Layer of a circuit board, Paste,Top"),
        ("a.dxf", "dxf", {"holes": 3, "length_mm": 1500.0}, "Drawing, 3 holes, 1.5 m of lines"),
        ("old.zip", "zip", {"files": 2}, "Archive, 2 files inside"),
        ("guide.pdf", "pdf", {"pages": 2, "attached": 0}, "Document, 2 pages"),
        ("README.md", "md", {"words": 1}, "Text, 1 word"),
        ("a.gcode", "gcode", CLAIMS, "Program, made by Cura, 1 h 2 min by its own word, 12 g"),
        (
            "a.jpg",
            "jpg",
            {"width_px": 8, "height_px": 6, "has_place": True},
            "Picture, 8 × 6 px, its original names the place where it was taken",
        ),
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
