"""Forks: their parents in the manifest, and the dated notice of what was changed."""

import tomllib
from datetime import date
from pathlib import Path

import pytest

from commons.errors import InvalidInput
from commons.lineage import (
    Parent,
    change_notice,
    name_parents,
    parents_of,
    require_change,
)
from commons.manifest import read_manifest
from tests.unit.test_manifest_dialects import V1

A, B = "a" * 64, "b" * 64
DESIGNS = sorted((Path(__file__).parents[2] / "designs").glob("*/okh.toml"))
PARENT = Parent(A, "Hook", "1.2.0", "CERN-OHL-S-2.0", "https://example.org/releases/a")


@pytest.mark.parametrize("path", DESIGNS, ids=lambda it: it.parent.name)
def test_parents_are_put_into_any_manifest_and_nothing_else_changes(path):
    text = path.read_text()
    once, twice = name_parents(text, (A,)), name_parents(name_parents(text, (A,)), (A, B))
    assert parents_of(tomllib.loads(once)) == (A,)
    assert parents_of(tomllib.loads(twice)) == (A, B)
    told = tomllib.loads(twice)
    own = told["cosmolocal"]
    del own["parents"]
    before = tomllib.loads(text)
    assert told == before | {"cosmolocal": before.get("cosmolocal", {})}


@pytest.mark.parametrize(
    "text",
    [
        '[cosmolocal] # ours\nkeywords = ["a"]\n[part]\nx = 1\n',
        '[cosmolocal]\nparents = [\n  "old",\n]\nk = 1\n\n[[part]]\nparents = ["kept"]\n',
        "",
    ],
)
def test_comments_and_other_tables_stay(text):
    put = name_parents(text, (A,))
    assert parents_of(tomllib.loads(put)) == (A,)
    assert ("# ours" in put, '"kept"' in put) == ("# ours" in text, '"kept"' in text)


@pytest.mark.parametrize("text", ['cosmolocal = { keywords = ["a"] }\n', "= wrong"])
def test_where_they_cannot_be_put_in_the_author_is_told_what_to_write(text):
    with pytest.raises(InvalidInput, match=rf'parents = \["{A}"\]'):
        name_parents(text, (A,))


@pytest.mark.parametrize("written", ["x", [1], ["abc"], [A.upper()], [A] * 21])
def test_what_is_no_list_of_releases_is_refused_by_its_field(written):
    with pytest.raises(InvalidInput) as refused:
        parents_of({"cosmolocal": {"parents": written}})
    assert refused.value.fields[0].field == "cosmolocal.parents"


def test_a_change_notice_is_dated_and_grows_at_its_end():
    first = change_notice("", PARENT, by="Bea", change="A longer\narm.", on=date(2026, 11, 30))
    assert first == (
        "# Changes\n\n- 2026-11-30: Bea changed Hook 1.2.0 (CERN-OHL-S-2.0, "
        f"<https://example.org/releases/a>, release {A}): A longer arm.\n"
    )
    second = change_notice(first, PARENT, by="Cem", change="Red.", on=date(2027, 1, 2))
    assert second.startswith(first)
    assert second.splitlines()[3].startswith("- 2027-01-02: Cem changed")


@pytest.mark.parametrize("change", ["", " ", "x" * 1001])
def test_a_fork_says_what_it_changes(change):
    with pytest.raises(InvalidInput):
        require_change(change)


def test_a_manifest_in_yaml_names_its_parents_too():
    put = name_parents(V1, (A,))
    manifest = read_manifest(put.encode())
    assert parents_of(manifest.data) == (A,)
    before = dict(read_manifest(V1.encode()).data)
    after = dict(manifest.data)
    for data in (before, after):
        data.pop("cosmolocal")
    assert after == before
