"""Content ids: the same contents have one name, other contents another."""

import pytest

from commons.content import canonical_json, content_id, release_id, require_sha256
from commons.errors import InvalidInput

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_id_of_bytes_is_their_sha256():
    assert content_id(b"") == EMPTY
    assert content_id(b"abc").startswith("ba7816bf8f01cfea")


def test_canonical_json_is_the_example_of_rfc_8785():
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert canonical_json(value) == (
        b'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        b'"string":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**53 + 1, {1: "x"}, b"x", {"a"}, "\ud800", {"\ud800": 1}],
)
def test_what_json_cannot_say_exactly_has_no_canonical_form(value):
    with pytest.raises(InvalidInput, match="canonical JSON"):
        canonical_json({"value": value})


def test_a_release_is_its_contents_in_whatever_order_they_are_told():
    one = release_id({"name": "Lamp", "version": "1"}, {"a": EMPTY, "b": EMPTY})
    same = release_id({"version": "1", "name": "Lamp"}, {"b": EMPTY, "a": EMPTY})
    assert one == same


@pytest.mark.parametrize(
    ("manifest", "files"),
    [
        ({"name": "Lamp "}, {"a": EMPTY}),
        ({"name": "Lamp"}, {"b": EMPTY}),
        ({"name": "Lamp"}, {"a": content_id(b"x")}),
        ({"name": "Lamp"}, {}),
    ],
)
def test_any_other_word_path_or_byte_is_another_release(manifest, files):
    assert release_id(manifest, files) != release_id({"name": "Lamp"}, {"a": EMPTY})


@pytest.mark.parametrize("text", ["", EMPTY[:-1], EMPTY + "0", EMPTY.upper(), f"{EMPTY}\n", "../x"])
def test_what_is_not_64_lower_case_hex_digits_is_no_hash(text):
    with pytest.raises(InvalidInput, match="not a SHA-256"):
        require_sha256(text)


def test_a_hash_is_taken_as_it_is():
    assert require_sha256(EMPTY) == EMPTY
