"""The ledger of economic events, and answers kept for requests that come twice."""

from datetime import datetime

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from commons.flows import Action, Ring, State, Unit


class EconomicEventRow(SQLModel, table=True):
    """One Valueflows event, append-only. Only an event that `corrects` may undo another.

    quantity is signed in corrections alone. `process_id` is the attempt; neither it nor `lab_id` is
    there for work that was given to a design. `simulated` events are
    shown apart and counted in no figure of production.
    """

    __tablename__ = "economic_event"
    id: str = Field(primary_key=True)
    action: Action = Field(index=True)
    resource: str = Field(index=True)
    quantity: float
    low: float
    high: float
    unit: Unit
    state: State
    ring: Ring = Ring.UNKNOWN
    provider: str = Field(index=True)
    receiver: str = Field(index=True)
    lab_id: str | None = Field(default=None, foreign_key="lab.id", index=True)
    process_id: str | None = Field(default=None, foreign_key="attempt.id", index=True)
    corrects: str | None = Field(default=None, foreign_key="economic_event.id")
    simulated: bool = False
    happened_at: datetime = Field(index=True)
    created_at: datetime


class IdempotencyRow(SQLModel, table=True):
    """The answer to a request that may be sent again; another body under its key is refused."""

    __tablename__ = "idempotency"
    person_id: str = Field(foreign_key="person.id", primary_key=True)
    key: str = Field(primary_key=True)
    request_sha256: str
    status: int
    answer: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    at: datetime
