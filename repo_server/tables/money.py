"""What labs ask for making things, what people owe them or have paid in, and how much they may."""

from datetime import date, datetime

from sqlalchemy import JSON, BigInteger, Column, Index, text
from sqlmodel import Field, SQLModel


class PriceListRow(SQLModel, table=True):
    """What a lab asks from `set_at` on. Append-only; the newest holds."""

    __tablename__ = "price_list"
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id", index=True)
    prices: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    set_by: str = Field(foreign_key="person.id")
    set_at: datetime


class AgreementRow(SQLModel, table=True):
    """What an order was expected to take and to cost when it was placed.

    `grams` and `minutes` are the most expected for all copies. `rates` are those that count for it,
    whatever the lab asks later; None without prices. At most `cap` is charged (smallest units; None
    where no price could be told), until whoever ordered opens it.
    """

    __tablename__ = "agreement"
    order_id: str = Field(foreign_key="build_order.id", primary_key=True)
    grams: float | None = None
    minutes: float | None = None
    currency: str | None = None
    rates: dict[str, object] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    charges_failed: bool = False
    low: int | None = Field(default=None, sa_type=BigInteger)
    high: int | None = Field(default=None, sa_type=BigInteger)
    cap: int | None = Field(default=None, sa_type=BigInteger)
    opened_at: datetime | None = None


class AccountEntryRow(SQLModel, table=True):
    """What changes the balance of a person at a lab. Append-only; only `corrects` undoes another.

    `amount` is in smallest units, above 0 where it was paid in, below where it is owed. `prints`,
    `grams` and `minutes` are what was made for it. `by` is the person who entered it, None for a
    job's own charge.
    """

    __tablename__ = "account_entry"
    __table_args__ = (
        Index("ix_account", "lab_id", "person_id", "at"),
        Index(
            "ix_account_charged_once",
            "attempt_id",
            unique=True,
            sqlite_where=text("kind = 'charge'"),
            postgresql_where=text("kind = 'charge'"),
        ),
    )
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id")
    person_id: str = Field(foreign_key="person.id", index=True)
    kind: str
    amount: int = Field(sa_type=BigInteger)
    currency: str | None = None
    why: str
    prints: int = 0
    grams: float = 0.0
    minutes: float = 0.0
    # The parts of a charge, in smallest units.
    lines: dict[str, object] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    # What was above the cap, and so was not charged.
    above_cap: int = Field(default=0, sa_type=BigInteger)
    order_id: str | None = Field(default=None, foreign_key="build_order.id", index=True)
    attempt_id: str | None = Field(default=None, foreign_key="attempt.id")
    corrects: str | None = Field(default=None, foreign_key="account_entry.id", unique=True)
    by: str | None = Field(default=None, foreign_key="person.id")
    at: datetime


class QuotaRow(SQLModel, table=True):
    """How much one person, or each who has a role, may have made in a lab in each term.

    Append-only: the newest for the person counts, else the newest for their role. The term is from
    `first_day` to `last_day`, UTC; without them it is each month. None is without limit, money is
    in smallest units.
    """

    __tablename__ = "quota"
    __table_args__ = (Index("ix_quota", "lab_id", "set_at"),)
    id: str = Field(primary_key=True)
    lab_id: str = Field(foreign_key="lab.id")
    person_id: str | None = Field(default=None, foreign_key="person.id")
    role: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    prints: int | None = None
    grams: float | None = None
    minutes: float | None = None
    money: int | None = Field(default=None, sa_type=BigInteger)
    set_by: str = Field(foreign_key="person.id")
    set_at: datetime
