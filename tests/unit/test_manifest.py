"""okh.toml: what is right is read, what is wrong is named all at once, and nothing is dropped."""

import datetime

import pytest

from commons.errors import ManifestInvalid
from commons.machine import Process
from commons.manifest import (
    MAX_BYTES,
    Format,
    check_manifest,
    format_of,
    manifest_of,
    missing_files,
    read_manifest,
    read_with_notes,
)

WHOLE = """\
okhv = "OKH-LOSHv1.0"
name = "Crate"
repo = "https://example.org/crate"
version = "2.1.0"
license = "CERN-OHL-S-2.0"
licensor = ["Ada Lovelace (Werk) <ada@example.org>", {name = "Bea"}]
organization = "Werk"
function = "Holds things"
readme = "README.md"
image = "/images/crate.png"
bom = "bom.csv"

[[part]]
name = "wall"
tsdc = "CNC"
source = ["wall.py"]
export = ["wall.step", "wall.dxf", "wall.svg"]
material = "Plywood"
thickness-mm = 6
outer-dimensions = {width = 300, depth = 200, height = 6}

[[part]]
name = "corner"
tsdc = ["POST", "3DP"]
export = "corner.stl"
mass = 21.5
image = "images/corner.png"
cosmolocal = {quantity = 4}

[[part]]
name = "screw"
source = "https://example.org/screw"

[cosmolocal]
keywords = ["harvest"]
since = 2024-05-01
"""


def whole(**changes: str) -> bytes:
    """WHOLE with the lines of some fields replaced, an empty line taking a field away."""
    lines = WHOLE.splitlines()
    for key, line in changes.items():
        at = next(n for n, old in enumerate(lines) if old.startswith(f"{key} ="))
        lines[at] = line
    return "\n".join(lines).encode()


def problems(text: bytes) -> dict[str, str]:
    with pytest.raises(ManifestInvalid) as refused:
        read_manifest(text)
    return {problem.field: problem.problem for problem in refused.value.fields}


def test_a_whole_manifest_is_read():
    manifest = read_manifest(WHOLE.encode())
    assert (manifest.name, manifest.version) == ("Crate", "2.1.0")
    assert manifest.licensors == ("Ada Lovelace (Werk)", "Bea")
    assert (manifest.readme, manifest.image, manifest.bom) == (
        "README.md",
        "images/crate.png",
        "bom.csv",
    )


@pytest.mark.parametrize(
    ("exports", "fed"),
    [
        ('["wall.stl", "wall.dxf"]', "wall.dxf"),
        ('["wall.step", "wall.stl"]', "wall.stl"),
        ('"relief.3mf"', "relief.3mf"),
        ('"wall.step"', "wall.step"),
        ('"wall.blend"', None),
    ],
)
def test_a_router_is_fed_with_a_drawing_or_where_there_is_none_with_a_mesh(exports, fed):
    text = WHOLE.replace('["wall.step", "wall.dxf", "wall.svg"]', exports)
    assert read_manifest(text.encode()).parts[0].file == fed


def test_parts_are_fed_with_the_first_export_that_their_machine_reads():
    wall, corner, screw = read_manifest(WHOLE.encode()).parts
    assert (wall.process, wall.file, wall.material) == (Process.CNC, "wall.dxf", "plywood")
    assert (wall.thickness_mm, wall.size_mm) == (6.0, (300.0, 200.0, 6.0))
    assert (corner.process, corner.file) == (Process.FDM, "corner.stl")
    assert (corner.quantity, corner.mass_g) == (4, 21.5)
    assert (screw.process, screw.file, screw.quantity) == (None, None, 1)


def test_nothing_that_was_written_is_dropped_and_dates_become_text():
    data = read_manifest(WHOLE.encode()).data
    assert data["organization"] == "Werk"
    assert data["cosmolocal"] == {
        "keywords": ["harvest"],
        "since": datetime.date(2024, 5, 1).isoformat(),
    }


def test_what_was_stored_is_read_again_as_it_was():
    manifest = read_manifest(WHOLE.encode())
    assert manifest_of(dict(manifest.data)) == manifest


def test_ten_errors_are_named_at_once():
    text = b"""\
okhv = "3.0"
nmae = "Crate"
repo = "example.org"
license = "GPLv3"
licensor = []
function = " "
readme = "../../etc/passwd"

[[part]]
mass = -1
cosmolocal = {quantity = 0}
"""
    assert problems(text).keys() == {
        "okhv",
        "name",
        "repo",
        "version",
        "license",
        "licensor",
        "function",
        "readme",
        "part[1].name",
        "part[1].mass",
        "part[1].export",
        "part[1].cosmolocal.quantity",
    }


@pytest.mark.parametrize(
    "key", ["okhv", "name", "repo", "version", "license", "licensor", "function"]
)
def test_a_required_field_that_is_missing_is_named(key):
    found = problems(whole(**{key: ""}))
    assert found.keys() == {key}
    assert found[key].startswith("is missing; write ")


def test_a_required_field_under_a_wrong_name_is_missing_with_a_hint():
    assert problems(whole(license='licence = "MIT"')) == {
        "license": "is missing; rename 'licence' to 'license'"
    }


@pytest.mark.parametrize(
    ("line", "field", "hint"),
    [
        ('licence = "MIT"', "licence", "did you mean 'license'?"),
        ('documentationReadinessLevel = "ODRL-1"', "documentationReadinessLevel",
         "did you mean 'documentation-readiness-level'?"),
        ('organisation = "Werk"', "organisation", "write organization"),
        ('zzz = "x"', "zzz", "put own words under [cosmolocal]"),
    ],
)  # fmt: skip
def test_a_field_that_okh_does_not_know_is_kept_and_told_to_strict_readers(line, field, hint):
    text = f"{line}\n".encode() + WHOLE.encode()
    assert field in read_manifest(text).data
    answer = check_manifest(text)
    assert not answer.lenient
    told = {finding.field: finding for finding in answer.strict}[field]
    assert (hint in told.suggestion, told.line) == (True, 1)


def test_however_much_strict_readers_mind_what_is_wrong_is_found():
    parts = "".join(
        f'\n[[part]]\nname = "p{number}"\nzzz = "x"\nsource = "wall.py"\n' for number in range(120)
    )
    _, notes = read_with_notes((WHOLE + parts).encode())
    assert len(notes) == 100
    with pytest.raises(ManifestInvalid, match="mass"):
        read_with_notes((WHOLE + parts + 'mass = "heavy"\n').encode())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('license = "GPLv3"', "may mean GPL-3.0-only or GPL-3.0-or-later"),
        ('license = "CERN OHL v1.2"', "is written 'CERN-OHL-1.2' in SPDX"),
        ('license = "Freeware"', "is not an SPDX expression"),
        ('license = "mit"', "is written 'MIT'"),
        ('license = "MIT or Apache-2.0"', "is written 'MIT OR Apache-2.0'"),
        ('license = " "', "must be text that is not empty"),
    ],
)
def test_a_licence_must_be_spdx_as_it_is_written(line, said):
    assert said in problems(whole(license=line))["license"]


@pytest.mark.parametrize("path", ["../x", "a/../../x", "a\\\\b", "a//b", "/"])
def test_a_path_that_leads_out_of_the_release_is_refused(path):
    assert "not a path inside the release" in problems(whole(readme=f'readme = "{path}"'))["readme"]


def test_a_size_with_an_edge_missing_is_named_by_that_edge():
    wrong = whole(**{"outer-dimensions": "outer-dimensions = {width = 3, height = 0}"})
    assert problems(wrong).keys() == {
        "part[1].outer-dimensions.depth",
        "part[1].outer-dimensions.height",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"name = ", "not TOML"),
        (b"a" * (MAX_BYTES + 1), "are allowed"),
        (b"x = nan", "canonical JSON"),
        (b"x = 9007199254740993", "canonical JSON"),
    ],
)
def test_what_is_no_manifest_at_all_is_one_sentence(text, said):
    with pytest.raises(ManifestInvalid, match=said):
        read_manifest(text)


def test_files_that_are_named_and_not_there_are_listed_by_where_they_are_named():
    there = {"README.md", "bom.csv", "wall.dxf"}
    missing = missing_files(read_manifest(WHOLE.encode()), there.__contains__)
    assert [problem.field for problem in missing] == ["image", "part[2].export", "part[2].image"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a.STL", Format.MESH),
        ("b/c.3mf", Format.MESH),
        ("d.dxf", Format.DRAWING),
        ("e.step", Format.SOLID),
        ("f.txt", None),
    ],
)
def test_the_ending_says_what_a_machine_would_be_fed_with(path, kind):
    assert format_of(path) is kind
