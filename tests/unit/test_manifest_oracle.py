"""The strict answer to OKH 2.4 and the published JSON schema say the same, value by value.

`SCHEMA` says in few words what okh.json of SchemaStore says (Apache-2.0, read in November 2026).
A validator judges each value by it, and so do we; where we answer otherwise, `OTHERWISE` has why.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import validator_for

from commons.manifest import check_manifest
from commons.manifest.toml_text import write_toml

TEXT = {"type": "string"}
WEB = {"type": "string", "pattern": "^https?://"}
OUTSIDE = ["^[a-z]*:", "^//", r"(?:.*/)?\.\.(?:/.*)?"]
PATH = {"type": "string", "anyOf": [WEB, {"not": {"anyOf": [{"pattern": it} for it in OUTSIDE]}}]}
POSITIVE = {"type": "number", "exclusiveMinimum": 0}
LANGUAGE = {"type": "string", "pattern": "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"}  # its common half
CPC = {"type": "string", "pattern": "^[A-HY][0-9]{2}[A-HJ-NP-Z]( ?[12]?[0-9]{1,3}/[0-9]{2,6})?$"}
SLOTS = ["icon-main", "icon-main-bw", "logo", "logo-bw", "model-3d", "model-from-back",
         "model-from-below", "model-from-front", "model-from-left", "model-from-right",
         "model-from-above", "model-main", "organization-logo", "organization-logo-bw",
         "photo-packaging", "photo-thing-main", "social", "symbol"]  # fmt: skip
TAGS = ["art", "bw", "color", "diagram", "drawing", "gray", "icon", "logo", "model", "photo",
        "screenshot"]  # fmt: skip
ADDRESSES = ["https://www.schemastore.org/okh.json", "https://w3id.org/oseg/schema/okh.json"]


def some(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def one_or_some(item: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [item, some(item)]}


def table(required: str, **properties: dict[str, Any]) -> dict[str, Any]:
    named = {key.replace("_", "-"): value for key, value in properties.items()}
    return {"type": "object", "required": required.split(), "properties": named,
            "additionalProperties": False}  # fmt: skip


def words(known: list[str]) -> dict[str, Any]:
    return some({"type": "string", "anyOf": [{"enum": known}, {"pattern": "^c_[0-9a-z._-]+$"}]})


TOLD = table("text language", text=TEXT, language=LANGUAGE)
PICTURE = table("location", location=PATH, slots=words(SLOTS), tags=words(TAGS),
                depicts={"anyOf": [TEXT, *one_or_some(TOLD)["anyOf"]]})  # fmt: skip
PICTURES = {"anyOf": [*one_or_some(PATH)["anyOf"], *one_or_some(PICTURE)["anyOf"]]}
BOX = table("width depth height", width=POSITIVE, depth=POSITIVE, height=POSITIVE)
PART = table("name", name=TEXT, source=one_or_some(PATH), export=one_or_some(PATH), image=PICTURES,
             auxiliary=one_or_some(PATH), mass=POSITIVE, outer_dimensions=BOX,
             tsdc=one_or_some(TEXT))  # fmt: skip
PART["oneOf"] = [{"required": ["source"]}, {"required": ["export"]}]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["okhv", "name", "repo", "license", "licensor", "function"],
    "properties": {
        **dict.fromkeys(["name", "function", "license", "version"], TEXT),
        "okhv": {"enum": ["2.4"]},  # it pins the version before
        "$schema": {"enum": ADDRESSES},
        "licensor": one_or_some({"type": ["string", "object"]}),
        "repo": WEB,
        "forkOf": WEB,
        **dict.fromkeys(["bom", "readme", "release", "contribution-guide", "user-manual"], PATH),
        **dict.fromkeys(
            ["source", "export", "auxiliary", "attestation", "manufacturing-instructions"],
            one_or_some(PATH),
        ),
        "documentation-language": one_or_some(LANGUAGE),
        "technology-readiness-level": {"enum": [f"OTRL-{n}" for n in range(1, 7)]},
        "documentation-readiness-level": {
            "enum": ["ODRL-1", "ODRL-2", "ODRL-3", "ODRL-3*", "ODRL-4"]
        },
        "cpc-patent-class": one_or_some(CPC),
        "tsdc": one_or_some(TEXT),
        "standard-compliance": some(TEXT),
        "organization": one_or_some({"type": ["string", "object"]}),
        "image": PICTURES,
        "mass": POSITIVE,
        "outer-dimensions": BOX,
        "part": some(PART),
        "software": some(table("release", release=PATH, installation_guide=PATH)),
        "rdf": table("namespace", namespace=TEXT, prefix=TEXT),
    },
}
takes = validator_for(SCHEMA).is_valid
BASE = {
    "okhv": "2.4", "name": "Lamp", "repo": "https://example.org/lamp", "license": "CERN-OHL-S-2.0",
    "licensor": "Ada <ada@example.org>", "function": "Gives light", "documentation-language": "en",
}  # fmt: skip

PATHS = ["a//b.md", "a..b.md", "a.md", "/docs/a.md", "docs/a b.md", "https://example.org/a",
         "../a.md", "//host/a", "docs/../a.md", "ftp://example.org/a", "mailto:ada@example.org",
         3, True]  # fmt: skip
LISTED = [*PATHS, ["a.md"], ["a.md", "https://example.org/b"], ["a.md", "../b"], [3], []]
NUMBERS = [1, 0.5, 0, -1, "3", "3 g", True]
SIZES = [{"width": 1, "depth": 2, "height": 3}, {"width": 1.5, "depth": 2, "height": 0.1},
         {"width": 1, "depth": 2}, {"width": 1, "depth": 2, "height": 0},
         {"width": 1, "depth": 2, "height": 3, "unit": "mm"}, 3, "1x2x3"]  # fmt: skip
IMAGES: list[Any] = [
    *LISTED,
    {"location": "a.png"},
    {"location": "../a.png"},
    {"depicts": "x"},
    {"location": "a.png", "depicts": "x"},
    {"location": "a.png", "depicts": 3},
    {"location": "a.png", "depicts": {"text": "x", "language": "en"}},
    {"location": "a.png", "depicts": {"text": "x"}},
    {"location": "a.png", "depicts": [{"text": "x", "language": "de-AT"}]},
    {"location": "a.png", "slots": ["logo", "c_own.1"]},
    {"location": "a.png", "slots": ["front"]},
    {"location": "a.png", "slots": "logo"},
    {"location": "a.png", "tags": ["photo"]},
    {"location": "a.png", "tags": ["nice"]},
    {"location": "a.png", "by": "Ada"},
    [{"location": "a.png"}, {"location": "b.png"}],
]
TEXTS = ["x", 3, ["x"], {"name": "x"}, True]
VALUES: dict[str, list[Any]] = {
    "$schema": [*ADDRESSES, "https://example.org/okh.json", 3],
    "forkOf": ["https://example.org/a", "lamp", "ftp://example.org", 3],
    **dict.fromkeys(["bom", "readme", "release", "contribution-guide", "user-manual"], LISTED),
    **dict.fromkeys(
        ["source", "export", "auxiliary", "attestation", "manufacturing-instructions"], LISTED
    ),
    "documentation-language": ["en", "de-AT", ["en", "ca"], "English language", 3, ["e"]],
    "technology-readiness-level": ["OTRL-1", "OTRL-6", "OTRL-7", "OTRL1", 3, ["OTRL-1"]],
    "documentation-readiness-level": ["ODRL-3*", "ODRL-4", "ODRL-5", "ODRL-2*", 1],
    "cpc-patent-class": ["A47C", "A47C 16/04", "F16M11/2078", "H02J 1/123456",
                         ["G01N", "D03D 35/00"], "A47I", "A47C 16", "Z01A", "A47C  1/00", 3,
                         ["A47"]],
    "tsdc": ["3DP", ["ASM", "CNC"], "XYZ", 3, ["MEC", 3]],
    "standard-compliance": [["DIN SPEC 3105"], "DIN SPEC 3105", [3], 3],
    "organization": [*TEXTS, ["x", "y"], [{"name": "x"}]],
    "image": IMAGES,
    "mass": NUMBERS,
    "outer-dimensions": SIZES,
    "part": [
        *([{"name": "a", "source": it}] for it in LISTED),
        *([{"name": "a", "export": it}] for it in LISTED),
        *([{"name": "a", "export": "a.stl", "image": it}] for it in IMAGES),
        *([{"name": "a", "export": "a.stl", "auxiliary": it}] for it in LISTED),
        *([{"name": "a", "export": "a.stl", "mass": it}] for it in NUMBERS),
        *([{"name": "a", "export": "a.stl", "outer-dimensions": it}] for it in SIZES),
        *([{"name": "a", "export": "a.stl", "tsdc": it}] for it in ("CNC", ["CNC"], "XYZ", 3)),
        [{"name": "a"}],
        [{"source": "a.scad"}],
        [{"name": 3, "source": "a.scad"}],
        [{"name": "a", "source": "a.scad", "export": "a.stl"}],
        [{"name": "a", "export": "a.stl", "quantity": 5}],
        [{"name": "a", "export": "a.stl", "material": "PLA"}],
        [{"name": "a", "source": "a"}, {"name": "b", "export": "b"}],
        {"name": "a", "source": "a"},
        "a",
    ],
    "software": [[{"release": "1.zip"}], [{"release": "1.zip", "installation-guide": "a.md"}],
                 [{"name": "a"}], [{"release": "../a"}], [{"release": "a", "name": "b"}], "a",
                 {"release": "a"}],
    "rdf": [{"namespace": "https://example.org/x#"}, {"namespace": "x", "prefix": "y"},
            {"prefix": "y"}, {"namespace": 3}, {"namespace": "x", "more": "y"}, "x"],
    "keywords": ["light"],
}  # fmt: skip


def _everywhere(path: str) -> list[tuple[str, Any]]:
    """Each case that holds this path, whichever key it stands at."""
    return [(key, it) for key, values in VALUES.items() for it in values
            if f"'{path}'" in repr(it)]  # fmt: skip


# What we answer otherwise on purpose, and why.
OTHERWISE: dict[str, list[tuple[str, Any]]] = {
    "two slashes in a row name no folder": _everywhere("a//b.md"),
    "two dots within a name lead nowhere": _everywhere("a..b.md"),
    "the text has a list of them, the schema takes any": [
        ("tsdc", "XYZ"), ("part", [{"name": "a", "export": "a.stl", "tsdc": "XYZ"}]),
    ],
    "text and template take one, too": [("standard-compliance", "DIN SPEC 3105")],
    "the text has words for production": [
        ("part", [{"name": "a", "export": "a.stl", "material": "PLA"}]),
    ],
}  # fmt: skip
NAMED = [it for named in OTHERWISE.values() for it in named]
CASES = [(key, value) for key, values in VALUES.items() for value in values]
SAME = [case for case in CASES if case not in NAMED]


def minded(manifest: dict[str, Any]) -> list[str]:
    """What a strict reader minds. A version is asked for, and minded by nobody."""
    answer = check_manifest(write_toml(manifest).encode())
    assert [it.field for it in answer.needed] == ["version"]
    return [str(it) for it in answer.strict]


def test_each_value_is_taken_or_refused_as_the_schema_does() -> None:
    assert minded(BASE) == [] and takes(BASE)
    assert len({takes(BASE | dict([case])) for case in CASES}) == 2
    for case in SAME:
        found = minded(BASE | dict([case]))
        assert takes(BASE | dict([case])) is not bool(found), (case, found)


@pytest.mark.parametrize("why", OTHERWISE)
def test_where_we_answer_otherwise_it_is_so_and_named(why: str) -> None:
    for case in OTHERWISE[why]:
        assert case in CASES
        assert takes(BASE | dict([case])) is bool(minded(BASE | dict([case]))), case


@given(st.lists(st.sampled_from(SAME), max_size=6).map(dict))
def test_several_values_at_once_are_taken_or_refused_as_the_schema_does(
    values: dict[str, Any],
) -> None:
    found = minded(BASE | values)
    assert takes(BASE | values) is not bool(found), found
