"""What is known of a city beside its labs: statistics, boundary, target; and coalitions."""

from alembic import op
from sqlalchemy import JSON, Column, Date, Float, ForeignKey, Integer
from sqlmodel.sql.sqltypes import AutoString as Text
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    for column in (Column("pledged_on", Date), Column("target", JSON), Column("boundary", JSON)):
        op.add_column("city", column)
    op.create_table(
        "city_statistic",
        Column("city_id", Text, ForeignKey("city.id"), primary_key=True),
        Column("year", Integer, primary_key=True),
        Column("indicator", Text, primary_key=True),
        Column("unit", Text, nullable=False),
        Column("value", Float),
        Column("flag", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("brought_by", Text, ForeignKey("person.id"), nullable=False),
        Column("brought_at", UTCDateTime, nullable=False),
    )
    op.create_table(
        "coalition",
        Column("id", Text, primary_key=True),
        Column("slug", Text, nullable=False),
        Column("name", Text, nullable=False),
    )
    op.create_index("ix_coalition_slug", "coalition", ["slug"], unique=True)
    op.create_table(
        "coalition_city",
        Column("coalition_id", Text, ForeignKey("coalition.id"), primary_key=True),
        Column("city_id", Text, ForeignKey("city.id"), primary_key=True),
    )
    op.create_table(
        "coalition_part",
        Column("coalition_id", Text, ForeignKey("coalition.id"), primary_key=True),
        Column("part_id", Text, ForeignKey("coalition.id"), primary_key=True),
    )
