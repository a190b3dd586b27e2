"""Words of any language, in the one form in which they are kept and asked for.

Capitals and accents do not count. Scripts that write no spaces (Chinese, Japanese, Thai, …) and
Korean, which puts endings to its words, are cut into pairs of neighbouring characters.
"""

import re
from collections.abc import Collection, Iterator
from operator import itemgetter
from typing import NamedTuple
from unicodedata import category, combining, normalize

LONGEST = 40  # characters; what is longer is no word, and is cut

_CUT = itemgetter(slice(LONGEST))
_ASCII = re.compile(r"[a-z0-9]+")
# Blocks of the basic plane that hold combining marks; `\w` would cut words at them.
_MARKS = "".join(
    chr(c)
    for block in ((0x0300, 0x3100), (0xA66F, 0xAC00), (0xFE00, 0xFE30))
    for c in range(*block)
    if category(chr(c)).startswith("M")
)
_RUN = re.compile(rf"(?:[^\W_]|[{_MARKS}])+")
_DENSE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_PIECE = re.compile(rf"[{_DENSE}]+|[^{_DENSE}]+")
_IS_DENSE = re.compile(rf"[{_DENSE}]")
_DENSE_RUN = re.compile(rf"[{_DENSE}]+")
# Letters that no decomposition takes apart.
_PLAIN = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
# A mark of these classes makes another letter: none (vowels of India), voicing of kana, virama.
_KEPT_CLASSES = frozenset({0, 8, 9})
_DROPPED = re.compile(f"[{''.join(c for c in _MARKS if combining(c) not in _KEPT_CLASSES)}]+")


class Word(NamedTuple):
    """A word as it is kept, and where in the text it stands: text[start:end].

    A tuple, because a page of found designs makes thousands to mark a few.
    """

    text: str
    start: int
    end: int


def fold(text: str) -> str:
    """`text` without capitals, accents and widths."""
    if text.isascii():
        return text.lower()
    kept = _DROPPED.sub("", normalize("NFKD", text.casefold()))
    return normalize("NFC", kept.casefold().translate(_PLAIN))


def words_of(text: str) -> Iterator[Word]:
    """Every word of `text`, in its order."""
    if text.isascii():
        for found in _ASCII.finditer(text.lower()):
            yield Word(found[0][:LONGEST], found.start(), found.end())
        return
    for run in _RUN.finditer(text):
        for piece in _PIECE.finditer(run[0]):
            start = run.start() + piece.start()
            if is_dense(piece[0]):
                yield from _pairs(piece[0], start)
            elif folded := fold(piece[0]):
                yield Word(folded[:LONGEST], start, start + len(piece[0]))


def is_dense(text: str) -> bool:
    """Whether it begins in a script of which a single character tells something."""
    return _IS_DENSE.match(text) is not None


def _pairs(piece: str, start: int) -> Iterator[Word]:
    """Neighbouring characters of a text without spaces; one that stands alone is a word."""
    if len(piece) == 1:
        yield Word(fold(piece), start, start + 1)
    for i in range(len(piece) - 1):
        yield Word(fold(piece[i : i + 2]), start + i, start + i + 2)


def distinct(*texts: str) -> dict[str, None]:
    """The different words of the texts, in the order in which they come first."""
    found: dict[str, None] = {}
    for text in texts:
        folded = fold(text)
        if folded.isascii():
            found |= dict.fromkeys(map(_CUT, _ASCII.findall(folded)))
        elif _IS_DENSE.search(folded):
            found |= dict.fromkeys(word.text for word in words_of(folded))
        else:
            found |= dict.fromkeys(map(_CUT, _RUN.findall(folded)))
    return found


def kept(*texts: str) -> dict[str, None]:
    """What the texts are found by: their words, and the last character of what was cut into
    pairs, so that any one character is found as the beginning of a word."""
    words = distinct(*texts)
    for text in texts:
        if not text.isascii():
            words |= dict.fromkeys(run[-1] for run in _DENSE_RUN.findall(fold(text)))
    return words


def find_words(text: str, wanted: Collection[str]) -> list[Word]:
    """Those words of `text` that are among the wanted ones, which are in the kept form."""
    if not wanted:  # as in every text of a list that was asked for without words
        return []
    if not text.isascii():
        return [word for word in words_of(text) if word.text in wanted]
    plain = [re.escape(word) for word in wanted if word.isascii()]
    if not plain:
        return []
    pattern = rf"(?<![a-z0-9])(?:{'|'.join(plain)})(?![a-z0-9])"
    return [
        Word(hit[0], hit.start(), hit.end()) for hit in re.compile(pattern).finditer(text.lower())
    ]
