"""Prices of labs, what people owe them or have paid in, and quotas."""

from alembic import op
from sqlalchemy import JSON, BigInteger, Boolean, Column, Date, Float, ForeignKey, Integer, text
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0031"
down_revision = "0030"


def _prices() -> None:
    op.create_table(
        "price_list",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("prices", JSON, nullable=False),
        Column("set_by", Text, ForeignKey("person.id"), nullable=False),
        Column("set_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_price_list_lab_id", "price_list", ["lab_id"])
    op.create_table(
        "agreement",
        Column("order_id", Text, ForeignKey("build_order.id"), primary_key=True),
        Column("grams", Float),
        Column("minutes", Float),
        Column("currency", Text),
        Column("rates", JSON),
        Column("charges_failed", Boolean, nullable=False),
        Column("low", BigInteger),
        Column("high", BigInteger),
        Column("cap", BigInteger),
        Column("opened_at", UTCDateTime),
    )


def _accounts() -> None:
    op.create_table(
        "account_entry",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("person_id", Text, ForeignKey("person.id"), nullable=False),
        Column("kind", Text, nullable=False),
        Column("amount", BigInteger, nullable=False),
        Column("currency", Text),
        Column("why", Text, nullable=False),
        Column("prints", Integer, nullable=False),
        Column("grams", Float, nullable=False),
        Column("minutes", Float, nullable=False),
        Column("lines", JSON),
        Column("above_cap", BigInteger, nullable=False),
        Column("order_id", Text, ForeignKey("build_order.id")),
        Column("attempt_id", Text, ForeignKey("attempt.id")),
        Column("corrects", Text, ForeignKey("account_entry.id"), unique=True),
        Column("by", Text, ForeignKey("person.id")),
        Column("at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_account", "account_entry", ["lab_id", "person_id", "at"])
    op.create_index("ix_account_entry_person_id", "account_entry", ["person_id"])
    op.create_index("ix_account_entry_order_id", "account_entry", ["order_id"])
    charge = text("kind = 'charge'")
    op.create_index(
        "ix_account_charged_once",
        "account_entry",
        ["attempt_id"],
        unique=True,
        sqlite_where=charge,
        postgresql_where=charge,
    )


def _quotas() -> None:
    op.create_table(
        "quota",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("person_id", Text, ForeignKey("person.id")),
        Column("role", Text),
        Column("first_day", Date),
        Column("last_day", Date),
        Column("prints", Integer),
        Column("grams", Float),
        Column("minutes", Float),
        Column("money", BigInteger),
        Column("set_by", Text, ForeignKey("person.id"), nullable=False),
        Column("set_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_quota", "quota", ["lab_id", "set_at"])
    op.add_column("job", Column("over_quota", Text))
    op.add_column("job", Column("over_quota_until", UTCDateTime))
    over = text("over_quota IS NOT NULL")
    op.create_index(
        "ix_job_over_quota",
        "job",
        ["lab_id", "over_quota_until"],
        sqlite_where=over,
        postgresql_where=over,
    )


def upgrade() -> None:
    _prices()
    _accounts()
    _quotas()
