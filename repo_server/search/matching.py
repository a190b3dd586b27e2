"""Documents by their tokens, the newest first, as each database answers it best."""

from collections.abc import Collection
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

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
# One query a block, each with few tokens: so the index skips in the list of a frequent token to
# where a rare one is, which it cannot do in lists that stand for one another.
_BLOCKS = "unnest(CAST(:asked AS tsquery[])) AS asked JOIN search_entry ON tokens @@ asked"


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


class Document(NamedTuple):
    """A document that matches, with its labels and what its parts need of machines.

    A tuple, because hundreds are made for each answer.
    """

    doc: int
    labels: str
    needs: str


def newest(session: Session, match: Match, *, below: int | None, limit: int) -> list[Document]:
    """The newest documents that match, at most `limit`, of those with numbers under `below`."""
    below = below or _END
    if not match.groups:
        return _read(session, match, "search_entry", [], {}, below=below, limit=limit)
    if is_postgresql(session):
        return _from_blocks(session, match, below=below, limit=limit)
    source = "search_index CROSS JOIN search_entry ON doc = search_index.rowid"
    conditions = ["search_index MATCH :match"]
    values: dict[str, object] = {"match": sqlite_query(match)}
    return _read(
        session, match, source, conditions, values, below=below, limit=limit,
        number="search_index.rowid",
    )  # fmt: skip


def which(session: Session, match: Match, documents: Collection[int]) -> set[int]:
    """Those of the documents, given by their numbers, that have the tokens of the match."""
    if not documents:
        return set()
    values: dict[str, object] = {"low": min(documents), "high": max(documents)}
    if is_postgresql(session):
        _last(session)  # for what it tells the planner
        blocks = sorted({doc >> BLOCK_BITS for doc in documents})
        values["asked"] = [tsquery(match, block) for block in blocks]
        command = f"SELECT doc FROM {_BLOCKS} WHERE doc + 0 BETWEEN :low AND :high"  # noqa: S608
    else:
        values["match"] = sqlite_query(match)
        command = (
            "SELECT rowid FROM search_index "
            "WHERE search_index MATCH :match AND rowid BETWEEN :low AND :high"
        )
    return set(session.execute(text(command), values).scalars()).intersection(documents)


def _read(
    session: Session,
    match: Match,
    source: str,
    conditions: list[str],
    values: dict[str, object],
    *,
    below: int,
    limit: int,
    number: str = "doc",
) -> list[Document]:
    """`number` is how the document's number is written where it is compared and put in order."""
    edges = {"print_mm": match.print_mm, "mill_mm": match.mill_mm}
    asked = {name: edge for name, edge in edges.items() if edge is not None}
    where = [
        *conditions,
        f"{number} < :below",
        *(f"({it} IS NULL OR {it} <= :{it})" for it in asked),
    ]
    # Needs become text once the newest are known: PostgreSQL would fetch those of all to sort them.
    found = (
        f"SELECT doc, labels, needs FROM {source} "  # noqa: S608  (our own words)
        f"WHERE {' AND '.join(where)} ORDER BY {number} DESC LIMIT :limit"
    )
    command = f"SELECT doc, labels, CAST(needs AS TEXT) FROM ({found}) AS found"  # noqa: S608
    given = values | asked | {"below": below, "limit": limit}
    return [Document._make(row) for row in session.execute(text(command), given).all()]


def sqlite_query(match: Match) -> str:
    """The match in the words of FTS5."""
    return " NOT ".join(f"({_fts(groups)})" for groups in (match.groups, *match.but_not))


def _fts(groups: Groups) -> str:
    either = (" OR ".join(f'"{token}"' for token in group) for group in groups)
    return " AND ".join(f"({tokens})" for tokens in either)


def _from_blocks(session: Session, match: Match, *, below: int, limit: int) -> list[Document]:
    """Block by block from the newest one, until there are enough; the rest at once when only few
    documents are to be expected in it."""
    end = min(below, _last(session) + 1)
    top, found = (end - 1) >> BLOCK_BITS, list[Document]()
    width = 1 if top >= _WHOLE else top + 1
    while top >= 0 and len(found) < limit:
        low = max(0, top - width + 1)
        asked: dict[str, object] = {
            "asked": [tsquery(match, block) for block in range(low, top + 1)]
        }
        # Where it could look the numbers up, the planner may walk over all rows by them instead.
        found += _read(session, match, _BLOCKS, [], asked,
                       below=below, limit=limit - len(found), number="doc + 0")  # fmt: skip
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


def tsquery(match: Match, block: int) -> str:
    """The match in the words of PostgreSQL, for the documents of this block."""
    return " & ".join(
        (
            *(f"({_either(group, block)})" for group in match.groups),
            *(
                f"!({' & '.join(f'({_either(group, block)})' for group in groups)})"
                for groups in match.but_not
            ),
        )
    )


def _either(group: tuple[str, ...], block: int) -> str:
    return " | ".join(f"'{token}'" for token in in_block(group, block))
