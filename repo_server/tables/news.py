"""News for whoever ordered something, how they want to hear of it, and e-mails on their way."""

from datetime import datetime

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel


class NewsRow(SQLModel, table=True):
    """One piece of news for a person; `path` is the page on this server that tells the rest."""

    __tablename__ = "news"
    __table_args__ = (Index("ix_news_person", "person_id", "at"),)
    id: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id")
    order_id: str | None = Field(default=None, foreign_key="build_order.id", index=True)
    kind: str
    title: str
    sentence: str
    path: str
    at: datetime


class NewsChoiceRow(SQLModel, table=True):
    """Of which kinds of news the person gets e-mails. `feed` numbers the address of their private
    feed, which changes with it; None: there is none."""

    __tablename__ = "news_choice"
    person_id: str = Field(foreign_key="person.id", primary_key=True)
    mailed: list[str] = Field(sa_column=Column(JSON, nullable=False))
    feed: int | None = None
    feeds_made: int = 0


class LetterRow(SQLModel, table=True):
    """An e-mail that this server sends to a person, or to a guest below whose private `path` the
    rest is told. `next_at` is None once it was sent or given up."""

    __tablename__ = "letter"
    id: str = Field(primary_key=True)
    person_id: str | None = Field(default=None, foreign_key="person.id")
    guest_id: str | None = Field(default=None, foreign_key="guest_request.id", index=True)
    subject: str
    body: str
    path: str
    at: datetime
    next_at: datetime | None = Field(default=None, index=True)
    tries: int = 0
    sentence: str = ""
