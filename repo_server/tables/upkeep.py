"""What is done to machines: their counters, what is to be done again and again, and downtimes."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class CounterRow(SQLModel, table=True):
    """What a machine's counters stood at, as a person said it. Append-only; the newest holds."""

    __tablename__ = "machine_counter"
    id: str = Field(primary_key=True)
    machine_id: str = Field(foreign_key="machine.id", index=True)
    hours: float
    starts: int
    by: str = Field(foreign_key="person.id")
    at: datetime


class MaintenanceRow(SQLModel, table=True):
    """What is to be done to a machine after so many hours, days or prints.

    `blocking`: the machine is given no jobs while it is overdue.
    """

    __tablename__ = "maintenance"
    id: str = Field(primary_key=True)
    machine_id: str = Field(foreign_key="machine.id", index=True)
    name: str
    instructions: str = ""
    every_hours: float | None = None
    every_days: float | None = None
    every_prints: int | None = None
    blocking: bool = False
    made_by: str = Field(foreign_key="person.id")
    made_at: datetime
    ended_at: datetime | None = None


class MaintenanceDoneRow(SQLModel, table=True):
    """Who did it and when, at how many machine hours."""

    __tablename__ = "maintenance_done"
    id: str = Field(primary_key=True)
    maintenance_id: str = Field(foreign_key="maintenance.id", index=True)
    by: str = Field(foreign_key="person.id")
    at: datetime
    note: str = ""
    hours: float


class DowntimeRow(SQLModel, table=True):
    """A time in which a machine is out of use, now or planned; without an end somebody ends it."""

    __tablename__ = "downtime"
    id: str = Field(primary_key=True)
    machine_id: str = Field(foreign_key="machine.id", index=True)
    reason: str
    begins_at: datetime
    ends_at: datetime | None = Field(default=None, index=True)
    by: str = Field(foreign_key="person.id")
    said_at: datetime
    ended_by: str | None = Field(default=None, foreign_key="person.id")
