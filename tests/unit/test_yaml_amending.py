"""A manifest in YAML is amended where it stands: comments, order and spelling stay."""

import pytest

from commons.errors import ManifestInvalid
from commons.lineage import name_parents
from commons.manifest import answer_questions
from commons.manifest.yaml_amending import amend_yaml
from commons.manifest.yaml_text import read_yaml

TEXT = """%Open Know-How Manifest 1.0
---
# who and what
title: Lamp      # short
description: >
  A lamp
  that folds.

# the terms
license:
  hardware:      # to be chosen
  documentation: CC-BY-4.0
keywords:
# two
- light
- paper
bom: bom.csv     # list
# the end
"""
PARENT = "a" * 64


def test_answers_stand_where_the_questions_were() -> None:
    answers = {"name": "Lamp: new", "license": "CERN-OHL-S-2.0", "version": "1.0"}
    amended = answer_questions(TEXT.encode(), answers).decode()
    assert amended == (
        TEXT.replace("title: Lamp ", "title: 'Lamp: new' ")
        .replace("hardware: ", "hardware: CERN-OHL-S-2.0 ")
        .replace("# the end", "version: '1.0'\n# the end")
    )


def test_parents_are_named_below_all_else_and_named_anew_in_their_place() -> None:
    named = TEXT.replace("# the end", f"cosmolocal:\n  parents:\n  - {PARENT}\n# the end")
    assert name_parents(TEXT, (PARENT,)) == named
    again = named.replace(f"parents:\n  - {PARENT}", f"parents: [{'b' * 64}]")
    assert name_parents(named, ("b" * 64,)) == again


def test_ends_of_lines_stay_as_they_were() -> None:
    amended = answer_questions(TEXT.replace("\n", "\r\n").encode(), {"name": "Bowl"}).decode()
    assert amended == TEXT.replace("title: Lamp", "title: Bowl").replace("\n", "\r\n")


@pytest.mark.parametrize(
    "text", ["{title: A}", "title: A\ntitle: A\n", "? title\n: A\n", "title: A"]
)
def test_whatever_its_form_it_says_what_it_was_told(text: str) -> None:
    assert read_yaml(amend_yaml(text, {"title": "B"}))[0] == {"title": "B"}


def test_what_cannot_be_read_is_not_amended() -> None:
    with pytest.raises(ManifestInvalid, match="points to another place"):
        amend_yaml("a: &x b\nc: *x\n", {})
