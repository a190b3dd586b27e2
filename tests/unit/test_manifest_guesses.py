"""Guesses from README, licence and files, and answers that are written into a manifest."""

from pathlib import Path

import pytest

from commons.manifest import (
    answer_questions,
    check_manifest,
    guess_fields,
    new_manifest,
    questions_in,
    read_manifest,
    texts_to_read,
)
from tests.unit.test_manifest_dialects import LOSH, V1

README = """\
<img src="x.png">

# **Shelf** [hook](https://example.org) #

![a picture](a.png)

Hangs a bag
on a `shelf`.

## Licence
"""
MIT = """\
MIT License

Copyright (c) 2019-2021 Ada Lovelace

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


def test_a_readme_tells_name_and_purpose_and_says_where_that_was_seen():
    found = guess_fields({"README.md": README})
    assert (found["name"].value, found["function"].value) == (
        "Shelf hook",
        "Hangs a bag on a shelf.",
    )
    assert found["name"].why == "the title of README.md"


def test_a_licence_is_known_by_its_whole_text_alone():
    found = guess_fields({"LICENSE": MIT})
    assert (found["license"].value, found["licensor"].value) == ("MIT", "Ada Lovelace")
    assert "license" not in guess_fields({"LICENSE": MIT.replace("free of charge", "for a fee")})


def test_a_licence_is_known_by_its_tag_and_one_whose_text_leaves_it_open_is_asked():
    tagged = guess_fields({"LICENSE": "SPDX-License-Identifier: CERN-OHL-S-2.0\n"})
    assert tagged["license"].value == "CERN-OHL-S-2.0"
    ours = (Path(__file__).parents[2] / "LICENSE").read_text()
    asked = guess_fields({"LICENSE": ours})["license"]
    assert asked.value == ""
    assert "AGPL-3.0-only or AGPL-3.0-or-later" in asked.why


def test_files_become_a_manifest_by_their_kind():
    paths = ["README.md", "a/left-wall.dxf", "hook.STL", "bom.csv", "images/all.png", "x.scad"]
    text = new_manifest(paths)
    data = check_manifest(text)
    assert set(questions_in(data.findings)) == {
        "name", "version", "license", "licensor", "function", "repo"
    }  # fmt: skip
    answers = {"name": "Hook", "version": "1.0.0", "license": "MIT", "licensor": "Ada",
               "function": "Hangs", "repo": "https://example.org/hook"}  # fmt: skip
    manifest = read_manifest(answer_questions(text, answers))
    assert [(part.name, part.file) for part in manifest.parts] == [
        ("left wall", "a/left-wall.dxf"), ("hook", "hook.STL")
    ]  # fmt: skip
    assert (manifest.readme, manifest.bom, manifest.image) == (
        "README.md", "bom.csv", "images/all.png"
    )  # fmt: skip
    assert texts_to_read(paths) == ["README.md"]


def test_answers_stand_in_the_manifest_in_its_own_words():
    text = V1.replace("version: 6.0\n", "").replace("  hardware: CERN-OHL-S-2.0\n", "")
    found = questions_in(check_manifest(text.encode()).findings)
    assert set(found) == {"version", "license"}
    mended = answer_questions(text.encode(), {"version": "6.0", "license": "CERN-OHL-S-2.0"})
    assert read_manifest(mended).data.keys() == read_manifest(V1.encode()).data.keys()
    assert read_manifest(mended).version == "6.0"


def test_answers_leave_the_comments_of_a_toml_file():
    text = LOSH.replace('version = "2.1.0"\n', "")
    mended = answer_questions(text.encode(), {"version": "2.1.0", "name": " "}).decode()
    assert "# by hand" in mended
    assert read_manifest(mended.encode()).data == read_manifest(LOSH.encode()).data


@pytest.mark.parametrize("text", ["", "# \n", "#" * 60_000, "[" * 60_000, "copyright " * 6_000])
def test_a_strange_readme_is_guessed_at_in_no_time(text):
    assert guess_fields({"README.md": text})["version"].value == "0.1.0"
