"""Versions: the order of the standard, and which one may follow which."""

import itertools

import pytest

from commons.errors import Conflict, InvalidInput
from commons.versions import newest, read_version, require_next, require_version

# Semantic Versioning 2.0.0, section 11, and numbers that text would put elsewhere.
IN_ORDER = [
    "0.9.10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
    "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0", "10.0.0",
]  # fmt: skip


def test_every_pair_stands_in_the_order_of_the_standard():
    versions = [require_version(text) for text in IN_ORDER]
    for (i, a), (j, b) in itertools.product(enumerate(versions), repeat=2):
        assert (a < b) is (i < j)
        assert (a == b) is (i == j)


@pytest.mark.parametrize(
    ("text", "means"),
    [("2", "2.0.0"), ("1.4", "1.4.0"), ("v1.4.2", "1.4.2"), (" 6.0 ", "6.0.0"),
     ("1.0.0+build.7", "1.0.0"), ("1.0-rc.1", "1.0.0-rc.1")],
)  # fmt: skip
def test_what_older_manifests_write_is_read(text, means):
    assert str(require_version(text)) == means


@pytest.mark.parametrize("text", ["", "latest", "1.2.3.4", "1.0.0-", "1..0", "١.0.0-x y", "1" * 65])
def test_what_is_no_version_is_told_how_to_write_one(text):
    assert read_version(text) is None
    with pytest.raises(InvalidInput, match=r"such as 1\.2\.0"):
        require_version(text)


def test_the_newest_is_ready_unless_nothing_is():
    def of(*texts):
        return str(newest(map(require_version, texts)))

    assert of("1.0.0", "2.0.0-rc.1", "0.9.0") == "1.0.0"
    assert of("2.0.0-rc.1", "2.0.0-rc.2") == "2.0.0-rc.2"
    assert newest([]) is None


@pytest.mark.parametrize(
    ("text", "published"),
    [
        ("0.1.0", []),
        ("1.0.1", ["1.0.0"]),
        ("1.0.4", ["1.0.3", "1.1.0", "2.0.0"]),  # a patch of an older line
        ("1.1.0", ["1.0.0", "2.0.0-rc.1"]),  # a pre-release stands in nobody's way
        ("2.0.0", ["1.0.0", "2.0.0-rc.1"]),
        ("1.0.0", ["spring 2019"]),
    ],
)
def test_a_version_may_follow(text, published):
    require_next(text, published)


@pytest.mark.parametrize(
    ("text", "published", "passed", "proposed"),
    [
        ("1.0.0", ["1.1.0"], "1.1.0", "1.1.1"),
        ("1.0.2", ["1.0.3", "2.0.0"], "1.0.3", "1.0.4"),
        ("1.0", ["1.0.0"], "1.0.0", "1.0.1"),  # the same version, written otherwise
        ("1.1.0-rc.1", ["1.1.0"], "1.1.0", "1.1.1"),
        ("2.0.0-rc.1", ["1.0.0", "2.0.0-rc.1"], "2.0.0-rc.1", "2.0.1"),
    ],
)
def test_a_version_that_goes_back_is_refused_with_one_that_does_not(
    text, published, passed, proposed
):
    with pytest.raises(Conflict) as refused:
        require_next(text, published)
    assert f"after {passed}," in str(refused.value)
    assert str(refused.value).endswith(proposed)
    require_next(proposed, published)
