"""Cities, labs, their machines, and the agents that speak for the machines."""

from datetime import date, datetime

from sqlalchemy import JSON, BigInteger, Column, Integer
from sqlmodel import Field, SQLModel

# Fences go up to 2^53, in steps of commons.dispatch.FENCE_STEP.
FENCE = BigInteger().with_variant(Integer(), "sqlite")


class CityRow(SQLModel, table=True):
    """A city. The pledge is quoted with its source; most name no number, and have no `target`.

    `target` is a commons.indicators.supply.Target, `boundary` a GeoJSON geometry.
    """

    __tablename__ = "city"
    id: str = Field(primary_key=True)
    slug: str = Field(unique=True, index=True)
    name: str
    country: str
    pledge: str | None = None
    pledge_source: str | None = None
    pledged_on: date | None = None
    target: dict[str, float] | None = Field(default=None, sa_column=Column(JSON))
    boundary: dict[str, object] | None = Field(default=None, sa_column=Column(JSON))


class LabRow(SQLModel, table=True):
    """A place with people and machines (OKW: manufacturing facility).

    `okw` is the facility as somebody brought it, in its own words. `rules` are its hours and
    limits: see repo_server.rules. `time_zone` is the zone that it lives in.
    """

    __tablename__ = "lab"
    id: str = Field(primary_key=True)
    slug: str = Field(unique=True, index=True)
    name: str
    city_id: str = Field(foreign_key="city.id", index=True)
    latitude: float | None = None
    longitude: float | None = None
    okw: dict[str, object] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    rules: dict[str, object] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    time_zone: str = "UTC"


class EnrolmentCodeRow(SQLModel, table=True):
    """A code that lets one agent in, once, for a short time. Only its SHA-256 is kept."""

    __tablename__ = "enrolment_code"
    code_sha256: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id", index=True)
    made_by: str = Field(foreign_key="person.id")
    ends_at: datetime
    used_at: datetime | None = None


class AgentRow(SQLModel, table=True):
    """The software that speaks for a lab's machines."""

    __tablename__ = "agent"
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id", index=True)
    name: str
    public_key: str = Field(unique=True)
    enrolled_at: datetime
    revoked_at: datetime | None = None


class NonceRow(SQLModel, table=True):
    """A nonce of a signed request that was accepted; it is never accepted again."""

    __tablename__ = "nonce"
    agent_id: str = Field(foreign_key="agent.id", primary_key=True)
    nonce: str = Field(primary_key=True)
    at: datetime = Field(index=True)


class MachineProfileRow(SQLModel, table=True):
    """What a machine was said to be able to do from `at` on. Append-only; the newest holds."""

    __tablename__ = "machine_profile"
    machine_id: str = Field(foreign_key="machine.id", primary_key=True)
    number: int = Field(primary_key=True)
    profile: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    agent_id: str = Field(foreign_key="agent.id")
    at: datetime


class MachineRow(SQLModel, table=True):
    """The machine in the lab. epoch, cleared and attempt_id are its card of commons.dispatch.

    `seen` is the agent's last MachineReport as JSON, `seen_at` when it came; `cleared` is the
    bed-clear token, `cleared_at` when somebody last gave it. `rules` are its own hours and power.
    `retired_at`: it is not used any more.
    """

    __tablename__ = "machine"
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id", index=True)
    agent_id: str = Field(foreign_key="agent.id", index=True)
    name: str
    profile: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    # A lot is on one machine at a time.
    lot_id: str | None = Field(default=None, foreign_key="material_lot.id", unique=True, index=True)
    # The one that follows once it runs short.
    next_lot_id: str | None = Field(default=None, foreign_key="material_lot.id")
    epoch: int = Field(default=0, sa_column=Column(FENCE, nullable=False))
    cleared: bool = False
    cleared_at: datetime | None = None
    attempt_id: str | None = None
    seen: dict[str, object] | None = Field(default=None, sa_column=Column(JSON))
    seen_at: datetime | None = None
    rules: dict[str, object] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    retired_at: datetime | None = None
    retired_by: str | None = None
