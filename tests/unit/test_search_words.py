"""Words are kept in one form, near words are found by it, and a snippet shows where they stand."""

import pytest

from repo_server.search.matching import Match, sqlite_query, tsquery
from repo_server.search.snippets import Piece, mark, snippet
from repo_server.search.spelling import distance, slips
from repo_server.search.words import LONGEST, distinct, find_words, fold, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Lamp, stand & SHADE", ["lamp", "stand", "shade"]),
        ("Möbel für die Küche", ["mobel", "fur", "die", "kuche"]),
        ("Ærø Łódź straße", ["aero", "lodz", "strasse"]),
        ("l'étagère M3x10", ["l", "etagere", "m3x10"]),
        ("Прибор Ёлка", ["прибор", "елка"]),
        ("折叠椅 chair", ["折叠", "叠椅", "chair"]),
        ("灯", ["灯"]),
        ("ガラス", ["ガラ", "ラス"]),
        ("カラス", ["カラ", "ラス"]),
        ("한국어", ["한국", "국어"]),
        ("โคมไฟ", ["โค", "คม", "มไ", "ไฟ"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("", []),
        ("-- ! …", []),
    ],
)
def test_words_of_any_language_have_one_form(text: str, words: list[str]) -> None:
    assert list(distinct(text)) == words
    assert list(dict.fromkeys(word.text for word in words_of(text))) == words


@pytest.mark.parametrize("text", ["Möbel für straße", "折叠椅 chair 灯", "l'étagère", "โคมไฟ x"])
def test_a_word_knows_where_it_stands(text: str) -> None:
    for word in words_of(text):
        assert fold(text[word.start : word.end]) == word.text


def test_accents_written_apart_are_the_same_word() -> None:
    assert list(distinct("e\u0301tage\u0300re")) == list(distinct("étagère")) == ["etagere"]


def test_a_word_without_end_is_cut() -> None:
    assert list(distinct("a" * 5000)) == ["a" * LONGEST]


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [("lamp", "lamp", 0), ("lmap", "lamp", 1), ("lam", "lamp", 1), ("lanp", "lamp", 1),
     ("lampp", "lamp", 1), ("stnads", "stand", 2), ("", "abc", 3)],
)  # fmt: skip
def test_slips_are_counted(one: str, other: str, apart: int) -> None:
    assert distance(one, other) == distance(other, one) == apart


@pytest.mark.parametrize("slip", ["lmap", "lam", "lanp", "lampp", "alamp", "amp"])
def test_one_slip_is_seen_by_what_both_share(slip: str) -> None:
    assert set(slips(slip)) & set(slips("lamp"))


def test_a_number_and_a_short_word_have_no_slips() -> None:
    assert (slips("608"), slips("m3"), slips("it")) == (["608"], ["m3"], ["it"])


def test_a_snippet_shows_the_densest_place_with_its_hits_marked() -> None:
    text = "lamp " + "filler " * 60 + "a lamp on a stand for reading " + "filler " * 60
    shown = snippet([text], {"lamp", "stand"})
    assert [piece.text for piece in shown if piece.hit] == ["lamp", "stand"]
    whole = "".join(piece.text for piece in shown)
    assert whole.startswith("… ") and whole.endswith(" …") and len(whole) < 240


def test_a_snippet_is_of_the_first_text_that_has_most() -> None:
    assert snippet(["A lamp.", "The lamp stands."], {"lamp"})[1] == Piece("lamp", hit=True)
    shown = snippet(["A lamp.", "The lamp on its stand."], {"lamp", "stand"})
    assert "".join(piece.text for piece in shown) == "The lamp on its stand."


def test_a_snippet_without_a_hit_is_the_beginning() -> None:
    assert snippet(["", "Holds a shelf."], {"x"}) == (Piece("Holds a shelf."),)
    assert snippet([], {"x"}) == ()


def test_hits_that_overlap_are_one() -> None:
    assert mark("新折叠椅", {"折叠", "叠椅"}) == (Piece("新"), Piece("折叠椅", hit=True))


def test_a_part_of_a_word_is_no_hit() -> None:
    assert find_words("clamp lamp Lamps lamp2", ["lamp"]) == find_words("clamp lamp é", ["lamp"])


MATCH = Match(groups=(("lamp", "lamps"), ("licence:mit",)), but_not=((("n:lamp",),),))


def test_sqlite_is_asked_in_its_own_words() -> None:
    assert sqlite_query(MATCH) == '(("lamp" OR "lamps") AND ("licence:mit")) NOT (("n:lamp"))'


def test_postgresql_is_asked_block_by_block() -> None:
    assert tsquery(MATCH, 10) == ("('lamp/a' | 'lamps/a') & ('licence:mit/a') & !(('n:lamp/a'))")
