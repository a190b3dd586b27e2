"""The strict answer to OKH 2.4 beside its published JSON schema (SchemaStore, okh.json).

Each row was read in the schema: what is added to a manifest, and whether the schema takes it. Where
we answer otherwise, the row says why.
"""

import pytest

from commons.manifest import check_manifest

BASE = """\
okhv = "2.4"
name = "Lamp"
repo = "https://example.org/lamp"
license = "CERN-OHL-S-2.0"
licensor = "Ada <ada@example.org>"
function = "Gives light"
documentation-language = "en"
"""
TAKEN = [
    "",
    'cpc-patent-class = "A47C 16/04"',
    'cpc-patent-class = "F16M11/2078"',
    'cpc-patent-class = ["G01N", "D03D 35/00"]',
    "mass = 0.5",
    "outer-dimensions = {width = 1, depth = 2.5, height = 3}",
    'image = "a.png"',
    'image = ["a.png", "https://example.org/b.png"]',
    'image = {location = "a.png", depicts = "A lamp", slots = ["logo", "c_own"], tags = ["bw"]}',
    'image = {location = "a.png", depicts = [{text = "Eine Lampe", language = "de"}]}',
    'forkOf = "https://example.org/first"',
    'rdf = {namespace = "https://example.org/x#", prefix = "x"}',
    'attestation = ["https://certification.oshwa.org/de000001.html"]',
    '[[software]]\nrelease = "https://example.org/1"\ninstallation-guide = "INSTALL.md"',
    '[[part]]\nname = "shade"\nsource = "a.FCStd"\ntsdc = ["MEC"]\nmass = 3',
    '[[part]]\nname = "shade"\nexport = ["a.stl"]',
]
REFUSED = [
    ('cpc-patent-class = "A47I 16/04"', "cpc-patent-class"),
    ('cpc-patent-class = "A47C 16"', "cpc-patent-class"),
    ("mass = 0", "mass"),
    ('mass = "3 g"', "mass"),
    ("outer-dimensions = {width = 1, depth = 2}", "outer-dimensions.height"),
    ("outer-dimensions = {width = 1, depth = 2, height = -1}", "outer-dimensions.height"),
    ('image = {depicts = "A lamp"}', "image.location"),
    ('image = {location = "a.png", slots = ["front"]}', "image.slots"),
    ('image = {location = "a.png", tags = ["nice"]}', "image.tags"),
    ('image = {location = "a.png", by = "Ada"}', "image.by"),
    ('image = {location = "a.png", depicts = {text = "x"}}', "image.depicts"),
    ('image = "ftp://example.org/a.png"', "image"),
    ('forkOf = "lamp"', "forkOf"),
    ('rdf = {prefix = "x"}', "rdf.namespace"),
    ('[[software]]\nname = "OpenSCAD"', "software[1].release"),
    ('[[part]]\nname = "shade"\nexport = "a.stl"\nquantity = 5', "part[1].quantity"),
    ('[[part]]\nname = "shade"\nexport = "a.stl"\nsource = "a.scad"', "part[1].export"),
    ('bom = ["a.csv", "b.csv"]', "bom"),
    ('technology-readiness-level = "OTRL-7"', "technology-readiness-level"),
    ('keywords = ["light"]', "keywords"),
]
OTHERWISE = [
    # The schema pins okhv to the version before; the specification's own text says "2.4".
    ("", True),
    # The schema takes a list alone; text and template take one, too.
    ('standard-compliance = "DIN SPEC 3105"', True),
    # The schema leaves out what the text says of production.
    ('[[part]]\nname = "shade"\nexport = "a.stl"\nmaterial = "PLA"', True),
    # Two slashes in a row name no folder.
    ('attestation = ["built//by me"]', False),
    # The schema takes any; the text has a list of them.
    ('tsdc = ["XYZ"]', False),
]


def minded(added: str) -> set[str]:
    """The fields that a strict reader minds. That a version is missing is right, and asked."""
    answer = check_manifest((BASE + added).encode())
    assert [it.field for it in answer.needed] == ["version"]
    return {it.field for it in answer.strict}


@pytest.mark.parametrize("added", TAKEN)
def test_what_the_published_schema_takes_nobody_minds(added: str) -> None:
    assert minded(added) == set()


@pytest.mark.parametrize(("added", "field"), REFUSED)
def test_what_the_published_schema_refuses_is_minded_at_its_field(added: str, field: str) -> None:
    assert field in minded(added)


@pytest.mark.parametrize(("added", "taken"), OTHERWISE)
def test_where_the_text_says_otherwise_than_the_schema_the_text_counts(
    added: str, taken: bool
) -> None:
    assert (not minded(added)) is taken


@pytest.mark.parametrize("written", ["OTRL5", "otlr:OTLR-5", "OTRL 5"])
def test_a_level_as_crawlers_wrote_it_is_told_as_it_is_written(written: str) -> None:
    answer = check_manifest(f'{BASE}technology-readiness-level = "{written}"'.encode())
    assert [it.suggestion for it in answer.strict] == ["write OTRL-5"]


def test_what_a_template_left_to_be_filled_in_is_no_name() -> None:
    answer = check_manifest(BASE.replace('"Lamp"', '"FIXME Produktname"').encode())
    assert [it.field for it in answer.lenient] == ["name"]
