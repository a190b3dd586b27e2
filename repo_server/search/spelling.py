"""Words that are near a word: it goes on, or a slip of the fingers lies between.

The vocabulary is that of names, purposes and keywords. Two words that are equal once a letter is
left out of one or both are a slip apart: a letter too many, too few, another, or two swapped.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from repo_server.db import is_postgresql
from repo_server.search.words import LONGEST, is_dense
from repo_server.tables import SearchSlipRow, SearchWordRow

NEAR = 6  # words that stand in for one
_SHORTEST = 3  # letters; of shorter words nearly every other one is near
_LONG = 9  # letters from which on two slips are forgiven
_LONGEST = 24  # letters; of longer words no slips are kept
_LAST = "\U0010ffff"
# Made once: every release that is published asks it.
_KNOWN = select(SearchWordRow.word).where(
    col(SearchWordRow.word).in_(bindparam("words", expanding=True))
)


def slips(word: str) -> list[str]:
    """The word itself, and what is left of it when one letter is left out."""
    if not _SHORTEST <= len(word) <= _LONGEST or any(c.isdigit() for c in word):
        return [word]
    return list(dict.fromkeys((word, *(word[:i] + word[i + 1 :] for i in range(len(word))))))


def record(session: Session, words: Counter[str]) -> None:
    """The words are part of the vocabulary, and so many more releases have them."""
    known: set[str] = set()
    listed = sorted(words)  # always in this order, so that two writers never wait for each other
    for start in range(0, len(listed), 5000):
        part = listed[start : start + 5000]
        known |= set(session.exec(_KNOWN, params={"words": part}))
    _insert(
        session,
        "search_word (word, releases)",
        [(word, words[word]) for word in listed],
        conflict="(word) DO UPDATE SET releases = search_word.releases + excluded.releases",
    )
    fresh = (word for word in listed if word not in known)
    slipped = [(slip, word) for word in fresh for slip in slips(word)]
    _insert(session, "search_slip (slip, word)", slipped, conflict="DO NOTHING")


def _insert(
    session: Session, into: str, rows: Sequence[tuple[str, int | str]], *, conflict: str
) -> None:
    """The rows are in the table, as the database takes a thousand of them best."""
    if not rows:
        return
    if is_postgresql(session):
        kind = "int[]" if isinstance(rows[0][1], int) else "text[]"
        source = f"SELECT * FROM unnest(%s::text[], %s::{kind})"  # noqa: S608  (our own words)
        command = f"INSERT INTO {into} {source} ON CONFLICT {conflict}"
        columns = tuple(list(column) for column in zip(*rows, strict=True))
        session.connection().exec_driver_sql(command, columns)
    else:
        command = f"INSERT INTO {into} VALUES (?, ?) ON CONFLICT {conflict}"  # noqa: S608
        session.connection().exec_driver_sql(command, list(rows))


def near_words(session: Session, word: str) -> list[str]:
    """At most NEAR other words of the vocabulary that may have been meant, the likeliest first."""
    goes_on = (
        select(SearchWordRow.word, SearchWordRow.releases)
        .where(SearchWordRow.word > word, SearchWordRow.word < word + _LAST)
        .order_by(col(SearchWordRow.releases).desc(), SearchWordRow.word)
        .limit(NEAR)
    )
    found = dict(session.exec(goes_on).all()) if _may_go_on(word) else {}
    shared = slips(word)
    if len(shared) > 1:
        slipped = (
            select(SearchWordRow.word, SearchWordRow.releases)
            .join(SearchSlipRow, col(SearchSlipRow.word) == col(SearchWordRow.word))
            .where(col(SearchSlipRow.slip).in_(shared))
            .distinct()
        )
        found |= dict(session.exec(slipped).all())
    found.pop(word, None)
    ranked = sorted(found, key=lambda other: (distance(word, other), -found[other], other))
    return [other for other in ranked if _near(word, other)][:NEAR]


def _may_go_on(word: str) -> bool:
    """Whether its beginning tells enough: one letter does not, one character of Chinese does."""
    return len(word) < LONGEST and (len(word) > 1 or is_dense(word))


def _near(word: str, other: str) -> bool:
    return other.startswith(word) or distance(word, other) <= (2 if len(word) >= _LONG else 1)


def distance(one: str, other: str) -> int:
    """How many letters must be put in, left out, changed or swapped with the next one."""
    before: Sequence[int] = ()
    row: Sequence[int] = range(len(other) + 1)
    for i, a in enumerate(one, 1):
        new = [i]
        for j, b in enumerate(other, 1):
            cost = min(row[j] + 1, new[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            new.append(cost)
        before, row = row, new
    return row[-1]


def vocabulary(words: Iterable[Iterable[str]]) -> Counter[str]:
    """How many of the releases have each word, given the different words of each."""
    return Counter(word for one in words for word in one)
