"""Finding designs by words and by what they can be narrowed to."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from commons.errors import FieldProblem, InvalidInput
from commons.machine import Process
from repo_server.search.labels import Facet, written
from repo_server.search.matching import Document, Match, Step, newest, which
from repo_server.search.question import Question, Wanted, question_of, with_near_words
from repo_server.search.snippets import Piece, mark, snippet
from repo_server.tables import FileFactsRow, SearchCardRow

PAGE = 24
COUNTED = 500  # so many designs are counted; "500 or more" is said of others
COUNTED_FITS = 200  # what a lab's machines can make is worked out for each design
FACETS = (Facet.PROCESS, Facet.MATERIAL, Facet.LICENCE, Facet.READINESS, Facet.BUILT)
VALUES = 12  # of a facet that are told
_FEW = 12  # with fewer designs by the very words, near words are asked too
_NEAR_STEP = 3
_CHUNK = 100
_ALL = 2**31 - 1
_LOOKED_AT = 1000  # designs, to count those that a lab's machines can make
_CURSOR = re.compile(r"([0-9])\.([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class Hit:
    """A design that was found, as a list shows it. `picture` is a PNG's hash.

    `name` and `text` mark what was asked for; `near`: only with near words in their place.
    """

    slug: str
    release_id: str
    version: str
    name: tuple[Piece, ...]
    text: tuple[Piece, ...]
    function: str
    license: str
    processes: tuple[Process, ...]
    picture: str | None
    published_at: datetime
    near: bool


@dataclass(frozen=True, slots=True)
class Count:
    """How many; `more` tells that there may be others, which were not counted."""

    number: int
    more: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """One page of designs, and how many there are of each kind.

    A facet counts the designs that answer to everything but its own choice. `near` are the words
    that stood in for those that were asked for. `next` is the cursor of the page after this one.
    """

    hits: tuple[Hit, ...]
    total: Count
    facets: Mapping[Facet, Mapping[str, Count]]
    near: tuple[str, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Counted:
    """Documents that were looked at to count them, the newest first; `all`: there are no others."""

    documents: list[Document]
    all: bool


def find_designs(
    session: Session, wanted: Wanted, *, cursor: str | None = None, limit: int = PAGE
) -> Found:
    """The designs that are wanted, from the cursor on; InvalidInput when it is none of ours."""
    after = _read_cursor(cursor)
    question = question_of(session, wanted)
    counted, others = _count_all(session, question)
    if question.words and counted.all and len(counted.documents) < _FEW:
        question = with_near_words(session, question)
        if question.near:
            counted, others = _count_all(session, question)
    if counted.all:
        found = _ranked(session, question, counted.documents, after, limit=limit + 1)
    else:
        found = _page(session, question, after, limit=limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return Found(
        hits=_hits(session, found[:limit], question),
        total=_counted(max(len(counted.documents), len(found)), _most(question), counted),
        facets=_facets(session, question, counted, others),
        near=tuple(dict.fromkeys(word for words in question.near.values() for word in words)),
        next=f"{last[0]}.{last[1].doc}" if last else None,
    )


def newest_designs(session: Session, wanted: Wanted, *, limit: int = PAGE) -> tuple[Hit, ...]:
    """The newest designs that have the words, wherever they stand: for those who follow."""
    question = question_of(session, wanted)
    found, _ = _walk(session, question, Step(question.everything()), below=None, limit=limit)
    return _hits(session, [(0, document) for document in found], question)


def _read_cursor(cursor: str | None) -> tuple[int, int | None]:
    if not cursor:
        return 0, None
    if not (read := _CURSOR.fullmatch(cursor)):
        problem = FieldProblem("cursor", "is not one that this list gave out; leave it out")
        raise InvalidInput(str(problem), [problem])
    return int(read[1]), int(read[2])


def _page(
    session: Session, question: Question, after: tuple[int, int | None], *, limit: int
) -> list[tuple[int, Document]]:
    """The best documents after the cursor, each with the step that it answers to."""
    first, below = after
    found: list[tuple[int, Document]] = []
    for number, step in enumerate(question.steps()):
        if number < first or len(found) >= limit:
            continue
        under = below if number == first else None
        part, _ = _walk(session, question, step, below=under, limit=limit - len(found))
        found += [(number, document) for document in part]
    return found


def _ranked(
    session: Session, question: Question, everything: Sequence[Document],
    after: tuple[int, int | None], *, limit: int,
) -> list[tuple[int, Document]]:  # fmt: skip
    """The same, where all that answer are known: only their order has to be asked for."""
    first, below = after
    steps, left = question.steps(), {document.doc: document for document in everything}
    found: list[tuple[int, Document]] = []
    for number, step in enumerate(steps):
        if len(found) >= limit:
            break
        mine = set(left) if step is steps[-1] else which(session, step.match, left)
        part = [left.pop(doc) for doc in sorted(mine, reverse=True)]
        if number == first and below is not None:
            part = [document for document in part if document.doc < below]
        found += [(number, document) for document in part if number >= first]
    return found[:limit]


def _walk(
    session: Session, question: Question, step: Step, *, below: int | None, limit: int,
    looked_at: int = _ALL,
) -> tuple[list[Document], bool]:  # fmt: skip
    """The newest of the step that the workshop can make, of `looked_at` documents at most; and
    whether there are no others."""
    if question.workshop is None and not step.better:
        part = newest(session, step.match, below=below, limit=limit)
        return part, len(part) < limit
    found: list[Document] = []
    size, ended = min(_CHUNK, limit + _FEW, looked_at), False
    while len(found) < limit and looked_at > 0 and not ended:
        part = newest(session, step.match, below=below, limit=size)
        found += _of_step(session, question, step, part)
        ended = len(part) < size
        below, looked_at = part[-1].doc if part else below, looked_at - size
        size = min(2 * size, looked_at)
    return found[:limit], ended and len(found) < limit


def _of_step(
    session: Session, question: Question, step: Step, part: Sequence[Document]
) -> list[Document]:
    """Those of the part that no step before has, and that can be made.

    A better match is looked up by itself: neither database is quick at leaving documents out.
    """
    docs = {document.doc for document in part}
    for match in step.better:
        docs -= which(session, match, docs)
    shop = question.workshop
    return [it for it in part if it.doc in docs and (shop is None or shop.can_make(it.needs))]


def _most(question: Question) -> int:
    return COUNTED if question.workshop is None else COUNTED_FITS


def _count(session: Session, question: Question, match: Match) -> Counted:
    """The documents to count: one more than are counted when there are others."""
    most = _most(question)
    step = Step(match)
    return Counted(
        *_walk(session, question, step, below=None, limit=most + 1, looked_at=_LOOKED_AT)
    )


def _count_all(session: Session, question: Question) -> tuple[Counted, dict[Facet, Counted]]:
    """The documents that answer to everything; and, for the chosen facets that were asked on the
    way, those that answer to everything else. Where these are all there are, the former are
    among them and are not asked for once more."""
    others: dict[Facet, Counted] = {}
    for facet, group in question.filters:
        if facet is None:
            continue
        of = others[facet] = _count(session, question, question.everything(but=facet))
        if of.all:
            mine = [it for it in of.documents if not set(group).isdisjoint(it.labels.split())]
            return Counted(mine, all=True), others
    return _count(session, question, question.everything()), others


def _counted(number: int, most: int, of: Counted) -> Count:
    return Count(min(number, most), more=not of.all)


def _facets(
    session: Session, question: Question, counted: Counted, others: Mapping[Facet, Counted]
) -> dict[Facet, dict[str, Count]]:
    chosen = {facet: group for facet, group in question.filters if facet is not None}
    told, most = {}, _most(question)
    of_all = _values(counted.documents[:most])
    for facet in FACETS:
        of, values = counted, of_all
        if facet in chosen:
            of = others.get(facet) or _count(session, question, question.everything(but=facet))
            values = _values(of.documents[:most])
        mine = {label: number for label, number in values.items() if label.startswith(f"{facet}:")}
        ranked = sorted(mine, key=lambda label: (-mine[label], label))[:VALUES]
        ranked += [label for label in chosen.get(facet, ()) if label not in ranked]
        told[facet] = {
            written(facet, label.partition(":")[2]): _counted(mine.get(label, 0), most, of)
            for label in ranked
        }
    return told


def _values(documents: Sequence[Document]) -> Counter[str]:
    return Counter(" ".join(document.labels for document in documents).split())


def _hits(
    session: Session, found: Sequence[tuple[int, Document]], question: Question
) -> tuple[Hit, ...]:
    docs = [document.doc for _, document in found]
    cards = {
        card.doc: card
        for card in session.exec(select(SearchCardRow).where(col(SearchCardRow.doc).in_(docs)))
    }
    pictures = _pictures(session, list(cards.values()))
    asked = frozenset((*question.words, *(w for near in question.near.values() for w in near)))
    return tuple(
        _hit(cards[it.doc], it, pictures, asked, near=step >= _NEAR_STEP)
        for step, it in found
        if it.doc in cards
    )


def _hit(
    card: SearchCardRow,
    document: Document,
    pictures: Mapping[str, str],
    asked: frozenset[str],
    *,
    near: bool,
) -> Hit:
    labels = document.labels.split()
    texts = (card.function, ", ".join(card.keywords), card.readme, card.bom)
    return Hit(
        slug=card.slug,
        release_id=card.release_id,
        version=card.version,
        name=mark(card.name, asked),
        text=snippet(texts, asked),
        function=card.function,
        license=card.license,
        processes=tuple(it for it in Process if f"{Facet.PROCESS}:{it}" in labels),
        picture=next((pictures[file] for file in card.pictures if file in pictures), None),
        published_at=card.published_at,
        near=near,
    )


def _pictures(session: Session, cards: Sequence[SearchCardRow]) -> dict[str, str]:
    """The PNG of each file of the cards that has one."""
    files = {file for card in cards for file in card.pictures}
    rows = session.exec(
        select(FileFactsRow.sha256, FileFactsRow.thumbnail_sha256).where(
            col(FileFactsRow.sha256).in_(files), col(FileFactsRow.thumbnail_sha256).is_not(None)
        )
    )
    return {file: picture for file, picture in rows if picture is not None}
