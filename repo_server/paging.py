"""Long lists a page at a time, cut by the database behind a cursor.

Each list is sorted by its keys, and the last of them tells every entry from its equals: so a page
begins right behind the one before it, whatever was added meanwhile.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, TypeVarTuple, overload

from sqlalchemy import ColumnElement, Integer, literal, tuple_
from sqlmodel import Session
from sqlmodel.sql.expression import Select, SelectOfScalar
from sqlmodel.sql.sqltypes import UTCDateTime

from repo_server.cursors import Cursor

Entry = TypeVar("Entry")
Shown = TypeVar("Shown")
Columns = TypeVarTuple("Columns")

PAGE = 50  # entries of a page, where nobody asks for another number
MOST = 100


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is wanted of a list: `most` entries behind `after`, or from its beginning on."""

    after: Cursor | None = None
    most: int = PAGE


BEGINNING = Stretch()


@dataclass(frozen=True, slots=True)
class Page(Generic[Entry]):
    """Entries of a list; `after` is where the next page begins, None at the end."""

    entries: Sequence[Entry]
    after: Cursor | None

    def shown(self, show: Callable[[Entry], Shown]) -> "Page[Shown]":
        """The same page with each entry as `show` makes it."""
        return Page([show(it) for it in self.entries], self.after)

    def holding(self, entries: Iterable[Shown]) -> "Page[Shown]":
        """The same page with these in the place of its entries."""
        return Page(list(entries), self.after)


class Keys:
    """What a list is sorted by, the first key first; they all rise, or all fall."""

    def __init__(self, *, falls: bool = False, **columns: Any) -> None:
        self._falls = falls
        self.named: dict[str, ColumnElement[Any]] = columns

    def in_order(self) -> list[ColumnElement[Any]]:
        """The keys as a query is sorted by them."""
        return [it.desc() if self._falls else it.asc() for it in self.named.values()]

    def behind(self, after: Cursor) -> ColumnElement[bool]:
        """What comes behind `after`; InvalidInput for the cursor of another list."""
        place = tuple_(*(_read(after, name, key) for name, key in self.named.items()))
        keys = tuple_(*self.named.values())
        return keys < place if self._falls else keys > place


def latest_first(at: Any, id: Any) -> Keys:
    """The latest first, and those of one moment by their ids."""
    return Keys(falls=True, at=at, id=id)


@overload
def read_page(
    session: Session, wanted: SelectOfScalar[Entry], keys: Keys, stretch: Stretch
) -> Page[Entry]: ...
@overload
def read_page(
    session: Session, wanted: Select[*Columns], keys: Keys, stretch: Stretch
) -> Page[tuple[*Columns]]: ...
def read_page(session: Session, wanted: Any, keys: Keys, stretch: Stretch) -> Page[Any]:
    """This stretch of what is wanted, in this order; InvalidInput for another list's cursor."""
    if stretch.after is not None:
        wanted = wanted.where(keys.behind(stretch.after))
    n = len(keys.named)
    wanted = wanted.add_columns(*keys.named.values()).order_by(*keys.in_order())
    rows = session.execute(wanted.limit(stretch.most + 1)).all()
    entries = [row[0] if len(row) == n + 1 else tuple(row[:-n]) for row in rows[: stretch.most]]
    if len(rows) <= stretch.most:
        return Page(entries, None)
    last = rows[stretch.most - 1][-n:]
    return Page(entries, Cursor.of(**dict(zip(keys.named, last, strict=True))))


def cut(entries: Sequence[Entry], most: int, place_of: Callable[[Entry], Cursor]) -> Page[Entry]:
    """The first `most` of what is in order already and begins where the page does."""
    shown = entries[:most]
    return Page(shown, place_of(shown[-1]) if len(entries) > most else None)


def _read(after: Cursor, name: str, key: ColumnElement[Any]) -> ColumnElement[Any]:
    if isinstance(key.type, UTCDateTime):
        return literal(after.instant(name), key.type)
    if isinstance(key.type, Integer):
        return literal(after.number(name), key.type)
    return literal(after.text(name), key.type)
