"""Three dialects of one manifest: read, checked with line and advice, and told apart. The traps are
ones that real manifests hold."""

import pytest

from commons.content import content_id, release_id
from commons.errors import ManifestInvalid
from commons.manifest import (
    MAX_BYTES,
    Dialect,
    Syntax,
    check_manifest,
    manifest_of,
    parse_manifest,
    read_manifest,
    said_in,
    write_manifest,
)

V1 = """\
%Open Know-How Manifest 1.0
---
date-created: 2019-10-15
title: Field microscope
description: |
  A microscope that is printed.
intended-use: Schools and clinics
keywords: [optics, no]
project-link: https://example.org/microscope
version: 6.0
development-stage: stable
made: true
made-independently: true
license:
  hardware: CERN-OHL-S-2.0
  software: GPL-3.0-only
licensor:
  name: Ada Lovelace
  affiliation: Werk
  email: ada@example.org
image: /img/all.png
documentation-home: docs/index.md
design-files:
  - path: src/body.scad
    title: Body
  - path: src/lens.scad
making-instructions:
  - path: docs/build.md
sub-parts:
  - title: Stage
    web: https://example.org/stage
contact:
  name: Bea
  social:
    - platform: Fediverse
      user-handle: "@bea"
colour: green
"""

LOSH = """\
# who made it
okhv = "OKH-LOSHv1.0"
name = "Crate" # as on the box
repo = "https://example.org/crate"
version = "2.1.0"
license = "CERN-OHL-S-2.0"
licensor = "Ada (Werk) <ada@example.org>"
function = "Holds things"
technologyReadinessLevel = "Ideation"
timestamp = 1700000000

[[part]]
name = "wall"
source = "wall.py" # by hand
"""


def one_sentence(text: str | bytes) -> str:
    with pytest.raises(ManifestInvalid) as refused:
        parse_manifest(text if isinstance(text, bytes) else text.encode())
    said = str(refused.value)
    assert "\n" not in said
    assert len(said) < 400
    return said


def strict(text: str) -> dict[str, tuple[int | None, str]]:
    found = check_manifest(text.encode()).strict
    return {it.field: (it.line, f"{it.problem}; {it.suggestion}") for it in found}


@pytest.mark.parametrize(
    ("text", "dialect", "syntax"),
    [
        (V1, Dialect.V1, Syntax.YAML),
        (V1.partition("---\n")[2], Dialect.V1, Syntax.YAML),
        (LOSH, Dialect.LOSH, Syntax.TOML),
        (LOSH.replace("OKH-LOSHv1.0", "2.4"), Dialect.OKH24, Syntax.TOML),
        (LOSH.replace("OKH-LOSHv1.0", "2.0"), Dialect.OKH24, Syntax.TOML),
        ("okhv: OKH-LOSHv1.0\nname: Puller\n", Dialect.LOSH, Syntax.YAML),
        ('{"title": "Puller"}', Dialect.V1, Syntax.YAML),
        ('[[part]]\nname = "x"\n', Dialect.LOSH, Syntax.TOML),
    ],
)
def test_a_manifest_is_known_by_what_it_says(text, dialect, syntax):
    written = parse_manifest(text.encode())
    assert (written.dialect, written.syntax) == (dialect, syntax)


def test_a_v1_manifest_is_read_in_our_words():
    manifest = read_manifest(V1.encode())
    assert (manifest.name, manifest.version) == ("Field microscope", "6.0")
    assert manifest.repo == "https://example.org/microscope"
    assert manifest.license == "CERN-OHL-S-2.0"
    assert manifest.licensors == ("Ada Lovelace",)
    assert manifest.function == "A microscope that is printed.\n\nSchools and clinics"
    assert manifest.image == "img/all.png"
    data = manifest.data
    assert data["source"] == ["src/body.scad", "src/lens.scad"]
    assert data["manufacturing-instructions"] == "docs/build.md"
    assert data["technology-readiness-level"] == "OTRL-3"
    assert data["documentation-readiness-level"] == "ODRL-3"
    assert data["cosmolocal"]["keywords"] == ["optics", "no"]
    assert data["cosmolocal"]["license"] == {"software": "GPL-3.0-only"}


def test_numbers_dates_and_the_word_no_stay_the_text_they_are():
    data = parse_manifest(V1.encode()).data
    assert data["version"] == "6.0"
    assert data["date-created"] == "2019-10-15"
    assert data["keywords"] == ["optics", "no"]
    assert data["made"] is True


@pytest.mark.parametrize("dialect", list(Dialect))
def test_v1_comes_back_from_every_dialect_as_it_was(dialect):
    there = write_manifest(read_manifest(V1.encode()).data, dialect)
    back = write_manifest(read_manifest(there).data, Dialect.V1)
    came, went = parse_manifest(back).data, parse_manifest(V1.encode()).data
    carried = came.pop("cosmolocal", None)
    assert carried is None or dialect is not Dialect.V1
    assert came == went
    assert list(came) == list(went)


@pytest.mark.parametrize("dialect", [Dialect.V1, Dialect.OKH24])
def test_losh_comes_back_from_every_dialect_as_it_was(dialect):
    there = write_manifest(read_manifest(LOSH.encode()).data, dialect)
    back = write_manifest(read_manifest(there).data, Dialect.LOSH)
    came, went = parse_manifest(back).data, parse_manifest(LOSH.encode()).data
    came.pop("cosmolocal", None)
    assert came == went
    assert list(came) == list(went)


def test_an_edit_made_in_other_words_is_kept_on_the_way_back():
    data = dict(read_manifest(V1.encode()).data)
    data["function"] = "A microscope for everybody."
    back = said_in(data, Dialect.V1)
    assert back["description"] == "A microscope for everybody."
    assert "intended-use" not in back
    assert back["contact"] == parse_manifest(V1.encode()).data["contact"]


def test_its_own_dialect_gives_a_manifest_back_to_the_byte():
    for text, dialect in ((V1, Dialect.V1), (LOSH, Dialect.LOSH)):
        data = read_manifest(text.encode()).data
        assert write_manifest(data, dialect, like=text.encode()) == text.encode()


def test_comments_stay_where_one_toml_dialect_becomes_another():
    data = read_manifest(LOSH.encode()).data
    text = write_manifest(data, Dialect.OKH24, like=LOSH.encode()).decode()
    assert 'okhv = "2.4"' in text
    for comment in ("# who made it", "# as on the box", "# by hand"):
        assert comment in text


def test_what_only_2_4_can_say_travels_through_losh():
    text = LOSH.replace("OKH-LOSHv1.0", "2.4").replace(
        "timestamp", 'forkOf = "https://example.org/box"\nimage = {location = "a.png", slots = '
        '["photo-thing-main"]}\ntimestamp')  # fmt: skip
    data = read_manifest(text.encode()).data
    losh = said_in(data, Dialect.LOSH)
    assert (losh["image"], "forkOf" in losh) == ("a.png", False)
    there = write_manifest(data, Dialect.LOSH)
    back = said_in(read_manifest(there).data, Dialect.OKH24)
    assert back == data


def test_every_problem_of_a_v1_manifest_is_told_at_once_with_its_line():
    text = """\
titel: Microscope
description: [value]
version:
license:
  hardware: CERN OHL v1.2
made: no
keywords: optics
image: ../../etc/passwd
contact:
  social:
    - platform: x
design-files:
  - title: Body
date-created: 15.10.2019
manifest-language: English-UK
"""
    found = check_manifest(text.encode()).findings
    assert {(it.field, it.line) for it in found} == {
        ("title", None), ("description", 2), ("version", 3), ("license.hardware", 5), ("made", 6),
        ("keywords", 7), ("image", 8), ("contact.name", 9), ("design-files[1]", 13),
        ("date-created", 14), ("manifest-language", 15), ("licensor", None),
        ("project-link", None), ("titel", 1),
    }  # fmt: skip
    told = strict(text)
    assert "rename 'titel' to 'title'" in told["title"][1]
    assert "write made: false" in told["made"][1]


@pytest.mark.parametrize(
    ("level", "advice"),
    [("Ideation", "OTRL-1"), ("OTRL4", "OTRL-4"), ("otrl-2", "OTRL-2"), ("Prototype", "OTRL-4"),
     ("some day", "OTRL-1 to OTRL-6")],
)  # fmt: skip
def test_a_readiness_level_in_prose_is_taken_and_told_with_its_id(level, advice):
    text = LOSH.replace("technologyReadinessLevel", "technology-readiness-level")
    line, said = strict(text.replace("Ideation", level))["technology-readiness-level"]
    assert (line, said.endswith(f"write {advice}")) == (9, True)
    assert read_manifest(text.encode()).data["technology-readiness-level"] == "Ideation"


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ('"Ada (Werk) <ada@example.org>"', ("Ada (Werk)",)),
        ('["Ada", "Bea <b@example.org>"]', ("Ada", "Bea")),
        ('{name = "Ada", memberOf = "Werk"}', ("Ada",)),
        ('[{name = "Ada"}, "Bea"]', ("Ada", "Bea")),
    ],
)
def test_a_licensor_may_be_text_a_list_or_a_table(written, names):
    text = LOSH.replace('"Ada (Werk) <ada@example.org>"', written)
    assert read_manifest(text.encode()).licensors == names


def test_a_path_that_begins_with_a_slash_begins_at_the_root_of_the_release():
    assert read_manifest(V1.encode()).image == "img/all.png"


def test_a_handle_without_quotes_is_told_with_its_line_and_what_to_write():
    said = one_sentence(V1.replace('"@bea"', "@bea"))
    assert "line 36: '@bea' needs quotes; write user-handle: \"@bea\"" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title: a\nproject-link: https://a\nproject-link: https://b\n",
         "line 3: 'project-link' is said again, and otherwise than in line 2"),
        ('okhv = "2.4"\nname = "a"\nname = "b"\n', "line 3: 'name = \"b\"' says again"),
        ("title: a\n---\ntitle: b\n", "line 2: a second document"),
        ("title: &a x\nversion: *a\n", "line 2: '*a' points to another place"),
        ("title: !!python/name:os.system x\n", "line 1: the tag tag:yaml.org,2002:python"),
        ("title: a: b\n", 'write title: "a: b"'),
        ("title: x\n\tversion: 1\n", "line 2"),
        ("# nothing but a template's comment\n", "holds no 'key: value' lines"),
        ("[1, 2]", "not TOML"),
        ("- a\n- b\n", "holds no 'key: value' lines"),
        ("? [a]\n: b\n", "line 1: a key must be text"),
        ('okhv = "2.4"\nname = \n', "line 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_sentence_with_its_line(text, said):
    assert said in one_sentence(text)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 1000 + "]" * 1000,
        "a = " + "{b = " * 1000 + "1" + "}" * 1000,
        ".".join("a" * 1000) + " = 1",
        "[" + ".".join("a" * 60_000) + "]",
        "a: " + "[" * 1000 + "]" * 1000,
        "\n".join(" " * n + "a:" for n in range(300)),
        "title: x\na: " + "{b: " * 40 + "1" + "}" * 40,
    ],
)
def test_a_manifest_of_a_thousand_levels_is_one_sentence(text):
    assert "nests deeper than 32 levels" in one_sentence(text)


@pytest.mark.parametrize("start", ['name = "', "title: "])
def test_a_manifest_of_ten_megabytes_is_one_sentence(start):
    assert f"{MAX_BYTES} are allowed" in one_sentence(start + "x" * 10_000_000)


def test_a_file_of_another_editor_reads_the_same():
    windows = b"\xef\xbb\xbf" + LOSH.replace("\n", "\r\n").encode()
    assert read_manifest(windows).data == read_manifest(LOSH.encode()).data


def test_losh_words_in_yaml_are_read_too():
    text = """\
okhv: OKH-LOSHv1.0
name: "Plug puller: one part"
repo: https://example.org/puller
version: 0.13.0
license: CC0-1.0
licensor: {name: Ada}
function: Pulls plugs
part:
  - {name: puller, tsdc: 3DP, export: ./stl/puller.stl, mass: 12.50}
"""
    manifest = read_manifest(text.encode())
    assert (manifest.license, manifest.version) == ("CC0-1.0", "0.13.0")
    assert (manifest.parts[0].file, manifest.parts[0].mass_g) == ("stl/puller.stl", 12.5)


def test_stored_data_of_every_dialect_is_read_again_as_it_was():
    for text in (V1, LOSH):
        manifest = read_manifest(text.encode())
        assert manifest_of(dict(manifest.data)) == manifest


def test_an_older_manifest_has_the_canonical_data_that_it_always_had():
    data = read_manifest(LOSH.encode()).data
    assert release_id(data, {}) == content_id(
        b'{"files":{},"manifest":{"function":"Holds things","license":"CERN-OHL-S-2.0",'
        b'"licensor":"Ada (Werk) <ada@example.org>","name":"Crate","okhv":"OKH-LOSHv1.0",'
        b'"part":[{"name":"wall","source":"wall.py"}],"repo":"https://example.org/crate",'
        b'"technologyReadinessLevel":"Ideation","timestamp":1700000000,"version":"2.1.0"}}'
    )


@pytest.mark.parametrize("left", ["[value]", "<name of the design>", "{{ title }}", "TODO", "TBD."])
def test_what_a_template_left_in_a_field_that_must_be_known_is_refused(left):
    text = LOSH.replace('"Crate"', f'"{left}"')
    (found,) = check_manifest(text.encode()).lenient
    assert (found.field, found.line) == ("name", 3)
    assert "still holds what the template says" in found.problem


@pytest.mark.parametrize("name", ["TODO board", "Box [large]", "A <-> B", "Ada <ada@example.org>"])
def test_a_name_that_only_resembles_a_template_is_taken(name):
    assert read_manifest(LOSH.replace('"Crate"', f'"{name}"').encode()).name == name


def test_a_number_with_a_fraction_comes_back_from_v1_as_the_number_that_it_was() -> None:
    text = LOSH.replace('version = "2.1.0"', "version = 2.1") + "mass = 200.0\n"
    as_v1 = write_manifest(read_manifest(text.encode()).data, Dialect.V1)
    assert b"version: '2.1'" in as_v1
    back = said_in(read_manifest(as_v1).data, Dialect.LOSH)
    assert (back["version"], back["part"][0]["mass"]) == (2.1, 200.0)
    assert parse_manifest(b"title: x\nversion: 2.1\n").data["version"] == "2.1"
