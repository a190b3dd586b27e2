"""What changed between two releases."""

from hypothesis import given
from hypothesis import strategies as st

from commons.compare import (
    MOST_BYTES,
    MOST_LINES,
    FileChange,
    KeyChange,
    Line,
    Sign,
    compare_files,
    compare_keys,
    compare_text,
)

PARTS = [{"name": "Jar", "material": "PLA"}, {"name": "Lid", "cosmolocal": {"quantity": 2}}]


def test_parts_are_compared_by_name_and_tables_by_key():
    before = {"name": "Jar", "mass": 20, "part": PARTS}
    after = {
        "name": "Jar",
        "okhv": "2.4",
        "part": [{"name": "Ring"}, {"name": "Jar", "material": "PETG"}, PARTS[1]],
    }
    assert compare_keys(before, after) == [
        KeyChange("mass", Sign.REMOVED, 20, None),
        KeyChange("part 'Jar'.material", Sign.CHANGED, "PLA", "PETG"),
        KeyChange("okhv", Sign.ADDED, None, "2.4"),
        KeyChange("part 'Ring'", Sign.ADDED, None, True),
    ]


def test_two_parts_of_one_name_are_told_apart():
    twins = {"part": [{"name": "Leg", "mass": 1}, {"name": "Leg", "mass": 2}]}
    assert compare_keys(twins, twins) == []
    assert [it.key for it in compare_keys({}, twins)] == [
        "part 'Leg'", "part 'Leg'.mass", "part 'Leg' [2]", "part 'Leg' [2].mass",
    ]  # fmt: skip


def test_files_are_compared_by_hash():
    assert compare_files({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "9", "d": "4"}) == [
        FileChange("b", Sign.CHANGED, "2", "9"),
        FileChange("c", Sign.REMOVED, "3", None),
        FileChange("d", Sign.ADDED, None, "4"),
    ]


def test_a_changed_line_is_shown_with_those_around_it_and_the_rest_is_counted():
    before = [f"line {n}" for n in range(1, 21)]
    after = [*before[:9], "new", *before[10:]]
    lines = compare_text("\n".join(before).encode(), "\n".join(after).encode())
    assert [line.sign for line in lines] == [
        Sign.SKIPPED, *[Sign.SAME] * 3, Sign.REMOVED, Sign.ADDED, *[Sign.SAME] * 3, Sign.SKIPPED,
    ]  # fmt: skip
    assert lines[0].text == "6 equal lines"
    assert lines[4:6] == (Line(Sign.REMOVED, "line 10", 10), Line(Sign.ADDED, "new", None, 10))


def test_what_is_no_text_or_too_long_is_not_compared_by_line():
    for data in (b"\xff\xfe", b"a\0b", b"x" * (MOST_BYTES + 1), b"\n" * (MOST_LINES + 1)):
        assert compare_text(b"", data) is None


texts = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=30)


@given(texts, texts)
def test_every_line_of_both_is_told_or_counted(old, new):
    lines = compare_text("\n".join(old).encode(), "\n".join(new).encode())
    told = {sign: [it for it in lines if it.sign is sign] for sign in Sign}
    old, new = "\n".join(old).splitlines(), "\n".join(new).splitlines()
    skipped = sum(int(it.text.split()[0]) for it in told[Sign.SKIPPED])
    if old == new:
        assert lines == ()
        return
    assert len(told[Sign.SAME]) + len(told[Sign.REMOVED]) + skipped == len(old)
    assert len(told[Sign.SAME]) + len(told[Sign.ADDED]) + skipped == len(new)
    assert all(old[it.before - 1] == it.text for it in told[Sign.SAME] + told[Sign.REMOVED])
    assert all(new[it.after - 1] == it.text for it in told[Sign.SAME] + told[Sign.ADDED])
