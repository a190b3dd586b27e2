"""Requests of people without an account, and which labs take any."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, Index, SQLModel


class GuestDeskRow(SQLModel, table=True):
    """Whether a lab takes requests of guests, and what it tells them; without a row, none."""

    __tablename__ = "guest_desk"
    lab_id: str = Field(foreign_key="lab.id", primary_key=True)
    open: bool
    words: str
    set_by: str = Field(foreign_key="person.id")
    set_at: datetime


class GuestRequestRow(SQLModel, table=True):
    """What a guest asks a lab to make: a part of a release, with values for its source where
    `variant` has any, or what `wish` says in words.

    `name` … `wish`, `variant` and `word` are erased some time after its end, and `erased_at` says
    when. `sender` is a mark of where it came from, no address; `key_sha256` is what makes it one
    request however often it is sent. `letter_at` is when a letter to confirm the address was
    written. `answer` is one of commons.guests.Answer; nobody gave it (`answered_by` is None) where
    the guest did, or time. Orders and letters name it by its id.
    """

    __tablename__ = "guest_request"
    __table_args__ = (
        Index("ix_guest_request_of_lab", "lab_id", "answer", "asked_at"),
        Index("ix_guest_request_sent", "sender", "asked_at"),
    )
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id")
    key_sha256: str | None = Field(default=None, unique=True)
    request_sha256: str
    sender: str | None = None
    name: str
    email: str | None = Field(default=None, index=True)
    reach: str
    message: str
    wish: str
    release_id: str | None = Field(default=None, foreign_key="release.id")
    part: str | None = None
    copies: int
    variant: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    material: str
    until: date | None = None
    asked_at: datetime
    letter_at: datetime | None = None
    confirmed_at: datetime | None = None
    answer: str
    answered_by: str | None = Field(default=None, foreign_key="person.id")
    answered_at: datetime | None = None
    word: str = ""
    erased_at: datetime | None = None
