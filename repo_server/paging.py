"""Long lists, the latest first, a page at a time, cut by the database behind a cursor."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Mapped
from sqlmodel import and_, or_, true

from repo_server.cursors import Cursor

Row = TypeVar("Row")
Place = tuple[datetime, str]  # when an entry came, and its id, which tells it from its equals


def behind(after: Cursor | None, at: Mapped[datetime], id: Mapped[str]) -> ColumnElement[bool]:
    """Picks what comes behind `after` in a list by `at` and `id`, both descending."""
    if after is None:
        return true()
    when, id_ = after.instant("at"), after.text("id")
    return or_(at < when, and_(at == when, id < id_))


def cut(
    rows: Sequence[Row], most: int, place_of: Callable[[Row], Place]
) -> tuple[Sequence[Row], Cursor | None]:
    """The first `most` of rows of which one more was asked for, and a cursor if there are more."""
    shown = rows[:most]
    if len(rows) <= most:
        return shown, None
    at, id_ = place_of(shown[-1])
    return shown, Cursor.of(at=at, id=id_)
