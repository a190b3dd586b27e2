"""Documents by their tokens, the newest first, as each database answers it best."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from sqlalchemy import text
from sqlmodel import Session

from repo_server.db import is_postgresql
from repo_server.search.index import BLOCK_BITS, in_block

# Alternatives: a document has one token of each group.
Groups = tuple[tuple[str, ...], ...]
# PostgreSQL reads all blocks at once where hardly more documents than are missing are expected.
_FEW = 200
_WHOLE = 3  # blocks that are read at once in any case
_END = 2**31 - 1
_LAST = "search: newest document"


@dataclass(frozen=True, slots=True)
class Match:
    """What is asked of documents: a token of each of `groups`, and of none of `but_not` the same.

    `print_mm`, `mill_mm`: no part has a longer edge; None asks nothing, and what is not known
    passes.
    """

    groups: Groups = ()
    but_not: tuple[Groups, ...] = ()
    print_mm: float | None = None
    mill_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What is asked for next: documents that match, and none of those of the steps before, which
    match one of `better`."""

    match: Match
    better: tuple[Match, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A document that matches, with its labels and what its parts need of machines."""

    doc: int
    labels: str
    needs: str


def newest(
    session: Session, match: Match, *, below: int | None, limit: int, since: int = 0
) -> list[Document]:
    """The newest documents that match, at most `limit`: since <= number < below."""
    numbers = (since, below or _END)
    if not match.groups:
        return _read(session, match, "search_entry", [], {}, numbers=numbers, limit=limit)
    if is_postgresql(session):
        return _from_blocks(session, match, numbers=numbers, limit=limit)
    source = "search_index CROSS JOIN search_entry ON doc = search_index.rowid"
    conditions = ["search_index MATCH :match"]
    values: dict[str, object] = {"match": sqlite_query(match)}
    return _read(
        session, match, source, conditions, values, numbers=numbers, limit=limit,
        number="search_index.rowid",
    )  # fmt: skip


def _read(
    session: Session,
    match: Match,
    source: str,
    conditions: list[str],
    values: dict[str, object],
    *,
    numbers: tuple[int, int],
    limit: int,
    number: str = "doc",
) -> list[Document]:
    """`number` is how the document's number is written where it is compared and put in order."""
    edges = {"print_mm": match.print_mm, "mill_mm": match.mill_mm}
    asked = {name: edge for name, edge in edges.items() if edge is not None}
    where = [
        *conditions,
        f"{number} >= :since",
        f"{number} < :below",
        *(f"({it} IS NULL OR {it} <= :{it})" for it in asked),
    ]
    command = (
        f"SELECT doc, labels, CAST(needs AS TEXT) FROM {source} "  # noqa: S608  (our own words)
        f"WHERE {' AND '.join(where)} ORDER BY {number} DESC LIMIT :limit"
    )
    since, below = numbers
    given = values | asked | {"since": since, "below": below, "limit": limit}
    return [Document(*row) for row in session.execute(text(command), given).all()]


def sqlite_query(match: Match) -> str:
    """The match in the words of FTS5."""
    return " NOT ".join(f"({_fts(groups)})" for groups in (match.groups, *match.but_not))


def _fts(groups: Groups) -> str:
    either = (" OR ".join(f'"{token}"' for token in group) for group in groups)
    return " AND ".join(f"({tokens})" for tokens in either)


def _from_blocks(
    session: Session, match: Match, *, numbers: tuple[int, int], limit: int
) -> list[Document]:
    """Block by block from the newest one, until there are enough; the rest at once when only few
    documents are to be expected in it."""
    since, end = numbers[0], min(numbers[1], _last(session) + 1)
    bottom, top, found = since >> BLOCK_BITS, (end - 1) >> BLOCK_BITS, list[Document]()
    width = 1 if top - bottom >= _WHOLE else top - bottom + 1
    while top >= bottom and len(found) < limit:
        low = max(bottom, top - width + 1)
        conditions, values = tsqueries(match, range(low, top + 1))
        # Where it could look the numbers up, the planner may walk over all rows by them instead.
        found += _read(session, match, "search_entry", conditions, values,
                       numbers=numbers, limit=limit - len(found), number="doc + 0")  # fmt: skip
        top = low - 1
        width = _next_width(len(found), end, low << BLOCK_BITS, missing=limit - len(found))
    return found


def _next_width(found: int, end: int, begin: int, *, missing: int) -> int:
    """How many blocks before document `begin` to read next: `found` are from there to `end`.

    By documents, not by blocks: of the newest block there may be next to nothing yet.
    """
    density = (found + 1) / (end - begin)  # none in a few documents does not mean none in all
    if density * begin <= missing + _FEW:
        return begin >> BLOCK_BITS or 1
    return ceil(1.2 * missing / density / (1 << BLOCK_BITS)) or 1


def _last(session: Session) -> int:
    """The number of the newest document, as this session's transaction sees it; and for as long
    as that lasts, the planner leaves the table unread and starts no workers."""
    if _LAST not in session.info:
        local = ", ".join(
            f"set_config('{name}', '{value}', true)"
            for name, value in (
                ("enable_seqscan", "off"),
                ("jit", "off"),
                ("max_parallel_workers_per_gather", "0"),
            )
        )
        command = f"SELECT max(doc), {local} FROM search_entry"  # noqa: S608  (our own words)
        session.info[_LAST] = session.execute(text(command)).one()[0] or 0
    last: int = session.info[_LAST]
    return last


def tsqueries(match: Match, blocks: Iterable[int]) -> tuple[list[str], dict[str, object]]:
    """Conditions on `tokens` for documents of these blocks, and their values.

    One condition a group: PostgreSQL then skips in the frequent one to where the rare one is.
    """
    listed = list(blocks)
    asked = [_either(group, listed) for group in match.groups]
    for groups in match.but_not:
        none = " & ".join(f"({_either(group, listed)})" for group in groups)
        asked[0] = f"({asked[0]}) & !({none})"
    names = [f"group{number}" for number in range(len(asked))]
    return (
        [f"tokens @@ CAST(:{name} AS tsquery)" for name in names],
        dict(zip(names, asked, strict=True)),
    )


def _either(group: Iterable[str], blocks: list[int]) -> str:
    tokens = list(group)
    return " | ".join(f"'{token}'" for block in blocks for token in in_block(tokens, block))
