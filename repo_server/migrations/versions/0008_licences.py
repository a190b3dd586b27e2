"""What orders are for, what people and labs say that they are, grants, and orders that wait.

Orders from before were asked nothing: they count as for own use, and no answer is kept of them.
"""

from alembic import op
from sqlalchemy import JSON, Boolean, Column, ForeignKey
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("build_order", Column("purpose", Text, nullable=False, server_default="own_use"))
    op.add_column("build_order", Column("licence", JSON))
    _statement()
    _grant()
    _waiting_order()


def _statement() -> None:
    op.create_table(
        "statement",
        Column("id", Text, primary_key=True),
        Column("person_id", Text, ForeignKey("person.id")),
        Column("lab_id", Text, ForeignKey("lab.id")),
        Column("facts", JSON, nullable=False),
        Column("stated_by", Text, ForeignKey("person.id"), nullable=False),
        Column("stated_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_statement_person_id", "statement", ["person_id"])
    op.create_index("ix_statement_lab_id", "statement", ["lab_id"])


def _grant() -> None:
    op.create_table(
        "licence_grant",
        Column("id", Text, primary_key=True),
        Column("design_id", Text, ForeignKey("design.id"), nullable=False),
        Column("person_id", Text, ForeignKey("person.id")),
        Column("lab_id", Text, ForeignKey("lab.id")),
        Column("events", JSON, nullable=False),
        Column("consideration", Text, nullable=False),
        Column("starts_at", UTCDateTime, nullable=False),
        Column("ends_at", UTCDateTime),
        Column("revocable", Boolean, nullable=False),
        Column("granted_by", Text, ForeignKey("person.id"), nullable=False),
        Column("granted_at", UTCDateTime, nullable=False),
        Column("revoked_at", UTCDateTime),
    )
    for column in ("design_id", "person_id", "lab_id"):
        op.create_index(f"ix_licence_grant_{column}", "licence_grant", [column])


def _waiting_order() -> None:
    op.create_table(
        "waiting_order",
        Column("id", Text, primary_key=True),
        Column("lab_id", Text, ForeignKey("lab.id"), nullable=False),
        Column("design_id", Text, ForeignKey("design.id"), nullable=False),
        Column("wanted", JSON, nullable=False),
        Column("answer", JSON, nullable=False),
        Column("ordered_by", Text, ForeignKey("person.id"), nullable=False),
        Column("ordered_at", UTCDateTime, nullable=False),
        Column("quote", Text),
        Column("quoted_at", UTCDateTime),
        Column("settled_at", UTCDateTime),
        Column("order_id", Text, ForeignKey("build_order.id")),
        Column("said", Text, nullable=False),
    )
    for column in ("lab_id", "design_id", "ordered_by", "settled_at"):
        op.create_index(f"ix_waiting_order_{column}", "waiting_order", [column])
