"""Whatever a manifest holds, another dialect's words carry it there and back."""

import json
import string

from hypothesis import given
from hypothesis import strategies as st

from commons.manifest import Dialect, parse_manifest, said_in
from commons.manifest import v1 as v1_words
from commons.manifest.okh_strict import KNOWN as OKH_WORDS
from commons.manifest.toml_text import read_toml, write_toml
from commons.manifest.translation import translate
from commons.manifest.v1_and_okh import way_from_v1, way_to_losh
from commons.manifest.yaml_amending import amend_yaml
from commons.manifest.yaml_text import read_yaml, write_yaml

texts = st.one_of(
    st.sampled_from(["", "no", "yes", "6.0", "1e3", "2020-01-01", "null", "~", "@x", "a: b", "#1",
                     "- a", "0x1F", "01", "[value]", "https://example.org/x", "OTRL-4", "a\nb",
                     " x ", "prototype", "true", "1_000", "12:30:45", "=", "<<", "\u2028", "é"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)  # fmt: skip
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**50), 2**50), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
documents = st.lists(st.fixed_dictionaries({"path": texts}, optional={"title": texts}), max_size=3)
people = st.fixed_dictionaries(
    {}, optional={"email": texts, "name": texts, "affiliation": texts, "memberOf": texts}
)
likely = st.one_of(texts, st.booleans(), documents, people, st.lists(texts, max_size=3), values)
own_words = st.text(string.ascii_letters + "-", min_size=1, max_size=8)


broken = st.floats(allow_nan=False, allow_infinity=False)


def manifests(words: frozenset[str], *more: st.SearchStrategy[object]):
    keys = st.one_of(st.sampled_from(sorted(words - {"cosmolocal"})), own_words)
    plain = st.dictionaries(keys, st.one_of(likely, *more), max_size=10)
    own = st.dictionaries(st.sampled_from(["keywords", "since"]), st.one_of(values, *more))
    return st.one_of(plain, st.builds(lambda it, mine: it | {"cosmolocal": mine}, plain, own))


def as_written(value: object) -> str:
    """Equal only if keys stand in the same order, too."""
    return json.dumps(value)


@given(manifests(v1_words.KNOWN))
def test_v1_comes_back_as_it_was(data):
    for way in (way_from_v1(Dialect.OKH24), way_from_v1(Dialect.LOSH)):
        assert as_written(translate(translate(data, way), way.back)) == as_written(data)


@given(manifests(OKH_WORDS, broken))
def test_okh_comes_back_from_v1_as_it_was_also_when_that_was_text_meanwhile(data):
    for home in (Dialect.OKH24, Dialect.LOSH):
        way = way_from_v1(home).back
        said = translate(data, way)
        assert as_written(translate(said, way.back)) == as_written(data)
        told = read_yaml(write_yaml(said))[0] if said else {}
        assert as_written(translate(told, way.back)) == as_written(data)


@given(manifests(OKH_WORDS))
def test_both_forms_of_toml_come_back_from_each_other_as_they_were(data):
    for way in (way_to_losh(), way_to_losh().back):
        assert as_written(translate(translate(data, way), way.back)) == as_written(data)


@given(st.dictionaries(texts, values, max_size=6))
def test_yaml_says_what_it_was_told(data):
    assert as_written(read_yaml(write_yaml(data))[0] if data else {}) == as_written(data)


@given(st.dictionaries(texts, values, max_size=6))
def test_toml_says_what_it_was_told(data):
    assert read_toml(write_toml(data))[0] == data


@given(manifests(OKH_WORDS), manifests(OKH_WORDS))
def test_an_amended_file_says_what_it_was_told(before, after):
    text = "# a comment\n" + write_toml(before)
    assert read_toml(write_toml(after, like=text))[0] == after


@given(
    st.dictionaries(own_words, values, min_size=1, max_size=6),
    st.dictionaries(own_words, values, max_size=3),
    st.booleans(),
)
def test_amended_yaml_says_what_it_was_told_and_keeps_every_comment(before, new, crlf):
    lines = write_yaml(before).splitlines(keepends=True)
    keys = [f"{it}:" for it in before]
    text = "".join(f"# above {n}\n{it}" if it.startswith(tuple(keys)) else it
                   for n, it in enumerate(lines))  # fmt: skip
    text = text.replace("\n", "\r\n") if crlf else text
    data = {**before, **new}
    amended = amend_yaml(text, data)
    assert as_written(read_yaml(amended)[0]) == as_written(data)
    comments = [it for it in text.splitlines() if it.startswith("# above")]
    assert [it for it in amended.splitlines() if it.startswith("# above")] == comments


@given(st.binary(max_size=200) | texts.map(str.encode))
def test_any_bytes_are_read_or_refused_in_one_sentence(text):
    from commons.errors import ManifestInvalid

    try:
        parse_manifest(text)
    except ManifestInvalid as refused:
        assert len(str(refused)) < 600


@given(manifests(v1_words.KNOWN), st.sampled_from(list(Dialect)))
def test_what_came_as_v1_is_said_in_every_dialect_and_comes_back(data, through):
    ours = translate(data, way_from_v1(Dialect.OKH24))
    there = said_in(ours, through)
    back = said_in(there, Dialect.V1) if through is not Dialect.V1 else there
    assert back == data
