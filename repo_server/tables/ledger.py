"""The ledger of economic events, and answers kept for requests that come twice."""

from datetime import datetime

from sqlalchemy import JSON, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from commons.flows import Action, Ring, State, Unit


class EconomicEventRow(SQLModel, table=True):
    """One Valueflows event, append-only. Only an event that `corrects` may undo another.

    quantity is signed in corrections alone. `process_id` is the attempt, `activity_id` what else it
    is part of; neither they nor `lab_id` are there for work that was given to a design. `simulated`
    events are shown apart and counted in no figure of production. What the columns of a delivery, a
    purchase or a transport say is told by commons.flows.EventDraft; `outer_id` is the event's name
    in the file or system of `batch_id`, so that it is counted once.
    """

    __tablename__ = "economic_event"
    __table_args__ = (Index("ix_economic_event_of_lab", "lab_id", "happened_at"),)
    id: str = Field(primary_key=True)
    action: Action
    resource: str = Field(index=True)
    quantity: float
    low: float
    high: float
    unit: Unit
    state: State
    ring: Ring = Ring.UNKNOWN
    provider: str = Field(index=True)
    receiver: str = Field(index=True)
    lab_id: str | None = Field(default=None, foreign_key="lab.id")
    process_id: str | None = Field(default=None, foreign_key="attempt.id", index=True)
    corrects: str | None = Field(default=None, foreign_key="economic_event.id")
    simulated: bool = False
    happened_at: datetime = Field(index=True)
    created_at: datetime
    activity_id: str | None = Field(default=None, foreign_key="activity.id", index=True)
    to_ring: Ring | None = None
    to_resource: str | None = Field(default=None, index=True)
    from_city_id: str | None = Field(default=None, foreign_key="city.id")
    to_city_id: str | None = Field(default=None, foreign_key="city.id")
    mass_g: float | None = None
    mass_low_g: float | None = None
    mass_high_g: float | None = None
    mass_state: State | None = None
    distance_km: float | None = None
    mode: str | None = None
    price_minor: int | None = None
    currency: str | None = None
    evidence: str = ""
    note: str = ""
    recorded_by: str | None = Field(default=None, foreign_key="person.id")
    batch_id: str | None = Field(default=None, foreign_key="event_batch.id", index=True)
    outer_id: str | None = None


class MadeRow(SQLModel, table=True):
    """How many good things of a design a lab made in a calendar year (UTC), and when first.

    The sum of the ledger's events, kept as they are written: see repo_server.made.
    """

    __tablename__ = "made"
    design_id: str = Field(foreign_key="design.id", primary_key=True)
    lab_id: str = Field(foreign_key="lab.id", primary_key=True, index=True)
    year: int = Field(primary_key=True)
    things: float
    first_at: datetime


class DesignOriginRow(SQLModel, table=True):
    """The lab that made a design first."""

    __tablename__ = "design_origin"
    design_id: str = Field(foreign_key="design.id", primary_key=True)
    lab_id: str = Field(foreign_key="lab.id", index=True)


class ActivityRow(SQLModel, table=True):
    """What is done in a lab beside attempts: a delivery, a repair, an hour of teaching.

    `kind` is a commons.activities.Kind: the Valueflows ProcessSpecification that it is based on.
    """

    __tablename__ = "activity"
    id: str = Field(primary_key=True)
    kind: str
    lab_id: str = Field(foreign_key="lab.id", index=True)
    name: str = ""
    happened_at: datetime
    recorded_by: str | None = Field(default=None, foreign_key="person.id")
    created_at: datetime


class PartyRow(SQLModel, table=True):
    """Somebody outside whom a lab buys from, delivers to or has things carried by.

    `kind` is supplier, receiver or carrier; `ring` is where they are, as far as anybody said.
    """

    __tablename__ = "party"
    __table_args__ = (UniqueConstraint("lab_id", "kind", "name"),)
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id")
    name: str
    kind: str
    city_id: str | None = Field(default=None, foreign_key="city.id")
    ring: Ring = Ring.UNKNOWN
    created_at: datetime


class EventBatchRow(SQLModel, table=True):
    """One file of events that somebody brought; the same bytes are counted once a lab."""

    __tablename__ = "event_batch"
    __table_args__ = (UniqueConstraint("lab_id", "sha256"),)
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id", index=True)
    kind: str
    name: str
    sha256: str
    events: int
    recorded_by: str = Field(foreign_key="person.id")
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
