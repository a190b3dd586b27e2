"""Every format but meshes: facts of good files, one sentence for each bad one, never a crash."""

import importlib
import os
import zipfile
from io import StringIO
from math import pi, prod

import ezdxf
import pytest
from PIL import Image

from commons.errors import InvalidInput
from fab_agent.cam.dxf import read_dxf
from repo_server.blobs import BlobStore
from repo_server.parsing import KINDS, step
from repo_server.parsing.inspection import inspect
from tests import step_files
from tests.attack_files import ARCHIVES, BOARDS, DRAWINGS, PICTURES, SOLIDS
from tests.format_files import (
    COPPER,
    DRILLS,
    DXF,
    GOOD,
    MARKDOWN,
    PCB,
    SCAD,
    SCH,
    SVG,
    dxf,
    gcode,
    pdf,
    picture,
    square,
    zipped,
)

# What is made beside the facts.
SHOWN = {
    "fcstd": {"thumbnail"},
    "step": {"preview", "thumbnail", "mesh"},
    "dxf": {"preview", "thumbnail"},
    "svg": {"preview", "thumbnail"},
    "kicad_pcb": {"preview", "thumbnail"},
    "gbr": {"preview", "thumbnail"},
    "drl": {"preview", "thumbnail"},
    "pdf": {"thumbnail"},
    "gcode": {"thumbnail"},
    "gif": {"thumbnail"},
}
# Where a cut leaves half of it: the middle says nothing of a format whose end may be missing.
CUT = {"scad": SCAD.find(b"cube")}
# Native code, which the sandbox must hold: these are read in their real child processes.
NATIVE = ["step", "pdf"]
# Any text is Markdown, and a program is one as far as it goes.
STILL_GOOD = {("md", "html"), ("md", "truncated"), ("gcode", "truncated")}
BAD = [
    (kind, bad)
    for kind in GOOD
    for bad in ("empty", "truncated", "html", "garbage")
    if (kind, bad) not in STILL_GOOD
]


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Whoever takes too long is killed, and here that would be the process of the tests."""
    monkeypatch.setattr(step, "_CPU_S", 60.0)


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
    made = {name for name in ("preview", "thumbnail", "mesh") if getattr(findings, name)}
    assert made == SHOWN[kind]
    assert path.read_bytes() == GOOD[kind]


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_file_has_facts_and_what_shows_it(tmp_path, kind):
    answer = read(kind, GOOD[kind], tmp_path)
    assert answer["facts"] and not answer.get("problem")
    assert set(os.listdir(tmp_path / "out")) == SHOWN.get(kind, set())


@pytest.mark.parametrize(("kind", "bad"), BAD)
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
    assert read("scad", SCAD, tmp_path)["facts"] == {
        "parameters": [
            {"name": "width", "value": 20, "section": "Size", "label": "Width of the board, mm"}
            | {"min": 10, "step": 5, "max": 40},
            {"name": "style", "value": "round", "section": "Size"}
            | {
                "choices": [
                    {"value": "round", "label": "Round"},
                    {"value": "square", "label": "square"},
                ]
            },
            {"name": "size", "value": [1, 2.5], "section": "Size", "min": 0, "max": 9},
            {"name": "word", "value": "hook", "section": "Size", "max_letters": 8},
        ],
        "reads": 1,
    }


def test_a_document_whose_picture_is_none_keeps_its_facts(tmp_path):
    document = zipped(("Document.xml", b"x"), ("thumbnails/Thumbnail.png", b"<html>"))
    assert read("fcstd", document, tmp_path)["facts"]["files"] == 2
    assert not os.listdir(tmp_path / "out")


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


def test_what_a_stranger_wrote_never_speaks_for_the_reader(tmp_path, capfd):
    """The sandbox reads the child's complaints, and OpenCASCADE repeats the file's own words."""
    with pytest.raises(InvalidInput):
        read("step", b"ISO-10303-21;\nNo space left", tmp_path)
    assert capfd.readouterr() == ("", "")


def test_a_drawing_with_a_layout_without_a_name_is_refused(tmp_path):
    written = StringIO()
    ezdxf.new(units=4).write(written)
    nameless = written.getvalue().replace("AcDbLayout\n  1\nLayout1\n", "AcDbLayout\n")
    assert nameless != written.getvalue()
    with pytest.raises(InvalidInput, match="cannot be read as DXF"):
        read("dxf", nameless.encode(), tmp_path)
    with pytest.raises(InvalidInput, match="not a readable DXF"):
        read_dxf(nameless.encode())


def test_a_drawing_tells_layers_holes_and_the_area_between(tmp_path):
    facts = read("svg", SVG, tmp_path)["facts"]
    assert facts["layers"] == [{"name": "plate", "lines": 2}, {"name": "lid", "lines": 1}]
    assert (facts["closed_contours"], facts["holes"], facts["unit"]) == (3, 1, "mm")
    assert facts["area_mm2"] == pytest.approx(50 * 50 - 30 * 30 + 10 * 10, abs=0.01)
    assert facts["length_mm"] == pytest.approx(4 * (50 + 30 + 10), abs=0.01)


def test_a_blocks_lines_lie_on_the_layer_where_it_is_placed(tmp_path):
    facts = read("dxf", DXF, tmp_path)["facts"]
    assert facts["layers"] == [{"name": "cut", "lines": 2}]
    assert (facts["unit"], facts["box_mm"]) == ("mm", [50, 50])


def test_a_drawing_in_inches_is_measured_in_mm(tmp_path):
    facts = read("dxf", dxf(square(2), unit=1), tmp_path)["facts"]
    assert (facts["unit"], facts["box_mm"], facts["area_mm2"]) == ("in", [50.8, 50.8], 2580.64)


REFUSED = DRAWINGS | BOARDS | ARCHIVES | PICTURES | SOLIDS


@pytest.mark.parametrize("name", [it for it in REFUSED if "spoilt" not in it])
def test_what_was_made_to_harm_is_refused_by_what_it_does(tmp_path, name):
    made, sentence = REFUSED[name]
    with pytest.raises(InvalidInput, match=sentence):
        read(name.rpartition(".")[2], made(), tmp_path)


def test_a_board_tells_its_layers_and_the_size_of_its_edge(tmp_path):
    facts = read("kicad_pcb", PCB, tmp_path)["facts"]
    assert (facts["title"], facts["revision"]) == ('Blinker "one"', "B")
    assert (facts["copper_layers"], facts["thickness_mm"]) == (2, 1.6)
    assert (facts["footprints"], facts["nets"]) == (1, 1)
    assert facts["box_mm"] == pytest.approx([60, 20], abs=0.02)


def test_a_schematic_tells_its_symbols_and_sheets(tmp_path):
    facts = read("kicad_sch", SCH, tmp_path)["facts"]
    assert (facts["title"], facts["paper"]) == ("Blinker", "A4")
    assert (facts["symbols"], facts["sheets"]) == (2, 2)


def test_a_layer_of_a_board_is_what_is_left_when_all_is_drawn_and_cleared(tmp_path):
    facts = read("gbr", COPPER, tmp_path)["facts"]
    assert (facts["function"], facts["unit"]) == ("Copper,L1,Top", "mm")
    assert (facts["flashes"], facts["lines"], facts["regions"]) == (3, 1, 1)
    assert facts["box_mm"] == [23, 21.5]
    track, pads, plane = 20 - 3, 2 * 3 * 3, 100 - pi * 2**2
    assert facts["area_mm2"] == pytest.approx(track + pads + plane, rel=0.01)


def test_an_outline_in_inches_is_measured_in_mm_along_the_middle_of_its_pen(tmp_path):
    outline = (
        b"%FSTAX24Y24*%%MOIN*%%ADD10C,0.01*%D10*X00Y00D02*G01*X02Y00D01*"
        b"G75*G03*X02Y01I00J005D01*G01*X00Y01D01*X00Y00D01*M02*"
    )
    facts = read("gko", outline, tmp_path)["facts"]
    assert facts["box_mm"] == pytest.approx([2.5 * 25.4, 25.4], abs=0.05)


def test_drill_holes_are_counted_by_width(tmp_path):
    facts = read("drl", DRILLS, tmp_path)["facts"]
    assert (facts["holes"], facts["slots"]) == (3, 1)
    assert facts["drills"] == [{"width_mm": 0.8, "holes": 2}, {"width_mm": 1.0, "holes": 2}]
    assert facts["box_mm"] == pytest.approx([10.9, 3.5], abs=0.01)
    assert facts["function"] == "Plated,1,2,PTH"


def test_a_text_is_told_by_its_first_heading_and_its_length(tmp_path):
    facts = read("md", MARKDOWN, tmp_path)["facts"]
    assert facts == {"title": "A hook for coats", "words": 14, "headings": 2, "pictures": 1}


def test_a_pdf_tells_its_pages_in_mm_and_shows_the_first(tmp_path):
    facts = read("pdf", pdf((100, 50)), tmp_path)["facts"]
    assert (facts["pages"], facts["title"], facts["attached"]) == (1, "Instructions", 0)
    assert facts["page_mm"] == pytest.approx([100, 50], abs=0.1)
    with Image.open(tmp_path / "out/thumbnail") as shown:
        assert shown.size == (960, 480)
        assert shown.convert("L").getextrema() == (0, 255)  # black letters on white paper


def test_a_page_of_any_size_becomes_a_picture_of_ours(tmp_path):
    read("pdf", pdf((5080, 5080)), tmp_path)  # 14,400 pt is the most that the format knows
    with Image.open(tmp_path / "out/thumbnail") as shown:
        assert max(shown.size) <= 961


def test_a_pdf_with_a_password_is_not_opened(tmp_path):
    with pytest.raises(InvalidInput, match="has a password"):
        read("pdf", pdf(owner_password="boss", user_password="guess"), tmp_path)


def test_a_program_tells_what_its_slicer_claims(tmp_path):
    facts = read("gcode", gcode(), tmp_path)["facts"]
    claims = {"claimed_s": 3723.0, "claimed_g": 12.34, "layer_mm": 0.2, "machine": "MK3S"}
    assert facts["made_by"] == "PrusaSlicer 2.7.1+linux"
    assert claims.items() <= facts.items()
    assert facts["material"] is None and facts["lines"] == gcode().count(b"\n")


@pytest.mark.parametrize(
    ("said", "fact", "value"),
    [
        (";FLAVOR:Marlin\n;TIME:1234\n;Generated with Cura_SteamEngine 5.6.0", "claimed_s", 1234),
        (";Generated with Cura_SteamEngine 5.6.0", "made_by", "Cura_SteamEngine 5.6.0"),
        ("; model printing time: 9m; total estimated time: 1d 1m 1s", "claimed_s", 86461),
        ("; BambuStudio 01.08.04.51", "made_by", "BambuStudio 01.08.04.51"),
        ("(Exported by FreeCAD)", "made_by", "FreeCAD"),
        ("; filament used [g] = -1", "claimed_g", None),
        ("; filament_type = PETG;PETG", "material", "PETG"),
    ],
)
def test_every_slicer_has_its_own_words(tmp_path, said, fact, value):
    assert read("gcode", f"{said}\nG1 X1\n".encode(), tmp_path)["facts"][fact] == value


@pytest.mark.parametrize("spoilt", [b"; <html", b"; \xff", b"; AAAAA"])
def test_a_programs_picture_that_is_none_harms_nothing_else(tmp_path, spoilt):
    bad = gcode().replace(b"; iVBOR", spoilt)
    assert read("gcode", bad, tmp_path)["facts"]["made_by"]
    assert not os.listdir(tmp_path / "out")


def test_a_picture_says_whether_its_original_names_a_place_and_the_copy_never_does(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8825)[2] = (41.0, 23.0, 12.0)  # GPSLatitude, Barcelona
    assert read("jpg", picture("JPEG", exif=exif), tmp_path)["facts"]["has_place"] is True
    with Image.open(tmp_path / "out/thumbnail") as shown:
        assert not shown.getexif()


def test_a_picture_under_another_kinds_name_is_shown_and_told(tmp_path):
    answer = read("png", picture("JPEG"), tmp_path)
    assert "this picture is JPEG" in answer["problem"] and answer["facts"]["width_px"] == 8
