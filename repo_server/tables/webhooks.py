"""Who wants to be told of what, and what is still to be told: the outbox."""

from datetime import datetime

from sqlalchemy import JSON, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class WebhookRow(SQLModel, table=True):
    """An address that is told of `kinds`: for a person, or with `lab_id` for a lab.

    `place` is the lab's or else the person's id: each has an address once. `number` grows with
    every change, so that of two who change it at once one is told. Its signing secret is made of
    its id and the server's own secret, and stands nowhere. `off_at`: it is told nothing any more,
    and `sentence` says why.
    """

    __tablename__ = "webhook"
    __table_args__ = (UniqueConstraint("place", "url"),)
    id: str = Field(primary_key=True)
    place: str
    person_id: str = Field(foreign_key="person.id", index=True)
    lab_id: str | None = Field(default=None, foreign_key="lab.id", index=True)
    url: str
    kinds: list[str] = Field(sa_column=Column(JSON, nullable=False))
    number: int = 1
    made_at: datetime
    off_at: datetime | None = None
    sentence: str = ""


class DeliveryRow(SQLModel, table=True):
    """One event for one address, written with what it tells of, kept until it is delivered.

    `next_at` is when it is tried (again); None once it was taken or given up. `body` is what is
    sent, byte for byte the same each time.
    """

    __tablename__ = "delivery"
    __table_args__ = (Index("ix_delivery_list", "webhook_id", "at", "id"),)
    id: str = Field(primary_key=True)
    webhook_id: str = Field(foreign_key="webhook.id")
    kind: str
    body: str
    at: datetime
    tries: int = 0
    next_at: datetime | None = Field(default=None, index=True)
    delivered_at: datetime | None = None
    status: int | None = None
    sentence: str = ""
