"""Traps that manifests in public repositories hold, each with another design's words around it.

What a reader cannot do without is wrong, the rest is minded by the strict answer alone; and through
every dialect's file each comes back as it was.
"""

import pytest

from commons.errors import ManifestInvalid
from commons.manifest import Dialect, check_manifest, parse_manifest, said_in, write_manifest
from commons.manifest.translation import translate
from commons.manifest.v1_and_okh import way_from_v1

LOSH = """\
okhv = "OKH-LOSHv1.0" # not to be changed
name = "Lamp"
repo = "https://example.org/lamp"
version = "1.0"
license = "CERN-OHL-S-2.0"
licensor = "Ada"
function = "Gives light"
documentation-language = "en"
"""
OKH24 = LOSH.replace("OKH-LOSHv1.0", "2.4")
V1 = """\
title: Lamp      # required | text
description: |   # required | paragraph
  Gives light.
project-link: https://example.org/lamp
licensor:
  name: Ada
"""
LICENSED = V1 + "license:\n  hardware: CERN-OHL-S-2.0\n"
PART = '\n[[part]]\nname = "shade"\nsource = "shade.scad"\n'
# What stands in it, the fields that are wrong, and those that only a strict reader minds.
TRAPS = {
    "an empty picture": (LOSH + 'image = ""\n' + PART + 'image = ""\n', "", ""),
    "sizes as text": (
        LOSH + 'mass= 2000.0\n\n[outer-dimensions]\nwidth = "250"\ndepth = "5"\nheight = "5"\n',
        "", "outer-dimensions.width outer-dimensions.depth outer-dimensions.height",
    ),
    "a solid for a size": (
        LOSH + 'outer-dimension-dim = "mm"\nouter-dimension = "cube(size = [165,140,30])"\n',
        "", "outer-dimension-dim outer-dimension",
    ),
    "older tables": (
        LOSH + PART + '[[part.mass]]\nvalue = 30\nunit = "g"\n[[part.outer-dimensions]]\n'
        'openSCAD = "cylinder(h=30, r=28)"\nunit = "mm"\n',
        "", "part[1].mass part[1].outer-dimensions",
    ),
    "names that changed since": (
        LOSH.replace("OKH-LOSHv1.0", "2.0") + 'tsdc-id = "MEC"\npatent-class = "D03D 35/00"\n',
        "", "okhv tsdc-id patent-class",
    ),
    "an older spelling": (LOSH + 'organisation = "Co"\n', "", "organisation"),
    "criteria that are no more": (LOSH + 'tsdc = ["PCB", "STD"]\n', "", "tsdc"),
    "several bills": (OKH24 + 'bom = ["a.csv", "b.csv"]\n', "", "bom"),
    "another schema": (OKH24 + '"$schema" = "https://example.org/x.json"\n', "", "$schema"),
    "a template": (
        OKH24.replace('"Lamp"', '"FIXME name"') + "mass = 0  # FIXME\n", "name", "mass",
    ),
    "a table of licences": (
        LOSH.replace('license = "CERN-OHL-S-2.0"\n', "")
        + '[license]\nhardware = "MIT"\nsoftware = "MIT"\n', "license", "",
    ),
    "yaml with the words of toml": (
        "okhv: OKH-LOSHv1.0\nname: Lamp\nrepo: https://example.org/lamp\nversion: 0.13.0\n"
        "license: MIT\nlicensor:\n  name: Ada\nfunction: x\ndocumentation-language: en\n"
        "keywords:\n  - light\n", "", "keywords",
    ),
    "a licence in words": (
        V1 + "version: 2.02 # text\nlicense:\n"
        "  documentation:  Creative Commons Attribution-ShareAlike 4.0 International License\n",
        "license.documentation", "",
    ),
    "a licence that may be several": (
        V1 + "license:\n  hardware: CERN OHL\n  #software: MIT\n", "license.hardware", "",
    ),
    "languages in words": (
        LICENSED + "documentation-language: English-UK\nversion: 1.1\n",
        "", "documentation-language",
    ),
    "an address that ends in a blank": (
        LICENSED + 'documentation-home: "https://example.org/lamp "\nversion: "1.0"\n', "", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_is_told_at_its_field_and_no_other(trap: str) -> None:
    text, wrong, minded = TRAPS[trap]
    answer = check_manifest(text.encode())
    assert {it.field for it in answer.lenient} == set(wrong.split())
    assert {it.field for it in answer.strict} == {*wrong.split(), *minded.split()}


@pytest.mark.parametrize("trap", TRAPS)
def test_what_holds_a_trap_comes_back_from_every_dialects_file(trap: str) -> None:
    written = parse_manifest(TRAPS[trap][0].encode())
    is_v1 = written.dialect is Dialect.V1
    ours = translate(written.data, way_from_v1(Dialect.OKH24)) if is_v1 else written.data
    home = Dialect.OKH24 if is_v1 else written.dialect
    for to in Dialect:
        back = parse_manifest(write_manifest(ours, to)).data
        if to is Dialect.V1:
            back = translate(back, way_from_v1(home))
        assert said_in(back, written.dialect) == written.data


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LOSH + 'image = "a.png"\nimage = "b.png"\n', "line 10: .* says again"),
        (LICENSED + "project-link: https://example.org/b\n", "line 9: .* is said again"),
        (LICENSED + "contact:\n  name: @ada\n", 'line 10: .* needs quotes; write name: "@ada"'),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_line_and_what_to_write(text: str, said: str) -> None:
    with pytest.raises(ManifestInvalid, match=said):
        parse_manifest(text.encode())


@pytest.mark.parametrize("text", [LOSH.replace("Ada", "Ada\\u0000"), LICENSED + 'image: "\\0"\n'])
def test_the_character_that_no_database_keeps_is_in_no_manifest(text: str) -> None:
    with pytest.raises(ManifestInvalid, match=r"U\+0000"):
        parse_manifest(text.encode())
