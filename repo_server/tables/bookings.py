"""Times for which machines are kept for somebody, and the calendars that tell of them."""

from datetime import datetime

from sqlmodel import Field, Index, SQLModel


class BookingRulesRow(SQLModel, table=True):
    """What a lab lets people book, where that is not as usual: commons.bookings.Rules. The
    zone is the lab's own."""

    __tablename__ = "booking_rules"
    lab_id: str = Field(foreign_key="lab.id", primary_key=True)
    longest_minutes: int
    ahead_days: int
    open_at_once: int
    no_show_minutes: int | None = None


class BookingRow(SQLModel, table=True):
    """A machine, or with None every machine of the lab, is kept for a person or by a calendar.

    `sequence` grows with each change, `here_at` is when its person was seen there. Rows stay:
    what is cancelled says by whom and why.
    """

    __tablename__ = "booking"
    __table_args__ = (Index("ix_booking_lab", "lab_id", "ends_at"),)
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id")
    machine_id: str | None = Field(default=None, foreign_key="machine.id", index=True)
    person_id: str | None = Field(default=None, foreign_key="person.id", index=True)
    calendar_id: str | None = Field(default=None, foreign_key="calendar.id", index=True)
    title: str = ""
    begins_at: datetime
    ends_at: datetime
    changed_at: datetime
    sequence: int = 0
    here_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_by: str | None = Field(default=None, foreign_key="person.id")
    reason: str = ""


class CalendarRow(SQLModel, table=True):
    """A calendar whose events keep a machine, or every machine of a lab, busy.

    Without `url` it was uploaded once. `problem` is why it could not be read the last time.
    """

    __tablename__ = "calendar"
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id", index=True)
    machine_id: str | None = Field(default=None, foreign_key="machine.id")
    name: str
    url: str | None = None
    added_by: str = Field(foreign_key="person.id")
    added_at: datetime
    read_at: datetime | None = None
    asked_at: datetime | None = None
    problem: str = ""
    removed_at: datetime | None = None


class CalendarTokenRow(SQLModel, table=True):
    """Whoever knows the secret reads this person's bookings; it is kept as its SHA-256 alone."""

    __tablename__ = "calendar_token"
    secret_sha256: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    made_at: datetime
    revoked_at: datetime | None = None
