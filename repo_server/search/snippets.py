"""The place in a text where what was asked for stands, with the hits marked."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from repo_server.search.words import Word, find_words

LENGTH = 200  # characters, about
_BEFORE = 50


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text; `hit` tells whether it is what was asked for. Not escaped."""

    text: str
    hit: bool = False


def snippet(texts: Iterable[str], wanted: Collection[str]) -> tuple[Piece, ...]:
    """The part of the first text with the most of the wanted words; the start of the first one
    when no text has any."""
    listed = [text for text in texts if text]
    best: tuple[Piece, ...] = ()
    best_count = 0
    for text in listed:
        hits = find_words(text, wanted)
        around = _densest(hits)
        if (count := len({word.text for word in around})) > best_count:
            best, best_count = tuple(_marked(text, around)), count
    if best or not listed:
        return best
    return (Piece(_cut(listed[0], 0, LENGTH)),)


def mark(text: str, wanted: Collection[str]) -> tuple[Piece, ...]:
    """The whole text, with the wanted words marked."""
    return tuple(_pieces(text, find_words(text, wanted), 0, len(text)))


def _densest(hits: list[Word]) -> list[Word]:
    """The hits of the stretch of text that has the most different ones."""
    best: list[Word] = []
    for i, first in enumerate(hits):
        near = [hit for hit in hits[i : i + 40] if hit.end <= first.start + LENGTH - _BEFORE]
        if len({hit.text for hit in near}) > len({hit.text for hit in best}):
            best = near
    return best


def _marked(text: str, hits: list[Word]) -> Iterator[Piece]:
    start = max(0, hits[0].start - _BEFORE)
    if start:
        start = text.find(" ", start, hits[0].start) + 1 or start
    end = min(len(text), start + LENGTH)
    if end < len(text):
        end = max(text.rfind(" ", start, end), hits[-1].end)
    if start:
        yield Piece("… ")
    yield from _pieces(text, hits, start, end)
    if end < len(text):
        yield Piece(" …")


def _pieces(text: str, hits: list[Word], start: int, end: int) -> Iterator[Piece]:
    """text[start:end], cut where hits begin and end; hits that overlap are one."""
    at = start
    spans = [(hit.start, hit.end) for hit in hits]
    while spans:
        first, last = spans.pop(0)
        while spans and spans[0][0] <= last:
            last = max(last, spans.pop(0)[1])
        if first > at:
            yield Piece(text[at:first])
        yield Piece(text[first:last], hit=True)
        at = last
    if at < end:
        yield Piece(text[at:end])


def _cut(text: str, start: int, end: int) -> str:
    if end >= len(text):
        return text[start:]
    return text[start : max(text.rfind(" ", start, end), start + 1)] + " …"
